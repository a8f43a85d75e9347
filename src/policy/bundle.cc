#include "policy/bundle.h"

#include <xxhash.h>

#include <algorithm>

namespace pgmoat::policy {

namespace {

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::string_view sqlstate_of(sql::Opacity opacity) {
  switch (opacity) {
    case sql::Opacity::unparsable: return "42601";  // syntax_error
    case sql::Opacity::encoding: return "22021";    // character_not_in_repertoire
    case sql::Opacity::dialect: return "0A000";     // feature_not_supported
    default: return "54001";                        // statement_too_complex
  }
}

bool applies(const Override& over, const Rule& rule) {
  if (!over.tag.empty()) {
    return std::find(rule.tags.begin(), rule.tags.end(), over.tag) != rule.tags.end();
  }
  if (over.rule.size() > 2 && over.rule.substr(over.rule.size() - 2) == ".*") {
    return rule.id.compare(0, over.rule.size() - 1, over.rule, 0, over.rule.size() - 1) == 0;
  }
  return over.rule == rule.id;
}

Stance stance_of(const Rule& rule) {
  if (!rule.verdict) return Stance::refusing;
  if (rule.verdict->action == Verdict::Action::allow) return Stance::allowing;
  return rule.verdict->action == Verdict::Action::score ? Stance::scoring : Stance::refusing;
}

}  // namespace

Result<std::shared_ptr<const Bundle>, std::vector<Problem>> Bundle::compile(Source source,
                                                                            const Compiling& how) {
  std::shared_ptr<Bundle> bundle(new Bundle);
  bundle->epoch_ = how.epoch;
  bundle->source_ = std::move(source);
  std::vector<Problem>& problems = bundle->source_.problems;
  bundle->add_built_in();
  bundle->compile_rules(how, problems);
  bundle->compile_scopes(problems);
  if (!bundle->patterns_.finish()) {
    problems.push_back({Problem::Level::error, {}, "the patterns together need too much memory"});
  }
  const bool failed = std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.level == Problem::Level::error;
  });
  if (failed) return problems;
  bundle->index();
  return std::shared_ptr<const Bundle>(std::move(bundle));
}

// What cannot be read is refused, and what a scope does not allow: rules as others are, so that
// overrides, events and explanations know them.
void Bundle::add_built_in() {
  for (unsigned at = 1; at <= static_cast<unsigned>(sql::Opacity::dialect); ++at) {
    const auto opacity = static_cast<sql::Opacity>(at);
    Rule rule;
    rule.id = std::string(kOpaquePrefix) + std::string(name_of(opacity));
    rule.description = "statement cannot be read";
    rule.severity = Severity::high;
    rule.match.op = Match::Op::leaf;
    rule.match.key = "opaque";
    rule.match.operands = {std::string(name_of(opacity))};
    rule.verdict = Verdict{};
    rule.verdict->message = "statement refused because it cannot be read: {why}";
    rule.verdict->sqlstate = sqlstate_of(opacity);
    built_in_.push_back(std::move(rule));
  }
  Rule rule;
  rule.id = kDefaultDeny;
  rule.description = "statement is not among those allowed here";
  rule.severity = Severity::high;
  rule.match.op = Match::Op::any;  // an empty `any` never holds: scopes call it up
  rule.verdict = Verdict{};
  rule.verdict->message = "no rule allows this statement";
  default_deny_ = built_in_.size();
  built_in_.push_back(std::move(rule));
}

const Pack* Bundle::pack_of(const Rule& rule) const {
  const auto at = std::find_if(source_.packs.begin(), source_.packs.end(),
                               [&](const Pack& pack) { return pack.id == rule.pack; });
  return at == source_.packs.end() ? nullptr : &*at;
}

void Bundle::compile_rules(const Compiling& how, std::vector<Problem>& problems) {
  std::vector<const Rule*> written;
  for (const Rule& rule : built_in_) written.push_back(&rule);
  for (const Rule& rule : source_.rules) written.push_back(&rule);
  static const Lists kNone;
  for (const Rule* rule : written) {
    const Pack* pack = pack_of(*rule);
    const Lists& lists = pack == nullptr ? kNone : pack->lists;
    CompiledRule out;
    out.written = rule;
    out.index = static_cast<std::uint32_t>(rules_.size());
    out.match = compile_match(rule->match, lists, stance_of(*rule), patterns_, problems);
    for (const Exception& exception : rule->exceptions) {
      out.exceptions.push_back({&exception, compile_match(exception.match, lists, Stance::excepting,
                                                          patterns_, problems)});
      if (exception.expires) deadlines_.push_back(*exception.expires);
    }
    out.own = rule->mode.value_or(Mode::enforce);
    out.ceiling = std::min(how.ceiling, pack == nullptr ? Mode::enforce : pack->ceiling);
    out.above_level = pack != nullptr && rule->level > pack->level;
    out.place = static_cast<std::uint32_t>(hash_of(rule->id) % 100);
    bool named = false;
    for (const Override& over : source_.overrides) {
      if (!applies(over, *rule)) continue;
      out.overrides.push_back(&over);
      named = named || over.rule == rule->id;
    }
    const bool off = out.overrides.empty() && out.own == Mode::off;
    out.always_off = out.ceiling == Mode::off || off || (out.above_level && !named);
    rules_.push_back(std::move(out));
  }
  for (const Override& over : source_.overrides) {
    if (over.until) deadlines_.push_back(*over.until);
  }
  std::sort(deadlines_.begin(), deadlines_.end());
}

