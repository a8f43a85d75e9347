// From a tree to facts. Every node of a statement is visited; what is known of a kind of node adds
// facts and tells its children where they are (a Scope), what is not known is simply walked through.
// Texts inside the text are put aside and read after it by the same means, as deep as Limits says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/analysis.h"
#include "sql/commands.h"
#include "sql/draft.h"
#include "sql/gate.h"
#include "sql/tree.h"

namespace pgmoat::sql {

// What holds where a node stands; handed down the tree.
struct alignas(8) Scope {  // 16 bytes: in two registers, where it is handed on by value
  Clause clause = Clause::other;
  Access access = Access::read;
  Via via = Via::from;
  Setting::Scope setting = Setting::Scope::session;
  bool nested = false;
  bool inert = false;       // below EXPLAIN without ANALYZE: nothing is carried out
  bool later = false;       // what CREATE FUNCTION and its kin define: carried out another day
  bool definition = false;  // the values of options name functions
  bool exists = false;      // directly below EXISTS: a star there selects nothing
  bool set_arm = false;     // an arm of UNION and its kin
  std::uint16_t selects = 0;
  std::uint32_t ctes = 0;  // the innermost CTE in sight: an index into Extractor::ctes_, 0 for none
};
static_assert(sizeof(Scope) == 16);

class Extractor {
 public:
  Extractor(Draft& draft, const Limits& limits, Gate& nested_gate)
      : draft_(draft), limits_(limits), gate_(nested_gate) {}

  // One text, which lives until the draft is packed.
  void begin(std::string_view text, bool conforming_strings);
  // Gives back the memory that a large text took.
  void shrink();
  // One statement of it, and all texts inside. False: a budget is spent, the facts are not all.
  bool statement(const void* raw_statement, DraftStatement& into);

 private:
  struct Frame {
    const void* node;
    std::uint64_t depth;
    Scope scope;
  };
  struct Cte {
    std::string_view name;
    std::uint32_t outer;
  };
  // A text to be read later. `body` is what its failure makes unreadable.
  struct Inner {
    enum class Form : std::uint8_t { sql, expression, plpgsql };
    Form form = Form::sql;
    bool inert = false, later = false;
    std::uint8_t level = 0;  // of texts in texts
    std::uint32_t body = kNoBody;
    std::string_view text;     // ends with a NUL
    std::string_view routine;  // of plpgsql: what is between its quotes
  };
  static constexpr std::uint32_t kNoBody = ~0u;

  // extract.cc: the walk
  bool run(const void* root, const Scope& scope);
  void visit(const void* node, Scope scope);
  void push(const void* node, Scope scope) {
    if (node) frames_.push_back({node, depth_ + 1, scope});
  }
  void push(const void* node, const Scope& scope, Clause clause) {
    if (!node) return;
    frames_.push_back({node, depth_ + 1, scope});
    frames_.back().scope.clause = clause;
  }
  void push_children(const void* node, const Scope& scope);
  void visit_relation(const void* node, const Scope& scope);
  void note_command(const Command& command, const Scope& scope);
  std::uint32_t position_of(int location) const;

  // extract_queries.cc
  void visit_select(const void* node, Scope scope);
  void visit_insert(const void* node, Scope scope);
  void visit_update(const void* node, Scope scope);
  void visit_delete(const void* node, Scope scope);
  void visit_merge(const void* node, Scope scope);
  void visit_when(const void* node, const Scope& scope);
  void visit_join(const void* node, Scope scope);
  void push_set_list(const void* list, const Scope& scope);
  void push_with(const void* with, Scope& scope);
  void push_from(const void* list, const Scope& scope);
  // True where it holds for every row; there is none: true.
  bool push_condition(const void* node, const Scope& scope, Clause clause);
  bool note_condition(const void* node);
  void note_value(const void* node);
  void note_limit(const void* count);

