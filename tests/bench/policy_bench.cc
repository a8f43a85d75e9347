// What judging costs. Warm: the text is in the cache with a ruling that holds for the session; this is
// what every repeated statement pays. Cold: every rule is asked, the facts given. And one Lua rule,
// which is entered only where its native part holds.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/lua_objects.h"
#include "policy/policy_judge.h"

namespace pgmoat::policy {
namespace {

Match leaf(std::string key, std::vector<Operand> operands) {
  Match match;
  match.op = Match::Op::leaf;
  match.key = std::move(key);
  match.operands = std::move(operands);
  return match;
}

// As many rules as the packs have, and of their kinds: by function, kind, relation, setting, user.
Source sixty_rules() {
  Source source;
  const auto add = [&](Match match) {
    Rule rule;
    rule.id = "r" + std::to_string(source.rules.size());
    rule.match.parts = {std::move(match)};
    rule.verdict = Verdict{};
    source.rules.push_back(std::move(rule));
  };
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    add(leaf("functions", {"pg_read_file" + n, "lo_import" + n, "dblink" + n}));
    add(leaf("set.name", {"role" + n, "session_authorization"}));
    add(leaf("writes", {"pg_catalog.t" + n, "audit.*"}));
    add(leaf("command", {"ALTER SYSTEM", "CREATE EXTENSION" + n}));
    add(leaf("kind", {std::string("update"), std::string("delete")}));
    source.rules.back().match.parts.push_back(leaf("where.present", {false}));
    add(leaf("kind", {std::string("select")}));
    source.rules.back().match.parts.push_back(leaf("user", {"mallory" + n}));
  }
  return source;
}

std::shared_ptr<const Bundle> bundle_of(Source source) {
  auto bundle = Bundle::compile(std::move(source), {});
  return bundle ? *bundle : nullptr;
}

struct Select {
  sql::Relation relation;
  std::vector<sql::Function> functions{2};
  std::vector<sql::Literal> literals{3};
  sql::Facts facts;
  Select() {
    relation.name = relation.qualified = "pgbench_accounts";
    functions[0].name = functions[0].qualified = "=";
    functions[0].reach = sql::Reach::op;
    functions[1].name = functions[1].qualified = "count";
    facts.kind = sql::Kind::select;
    facts.command = "SELECT";
    facts.relations = {&relation, 1};
    facts.functions = functions;
    facts.literals = literals;
  }
};

SessionView a_session() {
  SessionView session;
  session.open("5f0c2a9be1d34477", "10.1.2.3", 40000);
  session.set(SessionField::user, "app");
  return session;
}

void cold_evaluation(benchmark::State& state) {
  const auto bundle = bundle_of(sixty_rules());
  Evaluator evaluator(*bundle, nullptr);
  const SessionView session = a_session();
  const Select select;
  Question question;
  question.session = &session;
  question.statement = &select.facts;
  Evaluation evaluation;
  for (auto _ : state) {
    evaluator.evaluate(question, evaluation);
    benchmark::DoNotOptimize(evaluation);
  }
}
BENCHMARK(cold_evaluation);

// The predicate alone, with the objects it is lent.
void lua_predicate(benchmark::State& state, const char* expression) {
  script::Sandbox sandbox;
  const auto function = sandbox.compile(expression, {"s", "q"}, "bench", 1);
  sandbox.freeze();
  const SessionView session = a_session();
  const Select select;
  Question question;
  question.session = &session;
  question.statement = &select.facts;
  for (auto _ : state) {
    Reads reads;
    const SessionObject s{&session, &reads, &question};
    const StatementObject q{&question};
    const script::Lent lent[] = {{&session_type(), &s}, {&statement_type(), &q}};
    const auto truth = sandbox.test(*function, lent);
    if (!truth) state.SkipWithError("the predicate fails");
    benchmark::DoNotOptimize(truth);
  }
}
BENCHMARK_CAPTURE(lua_predicate, where, "not q.where.present or q.where.constant_true");
BENCHMARK_CAPTURE(lua_predicate, user_and_limit,
                  "s.user == 'app' and (q.limit.kind == 'none' or q.limit.value > 5000)");

void warm_judge(benchmark::State& state, const char* sql) {
  JudgeSettings settings;
  auto ready = prepare(bundle_of(sixty_rules()), settings);
  if (!ready) return state.SkipWithError("the bundle cannot be prepared");
  PolicyJudge judge(std::move(*ready), settings);
  SessionView session = a_session();
  Subject subject;
  subject.session = &session;
  subject.sql = sql;
  for (int i = 0; i < 1000; ++i) {  // others in the cache
    const std::string other = "SELECT " + std::to_string(i);
    subject.sql = other;
    judge.judge(subject);
  }
  subject.sql = sql;
  for (auto _ : state) {
    const Judged ruling = judge.judge(subject);
    if (ruling->action != Ruling::Action::allow) state.SkipWithError("it is refused");
    benchmark::DoNotOptimize(ruling);
  }
}
BENCHMARK_CAPTURE(warm_judge, pgbench, "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;");
BENCHMARK_CAPTURE(warm_judge, orm,
                  "SELECT u.id, u.name, u.email, u.created_at, o.id AS order_id, o.total, o.status "
                  "FROM users u LEFT OUTER JOIN orders o ON o.user_id = u.id AND o.status IN "
                  "('open', 'paid') WHERE u.tenant_id = 42 AND u.deleted_at IS NULL ORDER BY "
                  "u.created_at DESC, o.id LIMIT 50 OFFSET 100");

}  // namespace
}  // namespace pgmoat::policy

BENCHMARK_MAIN();
