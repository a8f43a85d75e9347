#include "app/policy_keys.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <sstream>

#include "policy/dates.h"

namespace pgmoat::app {

namespace {

const std::vector<std::pair<std::string, policy::Mode>> kModes = {
    {"off", policy::Mode::off},
    {"monitor", policy::Mode::monitor},
    {"warn", policy::Mode::warn},
    {"enforce", policy::Mode::enforce}};

std::vector<std::string> opacities() {
  std::vector<std::string> names;
  for (auto at = sql::Opacity::oversize; at <= sql::Opacity::dialect;
       at = static_cast<sql::Opacity>(static_cast<int>(at) + 1)) {
    names.emplace_back(sql::name_of(at));
  }
  return names;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "'" : ", '") + word + "'";
  return text;
}

Read paths(std::vector<std::string>& into, const std::string& file) {
  return [&into, file, read = words(into)](const toml::node& node) {
    const std::string wrong = read(node);
    if (!wrong.empty()) return wrong;
    for (std::string& path : into) {
      if (path.empty()) return std::string("a path is empty");
      path = beside(file, path);
    }
    return std::string();
  };
}

// Names of packs and their places, since only loading tells whether there is such a pack.
Read packs(PolicyConfig& policy, const std::string& file) {
  return [&policy, file, read = words(policy.packs)](const toml::node& node) {
    std::string wrong = read(node);
    for (std::size_t at = 0; wrong.empty() && at < policy.packs.size(); ++at) {
      policy.places["packs." + policy.packs[at]] = place_of((*node.as_array())[at], file);
    }
    return wrong;
  };
}

// A table whose keys are free: each value by `read`, which is made for the key.
Read free_table(const char* expected, std::function<Read(const toml::key& key)> reader,
                const Complain& complain) {
  return [expected, reader, complain](const toml::node& node) -> std::string {
    const toml::table* table = node.as_table();
    if (table == nullptr) return std::string("expected ") + expected;
    for (const auto& [key, value] : *table) {
      const Read read = reader(key);
      const std::string wrong = read(value);
      if (!wrong.empty()) complain(value.source(), std::string(key.str()) + ": " + wrong);
    }
    return {};
  };
}

Read opaque(std::map<std::string, policy::Mode>& into, const Complain& complain) {
  const auto reader = [&into](const toml::key& key) -> Read {
    const auto known = opacities();
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      const std::string wrong = "no such reason; known: " + listed(known);
      return [wrong](const toml::node&) { return wrong; };
    }
    return choice(into[std::string(key.str())], kModes);
  };
  return free_table("a table of reasons and modes, such as { unparsable = \"monitor\" }", reader,
                    complain);
}

// A date of TOML, or one in quotes, as exceptions take them.
Read moment(std::optional<std::int64_t>& into) {
  return [&into](const toml::node& node) -> std::string {
    std::ostringstream written;
    if (const auto* date = node.as_date()) written << date->get();
    else if (const auto* when = node.as_date_time()) written << when->get();
    else if (const auto* text = node.as_string()) written << text->get();
    into = policy::parse_moment(written.str());
    return into ? "" : "expected a date, such as 2027-03-31";
  };
}

void read_override(const toml::table& table, policy::Override& into, const std::string& file,
                   const Complain& complain) {
  const std::string name = "[[policy.override]]";
  into.place = place_of(table, file);
  read_keys(
      table, name,
      {{"rule", text(into.rule)},
       {"tag", text(into.tag)},
       {"reason", text(into.reason)},
       {"users", words(into.users)},
       {"percent",
        [&into](const toml::node& node) { return whole(into.percent.emplace(), 0, 100)(node); }},
       {"mode", choice(into.mode, kModes)},
       {"until", moment(into.until)}},
      complain);
  const auto need = [&](bool met, const char* what) {
    if (!met) complain(table.source(), name + " needs " + what);
  };
  need(table.contains("rule") != table.contains("tag"), "either 'rule' or 'tag'");
  need(table.contains("mode"), "'mode'");
  need(table.contains("reason"), "'reason': who reads it later must know why");
}

Read overrides(std::vector<policy::Override>& into, const std::string& file,
               const Complain& complain) {
  return [&into, file, complain](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "expected tables: [[policy.override]]";
    for (const auto& item : *array) {
      if (const auto* table = item.as_table()) {
        read_override(*table, into.emplace_back(), file, complain);
      } else {
        complain(item.source(), "override: expected tables: [[policy.override]]");
      }
    }
    return {};
  };
}

Read microseconds(std::chrono::microseconds& into) {
  return [&into](const toml::node& node) -> std::string {
    const auto text = node.value<std::string>();
    if (!text) return "expected a duration with its unit, such as \"5ms\"";
    const auto value = parse_duration(*text);
    if (!value) return value.error();
    into = std::chrono::duration_cast<std::chrono::microseconds>(*value);
    if (into < std::chrono::milliseconds(1) || into > std::chrono::seconds(10)) {
      return "expected 1ms to 10s";
    }
    return {};
  };
}

}  // namespace

Keys policy_keys(PolicyConfig& policy, const std::string& file, const Complain& complain) {
  const auto level = [&policy, file](const toml::key& key) -> Read {
    return [&policy, file, name = std::string(key.str())](const toml::node& node) {
      policy.places["levels." + name] = place_of(node, file);
      return whole(policy.levels[name], 1, 4)(node);
    };
  };
  const auto list = [&policy, file](const toml::key& key) -> Read {
    return [&policy, file, name = std::string(key.str())](const toml::node& node) {
      policy.places["lists." + name] = place_of(node, file);
      return words(policy.lists[name])(node);
    };
  };
  return {
      {"packs", packs(policy, file)},
      {"paths", paths(policy.paths, file)},
      {"levels", free_table("a table of packs and levels, such as { core = 2 }", level, complain)},
      {"lists", free_table("a table of lists", list, complain)},
      {"opaque", opaque(policy.opaque, complain)},
      {"override", overrides(policy.overrides, file, complain)},
      {"cache", size(policy.cache_bytes, 1 << 20, 16ull << 30)}};
}

Keys sql_keys(sql::Limits& limits) {
  return {{"text", size(limits.text_bytes, 1024, 16u << 20)},
          {"comment_depth", whole(limits.comment_depth, 1, 1000)},
          {"tokens", whole(limits.tokens, 1000, 10'000'000)},
          {"nesting", whole(limits.nesting, 10, 2000)},
          {"chain", whole(limits.chain, 10, 10'000)},
          {"statements_per_text", whole(limits.statements, 1, 100'000)},
          {"nodes", whole(limits.nodes, 1000, 100'000'000)},
          {"depth", whole(limits.depth, 100, 100'000)},
          {"body_depth", whole(limits.body_depth, 1, 16)},
          {"filtered", whole(limits.filtered, 1, 100'000)}};
}

Keys script_keys(script::Budget& budget) {
  return {{"instructions", whole(budget.instructions, 1000, 1'000'000'000)},
          {"wall", microseconds(budget.wall)},
          {"memory", size(budget.memory, 1u << 20, 1u << 30)},
          {"string", size(budget.string_bytes, 1024, 16u << 20)}};
}

}  // namespace pgmoat::app
