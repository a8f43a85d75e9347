#include "describe.h"

#include <bit>

namespace pgmoat::sql {
namespace {

struct Line {
  std::string text;
  void part(const std::string& word) {
    if (!text.empty()) text += " | ";
    text += word;
  }
  void list(const char* name, std::span<const std::string_view> names) {
    if (names.empty()) return;
    std::string all(name);
    for (const std::string_view one : names) all += " " + std::string(one);
    part(all);
  }
  void flag(bool on, const char* name) {
    if (on) part(name);
  }
};

std::string str(std::string_view view) { return std::string(view); }
std::string nested(bool is) { return is ? " nested" : ""; }

std::string relation(const Relation& r) {
  std::string text = "rel " + (r.catalog.empty() ? "" : str(r.catalog) + ".") + str(r.qualified);
  if (!r.alias.empty()) text += " as " + str(r.alias);
  return text + " " + str(name_of(r.access)) + " " + str(name_of(r.via)) + nested(r.nested);
}

std::string function(const Function& f) {
  std::string text = "fn " + str(f.qualified);
  if (!f.arguments.empty()) {
    text += "(";
    for (const Argument& a : f.arguments) {
      if (text.back() != '(') text += ", ";
      text += a.constant ? "'" + str(a.value) + "'" : "?";
    }
    text += ")";
  }
  return text + " " + str(name_of(f.reach)) + nested(f.nested);
}

std::string setting(const Setting& s) {
  return "set " + str(s.name) +
         (s.is_default ? " default"
          : s.constant ? "=" + str(s.value)
                       : " ?") +
         " " + str(name_of(s.scope)) + nested(s.nested);
}

void lists(Line& line, const Facts& f) {
  for (const Relation& r : f.relations) line.part(relation(r));
  for (const Column& c : f.columns) {
    line.part("col " + (c.relation.empty() ? "" : str(c.relation) + ".") + str(c.name) + " " +
              str(name_of(c.clause)));
  }
  for (const Function& fn : f.functions) line.part(function(fn));
  for (const Literal& l : f.literals) {
    line.part("lit '" + str(l.value) + "' " + str(name_of(l.type)) + " " + str(name_of(l.clause)));
  }
  for (const Setting& s : f.settings) line.part(setting(s));
  for (const Body& b : f.bodies) {
    line.part("body " + str(b.language) + (b.readable ? "" : " unreadable"));
  }
  line.list("roles", f.roles);
  line.list("clauses", f.clauses);
  line.list("objects", f.object_names);
  line.list("extensions", f.extensions);
}

void numbers(Line& line, const Facts& f) {
  const std::pair<const char*, std::uint16_t> counts[] = {{"joins", f.joins},
                                                          {"depth", f.depth},
                                                          {"ctes", f.ctes},
                                                          {"setops", f.set_operations},
                                                          {"params", f.parameters}};
  for (const auto& [name, count] : counts) {
    if (count) line.part(std::string(name) + " " + std::to_string(count));
  }
}

}  // namespace

std::string describe(const Facts& f) {
  Line line;
  line.part(str(name_of(f.kind)) + " " + str(f.command));
  lists(line, f);
  line.flag(!f.where.present, "no-where");
  line.flag(f.where.constant_true, "where-true");
  line.flag(f.where.tautology, "tautology");
  if (f.limit.kind != LimitKind::none) {
    line.part("limit " + str(name_of(f.limit.kind)) + " " + std::to_string(f.limit.value));
  }
  if (f.copy.target != Copy::Target::none) {
    line.part(std::string("copy ") + (f.copy.from ? "from " : "to ") + str(name_of(f.copy.target)) +
              " " + str(f.copy.file) + (f.copy.file.empty() ? "" : " ") + str(f.copy.format));
  }
  if (!f.prepared.empty()) line.part("prepared " + str(f.prepared));
  if (!f.cursor.empty()) line.part("cursor " + str(f.cursor));
  if (!f.channel.empty()) line.part("channel " + str(f.channel));
  numbers(line, f);
  line.flag(f.writes, "writes");
  line.flag(f.dynamic_sql, "dynamic");
  line.flag(f.security_definer, "definer");
  line.flag(f.star, "star");
  line.flag(f.returning, "returning");
  line.flag(f.locking, "locking");
  line.flag(f.transaction_read_write, "read-write");
  return line.text;
}

std::string describe(const Analysis& analysis) {
  if (analysis.opacity() != Opacity::none) {
    return "opaque " + str(name_of(analysis.opacity())) + ": " + str(analysis.why());
  }
  std::string text;
  for (const Facts& facts : analysis.statements())
    text += (text.empty() ? "" : " ; ") + describe(facts);
  return text;
}

std::string signs_of(std::uint32_t signs) {
  static constexpr const char* kNames[] = {"tautology",       "union-constants",
                                           "union-catalog",   "cast-of-subquery",
                                           "character-probe", "delay",
                                           "built-string",    "trailing-comment",
                                           "stacked",         "constant-condition",
                                           "foreign",         "error-provoking",
                                           "order-probe",     "subquery-in-values",
                                           "empty-comment"};
  std::string text;
  for (unsigned bit = 0; bit < std::size(kNames); ++bit) {
    if (signs >> bit & 1) text += (text.empty() ? "" : " ") + std::string(kNames[bit]);
  }
  return text;
}

std::shared_ptr<const Analysis> read(std::string_view sql) {
  static thread_local Analyzer analyzer;
  return analyzer.analyze(sql, {});
}

}  // namespace pgmoat::sql
