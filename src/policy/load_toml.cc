#include "policy/load_toml.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <sstream>
#include <utility>

#include "policy/lint.h"
#include "policy/not_built.h"
#include "policy/rule_reader.h"

namespace pgmoat::policy {

namespace {

Place place_of(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

template <class Date>
Node dated(const Date& date) {
  Node node;
  node.type = Node::Type::date;
  std::ostringstream out;
  out << date;
  node.text = out.str();
  return node;
}

Node to_node(const toml::node& from, const std::string& file) {
  Node node;
  if (const auto* table = from.as_table()) {
    node.type = Node::Type::table;
    for (const auto& [key, value] : *table) {
      node.fields.push_back(
          {std::string(key.str()), place_of(key.source(), file), to_node(value, file)});
    }
  } else if (const auto* array = from.as_array()) {
    node.type = Node::Type::list;
    for (const auto& item : *array) node.items.push_back(to_node(item, file));
  } else if (const auto* text = from.as_string()) {
    node.type = Node::Type::text;
    node.text = text->get();
  } else if (const auto* whole = from.as_integer()) {
    node.type = Node::Type::integer;
    node.integer = whole->get();
  } else if (const auto* real = from.as_floating_point()) {
    node.type = Node::Type::number;
    node.number = real->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.type = Node::Type::boolean;
    node.boolean = flag->get();
  } else if (const auto* date = from.as_date()) {
    node = dated(date->get());
  } else if (const auto* moment = from.as_date_time()) {
    node = dated(moment->get());
  } else if (const auto* time = from.as_time()) {
    node = dated(time->get());
  }
  node.place = place_of(from.source(), file);
  return node;
}

class PackReader {
 public:
  PackReader(const LoadOptions& options, Source& source)
      : options_(options),
        source_(source),
        reading_{Problems(source.problems), {}, {}, options.now} {}

  void read(const Node& root, const std::string& file) {
    pack_.place = {file, 1, 1};
    // A pack's name and lists are needed to read its rules.
    if (const auto* entry = root.find("pack")) pack(entry->value);
    if (const auto* entry = root.find("lists")) lists(entry->value);
    needs_pack(root);
    std::vector<std::string_view> others = {"pack", "lists"};
    for (const Node::Entry& entry : root.fields) {
      std::string missing = not_built(entry.key);
      if (entry.key == "case" || entry.key == "defaults") {
        missing = "'" + entry.key + "' is of a file of tests: its name ends in .test.toml";
      }
      if (missing.empty()) continue;
      reading_.problems.error(entry.place, std::move(missing));
      others.push_back(entry.key);
    }
    read_table(root, "a pack",
               {{"rule", tables([this](const Node& node) {
                   source_.rules.push_back(read_rule(node, reading_));
                 })},
                {"override", tables([this](const Node& node) { override_(node); })},
                {"policy", [this](const Node& node) { return policy(node); }},
                {"scope", tables([this](const Node& node) { scope(node); })}},
               reading_.problems, others);
    lint_lists(reading_);
    if (root.find("pack") != nullptr) source_.packs.push_back(std::move(pack_));
  }

 private:
  static Read tables(std::function<void(const Node&)> take) {
    return [take = std::move(take)](const Node& node) -> std::string {
      // toml++ gives an array of tables a place of its own: the first table's is the one to tell.
      if (!node.is(Node::Type::list)) return "is written in double brackets: [[...]]";
      for (const Node& item : node.items) {
        if (!item.is_table()) return "is written in double brackets: [[...]]";
        take(item);
      }
      return {};
    };
  }

  void pack(const Node& node) {
    if (!node.is_table()) return reading_.problems.error(node.place, "[pack] is a table");
    pack_.place = node.place;
    std::optional<Mode> ceiling;
    read_table(
        node, "[pack]",
        {{"id", text(pack_.id)},
         {"version", text(pack_.version)},
         {"description", text(pack_.description)},
         {"requires_api", api},
         {"ceiling", mode(ceiling)},
         {"level", whole([this](std::int64_t n) { pack_.level = static_cast<int>(n); }, 1, 4)}},
        reading_.problems);
    pack_.ceiling = ceiling.value_or(Mode::enforce);
    if (node.find("requires_api") == nullptr) {
      reading_.problems.error(node.place, "[pack] needs requires_api = 1");
    }
    if (pack_.id.empty()) reading_.problems.error(node.place, "[pack] needs an id");
    reading_.pack = pack_.id;
  }

  static std::string api(const Node& value) {
    if (value.is(Node::Type::integer) && value.integer == 1) return {};
    return "this pgmoat knows api 1 only";
  }

  void needs_pack(const Node& root) {
    if (root.find("pack") != nullptr) return;
    if (const auto* rules = root.find("rule")) {
      reading_.problems.error(rules->place,
                              "rules need a [pack] before them, with id and requires_api = 1");
    }
  }

  void lists(const Node& node) {
    if (!node.is_table()) return reading_.problems.error(node.place, "[lists] is a table");
    for (const Node::Entry& entry : node.fields) {
      NamedList list{entry.key, {}, entry.place};
      if (const std::string wrong = words(list.values)(entry.value); !wrong.empty()) {
        reading_.problems.error(entry.value.place, entry.key + ": " + wrong);
      }
      if (const auto other = options_.lists.find(list.name); other != options_.lists.end()) {
        list.values = other->second;
      }
      pack_.lists.emplace_back(list.name, list.values);
      reading_.lists.push_back(std::move(list));
    }
  }

  std::string policy(const Node& node) {
    if (!node.is_table()) return "expected [[policy.override]]";
    read_table(node, "[policy]", {{"override", tables([this](const Node& n) { override_(n); })}},
               reading_.problems);
    return {};
  }

  void override_(const Node& node) {
    Override made;
    made.place = node.place;
    std::optional<Mode> wanted;
    const auto percent = [&](std::int64_t n) { made.percent = static_cast<int>(n); };
    read_table(node, "an override",
               {{"rule", text(made.rule)},
                {"tag", text(made.tag)},
                {"mode", mode(wanted)},
                {"users", words(made.users)},
                {"user", words(made.users)},
                {"until", moment(made.until)},
                {"reason", text(made.reason)},
                {"enforce_percent", whole(percent, 0, 100)}},
               reading_.problems);
    made.mode = wanted.value_or(Mode::monitor);
    if (made.rule.empty() == made.tag.empty()) {
      reading_.problems.error(node.place, "an override names one of 'rule' and 'tag'");
    }
    if (node.find("mode") == nullptr) {
      reading_.problems.error(node.place, "an override needs a mode");
    }
    if (made.until && reading_.now > 0 && *made.until <= reading_.now) {
      reading_.problems.warning(node.place, "this override has ended and does nothing");
    }
    if (made.reason.empty()) reading_.problems.warning(node.place, "an override gives no reason");
    source_.overrides.push_back(std::move(made));
  }

  void scope(const Node& node) {
    Scope made;
    made.place = node.place;
    Node conditions;
    conditions.type = Node::Type::table;
    conditions.place = node.place;
    for (const Node::Entry& entry : node.fields) {
      if (entry.key == "default") {
        const std::string wrong = choice({"deny", "allow"}, [&](std::size_t at) {
          made.deny_by_default = at == 0;
        })(entry.value);
        if (!wrong.empty()) reading_.problems.error(entry.value.place, "default: " + wrong);
        continue;
      }
      Node::Entry condition = entry;
      if (entry.key == "users") condition.key = "user";
      if (entry.key == "databases") condition.key = "database";
      conditions.fields.push_back(std::move(condition));
    }
    made.match = read_match(conditions, reading_);
    if (node.find("default") == nullptr) {
      reading_.problems.error(node.place, "a scope needs default = \"deny\" (or \"allow\")");
    }
    source_.scopes.push_back(std::move(made));
  }

  const LoadOptions& options_;
  Source& source_;
  FileReading reading_;
  Pack pack_;
};

}  // namespace

bool parse_toml(std::string_view text, const std::string& file, const Problems& problems,
                Node& into) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    problems.error(place_of(parsed.error().source(), file),
                   std::string(parsed.error().description()));
    return false;
  }
  into = to_node(parsed.table(), file);
  return true;
}

void load_toml(const Text& text, const LoadOptions& options, Source& source) {
  Node root;
  if (!parse_toml(text.text, text.name, Problems(source.problems), root)) return;
  PackReader(options, source).read(root, text.name);
}

}  // namespace pgmoat::policy
