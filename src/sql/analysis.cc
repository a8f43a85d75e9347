// Gate, parse, extract, pack: the order in which a text is read. What an Analyzer needs for that it
// keeps, so that in the end only the Analysis itself is allocated.
#include "sql/analysis.h"

#include <algorithm>
#include <string>

#include "sql/comments.h"
#include "sql/encoding.h"
#include "sql/extract.h"
#include "sql/gate.h"
#include "sql/injection.h"
#include "sql/name_lists.h"
#include "sql/pack.h"
#include "sql/postgres.h"
#include "sql/replication.h"
#include "sql/structure.h"

namespace pgmoat::sql {

struct Analyzer::State {
  explicit State(const Limits& limits_)
      : limits(limits_), gate(limits), nested_gate(limits), extractor(draft, limits, nested_gate) {}

  void read(std::string_view text, const Dialect& dialect);
  bool pass_gate(bool conforming_strings);
  Tree parse(bool conforming_strings);
  void extract(const Tree& tree, bool conforming_strings);
  void add_statement(const void* raw, std::uint32_t statements);
  void refuse(Opacity opacity, std::string_view why, std::uint32_t position = 0);
  void shrink();

  Limits limits;
  Gate gate, nested_gate;
  const Scan* scan = nullptr;
  Draft draft;
  Extractor extractor;
  StructureHash structure;
  Heading heading;
  std::string converted;  // the text in UTF-8, where it is not
  std::string parsed;     // what is parsed: NUL at the end, comments perhaps blanked
  bool whole = true;      // no budget ended
};

Analyzer::Analyzer(const Limits& limits) : state_(std::make_unique<State>(limits)) {}
Analyzer::~Analyzer() = default;

std::shared_ptr<const Analysis> Analyzer::analyze(std::string_view text, const Dialect& dialect) {
  State& state = *state_;
  state.draft.clear();
  state.shrink();
  state.heading = {.text = text, .read_text = text};
  state.whole = true;
  state.read(text, dialect);
  if (state.heading.opacity != Opacity::none || !state.draft.statements.empty()) {
    return AnalysisBuilder::pack(state.draft, state.heading);
  }
  // The tree lives until its strings are packed.
  const Tree tree = state.parse(dialect.standard_conforming_strings);
  if (tree) state.extract(tree, dialect.standard_conforming_strings);
  return AnalysisBuilder::pack(state.draft, state.heading);
}

// What the last text left behind, if it was large.
void Analyzer::State::shrink() {
  constexpr std::size_t kKept = 64u << 10;
  if (parsed.capacity() <= kKept && converted.capacity() <= kKept) return;
  parsed = {};
  converted = {};
  extractor.shrink();
  structure.shrink();
}

void Analyzer::State::refuse(Opacity opacity, std::string_view why, std::uint32_t position) {
  heading.opacity = opacity;
  heading.why = draft.arena.keep(why);
  heading.error_position = position;
}

// Everything that comes before the parse; a replication command is all facts already.
void Analyzer::State::read(std::string_view text, const Dialect& dialect) {
  if (text.size() > limits.text_bytes) {
    return refuse(Opacity::oversize, "the text has " + std::to_string(text.size()) +
                                         " bytes, more than the " +
                                         std::to_string(limits.text_bytes) + " that are read");
  }
  const auto utf8 = to_utf8(text, dialect, converted);
  if (!utf8) return refuse(Opacity::encoding, utf8.error());
  heading.read_text = *utf8;
  heading.depends_on_encoding = depends_on_encoding(text);
  if (dialect.replication && add_replication_command(*utf8, draft)) return;
  pass_gate(dialect.standard_conforming_strings);
}

bool Analyzer::State::pass_gate(bool conforming_strings) {
  scan = &gate.scan(heading.read_text, conforming_strings);
  heading.depends_on_scs = scan->depends_on_scs;
  if (!scan->comments.empty()) {
    add_comments(heading.read_text, scan->comments, draft);
    heading.traceparent = traceparent_in(draft.comments, draft.arena);
  }
  if (scan->opacity == Opacity::none) return true;
  refuse(scan->opacity, scan->why, scan->position);
  return false;
}

// On an error once more without comments: libpg_query refuses some between words that PostgreSQL
// takes together (NOT /**/ IN).
Tree Analyzer::State::parse(bool conforming_strings) {
  parsed.assign(heading.read_text);
  Tree tree(parsed.c_str(), conforming_strings);
  if (tree) [[likely]]
    return tree;
  refuse(Opacity::unparsable, tree.error(), tree.error_position());
  if (scan->comments.empty()) return tree;
  blank_comments(parsed, scan->comments);
  tree = Tree(parsed.c_str(), conforming_strings);
  if (tree) heading.opacity = Opacity::none, heading.why = {}, heading.error_position = 0;
  return tree;
}

void Analyzer::State::extract(const Tree& tree, bool conforming_strings) {
  extractor.begin(parsed, conforming_strings);
  const Elements statements = elements_of(tree.statements());
  for (const void* raw : statements) {
    add_statement(raw, static_cast<std::uint32_t>(statements.size()));
    if (!whole) break;
  }
  std::uint32_t signs = statements.size() > 1 ? kStacked : 0u;
  for (const Span& comment : scan->comments) {
    signs |= comment_signs(heading.read_text, comment.at, comment.size);
  }
  for (DraftStatement& statement : draft.statements) statement.facts.signs |= signs;
  if (!whole) refuse(Opacity::tree, "the statement's tree is too large or too deep to be read");
}

void Analyzer::State::add_statement(const void* raw, std::uint32_t statements) {
  const auto& node = *as<RawStmt>(raw);
  const std::string_view text = heading.read_text;
  auto at = std::min(static_cast<std::size_t>(std::max(node.stmt_location, 0)), text.size());
  std::size_t size = node.stmt_len > 0 ? static_cast<std::size_t>(node.stmt_len) : text.size() - at;
  size = std::min(size, text.size() - at);
  const bool first = draft.statements.empty();
  DraftStatement& statement =
      draft.statements.emplace_back(first ? Lists<Place>{} : draft.places());
  statement.facts.text = text.substr(at, size);
  statement.facts.position = static_cast<std::uint32_t>(at);
  whole = extractor.statement(raw, statement);
  if (whole) statement.facts.structure = structure.of(node.stmt, statements);
}

}  // namespace pgmoat::sql
