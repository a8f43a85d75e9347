// From `match` as written to a tree of conditions: lists are expanded, related keys joined, parts put
// into their order, and what a statement must have to be worth asking about is summed up.
#include <algorithm>
#include <cctype>

#include "policy/native_keys.h"
#include "policy/native_tests.h"

namespace pgmoat::policy {

namespace {

// "@name" stands for the pack's list of that name.
bool expand(const Operand& operand, const Lists& lists, std::vector<Operand>& into) {
  const auto* text = std::get_if<std::string>(&operand);
  if (text == nullptr || text->size() < 2 || (*text)[0] != '@' ||
      std::isalpha(static_cast<unsigned char>((*text)[1])) == 0) {
    into.push_back(operand);
    return true;
  }
  const auto at = std::find_if(lists.begin(), lists.end(), [&](const auto& list) {
    return std::string_view(*text).substr(1) == list.first;
  });
  if (at == lists.end()) return false;
  into.insert(into.end(), at->second.begin(), at->second.end());
  return true;
}

Condition compile_leaf(const Match& match, const Lists& lists, Stance stance, Patterns& patterns,
                       std::vector<Problem>& problems) {
  Condition node;
  node.op = Match::Op::leaf;
  node.key = match.key;
  node.place = match.place;
  const auto complain = [&](std::string message) {
    problems.push_back({Problem::Level::error, match.place, std::move(message)});
  };
  const LeafKey* key = find_leaf_key(match.key);
  node.test = tests::opaque;  // never called: the problem keeps the policy from being used
  if (key == nullptr) {
    complain("there is no matcher '" + match.key + "'");
    return node;
  }
  Leaf leaf{match, {}, node, {}, patterns};
  for (const Operand& operand : match.operands) {
    if (!expand(operand, lists, leaf.operands)) complain("there is no list " + shown(operand));
  }
  if (leaf.operands.empty()) {
    complain("'" + match.key + "' compares with nothing");
    return node;
  }
  node.test = key->test;
  node.cost = key->cost;
  node.needs = key->needs;
  node.asks_score = key->cost == LeafKey::kScore;
  node.operands.every = stance == Stance::excepting;
  node.operands.doubt = stance == Stance::refusing;
  node.operands.unqualified = stance == Stance::refusing || stance == Stance::scoring
                                  ? NameSet::Unqualified::lenient
                                  : NameSet::Unqualified::strict;
  key->read(leaf);
  if (!leaf.trouble.empty()) complain("'" + match.key + "': " + leaf.trouble);
  return node;
}

// Keys that speak of one thing together: a function and how it is reached, a setting's name, value
// and scope. Only beside each other in one group.
void join_related(std::vector<Condition>& parts) {
  const auto find = [&](std::string_view key) {
    return std::find_if(parts.begin(), parts.end(), [&](const Condition& part) {
      return part.op == Match::Op::leaf && part.key == key;
    });
  };
  if (const auto reach = find("functions.reach"); reach != parts.end()) {
    if (const auto named = find("functions"); named != parts.end()) {
      named->operands.mask = reach->operands.mask;
      parts.erase(reach);
    }
  }
  if (const auto schema = find("function.schema"); schema != parts.end()) {
    if (const auto named = find("functions"); named != parts.end()) {
      named->operands.by_schema = true;
      named->operands.exact = std::move(schema->operands.exact);
      parts.erase(schema);
    }
  }
  const std::uint64_t any_scope = 0x3f;
  const auto joins = [&](std::string_view key, auto take) {
    const auto other = find(key), name = find("set.name");
    if (other == parts.end() || name == parts.end()) return;
    take(name->operands, other->operands);
    parts.erase(other);
  };
  joins("set.value", [](Operands& into, Operands& from) {
    into.values = std::move(from.values);
    into.mask |= from.mask;
  });
  joins("set.scope", [](Operands& into, Operands& from) { into.mask |= from.mask; });
  if (const auto value = find("set.value"), scope = find("set.scope");
      value != parts.end() && scope != parts.end()) {
    value->operands.mask |= scope->operands.mask;
    parts.erase(scope);
  }
  for (Condition& part : parts) {
    const bool of_setting = part.op == Match::Op::leaf && part.test == tests::settings;
    if (of_setting && (part.operands.mask & any_scope) == 0) part.operands.mask |= any_scope;
  }
}

// What the group's parts say about statements that cannot match.
void summarize(Condition& node) {
  node.kinds = node.op == Match::Op::any && !node.parts.empty() ? 0u : 0xffffffffu;
  node.needs = node.op == Match::Op::any && !node.parts.empty() ? 0xffffffffu : 0u;
  for (const Condition& part : node.parts) {
    node.cost = std::max(node.cost, part.cost);
    node.asks_score = node.asks_score || part.asks_score;
    if (node.op == Match::Op::all) {
      node.kinds &= part.kinds;
      node.needs |= part.needs;
      if (node.names.empty()) node.names = part.names;
    } else if (node.op == Match::Op::any) {
      node.kinds |= part.kinds;
      node.needs &= part.needs;
    }
  }
}

Stance turned(Stance stance) {
  const bool lenient = stance == Stance::refusing || stance == Stance::scoring;
  return lenient ? Stance::allowing : Stance::refusing;
}

}  // namespace

Condition compile_match(const Match& match, const Lists& lists, Stance stance, Patterns& patterns,
                        std::vector<Problem>& problems) {
  if (match.op == Match::Op::leaf) {
    Condition group;  // a leaf by itself is a group of one, so that join_related() sees it
    group.parts.push_back(compile_leaf(match, lists, stance, patterns, problems));
    join_related(group.parts);
    return std::move(group.parts.front());
  }
  Condition node;
  node.op = match.op;
  node.place = match.place;
  const Stance inner = match.op == Match::Op::none ? turned(stance) : stance;
  for (const Match& part : match.parts) {
    const bool leaf = part.op == Match::Op::leaf;
    node.parts.push_back(leaf ? compile_leaf(part, lists, inner, patterns, problems)
                              : compile_match(part, lists, inner, patterns, problems));
  }
  if (node.op == Match::Op::all) {
    join_related(node.parts);
  } else {
    for (Condition& part : node.parts) {
      if (part.op != Match::Op::leaf) continue;
      std::vector<Condition> alone;
      alone.push_back(std::move(part));
      join_related(alone);
      part = std::move(alone.front());
    }
  }
  std::stable_sort(node.parts.begin(), node.parts.end(),
                   [](const Condition& a, const Condition& b) { return a.cost < b.cost; });
  summarize(node);
  return node;
}

}  // namespace pgmoat::policy
