// Warnings: what a policy may say, and surely does not mean.
#pragma once

#include <span>

#include "policy/node.h"
#include "policy/rule.h"
#include "policy/rule_reader.h"

namespace pgmoat::policy {

void lint_lists(const FileReading& reading);  // lists that nothing uses
void lint(const Source& source, const Problems& problems);
void lint_overrides(const Source& source, std::span<const Override> overrides,
                    const Problems& problems);

// Why no statement can meet both; "" where some may.
std::string contradiction(const Match& a, const Match& b);

}  // namespace pgmoat::policy