  // extract_expressions.cc
  void add_column_names(const void* strings, Clause clause);
  void visit_column(const void* node, const Scope& scope);
  void visit_call(const void* node, const Scope& scope);
  void visit_cast(const void* node, const Scope& scope);
  void visit_indirection(const void* node, const Scope& scope);
  void visit_operator(const void* node, const Scope& scope);
  void visit_constant(const void* node, const Scope& scope);
  void visit_sublink(const void* node, Scope scope);
  void visit_special(const void* node, const Scope& scope);
  void note_operator(const void* name, int location, const Scope& scope);
  DraftFunction& add_function(const void* names, Reach reach, std::uint32_t at, const Scope& scope);
  void add_keyword_function(std::string_view name, int location, const Scope& scope);
  void add_argument(const void* node);

  // extract_calls.cc: functions that do more than compute
  void note_call(std::string_view schema, std::string_view name, const void* arguments,
                 const Scope& scope);
  void note_notation(std::string_view name, const void* argument, const Scope& scope);
  void note_set_config(const void* arguments, const Scope& scope);
  void add_relation_literal(const void* argument, const Scope& scope);
  void add_pasted_sql(const void* first, const void* second, const void* relation,
                      const void* condition, const Scope& scope);
  void add_table_rows(const void* argument, const Scope& scope);
  void add_schema(std::string_view schema, Access access, Via via, const Scope& scope);
  void add_whole_schema(const void* argument, const Scope& scope);
  void add_inner_sql(const void* argument, const Scope& scope);

  // extract_commands.cc
  void visit_command(const void* node, Scope scope);
  bool visit_running(const void* node, Scope& scope);
  bool visit_session(const void* node, Scope& scope);
  bool visit_access(const void* node, Scope& scope);
  bool visit_routine(const void* node, Scope& scope);
  void visit_copy(const void* node, const Scope& scope);
  void visit_grant(const void* node, const Scope& scope);
  void visit_create_function(const void* node, const Scope& scope);
  void visit_do(const void* node, const Scope& scope);
  void visit_option(const void* node, const Scope& scope);
  void add_definition(const void* names, const Scope& scope);
  void note_defined(std::string_view name, const Scope& scope);

  // extract_objects.cc
  bool visit_naming(const void* node, Scope& scope);
  void name_object(const void* node, const Scope& scope);
  void add_object(int type, const void* object, const Scope& scope);
  void add_relation_name(const void* names, std::size_t count, const Scope& scope);
  void add_object_name(const char* name);
  void add_object_names(const void* list);

  // extract_settings.cc
  void visit_set(const void* node, const Scope& scope);
  void visit_transaction(const void* node);
  void note_transaction_options(const void* options, std::string_view prefix, const Scope& scope);
  void add_setting(Setting setting);
  void add_role(const char* name);
  void add_clause(std::string_view word);
  void add_role_clauses(const void* options);
  void visit_role(const void* node);

  // extract_texts.cc
  void add_inner(Inner inner);
  void add_body(std::string_view language, std::string_view text, const Scope& scope);
  bool read_inner();
  bool read_plpgsql(const Inner& inner);
  bool read_expression(const Inner& inner, std::string_view text);
  void add_names_called(const Inner& inner, std::string_view text);
  bool read_sql(const Inner& inner, std::string_view text);
  void run_text(const Inner& inner, std::string_view expression);
  void give_up(const Inner& inner);

  Facts& facts() { return statement_->facts; }
  std::string_view keep(const char* text) {
    if (!text) return {};
    return level_ == 0 ? std::string_view(text) : draft_.arena.keep(text);
  }
  std::string_view joined(const void* names, std::size_t count);
  std::string_view integer_text(long value);

  Draft& draft_;
  const Limits& limits_;
  Gate& gate_;
  DraftStatement* statement_ = nullptr;
  std::string_view text_;            // the outer one
  std::string_view statement_text_;  // of the statement that is walked, in whatever text
  bool conforming_strings_ = true;
  std::uint8_t level_ = 0;  // 0: in the text itself; else in a text inside
  std::uint32_t depth_ = 0;
  std::uint32_t nodes_left_ = 0, inner_left_ = 0;
  bool limit_noted_ = false, spent_ = false;
  std::uint32_t refusals_left_ = 1'000'000;  // of PL/pgSQL bodies, see plpgsql.h: 32 MB at most
  std::vector<Frame> frames_;
  std::vector<Cte> ctes_;
  std::vector<Inner> inner_;
};

}  // namespace pgmoat::sql
