#include "app/cases.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>

#include "policy/pattern.h"

namespace pgmoat::app {

namespace {

using policy::Finding;
using policy::Place;
using policy::Problem;

}  // namespace

std::string_view word_of(policy::Ruling::Action action) {
  switch (action) {
    case policy::Ruling::Action::allow: return "allow";
    case policy::Ruling::Action::deny: return "deny";
    case policy::Ruling::Action::terminate: return "terminate";
    case policy::Ruling::Action::rewrite: return "rewrite";
  }
  return "allow";
}

namespace {

const Finding* finding_of(const policy::Ruling& ruling, std::string_view rule) {
  for (const Finding& finding : ruling.findings) {
    if (finding.rule == rule) return &finding;
  }
  return nullptr;
}

}  // namespace

std::string compare_rule(const Case& one, const policy::Ruling& ruling, std::string_view traced) {
  const Finding* finding = finding_of(ruling, one.expect.rule);
  const std::string said(finding != nullptr ? name_of(finding->action) : traced);
  if (said == one.expect.verdict) {
    if (one.expect.rewritten.empty() || ruling.rewrite.sql == one.expect.rewritten) return {};
    return "rewritten to: " + ruling.rewrite.sql;
  }
  std::string what = "expected " + one.expect.verdict + ", the rule says " + said;
  if (finding != nullptr && !finding->refusal.message.empty()) {
    what += ": " + finding->refusal.message;
  }
  return what;
}

namespace {

// Reads one table of a test file; what is unknown or of the wrong type is a problem.
class TableReader {
 public:
  TableReader(const std::string& file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  Place place(const toml::source_region& at) const {
    return {file_, static_cast<int>(at.begin.line), static_cast<int>(at.begin.column)};
  }
  void wrong(const toml::source_region& at, std::string what) {
    problems_.push_back({Problem::Level::error, place(at), std::move(what)});
  }
  std::string text(const toml::node& node, const std::string& key) {
    if (const auto value = node.value<std::string>(); node.is_string()) return *value;
    if (node.is_integer()) return std::to_string(*node.value<std::int64_t>());
    wrong(node.source(), key + ": expected text");
    return {};
  }
  void session(const toml::node& node, Asker& asker) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong(node.source(), "session: expected a table");
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      if (name == "guc") {
        asker.gucs.clear();  // a case's settings take the place of the defaults
        guc(value, asker);
      } else if (name == "tags") {
        asker.tags = texts(value, name);
      } else if (const std::string bad = describe(asker, name, text(value, name)); !bad.empty()) {
        wrong(key.source(), "session: " + bad);
      }
    }
  }
  std::vector<std::string> texts(const toml::node& node, const std::string& key) {
    std::vector<std::string> found;
    const toml::array* array = node.as_array();
    if (array == nullptr) wrong(node.source(), key + ": expected an array");
    else
      for (const auto& item : *array) found.push_back(text(item, key));
    return found;
  }
  void expectation(const toml::node& node, Expectation& expect) {
    if (node.is_string()) {
      expect.verdict = *node.value<std::string>();
      return check_verdict(node, expect.verdict);
    }
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong(node.source(), "expect: expected a verdict or a table");
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      const std::string is = text(value, name);
      if (name == "verdict") expect.verdict = is, check_verdict(value, is);
      else if (name == "rule") expect.rule = is;
      else if (name == "sqlstate") expect.sqlstate = is;
      else if (name == "message_re2") expect.message_re2 = is;
      else
        wrong(key.source(),
              "expect: unknown key '" + name + "'; known: verdict, rule, sqlstate, message_re2");
    }
  }

 private:
  void guc(const toml::node& node, Asker& asker) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong(node.source(), "guc: expected a table");
    for (const auto& [key, value] : *table) {
      if (const toml::table* inner = value.as_table()) {  // app.tenant without quotes
        for (const auto& [rest, deeper] : *inner) {
          asker.gucs.emplace_back(std::string(key.str()) + "." + std::string(rest.str()),
                                  text(deeper, "guc"));
        }
      } else {
        asker.gucs.emplace_back(std::string(key.str()), text(value, "guc"));
      }
    }
  }
  void check_verdict(const toml::node& node, const std::string& verdict) {
    for (const char* known : {"allow", "deny", "terminate", "rewrite"}) {
      if (verdict == known) return;
    }
    wrong(node.source(), "expected 'allow', 'deny', 'terminate' or 'rewrite'");
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
};

