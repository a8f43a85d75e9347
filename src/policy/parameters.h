// Values of Bind as text, whichever way they were sent: a rule compares "7" and need not know that
// the driver sent four bytes. Text is passed as it is; binary is read for the core types only, and
// anything else is opaque, never guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "policy/judge.h"
#include "policy/question.h"

namespace pgmoat::policy {

// Reuses the strings of `into`.
void read_parameters(std::span<const Parameter> parameters, std::vector<BoundValue>& into);

// PostgreSQL's text of a binary value of the type with this OID; none where the type is not known
// here or the bytes are not such a value.
std::optional<std::string> text_of_binary(std::uint32_t type, Bytes bytes);

}  // namespace pgmoat::policy
