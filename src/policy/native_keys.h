// The table of what `match` may say, as compiling sees it: for each key the test it becomes and how
// its operands are read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/native.h"

namespace pgmoat::policy {

// One leaf under construction.
struct Leaf {
  const Match& match;
  std::vector<Operand> operands;  // lists expanded; not empty
  Condition& node;
  std::string trouble;  // "" while all is well
  Patterns& patterns;
};

struct LeafKey {
  // The order in which the parts of a group are asked: flags and masks, names, patterns,
  // fingerprints, the session, time, the score.
  enum Cost { kFlag, kName, kPattern, kFingerprint, kSession, kTime, kScore };
  std::string_view name;
  Condition::Test test;
  void (*read)(Leaf&);
  Cost cost = kFlag;
  std::uint32_t needs = 0;
};

const LeafKey* find_leaf_key(std::string_view name);
std::string shown(const Operand& operand);  // for people: 'text', 5, true

}  // namespace pgmoat::policy