Case read_case(const toml::table& table, const Asker& defaults, TableReader& reader) {
  Case one;
  one.asker = defaults;
  one.place = reader.place(table.source());
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (name == "name") one.name = reader.text(value, name);
    else if (name == "sql") one.sql = reader.text(value, name);
    else if (name == "session") reader.session(value, one.asker);
    else if (name == "params" || name == "parameters") one.parameters = reader.texts(value, name);
    else if (name == "expect") reader.expectation(value, one.expect);
    else if (name == "rewritten") one.expect.rewritten = reader.text(value, name);
    else
      reader.wrong(key.source(), "unknown key '" + name +
                                     "' in [[case]]; known: name, session, sql, params, expect, "
                                     "rewritten");
  }
  if (one.sql.empty()) reader.wrong(table.source(), "a case needs 'sql'");
  if (one.expect.verdict.empty()) reader.wrong(table.source(), "a case needs 'expect'");
  if (one.name.empty()) one.name = one.sql;
  return one;
}

}  // namespace

std::string compare(const Case& one, const policy::Ruling& ruling) {
  const Expectation& expect = one.expect;
  const std::string_view verdict = word_of(ruling.action);
  if (verdict != expect.verdict) {
    std::string what = "expected " + expect.verdict + ", decided " + std::string(verdict);
    if (!ruling.refusal.rule.empty()) {
      what += " by " + ruling.refusal.rule + ": " + ruling.refusal.message;
    }
    return what;
  }
  if (!expect.rule.empty() && finding_of(ruling, expect.rule) == nullptr &&
      ruling.refusal.rule != expect.rule) {
    return "rule " + expect.rule + " had no part in it" +
           (ruling.refusal.rule.empty() ? "" : "; decided by " + ruling.refusal.rule);
  }
  if (!expect.sqlstate.empty() && ruling.refusal.sqlstate != expect.sqlstate) {
    return "expected SQLSTATE " + expect.sqlstate + ", got " + ruling.refusal.sqlstate;
  }
  if (!expect.message_re2.empty() &&
      !policy::finds_pattern(expect.message_re2, ruling.refusal.message)) {
    return "the message does not match: " + ruling.refusal.message;
  }
  if (!expect.rewritten.empty() && ruling.rewrite.sql != expect.rewritten) {
    return "rewritten to: " + ruling.rewrite.sql;
  }
  return {};
}

std::vector<Case> inline_cases(const policy::Source& source) {
  std::vector<Case> cases;
  for (const policy::Rule& rule : source.rules) {
    for (const policy::RuleTest& test : rule.tests) {
      Case one;
      one.name = rule.id + ": " + (test.name.empty() ? test.sql : test.name);
      one.place = test.place;
      for (const auto& [key, value] : test.session) describe(one.asker, key, value);
      one.sql = test.sql;
      one.parameters = test.parameters;
      one.expect.verdict = test.expect;
      one.expect.rule = rule.id;
      one.expect.rewritten = test.rewritten;
      one.of_one_rule = true;
      cases.push_back(std::move(one));
    }
  }
  return cases;
}

std::vector<Case> table_cases(const std::string& text, const std::string& file,
                              std::vector<Problem>& problems) {
  TableReader reader(file, problems);
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    reader.wrong(parsed.error().source(), std::string(parsed.error().description()));
    return {};
  }
  Asker defaults;
  std::vector<Case> cases;
  for (const auto& [key, value] : parsed.table()) {
    const std::string_view name = key.str();
    if (name == "defaults" && value.is_table()) {
      for (const auto& [inner, node] : *value.as_table()) {
        if (inner.str() == "session") reader.session(node, defaults);
        else reader.wrong(inner.source(), "unknown key in [defaults]; known: session");
      }
    } else if (name != "case" || !value.is_array_of_tables()) {
      reader.wrong(key.source(), "unknown key '" + std::string(name) +
                                     "'; a test file has [defaults] and [[case]]");
    }
  }
  if (const toml::array* array = parsed.table()["case"].as_array()) {
    for (const auto& item : *array) {
      if (item.is_table()) cases.push_back(read_case(*item.as_table(), defaults, reader));
    }
  }
  return cases;
}

std::vector<std::string> test_files(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  const auto is_test = [](const std::string& name) {
    return name.ends_with(".test.toml") || name.ends_with("_test.lua");
  };
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (is_test(path)) files.push_back(path);
    if (!fs::is_directory(path, error)) {  // of one policy: the tests of its name beside it
      const fs::path file(path);
      const std::string stem = (file.parent_path() / file.stem()).string();
      for (const std::string& name : {stem + "_test.lua", stem + ".test.toml"}) {
        if (fs::exists(name, error)) files.push_back(name);
      }
      continue;
    }
    for (fs::recursive_directory_iterator at(path, error), end; !error && at != end;
         at.increment(error)) {
      if (is_test(at->path().filename().string())) files.push_back(at->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace pgmoat::app
