// The commands of a walsender. They have a grammar of their own, of one command a text; a text that
// begins otherwise is SQL.
#pragma once

#include <string_view>
#include <vector>

#include "sql/draft.h"

namespace pgmoat::sql {

std::vector<std::string_view> replication_words();

// False where the text is no replication command.
bool add_replication_command(std::string_view text, Draft& draft);

}  // namespace pgmoat::sql
