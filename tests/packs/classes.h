// Classes of injection payloads, by what their text tries: only to report what is caught of each. First
// match counts.
#pragma once

#include <string>

namespace pgmoat::policy::tests {

std::string class_of(const std::string& sql);

}  // namespace pgmoat::policy::tests
