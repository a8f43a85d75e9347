#include "app/policy_setup.h"

#include <algorithm>
#include <ctime>

#include "base/nearest.h"
#include "policy/lint.h"
#include "policy/load.h"
#include "policy/shipped.h"

namespace pgmoat::app {

namespace {

using policy::Place;
using policy::Problem;
using policy::Source;

// In the places of shipped packs: no file of a user is likely to be named so.
constexpr std::string_view kShippedFolder = "(pgmoat)/rules/";

// Where the configuration names this pack or list; nowhere if the command line does.
Place place_of(const PolicyConfig& config, const std::string& key) {
  const auto at = config.places.find(key);
  return at == config.places.end() ? Place{} : at->second;
}

std::vector<std::string> shipped_names() {
  std::vector<std::string> names;
  for (const policy::ShippedPack& pack : policy::shipped_packs()) names.emplace_back(pack.name);
  return names;
}

// What is known is few enough to be listed.
std::string near_or_all(const std::string& name, const std::vector<std::string>& known) {
  if (std::string near = did_you_mean(name, known); !near.empty()) return near;
  std::string all;
  for (const std::string& word : known) all += (all.empty() ? "; known: '" : ", '") + word + "'";
  return all;
}

std::vector<policy::Text> shipped(const PolicyConfig& config, std::vector<std::string>& wrong) {
  std::vector<policy::Text> texts;
  for (const std::string& name : config.packs) {
    const auto& all = policy::shipped_packs();
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const auto& pack) { return pack.name == name; });
    if (at == all.end()) {
      const Place place = place_of(config, "packs." + name);
      const std::string what =
          "no shipped pack '" + name + "'" + near_or_all(name, shipped_names());
      wrong.push_back(place.file.empty()
                          ? "--pack: " + what
                          : policy::to_string({Problem::Level::error, place, "packs: " + what}));
    } else {
      texts.push_back({std::string(kShippedFolder) + name + ".toml", std::string(at->text)});
    }
  }
  return texts;
}

// What the configuration says of packs: their levels, other lists, other modes.
void apply_settings(const PolicyConfig& config, Source& source) {
  const policy::Problems problems(source.problems);
  std::vector<std::string> packs, lists;
  for (policy::Pack& pack : source.packs) {
    packs.push_back(pack.id);
    for (const auto& list : pack.lists) lists.push_back(list.first);
    const auto level = config.levels.find(pack.id);
    if (level != config.levels.end()) pack.level = level->second;
    else if (pack.place.file.starts_with(kShippedFolder)) pack.level = 1;
  }
  for (const auto& [name, level] : config.levels) {
    if (std::find(packs.begin(), packs.end(), name) != packs.end()) continue;
    problems.error(place_of(config, "levels." + name),
                   "levels: no pack '" + name + "' is loaded" + near_or_all(name, packs));
  }
  for (const auto& [name, values] : config.lists) {
    if (std::find(lists.begin(), lists.end(), name) != lists.end()) continue;
    problems.error(place_of(config, "lists." + name), "lists: no pack that is loaded has a list '" +
                                                          name + "'" + near_or_all(name, lists));
  }
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  policy::lint_overrides(source, config.overrides, problems);
  for (const policy::Override& one : config.overrides) {
    if (one.until && *one.until <= now) problems.warning(one.place, "this override has ended");
    source.overrides.push_back(one);
  }
  for (const auto& [reason, mode] : config.opaque) {
    policy::Override one;
    one.rule = std::string(policy::kOpaquePrefix) + reason;
    one.mode = mode;
    one.reason = "policy.opaque";
    source.overrides.push_back(std::move(one));
  }
}

ConfigErrors errors_of(const std::vector<Problem>& problems) {
  ConfigErrors errors;
  for (const Problem& problem : problems) {
    if (problem.level == Problem::Level::error) errors.push_back(to_string(problem));
  }
  return errors;
}

}  // namespace

Result<Policy, ConfigErrors> build_policy(const PolicyConfig& config, policy::Mode ceiling,
                                          std::uint64_t epoch) {
  ConfigErrors wrong;
  std::vector<policy::Text> texts = shipped(config, wrong);
  if (!wrong.empty()) return wrong;
  policy::LoadOptions options;
  options.now = static_cast<std::int64_t>(std::time(nullptr));
  options.lists = config.lists;
  Source source = policy::load(std::move(texts), config.paths, options);
  apply_settings(config, source);
  if (ConfigErrors errors = errors_of(source.problems); !errors.empty()) return errors;
  auto bundle = policy::Bundle::compile(std::move(source), {epoch, ceiling});
  if (!bundle) return errors_of(bundle.error());
  Policy built{*bundle, {}};
  for (const Problem& problem : built.bundle->source().problems) {
    built.warnings.push_back(to_string(problem));
  }
  return built;
}

policy::JudgeSettings judge_settings(const PolicyConfig& config) {
  policy::JudgeSettings settings;
  settings.cache_bytes = config.cache_bytes;
  settings.limits = config.sql;
  settings.budget = config.script;
  return settings;
}

}  // namespace pgmoat::app
