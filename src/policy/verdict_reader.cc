// Verdicts and edits, of rules and of values that Lua functions return; see rule_reader.h.
#include <algorithm>
#include <array>
#include <utility>

#include "base/nearest.h"
#include "policy/rule_reader.h"

namespace pgmoat::policy {

namespace {

using Action = Verdict::Action;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::array<std::string_view, 5> kPlaceholders = {"command", "kind", "relation",
                                                           "function", "user"};

// {word} must be a placeholder; other braces are text.
std::string check_placeholders(const std::string& text) {
  for (std::size_t open = text.find('{'); open != std::string::npos;
       open = text.find('{', open + 1)) {
    const std::size_t close = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
    if (close == std::string::npos || text[close] != '}' || close == open + 1) continue;
    const std::string word = text.substr(open + 1, close - open - 1);
    const std::vector<std::string_view> known(kPlaceholders.begin(), kPlaceholders.end());
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    return "unknown placeholder '{" + word + "}'" + did_you_mean(word, known);
  }
  return {};
}

Read message(std::string& into) {
  return [&into](const Node& node) -> std::string {
    if (!node.is(Node::Type::text)) return "expected a text";
    if (node.text.find_first_of("\n\r") != std::string::npos) return "expected one line";
    if (node.text.size() > 1000) return "expected at most 1000 bytes";
    into = node.text;
    return check_placeholders(node.text);
  };
}

Read sqlstate(std::string& into) {
  return [&into](const Node& node) -> std::string {
    const std::string& text = node.text;
    const bool five =
        node.is(Node::Type::text) && text.size() == 5 &&
        text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    if (!five) return "expected five digits or capital letters, such as \"42501\"";
    const std::string group = text.substr(0, 2);
    if (group == "00" || group == "01" || group == "02") return "'" + text + "' is no error";
    into = text;
    return {};
  };
}

// { a = 1, b.c = "x" } with dots flattened.
std::string read_pairs(const Node& node, const std::string& prefix, Pairs& into) {
  constexpr std::string_view kExpected = "expected names with values: { name = \"value\" }";
  if (!node.is_table() || !node.items.empty()) return std::string(kExpected);
  for (const Node::Entry& entry : node.fields) {
    std::string value;
    if (as_text(entry.value, value)) {
      into.emplace_back(prefix + entry.key, std::move(value));
    } else if (const std::string wrong = read_pairs(entry.value, prefix + entry.key + ".", into);
               !wrong.empty()) {
      return wrong;
    }
  }
  return into.empty() ? std::string(kExpected) : std::string();
}

Read pairs(Pairs& into) {
  return [&into](const Node& node) { return read_pairs(node, "", into); };
}

class EditReader {
 public:
  EditReader(std::vector<sql::Edit>& into, const Problems& problems)
      : into_(into), problems_(problems) {}

  // { add_filter = {..}, cap_limit = 5 }, a list of such, or what pgmoat.edit.* made.
  void read(const Node& node) {
    if (node.is(Node::Type::list)) {
      for (const Node& item : node.items) read(item);
    } else if (!node.made_by.empty()) {
      made(node);
    } else if (!node.is_table()) {
      problems_.error(node.place, "rewrite: expected edits: { cap_limit = 5000 }");
    } else {
      for (const Node& item : node.items) read(item);
      for (const Node::Entry& entry : node.fields) edit(entry.key, entry.place, entry.value);
    }
  }

 private:
  // A constructor's argument is its table, or the only item of it.
  void made(const Node& node) {
    constexpr std::string_view kEdit = "edit.";
    if (node.made_by.substr(0, kEdit.size()) != kEdit) {
      return problems_.error(node.place, "rewrite: pgmoat." + node.made_by + " makes no edit");
    }
    edit(node.made_by.substr(kEdit.size()), node.place, node);
  }

  void edit(const std::string& name, const Place& place, const Node& value) {
    using Make = void (EditReader::*)(const Node&);
    static const std::vector<std::pair<std::string_view, Make>> kEdits = {
        {"add_filter", &EditReader::add_filter},
        {"cap_limit", &EditReader::cap_limit},
        {"set_local", &EditReader::set_local},
        {"force_read_only", &EditReader::force_read_only},
        {"replace_relation", &EditReader::replace_relation},
        {"add_comment", &EditReader::add_comment},
        {"replace", &EditReader::replace}};
    std::vector<std::string_view> known;
    for (const auto& [key, make] : kEdits) {
      known.push_back(key);
      if (key == name) return (this->*make)(value);
    }
    if (name == "mask_column" || name == "drop_function") {
      return problems_.error(place, "edit " + name + " is not built yet: pgmoat 0.1 cannot do it");
    }
    problems_.error(place, "unknown edit '" + name + "'" + did_you_mean(name, known));
  }

  // What a constructor was called with, cap_limit(5000), or the plain value of TOML.
  static const Node& plain(const Node& node) {
    return !node.made_by.empty() && node.items.size() == 1 ? node.items[0] : node;
  }

