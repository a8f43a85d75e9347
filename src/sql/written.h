// Names and values as SQL text, and names as people write them in a policy. A name is quoted unless
// it plainly needs none; a text is a string constant that reads the same under both settings of
// standard_conforming_strings.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/edit.h"

namespace pgmoat::sql {

std::string written_name(std::string_view name);
struct Written {
  std::string text;
};
Result<Written, std::string> written_value(const Value& value);

// "orders", "public.orders" or "public.\"a.b\"": as PostgreSQL compares them, nothing is folded.
struct RelationName {
  std::string schema, name;  // schema "" where not given
};
Result<RelationName, std::string> relation_name(std::string_view text);
std::string written_relation(const RelationName& relation);

}  // namespace pgmoat::sql
