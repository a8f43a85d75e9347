#include "policy/load_lua.h"

#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "policy/lint.h"
#include "policy/lua_node.h"
#include "policy/lua_objects.h"
#include "policy/lua_places.h"

namespace pgmoat::policy {

namespace {

constexpr std::size_t kPrefix = 4;  // "lua:"

Place place_in(const Text& text, int line) {
  return {text.name, line, line > 0 ? first_column(text.text, line) : 0};
}

// The sandbox puts "file:line: " in front; the place says that already.
std::string without_place(const script::Trouble& trouble) {
  const std::string front = trouble.file + ":" + std::to_string(trouble.line) + ": ";
  if (trouble.line == 0 || trouble.message.rfind(front, 0) != 0) return trouble.message;
  return trouble.message.substr(front.size());
}

// Of an expression that is written as a statement: what is wrong with it.
std::string begins_statement(std::string_view text) {
  constexpr std::string_view kWords[] = {"return", "if", "local", "for", "while", "repeat", "do"};
  const std::size_t from = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::size_t to = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", from);
  const std::string_view word = text.substr(from, to == text.npos ? to : to - from);
  if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) return {};
  if (word == "return") {
    return "expected an expression: its value is the answer, so write what would follow 'return'";
  }
  return "expected an expression, such as not q.where.present; '" + std::string(word) +
         "' begins a statement";
}

}  // namespace

LuaLoader::LuaLoader(const LoadOptions& options, Source& source)
    : source_(source),
      reading_{Problems(source.problems), {}, {}, options.now},
      budget_(options.budget) {
  registrar_.parameters = source_.parameters = options.parameters;
}

void LuaLoader::make_sandbox() {
  if (sandbox_ != nullptr) return;
  sandbox_ = std::make_unique<script::Sandbox>(budget_);
  provide_api(*sandbox_, registrar_);
}

void LuaLoader::load(const Text& text) {
  make_sandbox();
  source_.scripts.emplace_back(text.name, text.text);
  const std::size_t first = registrar_.rules().size();
  const auto outcome = sandbox_->run(text.text, text.name);
  if (const auto* trouble = std::get_if<script::Trouble>(&outcome)) {
    all_ran_ = false;
    const bool here = trouble->file == text.name || trouble->file.empty();
    reading_.problems.error(
        here ? place_in(text, trouble->line) : Place{trouble->file, trouble->line},
        without_place(*trouble));
    // What fills it stays there, and would be held against the files that follow.
    if (trouble->kind == script::Trouble::Kind::memory) sandbox_.reset();
  } else if (!registrar_.has_api(text.name)) {
    reading_.problems.error({text.name, 1, 1}, "pgmoat.api(1) must come first");
  }
  for (; complaints_ < registrar_.complaints().size(); ++complaints_) {
    const auto& complaint = registrar_.complaints()[complaints_];
    reading_.problems.error(place_in(text, complaint.caller.line), complaint.message);
  }
  take_lists(text);
  take_rules(text, first);
}

void LuaLoader::take_lists(const Text& text) {
  for (std::size_t at = reading_.lists.size(); at < registrar_.lists().size(); ++at) {
    const Registrar::List& list = registrar_.lists()[at];
    reading_.lists.push_back({list.name, list.values, place_in(text, list.caller.line)});
  }
}

void LuaLoader::take_rules(const Text& text, std::size_t first) {
  for (std::size_t at = first; at < registrar_.rules().size(); ++at) {
    const Registrar::LuaRule& rule = registrar_.rules()[at];
    const LuaPart part = places_of_call(text.text, rule.caller.line, "rule");
    const Node node = to_node(rule.table, &part, place_in(text, rule.caller.line));
    source_.rules.push_back(read_rule(node, reading_));
    source_.rules.back().script_index = static_cast<int>(at);
  }
}

void LuaLoader::finish() {
  lint_lists(reading_);
  source_.files = registrar_.files;
  check_names();
  check_expressions();
  check_members();
}

void LuaLoader::check_names() {
  for (const Rule& rule : source_.rules) {
    if (rule.decide.empty()) continue;
    const std::string name = rule.decide.substr(kPrefix);
    if (registrar_.exported(name) != nullptr) continue;
    reading_.problems.error(rule.place, "decide: no Lua file exports '" + name + "'" +
                                            did_you_mean(name, registrar_.exports()));
  }
}

// Expressions of TOML rules are compiled here for their mistakes; each worker compiles its own.
void LuaLoader::check_expressions() {
  for (const Rule& rule : source_.rules) {
    if (rule.when.empty()) continue;
    make_sandbox();
    const Place& place = rule.when_place;
    const auto compiled =
        sandbox_->compile(rule.when, parameters_of(rule.hook), place.file, place.line);
    if (compiled) {
      tell_misnamed(rule, *compiled);
      continue;
    }
    if (const std::string wrong = begins_statement(rule.when); !wrong.empty()) {
      reading_.problems.error(place, "when: " + wrong);
      continue;
    }
    const script::Trouble& trouble = compiled.error();
    const bool first = trouble.line == 0 || trouble.line == place.line;
    reading_.problems.error(first ? place : Place{place.file, trouble.line, 1},
                            "when: " + without_place(trouble));
  }
}

// Fields that do not exist would be found at run time only, on the branch that names them, and then
// refuse what the rule did not mean to.
void LuaLoader::check_members() {
  for (const Rule& rule : source_.rules) {
    if (!rule.decide.empty()) {
      const script::Function* exported = registrar_.exported(rule.decide.substr(kPrefix));
      if (exported != nullptr) tell_misnamed(rule, *exported);
    }
    if (rule.script_index < 0) continue;
    const Registrar::LuaRule& written =
        registrar_.rules()[static_cast<std::size_t>(rule.script_index)];
    if (rule.script_when) tell_misnamed(rule, written.when);
    if (rule.script_decide) tell_misnamed(rule, written.decide);
  }
}

void LuaLoader::tell_misnamed(const Rule& rule, script::Function function) {
  if (!all_ran_) return;  // what a file that failed would have defined is not known
  const auto types = types_of(rule.hook);
  const auto known = object_types();
  for (const script::Misnamed& one : sandbox_->misnamed(function, types, known)) {
    Place place{one.file, one.line, 1};
    for (const auto& [name, text] : source_.scripts) {
      if (name == one.file) place.column = column_of(text, one.line, one.name);
    }
    const bool in_toml = one.file == rule.when_place.file;
    if (in_toml && one.line == rule.when_place.line) place = rule.when_place;
    const std::string message = (in_toml ? "when: " : "") + one.message;
    if (told_.emplace(one.file + ":" + std::to_string(one.line), message).second) {
      reading_.problems.error(place, message);
    }
  }
}

}  // namespace pgmoat::policy