  void add_filter(const Node& node) {
    sql::AddFilter edit;
    bool given = false;
    const Read equals = [&](const Node& value) -> std::string {
      given = true;
      edit.equals.type = value.is(Node::Type::integer)   ? sql::Value::Type::integer
                         : value.is(Node::Type::boolean) ? sql::Value::Type::boolean
                                                         : sql::Value::Type::text;
      return as_text(value, edit.equals.text) ? "" : "expected a text, whole number or boolean";
    };
    if (!table(node, "add_filter",
               {{"relations", words(edit.relations)},
                {"column", text(edit.column)},
                {"equals", equals}})) {
      return;
    }
    if (edit.relations.empty()) missing(node, "add_filter", "relations");
    if (edit.column.empty()) missing(node, "add_filter", "column");
    if (!given) missing(node, "add_filter", "equals");
    into_.push_back(std::move(edit));
  }

  void cap_limit(const Node& node) {
    const Node& value = plain(node);
    if (!value.is(Node::Type::integer) || value.integer < 0) {
      return problems_.error(value.place, "cap_limit: expected a whole number, 0 or more");
    }
    into_.push_back(sql::CapLimit{value.integer});
  }

  void set_local(const Node& node) {
    sql::SetLocal edit;
    if (const std::string wrong = read_pairs(node, "", edit.settings); !wrong.empty()) {
      return problems_.error(node.place, "set_local: " + wrong);
    }
    into_.push_back(std::move(edit));
  }

  void force_read_only(const Node& node) {
    const Node& value = plain(node);
    const bool made = !node.made_by.empty() && node.items.empty() && node.fields.empty();
    if (!made && !(value.is(Node::Type::boolean) && value.boolean)) {
      return problems_.error(value.place, "force_read_only: expected true");
    }
    into_.push_back(sql::ForceReadOnly{});
  }

  void replace_relation(const Node& node) {
    sql::ReplaceRelation edit;
    if (!table(node, "replace_relation", {{"from", text(edit.from)}, {"to", text(edit.to)}})) {
      return;
    }
    if (edit.from.empty()) missing(node, "replace_relation", "from");
    if (edit.to.empty()) missing(node, "replace_relation", "to");
    into_.push_back(std::move(edit));
  }

  void add_comment(const Node& node) {
    sql::AddComment edit;
    if (const std::string wrong = read_pairs(node, "", edit.pairs); !wrong.empty()) {
      return problems_.error(node.place, "add_comment: " + wrong);
    }
    into_.push_back(std::move(edit));
  }

  void replace(const Node& node) {
    const Node& value = plain(node);
    if (!value.is(Node::Type::text) || value.text.empty()) {
      return problems_.error(value.place, "replace: expected one statement of SQL");
    }
    into_.push_back(sql::ReplaceText{value.text});
  }

  bool table(const Node& node, const std::string& name, const std::vector<Key>& keys) {
    if (node.is_table()) return read_table(node, name, keys, problems_), true;
    problems_.error(node.place, name + ": expected names with values");
    return false;
  }
  void missing(const Node& node, const std::string& edit, const std::string& key) {
    problems_.error(node.place, edit + " needs '" + key + "'");
  }

  std::vector<sql::Edit>& into_;
  const Problems& problems_;
};

Read capture(std::string& into) {
  static const std::vector<std::string_view> kinds = {"normalized", "raw", "none"};
  return choice(kinds, [&into](std::size_t at) { into = kinds[at]; });
}

std::vector<Key> keys_of(Verdict& verdict) {
  switch (verdict.action) {
    case Action::deny:
      return {{"message", message(verdict.message)},
              {"sqlstate", sqlstate(verdict.sqlstate)},
              {"hint", message(verdict.hint)},
              {"detail", message(verdict.detail)}};
    case Action::terminate:
      return {{"message", message(verdict.message)},
              {"hint", message(verdict.hint)},
              {"detail", message(verdict.detail)}};
    case Action::alert:
      return {{"message", message(verdict.message)}, {"capture", capture(verdict.capture)}};
    default: return {{"reason", text(verdict.reason)}};  // allow
  }
}

}  // namespace

const std::vector<std::string_view>& verdict_names() {
  static const std::vector<std::string_view> names = {"allow", "deny", "terminate", "rewrite",
                                                      "alert", "tag",  "set",       "score"};
  return names;
}

Verdict read_verdict(Action action, const Node& node, const Problems& problems) {
  Verdict verdict;
  verdict.action = action;
  const std::string name(name_of(action));
  const auto take = [&](const std::string& wrong) {
    if (!wrong.empty()) problems.error(node.place, name + ": " + wrong);
  };
  const Node& plain = !node.made_by.empty() && node.items.size() == 1 ? node.items[0] : node;
  switch (action) {
    case Action::rewrite: {
      Node edits = node;
      edits.made_by.clear();
      EditReader(verdict.edits, problems).read(edits);
      if (node.items.empty() && node.fields.empty()) take("needs at least one edit");
      break;
    }
    case Action::tag: {
      Node list = node;
      if (!list.items.empty() && list.fields.empty()) list.type = Node::Type::list;
      take(words(verdict.tags)(list));
      if (verdict.tags.empty() && node.is_list()) take("needs at least one tag");
      break;
    }
    case Action::set: take(pairs(verdict.settings)(node)); break;
    case Action::score:
      take(whole([&](std::int64_t value) { verdict.score = value; }, -1000, 1000)(plain));
      break;
    default:
      if (node.is_table()) read_table(node, name, keys_of(verdict), problems);
      else take("expected { message = \"...\" }");
  }
  return verdict;
}

}  // namespace pgmoat::policy
