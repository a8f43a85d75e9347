// What other tools show of a statement. libpg_query recurses with the depth of the tree here, and
// may write past its stack: nothing goes in that did not pass the gate.
#include <string>

#include "sql/analysis.h"
#include "sql/gate.h"
#include "sql/postgres.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

bool may_be_read(const std::string& text) {
  const Limits limits;
  if (text.size() > limits.text_bytes || text.find('\0') != text.npos) return false;
  Gate gate(limits);
  if (gate.scan(text, true).opacity != Opacity::none) return false;
  const Tree tree(text.c_str(), true);
  std::vector<Pending> pending;
  return tree && walk(tree.statements(), {limits.nodes, limits.depth}, pending,
                      [](const void*, std::uint32_t) {});
}

}  // namespace

std::uint64_t fingerprint_of(std::string_view statement) {
  const std::string text(statement);
  if (!may_be_read(text)) return 0;
  const PgQueryFingerprintResult result = pg_query_fingerprint(text.c_str());
  const std::uint64_t fingerprint = result.error ? 0 : result.fingerprint;
  pg_query_free_fingerprint_result(result);
  return fingerprint;
}

std::string normalized(std::string_view statement) {
  const std::string text(statement);
  if (!may_be_read(text)) return {};
  const PgQueryNormalizeResult result = pg_query_normalize(text.c_str());
  std::string normal = result.error || !result.normalized_query ? "" : result.normalized_query;
  pg_query_free_normalize_result(result);
  return normal;
}

}  // namespace pgmoat::sql
