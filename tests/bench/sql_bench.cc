// What reading SQL costs, beside the raw parse alone: a text that was never seen before. Run with
// --benchmark_min_time=1 on a quiet machine. docs/benchmarks.md has figures.
#include <benchmark/benchmark.h>

#include <string>

#include "sql/analysis.h"
#include "sql/gate.h"
#include "sql/postgres.h"

namespace {

using namespace pgmoat::sql;

const char* const kTexts[] = {
    "SELECT abalance FROM pgbench_accounts WHERE aid = 1", "SELECT 1",
    "SELECT o.id, o.total, c.name, p.title, i.quantity FROM orders o JOIN customers c ON c.id = "
    "o.customer_id JOIN items i ON i.order_id = o.id LEFT JOIN products p ON p.id = i.product_id "
    "WHERE "
    "o.created_at > '2026-01-01' AND c.country IN ('DE', 'FR') AND o.status = 'open' ORDER BY "
    "o.created_at DESC LIMIT 50",
    nullptr,  // the insert
};

std::string insert() {
  std::string columns, values;
  for (int i = 0; i < 50; ++i) {
    columns += (i ? ", " : "") + ("column_" + std::to_string(i));
    values += (i ? ", '" : "'") + ("value " + std::to_string(i)) + "'";
  }
  return "INSERT INTO wide (" + columns + ") VALUES (" + values + ")";
}

std::string text(const benchmark::State& state) {
  const char* const known = kTexts[state.range(0)];
  return known ? known : insert();
}

void label(benchmark::State& state) {
  static const char* const kNames[] = {"pgbench", "trivial", "join of 4", "insert of 50"};
  state.SetLabel(kNames[state.range(0)]);
}

void raw_parse(benchmark::State& state) {
  const std::string sql = text(state);
  for (auto _ : state) {
    const MemoryContext memory = pg_query_enter_memory_context();
    const PgQueryInternalParsetreeAndError parsed = pg_query_raw_parse(sql.c_str());
    benchmark::DoNotOptimize(parsed.tree);
    std::free(parsed.stderr_buffer);
    pg_query_exit_memory_context(memory);
  }
  label(state);
}

void gate_alone(benchmark::State& state) {
  const std::string sql = text(state);
  Gate gate{Limits{}};
  for (auto _ : state) benchmark::DoNotOptimize(gate.scan(sql, true).tokens);
  label(state);
}

void analysis(benchmark::State& state) {
  const std::string sql = text(state);
  Analyzer analyzer;
  for (auto _ : state) benchmark::DoNotOptimize(analyzer.analyze(sql, {}));
  label(state);
}

BENCHMARK(raw_parse)->DenseRange(0, 3);
BENCHMARK(gate_alone)->DenseRange(0, 3);
BENCHMARK(analysis)->DenseRange(0, 3);

}  // namespace

BENCHMARK_MAIN();
