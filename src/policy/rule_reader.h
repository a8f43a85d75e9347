// Nodes to rules: the one reader behind TOML packs and Lua files. It collects every problem of a file
// and makes a rule from what is left, so that later checks (duplicate ids) see it too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/node.h"
#include "policy/rule.h"

namespace pgmoat::policy {

// "@name" in matchers.
struct NamedList {
  std::string name;
  std::vector<std::string> values;
  Place place;
  bool used = false;
};

// What reading a file needs besides the node.
struct FileReading {
  Problems problems;
  std::string pack;              // "" outside packs
  std::vector<NamedList> lists;  // @lists that may be used
  std::int64_t now = 0;          // unix seconds; 0: nothing has expired
};

Rule read_rule(const Node& node, FileReading& reading);

// The conditions of `node`, flattened: copy = { target = .. } is "copy.target". `skip`: keys that are
// the caller's. The result's op is `all`.
Match read_match(const Node& node, FileReading& reading,
                 const std::vector<std::string_view>& skip = {});

Verdict read_verdict(Verdict::Action action, const Node& node, const Problems& problems);
// Names of Verdict::Action, in its order.
const std::vector<std::string_view>& verdict_names();

// What is wrong with a `mode`, `until` and the like.
Read mode(std::optional<Mode>& into);
Read moment(std::optional<std::int64_t>& into);

}  // namespace pgmoat::policy
