// `match` of rules, exceptions and scopes; see rule_reader.h.
#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "policy/matchers.h"
#include "policy/rule_reader.h"

namespace pgmoat::policy {

namespace {

class MatchReader {
 public:
  explicit MatchReader(FileReading& reading) : reading_(reading) {}

  Match conjunction(const Node& table, const std::vector<std::string_view>& skip) {
    Match match;
    match.place = table.place;
    fields(table, "", match, skip);
    return match;
  }

 private:
  void fields(const Node& table, const std::string& prefix, Match& into,
              const std::vector<std::string_view>& skip) {
    if (!table.items.empty()) {
      reading_.problems.error(table.place, "conditions have names: write { kind = \"select\" }");
    }
    for (const Node::Entry& entry : table.fields) {
      if (std::find(skip.begin(), skip.end(), entry.key) != skip.end()) continue;
      field(prefix + entry.key, entry, into);
    }
  }

  void field(const std::string& key, const Node::Entry& entry, Match& into) {
    if (key == "all" || key == "any" || key == "none") {
      return group(key == "all"   ? Match::Op::all
                   : key == "any" ? Match::Op::any
                                  : Match::Op::none,
                   entry, into);
    }
    const bool many = entry.value.is_table() && !entry.value.fields.empty();
    if (many && find_matcher(key) != nullptr && !begins_another(key)) {
      return complain(entry.value.place, key, expected(*find_matcher(key)));
    }
    if (many) {
      return fields(entry.value, key + ".", into, {});
    }
    const Matcher* matcher = find_matcher(key);
    if (matcher == nullptr) return unknown(key, entry);
    leaf(*matcher, entry, into);
  }

  static std::string expected(const Matcher& matcher) {
    return "expected " + std::string(name_of(matcher.type)) + ", or a list of such";
  }

  // "copy" begins "copy.target".
  static bool begins_another(const std::string& key) {
    const auto all = matchers();
    return std::any_of(all.begin(), all.end(),
                       [&](const Matcher& matcher) { return matcher.name.starts_with(key + "."); });
  }

  // A table: each of its conditions is a part. A list of tables: each table is.
  void group(Match::Op op, const Node::Entry& entry, Match& into) {
    Match match;
    match.op = op;
    match.place = entry.place;
    const Node& node = entry.value;
    if (node.is(Node::Type::list)) {
      for (const Node& item : node.items) {
        if (item.is_table()) match.parts.push_back(conjunction(item, {}));
        else reading_.problems.error(item.place, entry.key + ": expected conditions in braces");
      }
    } else if (node.is_table()) {
      fields(node, "", match, {});
    } else {
      return reading_.problems.error(node.place, entry.key + ": expected conditions in braces");
    }
    if (match.parts.empty()) {
      return reading_.problems.error(entry.place, entry.key + ": needs at least one condition");
    }
    into.parts.push_back(std::move(match));
  }

  void unknown(const std::string& key, const Node::Entry& entry) {
    std::vector<std::string_view> known = {"all", "any", "none"};
    for (const Matcher& matcher : matchers()) known.push_back(matcher.name);
    reading_.problems.error(entry.place,
                            "unknown matcher '" + key + "'" + did_you_mean(key, known));
  }

  void leaf(const Matcher& matcher, const Node::Entry& entry, Match& into) {
    Match match;
    match.op = Match::Op::leaf;
    match.key = matcher.name;
    match.place = entry.place;
    const std::size_t problems = complaints_;
    if (entry.value.is_list()) {
      for (const Node& item : entry.value.items) operand(matcher, item, match);
      if (entry.value.items.empty()) {
        return complain(entry.value.place, match.key, "an empty list never holds");
      }
    } else {
      operand(matcher, entry.value, match);
    }
    if (match.operands.empty() || problems != complaints_) return;
    into.parts.push_back(std::move(match));
  }

  void operand(const Matcher& matcher, const Node& node, Match& into) {
    Operand value;
    switch (node.type) {
      case Node::Type::boolean: value = node.boolean; break;
      case Node::Type::integer: value = node.integer; break;
      case Node::Type::number: value = node.number; break;
      case Node::Type::text:
        if (!node.text.empty() && node.text.front() == '@') return list(matcher, node, into);
        value = node.text;
        break;
      default: return complain(node.place, into.key, expected(matcher));
    }
    take(matcher, node.place, std::move(value), into);
  }

  void take(const Matcher& matcher, const Place& place, Operand value, Match& into) {
    if (const std::string wrong = check_operand(matcher, value); !wrong.empty()) {
      return complain(place, into.key, wrong);
    }
    into.operands.push_back(std::move(value));
  }

  void list(const Matcher& matcher, const Node& node, Match& into) {
    const std::string_view name = std::string_view(node.text).substr(1);
    std::vector<std::string_view> known;
    for (NamedList& list : reading_.lists) {
      known.push_back(list.name);
      if (list.name != name) continue;
      list.used = true;
      if (list.values.empty()) {
        return complain(node.place, into.key, "list '" + node.text + "' is empty and never holds");
      }
      for (const std::string& value : list.values) take(matcher, node.place, value, into);
      return;
    }
    complain(node.place, into.key, "unknown list '" + node.text + "'" + did_you_mean(name, known));
  }

  void complain(const Place& place, const std::string& key, const std::string& what) {
    ++complaints_;
    reading_.problems.error(place, key + ": " + what);
  }

  FileReading& reading_;
  std::size_t complaints_ = 0;
};

}  // namespace

Match read_match(const Node& node, FileReading& reading,
                 const std::vector<std::string_view>& skip) {
  if (!node.is_table()) {
    reading.problems.error(node.place, "match: expected conditions: { kind = \"select\" }");
    return {};
  }
  return MatchReader(reading).conjunction(node, skip);
}

}  // namespace pgmoat::policy
