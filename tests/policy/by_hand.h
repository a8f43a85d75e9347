// Facts, rules and questions written by hand, so that evaluation is tested without a parser and
// without files. Whatever a span points at lives as long as the Statement.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/bundle.h"
#include "policy/combine.h"
#include "policy/evaluate.h"

namespace pgmoat::test {

struct Statement {
  sql::Facts facts;
  std::vector<sql::Relation> relations;
  std::vector<sql::Column> columns;
  std::vector<sql::Function> functions;
  std::vector<sql::Literal> literals;
  std::vector<sql::Setting> settings;
  std::vector<std::string_view> roles, clauses, extensions, comments;
  std::vector<sql::Body> bodies;
  std::vector<sql::NestedCommand> nested_commands;

  Statement() = default;
  explicit Statement(sql::Kind kind, std::string_view command = "") {
    facts.kind = kind;
    facts.command = command;
  }
  Statement& relation(std::string_view written, sql::Access access = sql::Access::read,
                      std::string_view alias = "") {
    sql::Relation out;
    const std::size_t dot = written.find('.');
    if (dot != std::string_view::npos) out.schema = written.substr(0, dot);
    out.name = dot == std::string_view::npos ? written : written.substr(dot + 1);
    out.qualified = written;
    out.access = access;
    out.alias = alias;
    relations.push_back(out);
    return *this;
  }
  Statement& column(std::string_view relation_name, std::string_view name) {
    columns.push_back({relation_name, name, sql::Clause::target});
    return *this;
  }
  Statement& function(std::string_view written, sql::Reach reach = sql::Reach::call,
                      std::uint32_t position = 0) {
    sql::Function out;
    const std::size_t dot = written.find('.');
    if (dot != std::string_view::npos) out.schema = written.substr(0, dot);
    out.name = dot == std::string_view::npos ? written : written.substr(dot + 1);
    out.qualified = written;
    out.reach = reach;
    out.position = position;
    functions.push_back(out);
    return *this;
  }
  Statement& setting(std::string_view name, std::string_view value,
                     sql::Setting::Scope scope = sql::Setting::Scope::session) {
    sql::Setting out;
    out.name = name;
    out.value = value;
    out.scope = scope;
    settings.push_back(out);
    return *this;
  }
  Statement& literal(std::string_view value) {
    literals.push_back({value});
    return *this;
  }
  const sql::Facts& done() {
    facts.relations = relations;
    facts.columns = columns;
    facts.functions = functions;
    facts.literals = literals;
    facts.settings = settings;
    facts.roles = roles;
    facts.extensions = extensions;
    facts.clauses = clauses;
    facts.bodies = bodies;
    facts.nested_commands = nested_commands;
    return facts;
  }
};

inline policy::Match leaf(std::string key, std::vector<policy::Operand> operands) {
  policy::Match match;
  match.op = policy::Match::Op::leaf;
  match.key = std::move(key);
  match.operands = std::move(operands);
  return match;
}
inline policy::Match leaf(std::string key, const char* operand) {
  return leaf(std::move(key), std::vector<policy::Operand>{std::string(operand)});
}
inline policy::Match leaf(std::string key, bool operand) {
  return leaf(std::move(key), std::vector<policy::Operand>{operand});
}
inline policy::Match leaf(std::string key, int operand) {
  return leaf(std::move(key), std::vector<policy::Operand>{std::int64_t{operand}});
}
inline policy::Match group(policy::Match::Op op, std::vector<policy::Match> parts) {
  policy::Match match;
  match.op = op;
  match.parts = std::move(parts);
  return match;
}
inline policy::Match all(std::vector<policy::Match> parts) {
  return group(policy::Match::Op::all, std::move(parts));
}

inline policy::Rule rule(std::string id, policy::Match match,
                         policy::Verdict::Action action = policy::Verdict::Action::deny) {
  policy::Rule out;
  out.id = std::move(id);
  out.match = std::move(match);
  out.verdict = policy::Verdict{};
  out.verdict->action = action;
  return out;
}

inline std::string problems_of(const std::vector<policy::Problem>& problems) {
  std::string text;
  for (const policy::Problem& problem : problems) text += problem.message + "\n";
  return text;
}

inline std::shared_ptr<const policy::Bundle> compiled(policy::Source source,
                                                      policy::Compiling how = {}) {
  auto bundle = policy::Bundle::compile(std::move(source), how);
  if (!bundle) {
    ADD_FAILURE() << problems_of(bundle.error());
    return nullptr;
  }
  return *bundle;
}

// What the scripts of rules say, by rule id; a "!" in front is trouble.
class FakeScripts final : public policy::Scripts {
 public:
  std::vector<std::pair<std::string, bool>> truths;
  std::vector<std::pair<std::string, policy::Verdict>> decisions;
  std::vector<std::string> failing;
  policy::FieldSet reading = 0;
  int calls = 0;

  Result<bool, std::string> when(const policy::CompiledRule& rule, const policy::Question&,
                                 policy::Reads& reads) override {
    ++calls;
    reads.fields |= reading;
    if (fails(rule)) return std::string("policy.lua:3: broken");
    for (const auto& [id, truth] : truths) {
      if (id == rule.written->id) return truth;
    }
    return false;
  }
  Result<Decision, std::string> decide(const policy::CompiledRule& rule, const policy::Question&,
                                       policy::Reads& reads) override {
    ++calls;
    reads.fields |= reading;
    if (fails(rule)) return std::string("policy.lua:3: broken");
    for (const auto& [id, verdict] : decisions) {
      if (id == rule.written->id) return Decision(verdict);
    }
    return Decision();
  }

 private:
  bool fails(const policy::CompiledRule& rule) const {
    for (const std::string& id : failing) {
      if (id == rule.written->id) return true;
    }
    return false;
  }
};

// One session and one policy, asked about statements.
struct Bench {
  std::shared_ptr<const policy::Bundle> bundle;
  FakeScripts scripts;
  policy::Evaluator evaluator;
  policy::SessionView session;
  policy::Evaluation evaluation;
  policy::Question question;

  explicit Bench(policy::Source source, policy::Compiling how = {})
      : bundle(compiled(std::move(source), how)), evaluator(*bundle, &scripts) {
    session.open("s1", "10.1.2.3", 5000);
    session.set(policy::SessionField::user, "app");
    session.set(policy::SessionField::database, "shop");
    question.session = &session;
    question.now = 1'800'000'000;
  }
  // The answers' rule ids, in order.
  std::string matched(Statement& statement) {
    ask(statement);
    std::string ids;
    for (const policy::Answer& answer : evaluation.answers) {
      ids += (ids.empty() ? "" : " ") + answer.rule->written->id;
    }
    return ids;
  }
  const policy::Evaluation& ask(Statement& statement) {
    question.statement = &statement.done();
    question.comments = statement.comments;
    evaluator.evaluate(question, evaluation);
    return evaluation;
  }
  std::shared_ptr<policy::Ruling> rule_on(Statement& statement) {
    ask(statement);
    policy::Combination combination(bundle->epoch());
    combination.add(question, evaluation);
    return combination.finish();
  }
};

inline policy::Source source_of(std::vector<policy::Rule> rules) {
  policy::Source source;
  source.rules = std::move(rules);
  return source;
}

}  // namespace pgmoat::test
