// What reaches a relation and no edit of the text can reach: SQL in constants and bodies, whatever
// runs a text that is not known, functions that are told a relation's name, and statements that are
// no query. The facts know all of them; where the facts are not complete, neither is the answer.
#include <algorithm>
#include <string>
#include <string_view>

#include "sql/edits.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

// Where the tree shows all there is.
bool shows_all(unsigned tag) { return is_query(tag) || tag == T_TruncateStmt || tag == T_LockStmt; }

// They read the table that their argument names or numbers.
bool reads_a_table_by_name(const Function& function) {
  return function.name == "table_to_xml" || function.name == "table_to_xml_and_xmlschema";
}

bool is_constant_name(const Function& function) {
  if (function.reach != Reach::call || function.arguments.empty()) return false;
  const Argument& first = function.arguments[0];
  return first.constant && !first.value.empty() &&
         !std::all_of(first.value.begin(), first.value.end(),
                      [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string unseen(const Statement& statement, const Matcher& matches, std::string_view edited) {
  const std::string done(edited);
  Analyzer analyzer(statement.limits());
  const auto analysis = analyzer.analyze(statement.text(), statement.dialect());
  if (analysis->opacity() != Opacity::none || analysis->statements().size() != 1) {
    return "The statement cannot be " + done + ": " + std::string(analysis->why());
  }
  const Facts& facts = analysis->statements()[0];
  if (facts.dynamic_sql) return "A statement that runs a text of its own cannot be " + done + ".";
  for (const Function& function : facts.functions) {
    if (reads_a_table_by_name(function) && !is_constant_name(function)) {
      return std::string(function.name) + " of an unknown relation cannot be " + done + ".";
    }
  }
  const bool query = shows_all(tag_of(statement.node()));
  for (const Relation& relation : facts.relations) {
    const bool all = relation.name == "*" && relation.via == Via::literal;
    if (!all && !matches(relation.schema, relation.name)) continue;
    if (all || relation.via == Via::literal || relation.via == Via::nested) {
      return std::string(relation.qualified) + " in a text or a name cannot be " + done + ".";
    }
    if (!query) {
      return std::string(relation.qualified) + " cannot be " + done +
             " in a statement of this kind.";
    }
  }
  return "";
}

}  // namespace pgmoat::sql
