// Every command tag that a statement can have, for those who check what was written against them.
#pragma once

#include <span>
#include <string_view>

namespace pgmoat::sql {

// PostgreSQL's own list, and the words of replication commands.
std::span<const std::string_view> command_tags();

}  // namespace pgmoat::sql
