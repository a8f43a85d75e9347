#include "policy/not_built.h"

#include <array>
#include <utility>

namespace pgmoat::policy {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kMissing = {{
    {"mask", "pgmoat 0.1 cannot change results"},
    {"masks", "pgmoat 0.1 cannot change results"},
    {"limit", "pgmoat 0.1 cannot cut results; a rewrite with cap_limit lowers LIMIT"},
    {"throttle", "pgmoat 0.1 cannot delay statements"},
    {"route", "pgmoat 0.1 has one server"},
    {"budget", "pgmoat 0.1 keeps no counts between statements"},
    {"counter", "pgmoat 0.1 keeps no counts between statements"},
    {"baseline", "pgmoat 0.1 does not learn statement shapes"},
    {"approve", "pgmoat 0.1 cannot hold a statement for approval"},
    {"result", "pgmoat 0.1 does not read results"},
    {"tick", "pgmoat 0.1 runs rules for messages only"},
}};

}  // namespace

std::string not_built(std::string_view name) {
  for (const auto& [missing, reason] : kMissing) {
    if (missing != name) continue;
    const bool hook = name == "result" || name == "tick";
    return (hook ? "on = \"" + std::string(name) + "\"" : std::string(name)) +
           " is not built yet: " + std::string(reason);
  }
  return {};
}

std::vector<std::string_view> not_built_names() {
  std::vector<std::string_view> names;
  for (const auto& missing : kMissing) names.push_back(missing.first);
  return names;
}

}  // namespace pgmoat::policy
