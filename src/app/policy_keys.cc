#include "app/policy_keys.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>

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
      path = (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
    }
    return std::string();
  };
}

// A table whose keys are free: each value by `read`, which is made for the key.
Read free_table(const char* expected, std::function<Read(const std::string& key)> reader) {
  return [expected, reader](const toml::node& node) -> std::string {
    const toml::table* table = node.as_table();
    if (table == nullptr) return std::string("expected ") + expected;
    for (const auto& [key, value] : *table) {
      const Read read = reader(std::string(key.str()));
      const std::string wrong = read(value);
      if (!wrong.empty()) return std::string(key.str()) + ": " + wrong;
    }
    return {};
  };
}

Read opaque(std::map<std::string, policy::Mode>& into) {
  return free_table("a table of reasons and modes, such as { unparsable = \"monitor\" }",
                    [&into](const std::string& key) -> Read {
                      const auto known = opacities();
                      if (std::find(known.begin(), known.end(), key) == known.end()) {
                        const std::string wrong = "no such reason; known: " + listed(known);
                        return [wrong](const toml::node&) { return wrong; };
                      }
                      return choice(into[key], kModes);
                    });
}

// End of the written day or the written instant, as unix seconds.
std::optional<std::int64_t> instant(const toml::node& node) {
  const auto days = [](const toml::date& date) {
    return std::chrono::sys_days(std::chrono::year(date.year) / date.month / date.day);
  };
  const auto seconds = [](auto since) {
    return std::chrono::duration_cast<std::chrono::seconds>(since).count();
  };
  if (const auto date = node.value<toml::date>()) {
    return seconds(days(*date).time_since_epoch()) + 86400;
  }
  if (const auto when = node.value<toml::date_time>()) {
    const auto& time = when->time;
    const int minutes = when->offset ? when->offset->minutes : 0;
    return seconds(days(when->date).time_since_epoch()) + time.hour * 3600 + time.minute * 60 +
           time.second - minutes * 60;
  }
  return std::nullopt;
}

std::string read_override(const toml::node& node, policy::Override& into, const std::string& file) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return "expected tables: [[policy.override]]";
  into.place = {file, static_cast<int>(node.source().begin.line),
                static_cast<int>(node.source().begin.column)};
  bool mode = false;
  for (const auto& [key, value] : *table) {
    const std::string_view name = key.str();
    std::string wrong;
    if (name == "rule") into.rule = value.value_or<std::string>("");
    else if (name == "tag") into.tag = value.value_or<std::string>("");
    else if (name == "reason") into.reason = value.value_or<std::string>("");
    else if (name == "users") wrong = words(into.users)(value);
    else if (name == "percent") wrong = whole(into.percent.emplace(), 0, 100)(value);
    else if (name == "mode") wrong = choice(into.mode, kModes)(value), mode = true;
    else if (name == "until")
      into.until = instant(value), wrong = into.until ? "" : "expected a date, such as 2027-03-31";
    else wrong = "unknown key; known: 'rule', 'tag', 'mode', 'users', 'percent', 'until', 'reason'";
    if (!wrong.empty()) return std::string(name) + ": " + wrong;
  }
  if (into.rule.empty() == into.tag.empty()) return "needs either 'rule' or 'tag'";
  if (!mode) return "needs 'mode'";
  if (into.reason.empty()) return "needs 'reason': who reads it later must know why";
  return {};
}

Read overrides(std::vector<policy::Override>& into, const std::string& file) {
  return [&into, file](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "expected tables: [[policy.override]]";
    for (const auto& item : *array) {
      const std::string wrong = read_override(item, into.emplace_back(), file);
      if (!wrong.empty()) return "line " + std::to_string(item.source().begin.line) + ": " + wrong;
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

Keys policy_keys(PolicyConfig& policy, const std::string& file) {
  return {
      {"packs", words(policy.packs)},
      {"paths", paths(policy.paths, file)},
      {"levels",
       free_table("a table of packs and levels, such as { core = 2 }",
                  [&policy](const std::string& key) { return whole(policy.levels[key], 1, 4); })},
      {"lists", free_table("a table of lists",
                           [&policy](const std::string& key) { return words(policy.lists[key]); })},
      {"opaque", opaque(policy.opaque)},
      {"override", overrides(policy.overrides, file)},
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
