// Facts of any text: a byte that picks the dialect, then the text. Nothing crashes, a second analyzer
// that has read something else before says the same, and an analysis owns all that it points to.
#include <string>

#include "roundtrip.h"
#include "sql/analysis.h"
#include "sql/views.h"

using namespace pgmoat;
using namespace pgmoat::sql;

namespace {

Dialect dialect_of(std::uint8_t flags) {
  Dialect dialect;
  dialect.standard_conforming_strings = (flags & 1) == 0;
  dialect.replication = (flags & 2) != 0;
  if (flags & 4) set_encoding(dialect, "SJIS");
  return dialect;
}

void check_same(const Analysis& a, const Analysis& b) {
  PGMOAT_CHECK(a.opacity() == b.opacity() && a.error_position() == b.error_position());
  PGMOAT_CHECK(a.statements().size() == b.statements().size() && views_of(a) == views_of(b));
  for (std::size_t i = 0; i < a.statements().size(); ++i) {
    const Facts &left = a.statements()[i], &right = b.statements()[i];
    PGMOAT_CHECK(left.structure == right.structure && left.signs == right.signs);
    PGMOAT_CHECK(left.kind == right.kind && left.command == right.command);
    PGMOAT_CHECK(left.writes == right.writes && left.dynamic_sql == right.dynamic_sql);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static Analyzer used;
  const Dialect dialect = dialect_of(data[0]);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto analysis = used.analyze(text, dialect);
  PGMOAT_CHECK(analysis->text() == text);
  PGMOAT_CHECK(outside(*analysis).empty());
  PGMOAT_CHECK(analysis->opacity() == Opacity::none || !analysis->why().empty());
  Analyzer fresh;
  check_same(*analysis, *fresh.analyze(text, dialect));
  for (const Facts& facts : analysis->statements()) {
    PGMOAT_CHECK(facts.kind == Kind::other || !facts.command.empty());
    if (!analysis->converted()) PGMOAT_CHECK(facts.position + facts.text.size() <= text.size());
  }
  return 0;
}
