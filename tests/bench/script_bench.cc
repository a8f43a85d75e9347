// What one Lua rule costs: an ordinary one that reads two fields, one that answers with a table, and
// what each step of entering Lua adds.
#include <benchmark/benchmark.h>

#include <string>

#include "base/check.h"
#include "script/sandbox.h"

namespace pgmoat::script {
namespace {

struct Where {
  bool present = true, constant_true = false;
};
struct Statement {
  std::string kind = "select", text = std::string(200, 'x');
  Where where;
  std::vector<std::string> relations{"public.orders", "public.invoices", "public.customers"};
};

const ObjectType kWhere{
    "where",
    "pgmoat.Where",
    {{"present", "boolean", "",
      [](const void* w, Push& p) { p.boolean(static_cast<const Where*>(w)->present); }},
     {"constant_true", "boolean", "",
      [](const void* w, Push& p) { p.boolean(static_cast<const Where*>(w)->constant_true); }}},
    {},
    nullptr};
const Statement& of(const void* s) { return *static_cast<const Statement*>(s); }
const ObjectType kStatement{
    "statement",
    "pgmoat.Statement",
    {{"kind", "string", "", [](const void* s, Push& p) { p.text(of(s).kind); }},
     {"text", "string", "", [](const void* s, Push& p) { p.text(of(s).text); }},
     {"where", "pgmoat.Where", "", [](const void* s, Push& p) { p.object(kWhere, &of(s).where); }},
     {"relations", "string[]", "",
      [](const void* s, Push& p) {
        p.list(s, of(s).relations.size(), [](const void* self, std::size_t i, Push& push) {
          push.text(of(self).relations[i]);
        });
      }}},
    {},
    nullptr};

void rule(benchmark::State& bench, const char* expression, bool frozen) {
  Sandbox sandbox;
  sandbox.define("deny", [](std::vector<Value>& a, const Caller&) -> Result<Value, std::string> {
    return std::move(a[0]);
  });
  sandbox.run("tenants = { ['public.orders'] = true, ['public.invoices'] = true }", "bench.lua");
  const auto made = sandbox.compile(expression, {"s", "q"}, "bench.lua", 1);
  PGMOAT_CHECK(made);
  if (frozen) sandbox.freeze();
  const Statement statement;
  const Lent lent[] = {{&kStatement, &statement}, {&kStatement, &statement}};
  for (auto _ : bench) {
    const auto answer = sandbox.test(*made, lent);
    PGMOAT_CHECK(answer);
    benchmark::DoNotOptimize(*answer);
  }
}

void values(benchmark::State& bench, const char* expression) {
  Sandbox sandbox;
  sandbox.define("deny", [](std::vector<Value>& a, const Caller&) -> Result<Value, std::string> {
    return std::move(a[0]);
  });
  const auto made = sandbox.compile(expression, {"s", "q"}, "bench.lua", 1);
  sandbox.freeze();
  const Statement statement;
  const Lent lent[] = {{&kStatement, &statement}, {&kStatement, &statement}};
  for (auto _ : bench) benchmark::DoNotOptimize(*sandbox.call(*made, lent));
}

BENCHMARK_CAPTURE(rule, nothing, "true", true);
BENCHMARK_CAPTURE(rule, one_field, "q.kind == 'select'", true);
BENCHMARK_CAPTURE(rule, two_fields, "not q.where.present or q.where.constant_true", true);
BENCHMARK_CAPTURE(rule, two_fields_not_frozen, "not q.where.present or q.where.constant_true",
                  false);
BENCHMARK_CAPTURE(rule, long_text, "#q.text > 100", true);
BENCHMARK_CAPTURE(rule, three_relations,
                  "(function() for _, r in ipairs(q.relations) do if not tenants[r] then return "
                  "true end end end)()",
                  true);
BENCHMARK_CAPTURE(values, answer_nil, "nil");
BENCHMARK_CAPTURE(values, answer_deny, "pgmoat.deny{ message = 'no', sqlstate = '42501' }");

}  // namespace
}  // namespace pgmoat::script

BENCHMARK_MAIN();
