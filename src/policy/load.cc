#include "policy/load.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "base/nearest.h"
#include "policy/lint.h"
#include "policy/load_lua.h"
#include "policy/load_toml.h"
#include "policy/node.h"

namespace pgmoat::policy {

namespace {

namespace fs = std::filesystem;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
bool is_policy(std::string_view name) {
  const bool test = ends_with(name, ".test.toml") || ends_with(name, "_test.lua") ||
                    ends_with(name, ".d.lua");  // an editor's stubs
  return !test && (ends_with(name, ".toml") || ends_with(name, ".lua"));
}

// Tests by a name that makes them none: they would be taken for policies.
std::string misnamed(std::string_view name) {
  if (ends_with(name, ".test.lua")) return "tests in Lua end in _test.lua: rename this file";
  if (ends_with(name, "_test.toml")) return "tests in TOML end in .test.toml: rename this file";
  return {};
}

bool read_file(const std::string& path, std::string& into) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  into.assign(std::istreambuf_iterator<char>(in), {});
  return !in.bad();
}

void add_file(const std::string& path, std::vector<Text>& texts, const Problems& problems) {
  if (std::string wrong = misnamed(path); !wrong.empty()) return problems.error({path}, wrong);
  std::string text;
  if (!read_file(path, text)) {
    return problems.error({path}, "cannot be read; check its permissions");
  }
  texts.push_back({path, std::move(text)});
}

void add_folder(const std::string& path, std::vector<Text>& texts, const Problems& problems) {
  std::error_code wrong;
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator at(path, wrong), end; !wrong && at != end;
       at.increment(wrong)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (name.front() == '.') {
      at.disable_recursion_pending();
    } else if (is_policy(name) && !at->is_directory(ignored)) {
      files.push_back(at->path().string());
    }
  }
  if (wrong) problems.error({path}, "cannot be listed: " + wrong.message());
  else if (files.empty()) problems.warning({path}, "no policy is in it: no *.toml and no *.lua");
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) add_file(file, texts, problems);
}

// The second of two rules (packs) with one id is told where the first is.
template <class Named>
void check_ids(const std::vector<Named>& all, const std::string& what, const Problems& problems) {
  std::map<std::string_view, const Named*> seen;
  for (const Named& one : all) {
    if (one.id.empty()) continue;
    const auto [at, is_new] = seen.emplace(one.id, &one);
    if (is_new) continue;
    const Place& first = at->second->place;
    problems.error(one.place, "duplicate " + what + " id '" + one.id + "', first at " + first.file +
                                  ":" + std::to_string(first.line) + ":" +
                                  std::to_string(first.column));
  }
}

// By file in the order of loading, then by place: as one reads.
void sort_problems(const std::vector<Text>& texts, std::vector<Problem>& problems) {
  std::map<std::string_view, std::size_t> order;
  for (const Text& text : texts) order.emplace(text.name, order.size() + 1);
  const auto key = [&](const Problem& problem) {
    const auto at = order.find(problem.place.file);
    return std::tuple(at == order.end() ? 0 : at->second, problem.place.line, problem.place.column);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
}

void load_into(const std::vector<Text>& texts, const LoadOptions& options, Source& source) {
  LuaLoader lua(options, source);
  for (const Text& text : texts) {
    if (ends_with(text.name, ".toml")) load_toml(text, options, source);
    else lua.load(text);
  }
  lua.finish();
  const Problems problems(source.problems);
  check_ids(source.rules, "rule", problems);
  check_ids(source.packs, "pack", problems);
  if (options.lint) lint(source, problems);
  sort_problems(texts, source.problems);
  if (!options.lint) {
    std::erase_if(source.problems,
                  [](const Problem& problem) { return problem.level == Problem::Level::warning; });
  }
}

}  // namespace

Source load(const std::vector<std::string>& paths, const LoadOptions& options) {
  return load(std::vector<Text>{}, paths, options);
}

Source load(std::vector<Text> texts, const std::vector<std::string>& paths,
            const LoadOptions& options) {
  Source source;
  const Problems problems(source.problems);
  for (const std::string& path : paths) {
    std::error_code wrong;
    const fs::file_status status = fs::status(path, wrong);
    if (!fs::exists(status)) {
      problems.error({path}, "does not exist");
    } else if (fs::is_directory(status)) {
      add_folder(path, texts, problems);
    } else if (!ends_with(path, ".toml") && !ends_with(path, ".lua")) {
      problems.error({path}, "is no policy: packs end in .toml and policies in .lua");
    } else if (is_policy(path)) {
      add_file(path, texts, problems);
    }
  }
  load_into(texts, options, source);
  return source;
}

Source load_texts(const std::vector<Text>& texts, const LoadOptions& options) {
  Source source;
  load_into(texts, options, source);
  return source;
}

bool has_errors(const Source& source) {
  return std::any_of(source.problems.begin(), source.problems.end(),
                     [](const Problem& problem) { return problem.level == Problem::Level::error; });
}

}  // namespace pgmoat::policy
