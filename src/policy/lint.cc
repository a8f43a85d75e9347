#include "policy/lint.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "base/ascii.h"
#include "base/nearest.h"
#include "policy/matchers.h"
#include "sql/command_tags.h"

namespace pgmoat::policy {

namespace {

using Leaves = std::vector<const Match*>;

// The conditions that must all hold.
void gather(const Match& match, Leaves& into) {
  if (match.op == Match::Op::leaf) into.push_back(&match);
  if (match.op != Match::Op::all) return;
  for (const Match& part : match.parts) gather(part, into);
}

// Keys with one value at a time: two lists without a common value exclude each other.
bool single_valued(std::string_view key) {
  constexpr std::string_view kKeys[] = {"kind",        "protocol",    "statements", "user",
                                        "database",    "role",        "app",        "transaction",
                                        "copy.target", "copy.format", "limit.kind"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

bool has_word(const Match& leaf, std::string_view word) {
  return std::any_of(leaf.operands.begin(), leaf.operands.end(), [&](const Operand& operand) {
    const auto* text = std::get_if<std::string>(&operand);
    return text != nullptr && *text == word;
  });
}

bool only(const Match& leaf, const std::set<std::string>& words) {
  return std::all_of(leaf.operands.begin(), leaf.operands.end(), [&](const Operand& operand) {
    const auto* text = std::get_if<std::string>(&operand);
    return text != nullptr && words.count(*text) > 0;
  });
}

bool says(const Match& leaf, bool value) {
  return leaf.operands.size() == 1 && leaf.operands[0] == Operand(value);
}

// Kinds that a statement may have besides its own, WITH d AS (DELETE ...) SELECT, COPY (INSERT ...),
// or whose statements do others.
bool mixes(const Match& kinds) {
  return has_word(kinds, "insert") || has_word(kinds, "update") || has_word(kinds, "delete") ||
         has_word(kinds, "do") || has_word(kinds, "explain");
}

std::string exclude(const Match& a, const Match& b) {
  if (a.key == b.key && single_valued(a.key)) {
    if (a.key == "kind" && (mixes(a) || mixes(b))) return {};
    for (const Operand& operand : a.operands) {
      if (std::find(b.operands.begin(), b.operands.end(), operand) != b.operands.end()) return {};
    }
    return a.key + " cannot be both";
  }
  const bool flags = a.key == b.key && a.operands.size() == 1 && b.operands.size() == 1;
  if (flags && std::holds_alternative<bool>(a.operands[0]) &&
      std::holds_alternative<bool>(b.operands[0]) && a.operands != b.operands) {
    return a.key + " cannot be both";
  }
  if (a.key != "kind") return {};
  if (b.key == "writes" && says(b, true) && only(a, {"show"})) return "SHOW writes nothing";
  if (b.key == "writes" && says(b, false) && only(a, {"insert", "update", "delete", "merge"})) {
    return "this kind always writes";
  }
  if (b.key.rfind("copy.", 0) == 0 && !has_word(a, "copy") && !mixes(a))
    return "only kind 'copy' has " + b.key;
  return {};
}

std::string contradiction(const Leaves& a, const Leaves& b) {
  for (const Match* one : a) {
    for (const Match* other : b) {
      if (one == other) continue;
      std::string why = exclude(*one, *other);
      if (why.empty()) why = exclude(*other, *one);
      if (!why.empty()) return why;
    }
  }
  return {};
}

void each_leaf(const Match& match, const std::function<void(const Match&)>& take) {
  if (match.op == Match::Op::leaf) take(match);
  for (const Match& part : match.parts) each_leaf(part, take);
}

bool acts(const Rule& rule) {
  if (!rule.verdict) return true;
  return rule.verdict->action == Verdict::Action::deny ||
         rule.verdict->action == Verdict::Action::terminate ||
         rule.verdict->action == Verdict::Action::rewrite;
}

Mode ceiling_of(const Source& source, const std::string& id) {
  for (const Pack& pack : source.packs) {
    if (pack.id == id) return pack.ceiling;
  }
  return Mode::enforce;
}

void lint_tests(const Source& source, const Rule& rule, const Problems& problems) {
  const bool can_enforce = rule.mode.value_or(Mode::enforce) == Mode::enforce &&
                           ceiling_of(source, rule.pack) == Mode::enforce;
  if (rule.pack.empty() || rule.hook != Hook::statement || !acts(rule) || !can_enforce) return;
  const auto passes = std::count_if(rule.tests.begin(), rule.tests.end(),
                                    [](const RuleTest& test) { return test.expect == "pass"; });
  const bool negative = passes > 0;
  const bool positive = passes < static_cast<std::ptrdiff_t>(rule.tests.size());
  if (positive && negative) return;
  const char* lacks = positive ? "no test that passes" : "no test that it acts on";
  problems.warning(rule.place, "rule '" + rule.id + "' can enforce and has " +
                                   (positive || negative ? lacks : "no tests"));
}

bool is_tag(std::string_view written) {
  const bool prefix = !written.empty() && written.back() == '*';
  if (prefix) written.remove_suffix(1);
  const auto tags = sql::command_tags();
  return std::any_of(tags.begin(), tags.end(), [&](std::string_view tag) {
    const std::string lower = ascii_lower(tag.substr(0, prefix ? written.size() : tag.size()));
    return lower == ascii_lower(written);
  });
}

// Values that nothing has.
void lint_values(const Match& leaf, const Problems& problems) {
  for (const Operand& operand : leaf.operands) {
    const auto* text = std::get_if<std::string>(&operand);
    if (text == nullptr || text->starts_with('@')) continue;
    if (leaf.key == "command" && !is_tag(*text)) {
      const auto tags = sql::command_tags();
      problems.warning(leaf.place,
                       "no statement has the command tag '" + *text + "'" +
                           did_you_mean(*text, std::vector<std::string>(tags.begin(), tags.end())));
    } else if (leaf.key == "functions" && text->find('(') != std::string::npos) {
      problems.warning(leaf.place, "'" + *text + "': functions are written without parentheses");
    }
  }
}

// What surely is meant for more, or for other, statements than it is asked of.
void lint_reach(const Rule& rule, const Leaves& leaves, const Problems& problems) {
  const auto of = [&](std::string_view key) -> const Match* {
    const auto at = std::find_if(leaves.begin(), leaves.end(),
                                 [&](const Match* leaf) { return leaf->key == key; });
    return at == leaves.end() ? nullptr : *at;
  };
  const Match *kind = of("kind"), *where = of("where.present");
  if (kind == nullptr) kind = of("command");
  if (kind == nullptr) return;
  if (where != nullptr && says(*where, false) && kind->key == "kind" && only(*kind, {"select"})) {
    problems.warning(where->place,
                     "where.present is about UPDATE and DELETE: of a SELECT it is always true");
  }
  const bool filters =
      rule.verdict && std::any_of(rule.verdict->edits.begin(), rule.verdict->edits.end(),
                                  [](const sql::Edit& edit) {
                                    return std::holds_alternative<sql::AddFilter>(edit);
                                  });
  if (!filters) return;
  problems.warning(kind->place,
                   "rule '" + rule.id + "' filters only what '" + kind->key +
                       "' names: PREPARE, DECLARE, EXPLAIN and COPY read unfiltered; leave it out, "
                       "and on_error decides what cannot be filtered");
}

void lint_rule(const Source& source, const Rule& rule, const Problems& problems) {
  Leaves leaves;
  gather(rule.match, leaves);
  if (const std::string why = contradiction(leaves, leaves); !why.empty()) {
    problems.warning(rule.match.place, "rule '" + rule.id + "' can never match: " + why);
  }
  lint_reach(rule, leaves, problems);
  each_leaf(rule.match, [&](const Match& leaf) {
    lint_values(leaf, problems);
    if (leaf.key != "text_re2") return;
    problems.warning(leaf.place,
                     "text_re2 looks at the text: comments and quoting defeat it; prefer facts");
  });
  for (const Exception& exception : rule.exceptions) {
    const std::string why = contradiction(rule.match, exception.match);
    if (why.empty()) continue;
    problems.warning(exception.place,
                     "this exception of rule '" + rule.id + "' never applies: " + why);
  }
  lint_tests(source, rule, problems);
}

// Two rules that ask the same and say the same. Lua functions cannot be compared.
void lint_duplicates(const Source& source, const Problems& problems) {
  std::map<std::string, const Rule*> seen;
  for (const Rule& rule : source.rules) {
    if (rule.script_when || rule.script_decide || !rule.verdict) continue;
    if (!rule.verdict->edits.empty()) continue;
    std::string text = std::string(name_of(rule.hook)) + "|" + written(rule.match) + "|" +
                       rule.when + "|" + std::string(name_of(rule.verdict->action));
    for (const std::string& tag : rule.verdict->tags) text += "|" + tag;
    for (const auto& [name, value] : rule.verdict->settings) text += "|" + name + "=" + value;
    const auto [at, is_new] = seen.emplace(std::move(text), &rule);
    if (is_new) continue;
    problems.warning(rule.place,
                     "rule '" + rule.id + "' asks and does the same as '" + at->second->id + "'");
  }
}

bool names(const Override& override_, const Rule& rule) {
  if (!override_.tag.empty()) {
    return std::find(rule.tags.begin(), rule.tags.end(), override_.tag) != rule.tags.end();
  }
  const std::string& wanted = override_.rule;
  if (wanted.size() >= 2 && wanted.substr(wanted.size() - 2) == ".*") {
    return rule.id.rfind(wanted.substr(0, wanted.size() - 1), 0) == 0;
  }
  return rule.id == wanted;
}

std::vector<std::string> ids_of(const Source& source) {
  std::vector<std::string> ids;
  for (const Rule& rule : source.rules) ids.push_back(rule.id);
  return ids;
}

}  // namespace

std::string contradiction(const Match& a, const Match& b) {
  Leaves of_a, of_b;
  gather(a, of_a);
  gather(b, of_b);
  return contradiction(of_a, of_b);
}

void lint_lists(const FileReading& reading) {
  for (const NamedList& list : reading.lists) {
    if (!list.used) reading.problems.warning(list.place, "list '@" + list.name + "' is not used");
  }
}

void lint_overrides(const Source& source, std::span<const Override> overrides,
                    const Problems& problems) {
  for (const Override& override_ : overrides) {
    const bool any = std::any_of(source.rules.begin(), source.rules.end(),
                                 [&](const Rule& rule) { return names(override_, rule); });
    if (any) continue;
    problems.warning(override_.place,
                     override_.tag.empty()
                         ? "override names no rule: '" + override_.rule + "'" +
                               did_you_mean(override_.rule, ids_of(source))
                         : "override names no rule: no rule has tag '" + override_.tag + "'");
  }
}

void lint(const Source& source, const Problems& problems) {
  for (const Rule& rule : source.rules) lint_rule(source, rule, problems);
  lint_duplicates(source, problems);
  lint_overrides(source, source.overrides, problems);
}

}  // namespace pgmoat::policy
