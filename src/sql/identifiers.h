// Names that stand in strings ('public."T"'::regclass), as PostgreSQL reads them: folded where not
// quoted, clipped at 63 bytes.
#pragma once

#include <optional>
#include <string_view>

#include "sql/draft.h"

namespace pgmoat::sql {

struct QualifiedName {
  std::string_view catalog, schema, name;
};
// Nothing where it is no name (a number, an empty string, SQL).
std::optional<QualifiedName> split_name(std::string_view text, Arena& arena);

// ASCII only, as for the names of settings.
std::string_view lower_case(std::string_view text, Arena& arena);

}  // namespace pgmoat::sql
