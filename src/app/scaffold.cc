#include "app/scaffold.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/facts_schema.h"
#include "policy/shipped.h"

namespace pgmoat::app {

namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::pair<std::string, std::string>>;  // path, text

constexpr std::string_view kConfig =
    R"(# pgmoat: the least that is useful. Every key: docs/configuration.md.
listen = "127.0.0.1:6432"
backend = "BACKEND"
mode = "monitor"        # judge and report, change nothing; "enforce" refuses

[policy]
packs = ["core"]        # shipped rules; see docs/policy/packs.md
paths = ["policy"]      # rules of your own: *.toml and *.lua
# levels = { core = 1 } # 1 everyone .. 4 strict
)";

constexpr std::string_view kPack = R"([pack]
id = "local"
version = "1"
requires_api = 1
description = "Rules of our own"

[[rule]]
id = "local.no-drop"
description = "Tables are dropped by migrations, not by applications"
severity = "high"
owner = "dba@example.org"
match = { command = "DROP TABLE" }
deny = { message = "tables are not dropped through the firewall", hint = "Ask the database team." }
  [[rule.test]]
  sql = "DROP TABLE orders"
  expect = "deny"
  [[rule.test]]
  sql = "SELECT 1 FROM orders"
  expect = "pass"
)";

constexpr std::string_view kLua = R"(pgmoat.api(1)

-- UPDATE and DELETE of more than one row need to be meant: a WHERE clause that selects.
pgmoat.rule{
  id = "local-where",
  severity = "high",
  owner = "dba@example.org",
  description = "UPDATE and DELETE need a WHERE clause",
  match = { writes = true },
  when = function(_, q) return not q.where.present or q.where.constant_true end,
  verdict = pgmoat.deny{
    message = "UPDATE and DELETE need a WHERE clause that selects rows",
    hint = "Add a WHERE clause.",
  },
}
)";

constexpr std::string_view kLuaTest = R"(test("a DELETE without WHERE is refused", function(t)
  local decision = t:eval({ user = "app" }, "DELETE FROM orders")
  t:expect(decision):denies("local-where")
end)

test("a DELETE of one row passes", function(t)
  local decision = t:eval({ user = "app" }, "DELETE FROM orders WHERE id = 7")
  t:expect(decision):passes("local-where")
end)
)";

constexpr std::string_view kTable = R"(# Cases for the whole policy, with `pgmoat test`.
[defaults]
session = { user = "app", database = "shop" }

[[case]]
name = "dropping a table is refused"
sql = "DROP TABLE orders"
expect = { verdict = "deny", rule = "local.no-drop", sqlstate = "42501" }

[[case]]
name = "reading is allowed"
sql = "SELECT id FROM orders WHERE id = 7"
expect = { verdict = "allow" }
)";

constexpr std::string_view kLuarc = R"({
  "runtime.version": "Lua 5.4",
  "workspace.library": ["types"],
  "diagnostics.globals": ["pgmoat", "test"]
}
)";

constexpr std::string_view kLuacheckrc = R"(std = "lua54"
read_globals = { "pgmoat", "test" }
)";

constexpr std::string_view kNewPack = R"([pack]
id = "PACK"
version = "1"
requires_api = 1
)";

constexpr std::string_view kNewRule = R"(
[[rule]]
id = "ID"
description = "what must not happen, and why"
severity = "medium"          # info low medium high critical
owner = "you@example.org"
mode = "monitor"             # off monitor warn enforce
match = { kind = "delete", relations = ["public.example"] }
deny = { message = "what the client is told", hint = "What to do instead." }
  [[rule.test]]
  sql = "DELETE FROM public.example"
  expect = "deny"
  [[rule.test]]
  sql = "SELECT * FROM public.example"
  expect = "pass"
)";

constexpr std::string_view kNewLua = R"(pgmoat.api(1)

pgmoat.rule{
  id = "ID",
  description = "what must not happen, and why",
  severity = "medium",
  owner = "you@example.org",
  mode = "monitor",
  match = { writes = true },
  when = function(_, q) return not q.where.present end,
  verdict = pgmoat.deny{ message = "what the client is told", hint = "What to do instead." },
}
)";

constexpr std::string_view kNewLuaTest = R"(test("ID refuses what it should", function(t)
  t:expect(t:eval({ user = "app" }, "DELETE FROM example")):denies("ID")
end)

test("ID lets the rest pass", function(t)
  t:expect(t:eval({ user = "app" }, "DELETE FROM example WHERE id = 1")):passes("ID")
end)
)";

std::string with(std::string_view text, std::string_view word, std::string_view value) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(word, at)) != std::string::npos; at += value.size()) {
    out.replace(at, word.size(), value);
  }
  return out;
}

// All or nothing: if one of them exists, none is written.
int write(const Files& files) {
  for (const auto& [path, text] : files) {
    if (!fs::exists(path)) continue;
    std::fprintf(stderr, "pgmoat: %s exists already; nothing was written\n", path.c_str());
    return 1;
  }
  for (const auto& [path, text] : files) {
    std::error_code error;
    if (const fs::path parent = fs::path(path).parent_path(); !parent.empty()) {
      fs::create_directories(parent, error);
    }
    std::ofstream out(path, std::ios::binary);
    if (!(out << text).flush()) {
      std::fprintf(stderr, "pgmoat: %s cannot be written\n", path.c_str());
      return 1;
    }
    std::printf("wrote %s\n", path.c_str());
  }
  return 0;
}

