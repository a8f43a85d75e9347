// Whether an analysis owns all that its facts point to: every view lies in one span of memory, or is
// one of the names that are the program's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/analysis.h"

namespace pgmoat::sql {

// The views of an analysis, but for command tags, which are static.
inline std::vector<std::string_view> views_of(const Analysis& analysis) {
  std::vector<std::string_view> views{analysis.text(), analysis.why(), analysis.traceparent()};
  const auto add = [&](std::initializer_list<std::string_view> more) {
    views.insert(views.end(), more);
  };
  for (const std::string_view comment : analysis.comments()) add({comment});
  for (const Facts& f : analysis.statements()) {
    add({f.text, f.prepared, f.cursor, f.channel, f.copy.file, f.copy.format});
    for (const Relation& r : f.relations) add({r.catalog, r.schema, r.name, r.alias, r.qualified});
    for (const Column& c : f.columns) add({c.relation, c.name});
    for (const Function& fn : f.functions) {
      add({fn.schema, fn.name, fn.qualified});
      for (const Argument& a : fn.arguments) add({a.value});
    }
    for (const Literal& l : f.literals) add({l.value});
    for (const Setting& s : f.settings) add({s.name, s.value});
    for (const Body& b : f.bodies) add({b.language});
    for (const auto names : {f.roles, f.object_names, f.extensions}) {
      for (const std::string_view name : names) add({name});
    }
  }
  return views;
}

// The first view that is not inside the block; "" where all are. The block starts before the text and
// has memory() bytes at most.
inline std::string outside(const Analysis& analysis) {
  if (analysis.text().empty()) return "";  // then there is nothing else
  const char* const first = analysis.text().data();
  const char* const last = first + analysis.memory();
  for (const std::string_view view : views_of(analysis)) {
    if (view.empty()) continue;
    if (view.data() < first || view.data() + view.size() > last) return std::string(view);
  }
  return "";
}

}  // namespace pgmoat::sql