void Bundle::compile_scopes(std::vector<Problem>& problems) {
  static const Lists kNone;
  for (const Scope& scope : source_.scopes) {
    if (!scope.deny_by_default) continue;
    scopes_.push_back(
        {&scope, compile_match(scope.match, kNone, Stance::refusing, patterns_, problems)});
  }
}

void Bundle::index() {
  for (const bool score : {false, true}) {
    for (const CompiledRule& rule : rules_) {
      if (rule.match.asks_score != score || rule.always_off) continue;
      by_hook_[static_cast<std::size_t>(rule.written->hook)].push_back(rule.index);
    }
  }
  for (const CompiledRule& rule : rules_) {
    for (const std::string& name : rule.match.names) {
      std::vector<std::uint32_t>& rules = by_name_[hash_of(name)];
      if (rules.empty() || rules.back() != rule.index) rules.push_back(rule.index);
    }
    if (!rule.match.names.empty()) by_name_[hash_of("*")].push_back(rule.index);  // all of a schema
  }
}

const CompiledRule* Bundle::find(std::string_view id) const {
  const auto at = std::find_if(rules_.begin(), rules_.end(),
                               [&](const CompiledRule& rule) { return rule.written->id == id; });
  return at == rules_.end() ? nullptr : &*at;
}

const std::vector<std::uint32_t>* Bundle::demanding(std::string_view name) const {
  const auto at = by_name_.find(hash_of(name));
  return at == by_name_.end() ? nullptr : &at->second;
}

std::uint32_t Bundle::ended(std::int64_t now) const {
  return static_cast<std::uint32_t>(std::upper_bound(deadlines_.begin(), deadlines_.end(), now) -
                                    deadlines_.begin());
}

namespace {

// The override that holds for this session now: the last one written, since an operator adds below
// what is there.
const Override* override_of(const CompiledRule& rule, const SessionView& session, std::int64_t now,
                            Reads& reads) {
  for (auto at = rule.overrides.rbegin(); at != rule.overrides.rend(); ++at) {
    const Override& over = **at;
    if (over.until && *over.until <= now) continue;
    if (rule.above_level && over.rule != rule.written->id) continue;
    if (over.users.empty()) return &over;
    reads.field(SessionField::user);
    const std::string_view user = session.get(SessionField::user);
    if (std::find(over.users.begin(), over.users.end(), user) != over.users.end()) return &over;
  }
  return nullptr;
}

// Each rule begins to count at another place, so that it is not always the same sessions that are
// tried on.
bool chosen(const CompiledRule& rule, const SessionView& session, int percent, Reads& reads) {
  if (percent >= 100) return true;
  reads.field(SessionField::percent);
  return static_cast<int>((session.place() + rule.place) % 100) < percent;
}

}  // namespace

Mode mode_of(const CompiledRule& rule, const SessionView& session, std::int64_t now, Reads& reads,
             std::string* why) {
  const auto because = [&](std::string reason) {
    if (why != nullptr) *why = std::move(reason);
  };
  const Override* over = rule.overrides.empty() ? nullptr : override_of(rule, session, now, reads);
  if (rule.above_level && over == nullptr) {
    because("its level " + std::to_string(rule.written->level) + " is above the pack's");
    return Mode::off;
  }
  Mode mode = over == nullptr ? rule.own : over->mode;
  if (why != nullptr) {
    because(over == nullptr ? "its own"
                            : "override" + (over->reason.empty() ? "" : ": " + over->reason));
  }
  const std::optional<int> percent =
      over != nullptr && over->percent ? over->percent : rule.written->percent;
  if (mode == Mode::enforce && percent && !chosen(rule, session, *percent, reads)) {
    because("this session is not among the " + std::to_string(*percent) + " percent");
    mode = Mode::monitor;
  }
  if (rule.ceiling < mode) {
    because("the ceiling of its pack or of the policy");
    mode = rule.ceiling;
  }
  return mode;
}

}  // namespace pgmoat::policy
