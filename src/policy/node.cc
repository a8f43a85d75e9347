#include "policy/node.h"

#include <algorithm>

#include "base/nearest.h"

namespace pgmoat::policy {

const Node::Entry* Node::find(std::string_view key) const {
  const auto at = std::find_if(fields.begin(), fields.end(),
                               [&](const Entry& entry) { return entry.key == key; });
  return at == fields.end() ? nullptr : &*at;
}

void read_table(const Node& table, std::string_view where, const std::vector<Key>& keys,
                const Problems& problems, const std::vector<std::string_view>& others) {
  if (!table.items.empty()) {
    problems.error(table.place, std::string(where) + " has names for its values, and no list");
  }
  for (const Node::Entry& entry : table.fields) {
    if (std::find(others.begin(), others.end(), entry.key) != others.end()) continue;
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const Key& known) { return known.name == entry.key; });
    if (key != keys.end()) {
      const std::string wrong = key->read(entry.value);
      if (!wrong.empty()) problems.error(entry.value.place, entry.key + ": " + wrong);
      continue;
    }
    std::vector<std::string_view> known = others;
    for (const Key& k : keys) known.push_back(k.name);
    problems.error(entry.place, "unknown key '" + entry.key + "' in " + std::string(where) +
                                    did_you_mean(entry.key, known));
  }
}

Read text(std::string& into) {
  return [&into](const Node& node) -> std::string {
    if (!node.is(Node::Type::text)) return "expected a text";
    into = node.text;
    return {};
  };
}

Read flag(bool& into) {
  return [&into](const Node& node) -> std::string {
    if (!node.is(Node::Type::boolean)) return "expected true or false";
    into = node.boolean;
    return {};
  };
}

Read whole(std::function<void(std::int64_t)> take, std::int64_t low, std::int64_t high) {
  return [take = std::move(take), low, high](const Node& node) -> std::string {
    if (!node.is(Node::Type::integer) || node.integer < low || node.integer > high) {
      return "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    }
    take(node.integer);
    return {};
  };
}

Read words(std::vector<std::string>& into) {
  return [&into](const Node& node) -> std::string {
    into.clear();
    if (node.is(Node::Type::text)) {
      into.push_back(node.text);
      return {};
    }
    if (!node.is_list()) return "expected a text or a list of texts";
    for (const Node& item : node.items) {
      if (!item.is(Node::Type::text)) return "expected a text or a list of texts";
      into.push_back(item.text);
    }
    return {};
  };
}

Read choice(std::vector<std::string_view> names, std::function<void(std::size_t)> take) {
  return [names = std::move(names), take = std::move(take)](const Node& node) -> std::string {
    if (node.is(Node::Type::text)) {
      for (std::size_t at = 0; at < names.size(); ++at) {
        if (names[at] == node.text) return take(at), std::string();
      }
      return "expected " + one_of(names) + did_you_mean(node.text, names);
    }
    return "expected " + one_of(names);
  };
}

std::string one_of(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (at > 0) text += at + 1 == names.size() ? " or " : ", ";
    text += "'" + std::string(names[at]) + "'";
  }
  return text;
}

bool as_text(const Node& node, std::string& into) {
  switch (node.type) {
    case Node::Type::text: into = node.text; return true;
    case Node::Type::integer: into = std::to_string(node.integer); return true;
    case Node::Type::boolean: into = node.boolean ? "true" : "false"; return true;
    default: return false;
  }
}

}  // namespace pgmoat::policy