// As loading has it; and a file is named so.
bool good_id(const std::string& id) {
  return !id.empty() && id.size() <= 100 && id.front() != '.' && id.front() != '-' &&
         id.back() != '.' && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

struct PackFile {
  std::string path, text, id;
  bool has_rule = false;
};

// The packs of a folder: *.toml with a [pack], and whether they have a rule of this id.
std::vector<PackFile> packs_in(const fs::path& folder, const std::string& rule) {
  std::vector<PackFile> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    PackFile file{at->path().string(), {}, {}};
    if (!file.path.ends_with(".toml") || file.path.ends_with(".test.toml")) continue;
    std::ifstream in(file.path, std::ios::binary);
    file.text.assign(std::istreambuf_iterator<char>(in), {});
    const toml::parse_result parsed = toml::parse(file.text, file.path);
    if (!parsed) continue;
    file.id = parsed.table()["pack"]["id"].value_or<std::string>("");
    if (const toml::array* rules = parsed.table()["rule"].as_array()) {
      for (const toml::node& one : *rules) {
        const toml::table* table = one.as_table();
        const auto id = table == nullptr ? std::nullopt : (*table)["id"].value<std::string>();
        file.has_rule = file.has_rule || id == rule;
      }
    }
    if (!file.id.empty()) found.push_back(std::move(file));
  }
  std::sort(found.begin(), found.end(),
            [](const PackFile& a, const PackFile& b) { return a.path < b.path; });
  return found;
}

// What is there stays as it is; the rule comes after it.
int append(const PackFile& file, const std::string& rule) {
  const std::string more = (file.text.ends_with('\n') ? "" : "\n") + rule;
  if (!toml::parse(file.text + more, file.path)) {
    std::fprintf(
        stderr,
        "pgmoat: %s has the pack '%s', and its rules are not [[rule]] tables, to which one "
        "could be added; nothing was written\n",
        file.path.c_str(), file.id.c_str());
    return 1;
  }
  std::ofstream out(file.path, std::ios::binary | std::ios::app);
  if (!(out << more).flush()) {
    std::fprintf(stderr, "pgmoat: %s cannot be written\n", file.path.c_str());
    return 1;
  }
  std::printf("added to %s\n", file.path.c_str());
  return 0;
}

// A pack is one file: a second rule with the same first word goes where the first one is.
int new_toml_rule(const std::string& id, const fs::path& folder) {
  std::string pack = id.substr(0, id.find('.'));
  const auto& shipped = policy::shipped_packs();
  if (std::any_of(shipped.begin(), shipped.end(),
                  [&](const policy::ShippedPack& one) { return one.name == pack; })) {
    pack.insert(0, "own-");  // both may be loaded
  }
  const std::string rule = with(kNewRule, "ID", id);
  const std::vector<PackFile> files = packs_in(folder, id);
  for (const PackFile& file : files) {
    if (!file.has_rule) continue;
    std::fprintf(stderr, "pgmoat: %s has a rule '%s' already; nothing was written\n",
                 file.path.c_str(), id.c_str());
    return 1;
  }
  for (const PackFile& file : files) {
    if (file.id == pack) return append(file, rule);
  }
  return write({{(folder / (id + ".toml")).string(), with(kNewPack, "PACK", pack) + rule}});
}

}  // namespace

int init(const std::string& folder, const std::string& backend) {
  const fs::path base(folder);
  const auto at = [&](const char* name) { return (base / name).lexically_normal().string(); };
  const int code = write({{at("pgmoat.toml"), with(kConfig, "BACKEND", backend)},
                          {at("policy/local.toml"), std::string(kPack)},
                          {at("policy/local.test.toml"), std::string(kTable)},
                          {at("policy/where.lua"), std::string(kLua)},
                          {at("policy/where_test.lua"), std::string(kLuaTest)},
                          {at("policy/.luacheckrc"), std::string(kLuacheckrc)},
                          {at("policy/.luarc.json"), std::string(kLuarc)},
                          {at("policy/types/pgmoat.d.lua"), policy::lua_stubs()}});
  if (code != 0) return code;
  const std::string config = at("pgmoat.toml");
  std::printf(
      "next:\n  pgmoat check --config %s --with-tests\n"
      "  pgmoat explain --config %s \"DELETE FROM orders\"\n  pgmoat run --config %s\n",
      config.c_str(), config.c_str(), config.c_str());
  return 0;
}

int print_schema(bool lua_stubs, bool reference) {
  const std::string text = lua_stubs   ? policy::lua_stubs()
                           : reference ? policy::reference()
                                       : policy::json_schema();
  std::fputs(text.c_str(), stdout);
  return 0;
}

int new_rule(const std::string& id, const std::string& folder, bool lua) {
  if (!good_id(id)) {
    std::fprintf(
        stderr, "pgmoat: '%s' is no rule id; use a-z, 0-9, '-', '_' and '.', at most 100 of them\n",
        id.c_str());
    return 2;
  }
  const fs::path base(folder);
  if (lua) {
    return write({{(base / (id + ".lua")).string(), with(kNewLua, "ID", id)},
                  {(base / (id + "_test.lua")).string(), with(kNewLuaTest, "ID", id)}});
  }
  return new_toml_rule(id, base);
}

}  // namespace pgmoat::app
