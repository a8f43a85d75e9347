// Texts inside the text: function bodies, DO, and SQL given as a value. They are read after the
// statement that holds them, by the same gate, parser and walk. One that cannot be read, or that lies
// deeper than Limits::body_depth, is text that nobody has seen: dynamic SQL.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sql/constants.h"
#include "sql/extract.h"
#include "sql/identifiers.h"
#include "sql/name_lists.h"
#include "sql/plpgsql.h"
#include "sql/plpgsql_sweep.h"
#include "sql/postgres.h"

namespace pgmoat::sql {

void Extractor::visit_create_function(const void* node, const Scope& scope) {
  const auto& create = *as<CreateFunctionStmt>(node);
  add_object_names(create.funcname);
  Scope options = scope;
  options.setting = Setting::Scope::function;
  push(create.parameters, scope);
  push(create.returnType, scope);
  push(create.options, options);
  Scope body = scope;
  body.nested = body.later = true;
  body.access = Access::read;
  body.via = Via::from;
  push(create.sql_body, body);
  std::string_view language = "sql", text;
  for (const void* option : elements_of(create.options)) {
    const auto& element = *as<DefElem>(option);
    const std::string_view name = element.defname;
    if (name == "language") language = draft_.arena.keep(string_of(element.arg));
    if (name == "as" && is(element.arg, T_List)) {
      const Elements strings = elements_of(element.arg);
      text = string_of(strings.first[strings.size() - 1]);
    }
  }
  if (language == "internal" || language == "c") {
    // The text is the name of a function of the server, or of a library.
    DraftFunction& function = draft_.functions.emplace_back();
    function.name = draft_.arena.keep(text);
    function.reach = Reach::definition;
    function.nested = scope.nested;
    note_defined(function.name, scope);
  }
  if (!create.sql_body) add_body(language, text, body);
}

void Extractor::visit_do(const void* node, const Scope& scope) {
  std::string_view language = "plpgsql", text;
  for (const void* option : elements_of(as<DoStmt>(node)->args)) {
    const auto& element = *as<DefElem>(option);
    if (std::string_view(element.defname) == "language") {
      language = draft_.arena.keep(string_of(element.arg));
    } else if (is(element.arg, T_String)) {
      text = string_of(element.arg);
    }
  }
  add_body(language, text, scope);
}

void Extractor::add_body(std::string_view language, std::string_view text, const Scope& scope) {
  const auto index = static_cast<std::uint32_t>(draft_.bodies.size());
  draft_.bodies.push_back({language, true, XXH3_64bits(text.data(), text.size())});
  Inner inner{
      .inert = scope.inert, .later = scope.later, .body = index, .text = draft_.arena.keep(text)};
  if (language == "sql") return add_inner(inner);
  if (language == "plpgsql") {
    // Its parser wants the whole statement: the parameters are variables of the body.
    inner.form = Inner::Form::plpgsql;
    inner.routine = inner.text;
    inner.text = draft_.arena.keep(statement_text_);
    return add_inner(inner);
  }
  draft_.bodies[index].readable = false;
  facts().dynamic_sql |= language != "internal" && language != "c";
}

void Extractor::add_inner(Inner inner) {
  inner.level = static_cast<std::uint8_t>(level_ + 1);
  if (inner.level > limits_.body_depth || inner_left_ == 0) return give_up(inner);
  --inner_left_;
  inner_.push_back(inner);
}

void Extractor::give_up(const Inner& inner) {
  facts().dynamic_sql = true;
  if (inner.body != kNoBody) draft_.bodies[inner.body].readable = false;
}

bool Extractor::read_inner() {
  for (std::size_t i = 0; i < inner_.size(); ++i) {
    const Inner inner = inner_[i];  // what it holds is added behind it
    level_ = inner.level;
    const bool read =
        inner.form == Inner::Form::plpgsql ? read_plpgsql(inner) : read_sql(inner, inner.text);
    if (spent_) return false;
    if (!read) give_up(inner);
  }
  return true;
}

// False where it cannot be parsed.
bool Extractor::read_sql(const Inner& inner, std::string_view text) {
  const Scan& scan = gate_.scan(text, conforming_strings_);
  if (scan.opacity != Opacity::none) return false;
  Tree tree(text.data(), conforming_strings_);
  if (!tree && !scan.comments.empty()) {
    std::string blanked(text);
    blank_comments(blanked, scan.comments);
    text = draft_.arena.keep(blanked);
    tree = Tree(text.data(), conforming_strings_);
  }
  if (!tree) return false;
  Scope scope;
  scope.nested = true;
  scope.inert = inner.inert;
  scope.later = inner.later;
  for (const void* statement : elements_of(tree.statements())) {
    const auto& raw = *as<RawStmt>(statement);
    statement_text_ = text.substr(static_cast<std::size_t>(std::max(raw.stmt_location, 0)));
    if (raw.stmt_len > 0)
      statement_text_ = statement_text_.substr(0, static_cast<std::size_t>(raw.stmt_len));
    if (!run(raw.stmt, scope)) return false;
  }
  return true;
}

// EXECUTE of a constant runs what can be read here; of anything else, what nobody has seen.
void Extractor::run_text(const Inner& inner, std::string_view expression) {
  const Tree tree(draft_.arena.join("SELECT ", {}, expression).data(), conforming_strings_);
  const Elements statements = elements_of(tree ? tree.statements() : nullptr);
  const void* const statement =
      statements.size() == 1 ? as<RawStmt>(statements.first[0])->stmt : nullptr;
  const Elements targets =
      elements_of(is(statement, T_SelectStmt) ? as<SelectStmt>(statement)->targetList : nullptr);
  const auto text = targets.size() == 1
                        ? exact_text(as<ResTarget>(targets.first[0])->val, draft_.arena)
                        : std::nullopt;
  if (!text) {
    facts().dynamic_sql = true;
    return;
  }
  add_inner({.inert = inner.inert, .later = inner.later, .text = draft_.arena.keep(*text)});
}

bool Extractor::read_plpgsql(const Inner& inner) {
  if (gate_.scan(inner.routine, conforming_strings_).opacity != Opacity::none) return false;
  std::vector<BodyText> texts;
  if (refusals_left_ == 0) return false;
  const bool parsed = parse_plpgsql(inner.text.data(), conforming_strings_, texts);
  if (!parsed) {
    --refusals_left_;
    texts = sweep_plpgsql(inner.routine, conforming_strings_);
  }
  for (const BodyText& text : texts) {
    const std::string_view expression = draft_.arena.keep(text.sql);
    if (text.executed) run_text(inner, expression);
    if (read_expression(inner, expression)) continue;
    if (spent_ || parsed) return false;
    add_names_called(inner, expression);
  }
  return parsed;
}

// A statement, an expression, or an assignment.
bool Extractor::read_expression(const Inner& inner, std::string_view text) {
  if (read_sql(inner, text)) return true;
  if (spent_) return false;
  if (read_sql(inner, draft_.arena.join("SELECT ", {}, text))) return true;
  return !spent_ && read_sql(inner, draft_.arena.join("SELECT ", {}, assignment_as_list(text)));
}

void Extractor::add_names_called(const Inner& inner, std::string_view text) {
  Scope scope;
  scope.nested = true;
  scope.inert = inner.inert;
  scope.later = inner.later;
  for (const std::string_view written : names_called(text, conforming_strings_)) {
    const auto name = split_name(written, draft_.arena);
    if (!name) continue;
    DraftFunction& function = draft_.functions.emplace_back();
    function.schema = name->schema;
    function.name = name->name;
    function.nested = true;
    note_defined(function.name, scope);
  }
}

}  // namespace pgmoat::sql
