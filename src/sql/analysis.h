// SQL text to facts. An Analyzer belongs to one thread and reuses its memory; the Analysis it returns is
// immutable, lies in one block with everything its facts point to, and may be shared. Nothing here throws and nothing
// recurses over the text: gates bound the parse before it starts (gate.h). What cannot be known is said in `opacity`.
//
// Threads that analyze need a stack of kParserStack bytes: libpg_query's grammar and copy functions
// recurse with the depth that the gates let through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/dialect.h"
#include "sql/facts.h"

namespace pgmoat::sql {

inline constexpr std::size_t kParserStack = 64u << 20;

// The limits before a parse. Each is tested at the limit and one past it; all are configurable in
// [sql] of the configuration.
struct Limits {
  std::uint32_t text_bytes = 1u << 20;  // libpg_query is superlinear; memory is 10 to 30 x the text
  std::uint32_t comment_depth = 16;     // nested comments are quadratic in the lexer (160 KB: 20 s)
  std::uint32_t tokens = 200'000;
  std::uint32_t nesting = 500;       // parentheses, brackets, CASE, BEGIN: stack of the grammar
  std::uint32_t chain = 2'000;       // operators, casts, UNIONs, JOINs in a row: depth of the tree
  std::uint32_t statements = 1'000;  // in one text
  std::uint32_t nodes = 2'000'000;   // of the tree
  std::uint32_t depth = 10'000;      // of the tree
  std::uint32_t body_depth = 4;      // texts inside texts (DO, function bodies, literals)
  std::uint32_t filtered = 1'000;    // relations in one statement that an add_filter changes
};

// Why the facts may not be all there is. Anything but `none` is judged as `opaque`.
enum class Opacity : std::uint8_t {
  none,
  oversize,
  encoding,    // not valid in the client encoding, or the encoding is not known
  comments,    // nested too deeply
  tokens,      // too many
  nesting,     // parentheses and the like, or operators in a row
  statements,  // too many in one text
  tree,        // nodes or depth over the limit
  unparsable,  // the grammar refuses it
  dialect,     // the readings that are possible disagree and none can be excluded
};
std::string_view name_of(Opacity opacity);

class Analysis {
 public:
  Analysis() = default;
  Analysis(const Analysis&) = delete;  // what it points to lies behind it
  Analysis& operator=(const Analysis&) = delete;

  std::span<const Facts> statements() const { return statements_; }
  std::string_view text() const { return text_; }  // as it was handed in
  Opacity opacity() const { return opacity_; }
  std::string_view why() const { return why_; }  // one sentence; "" when not opaque
  std::uint32_t error_position() const { return error_position_; }  // byte offset, with unparsable
  std::span<const std::string_view> comments() const { return comments_; }  // with their marks
  std::string_view traceparent() const { return traceparent_; }  // of a sqlcommenter comment
  // The text can be read differently under another standard_conforming_strings (a backslash inside
  // a plain string constant), or another client encoding (bytes above 127 followed by one that can
  // be a trail byte).
  bool depends_on_scs() const { return depends_on_scs_; }
  bool depends_on_encoding() const { return depends_on_encoding_; }
  // The text was converted to UTF-8: positions are those of the converted text, so it cannot be edited.
  bool converted() const { return converted_; }
  std::size_t memory() const { return memory_; }  // bytes, for the cache's bound

 private:
  friend class Analyzer;
  friend class AnalysisBuilder;
  std::string_view text_;
  std::span<const Facts> statements_;
  std::span<const std::string_view> comments_;
  std::string_view traceparent_;
  std::string_view why_;
  Opacity opacity_ = Opacity::none;
  std::uint32_t error_position_ = 0;
  bool depends_on_scs_ = false, depends_on_encoding_ = false, converted_ = false;
  std::size_t memory_ = 0;
};

class Analyzer {
 public:
  explicit Analyzer(const Limits& limits = {});
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  // Never null. With an opacity other than none, statements() holds what could be read, if anything.
  std::shared_ptr<const Analysis> analyze(std::string_view text, const Dialect& dialect);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// libpg_query's fingerprint, for people who know it from other tools; 0 where it cannot be had. It is
// no key for an allow-list: it erases what it takes for constants (docs/policy/fingerprints.md).
std::uint64_t fingerprint_of(std::string_view statement);
// With literals as $n, as pg_stat_statements shows them; "" where it cannot be had.
std::string normalized(std::string_view statement);

}  // namespace pgmoat::sql
