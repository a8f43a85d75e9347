// Any text under any edits: apply() answers, and where it does not refuse, the new text is one
// statement, its patches make it out of the original, and positions map back in order. The first
// two bytes choose the edits, the rest is the text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "sql/edit.h"
#include "sql/splice.h"

using namespace pgmoat;
using namespace pgmoat::sql;

namespace {

std::vector<Edit> edits_of(unsigned bits) {
  std::vector<Edit> edits;
  if (bits & 1) {
    const Value value{bits & 2 ? Value::Type::text : Value::Type::null, "7\\' or 1=1 --"};
    edits.push_back(AddFilter{{"public.t", "orders", "\"T\""}, bits & 4 ? "Odd\"c" : "c", value});
  }
  if (bits & 8) edits.push_back(CapLimit{bits & 16 ? 0 : 10});
  if (bits & 32) edits.push_back(ReplaceRelation{"public.t", bits & 64 ? "s.t" : "orders"});
  if (bits & 128) edits.push_back(AddComment{{{"k*/", "v'\\"}}});
  if (bits & 256) edits.push_back(CapLimit{3});
  if (bits & 512) edits.push_back(ReplaceText{"select $1 from t"});
  if (bits & 1024) edits.push_back(AddFilter{{"t"}, "d", {Value::Type::integer, "-7"}});
  return edits;
}

void check(std::string_view sql, const Dialect& dialect, const Limits& limits,
           const Rewritten& rewritten) {
  PGMOAT_CHECK(Statement::read(rewritten.sql, dialect, limits));
  PGMOAT_CHECK(rewritten.patches.empty() || rewritten.sql.size() <= limits.text_bytes);
  std::size_t from = 0, to = 0;
  for (const Patch& patch : rewritten.patches) {
    PGMOAT_CHECK(patch.at >= from && patch.at + patch.removed <= sql.size());
    const std::size_t kept = patch.at - from;
    PGMOAT_CHECK(sql.substr(from, kept) == rewritten.sql.substr(to, kept));
    to += kept + patch.inserted;
    from = patch.at + patch.removed;
  }
  PGMOAT_CHECK(sql.substr(from) == std::string_view(rewritten.sql).substr(to));
  std::uint32_t before = 0;
  for (std::uint32_t at = 0; at <= rewritten.sql.size(); ++at) {
    const std::uint32_t original = original_position(rewritten.patches, at);
    PGMOAT_CHECK(original >= before && original <= sql.size());
    before = original;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view sql(reinterpret_cast<const char*>(data) + 2, size - 2);
  Dialect dialect;
  dialect.standard_conforming_strings = (data[1] & 128) == 0;
  if (data[1] & 64) set_encoding(dialect, "SJIS");
  Limits limits;
  limits.nesting = 100;  // of a sanitizer's stack
  limits.chain = 300;
  const auto rewritten = apply(sql, dialect, edits_of(data[0] | (data[1] & 7u) << 8), limits);
  if (!rewritten) {
    PGMOAT_CHECK(!rewritten.error().empty());
  } else {
    check(sql, dialect, limits, *rewritten);
  }
  return 0;
}
