// A sandbox with a small object, as policy will define them, and short ways to load and call.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "script/sandbox.h"

namespace pgmoat::script {

struct Where {
  bool present = true;
};

struct Statement {
  std::string kind = "select";
  std::string text = "select 1";
  Where where;
  std::vector<std::string> relations{"a", "b", "c"};
  double cost = 1.5;
};

inline const ObjectType& where_type() {
  static const ObjectType type{"where",
                               "pgmoat.Where",
                               {{"present", "boolean", "",
                                 [](const void* self, Push& push) {
                                   push.boolean(static_cast<const Where*>(self)->present);
                                 }}},
                               {},
                               nullptr};
  return type;
}

inline const Statement& statement_of(const void* self) {
  return *static_cast<const Statement*>(self);
}

inline const ObjectType& statement_type() {
  static const ObjectType type{
      "statement",
      "pgmoat.Statement",
      {{"kind", "string", "", [](const void* s, Push& p) { p.text(statement_of(s).kind); }},
       {"text", "string", "",
        [](const void* s, Push& p) {
          const std::string copy = statement_of(s).text;  // destroyed also when text() raises
          p.text(copy);
        }},
       {"where", "pgmoat.Where", "",
        [](const void* s, Push& p) { p.object(where_type(), &statement_of(s).where); }},
       {"cost", "number", "", [](const void* s, Push& p) { p.number(statement_of(s).cost); }},
       {"limit", "integer?", "", [](const void*, Push& p) { p.nil(); }},
       {"nothing", "nil", "", [](const void*, Push&) {}},
       {"wheres", "pgmoat.Where[]", "",
        [](const void* s, Push& p) {
          p.list(s, 20, [](const void* self, std::size_t, Push& push) {
            push.object(where_type(), &statement_of(self).where);
          });
        }},
       {"relations", "string[]", "",
        [](const void* s, Push& p) {
          p.list(s, statement_of(s).relations.size(),
                 [](const void* self, std::size_t i, Push& push) {
                   push.text(statement_of(self).relations[i]);
                 });
        }}},
      {{"reads", "fun(self, name: string): boolean", "",
        [](const void* s, const std::vector<std::string_view>& words, Push& push) {
          bool found = false;
          for (const std::string& relation : statement_of(s).relations)
            found = found || (!words.empty() && relation == words[0]);
          push.boolean(found);
        }}},
      nullptr};
  return type;
}

// s.guc["app.tenant"]
inline const ObjectType& settings_type() {
  static const ObjectType type{
      "guc", "pgmoat.Settings", {}, {}, [](const void*, std::string_view key, Push& push) {
        key == "app.tenant" ? push.text("7") : push.nil();
      }};
  return type;
}

class SandboxTest : public ::testing::Test {
 protected:
  explicit SandboxTest(const Budget& budget = {}) : sandbox(budget) {
    // pgmoat.rule(f): registers f. pgmoat.echo(v): gives it back.
    sandbox.define(
        "rule",
        [this](std::vector<Value>& arguments, const Caller& caller) -> Result<Value, std::string> {
          at = caller;
          const auto* function = arguments.empty() ? nullptr : arguments[0].as<Function>();
          if (function == nullptr) return std::string("rule takes a function");
          rules.push_back(*function);
          return Value{};
        });
    sandbox.define("echo",
                   [](std::vector<Value>& arguments, const Caller&) -> Result<Value, std::string> {
                     return arguments.empty() ? Value{} : arguments[0];
                   });
    sandbox.define("edit.fail",
                   [](std::vector<Value>&, const Caller&) -> Result<Value, std::string> {
                     return std::string("no such edit");
                   });
    sandbox.define_object("words",
                          [this](std::vector<Value>&, const Caller&) -> Result<Lent, std::string> {
                            return Lent{&statement_type(), &kept};
                          });
  }

  Trouble load(std::string_view source, const std::string& chunk = "policy/10-safety.lua") {
    const auto result = sandbox.run(source, chunk);
    const auto* trouble = std::get_if<Trouble>(&result);
    return trouble == nullptr ? Trouble{} : *trouble;
  }
  // Loads the body of function(q) as the one rule.
  Trouble load_rule(std::string_view body) {
    return load("pgmoat.rule(function(q)\n" + std::string(body) + "\nend)");
  }
  Result<Value, Trouble> call() {
    const Lent lent{&statement_type(), &statement};
    return sandbox.call(rules.back(), {&lent, 1});
  }
  Result<bool, Trouble> test() {
    const Lent lent{&statement_type(), &statement};
    return sandbox.test(rules.back(), {&lent, 1});
  }
  Trouble freeze() {
    const auto result = sandbox.freeze();
    const auto* trouble = std::get_if<Trouble>(&result);
    return trouble == nullptr ? Trouble{} : *trouble;
  }
  void expect_works() {
    const auto made = sandbox.compile("1 + 1", {}, "check", 1);
    ASSERT_TRUE(made) << made.error().message;
    const auto value = sandbox.call(*made, {});
    ASSERT_TRUE(value) << value.error().message;
    ASSERT_EQ(*value->as<std::int64_t>(), 2);
  }

  Statement statement, kept;
  std::vector<Function> rules;
  Caller at;
  Sandbox sandbox;
};

}  // namespace pgmoat::script
