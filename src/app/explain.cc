#include "app/explain.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstdio>

#include "app/cases.h"

namespace pgmoat::app {

namespace {

using policy::RuleTrace;
using policy::Trace;

std::string microseconds(std::chrono::nanoseconds cost) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f µs", static_cast<double>(cost.count()) / 1000.0);
  return text;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

template <class Items, class Word>
std::string listed(const Items& items, Word word) {
  std::string text;
  for (const auto& item : items) {
    const std::string one(word(item));
    if (one.empty() || (", " + text + ", ").find(", " + one + ", ") != std::string::npos) continue;
    text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

std::string settings_of(const sql::Facts& facts) {
  return listed(facts.settings, [](const sql::Setting& one) {
    const std::string value = one.is_default ? " to default"
                              : one.constant ? " = '" + std::string(one.value) + "'"
                                             : " to what is not constant";
    return (one.name.empty() ? "a setting that is not constant" : std::string(one.name)) + value;
  });
}

std::string marks_of(const sql::Facts& facts) {
  std::string text;
  const auto mark = [&](bool is, const char* word) {
    if (is) text += (text.empty() ? "" : ", ") + std::string(word);
  };
  mark(facts.writes, "writes");
  mark(facts.star, "star");
  mark(facts.returning, "returning");
  mark(facts.locking, "locks rows");
  mark(facts.dynamic_sql, "dynamic SQL");
  mark(facts.security_definer, "security definer");
  mark(facts.where.tautology, "a condition that is always true");
  mark(facts.where.constant_true, "WHERE that selects all");
  mark(!facts.where.present, "no WHERE");
  return text;
}

// One line a kind of fact; kinds without facts are left out.
std::string facts_text(const sql::Facts& facts) {
  std::string text =
      "kind       " + std::string(name_of(facts.kind)) + " (" + std::string(facts.command) + ")\n";
  const auto line = [&](const char* name, const std::string& what) {
    if (!what.empty()) text += padded(name, 11) + what + "\n";
  };
  line("reads", listed(facts.relations, [](const sql::Relation& one) {
         return one.access == sql::Access::read ? std::string(one.qualified) : "";
       }));
  line("changes", listed(facts.relations, [](const sql::Relation& one) {
         if (one.access == sql::Access::read) return std::string();
         return std::string(one.qualified) + " (" + std::string(name_of(one.access)) + ")";
       }));
  line("functions", listed(facts.functions, [](const sql::Function& one) {
         const bool call = one.reach == sql::Reach::call;
         return std::string(one.qualified) +
                (call ? "" : " (" + std::string(name_of(one.reach)) + ")");
       }));
  line("columns", listed(facts.columns, [](const sql::Column& one) {
         return (one.relation.empty() ? "" : std::string(one.relation) + ".") +
                std::string(one.name);
       }));
  line("settings", settings_of(facts));
  line("roles", listed(facts.roles, [](std::string_view one) { return std::string(one); }));
  line("clauses", listed(facts.clauses, [](std::string_view one) { return std::string(one); }));
  if (facts.copy.target != sql::Copy::Target::none) {
    line("copy", std::string(facts.copy.from ? "from " : "to ") +
                     std::string(name_of(facts.copy.target)) +
                     (facts.copy.file.empty() ? "" : " '" + std::string(facts.copy.file) + "'"));
  }
  if (facts.limit.kind == sql::LimitKind::literal) {
    line("limit", std::to_string(facts.limit.value));
  } else if (facts.kind == sql::Kind::select) {
    line("limit", std::string(name_of(facts.limit.kind)));
  }
  line("marks", marks_of(facts));
  line("shape", hex(facts.structure) + ", fingerprint " + hex(sql::fingerprint_of(facts.text)));
  return text;
}

// What the client is told, where the rule speaks; its own words elsewhere.
std::string message_of(const Trace& trace, const RuleTrace& rule) {
  for (const policy::Finding& finding : trace.ruling->findings) {
    const bool said = finding.rule == rule.rule->id && !finding.refusal.message.empty();
    if (said) return finding.refusal.message;
  }
  return rule.verdict->message;
}

std::string answer_of(const Trace& trace, const RuleTrace& rule) {
  if (!rule.trouble.empty()) return "failed: " + rule.trouble;
  if (!rule.native) {
    const std::string leaf = rule.failed_leaf();
    return "no match" + (leaf.empty() ? "" : ": " + leaf);
  }
  if (rule.mode == policy::Mode::off) return "off: " + rule.why_mode;
  if (rule.exception != nullptr) return "excepted by '" + rule.exception->name + "'";
  if (rule.when == false) return "when() is false";
  if (!rule.verdict) return "no opinion";
  std::string text(name_of(rule.verdict->action));
  if (const std::string message = message_of(trace, rule); !message.empty()) text += ": " + message;
  return text;
}

// Rules that match, and are not asked because of the level of their pack: what they would answer.
std::vector<std::pair<const RuleTrace*, std::string>> left_out(const Trace& trace,
                                                               const Trace& strict) {
  std::vector<std::pair<const RuleTrace*, std::string>> rules;
  if (strict.statements.empty() || trace.statements.empty()) return rules;
  const auto& asked = trace.statements.front().rules;
  for (const policy::StatementTrace& statement : strict.statements) {
    if (statement.rewritten) continue;
    for (const RuleTrace& rule : statement.rules) {
      if (!rule.native || !rule.verdict || rule.exception != nullptr) continue;
      const auto same = [&](const RuleTrace& one) { return one.rule->id == rule.rule->id; };
      const auto told = [&](const auto& one) { return one.first->rule->id == rule.rule->id; };
      if (std::any_of(asked.begin(), asked.end(), same)) continue;
      if (std::any_of(rules.begin(), rules.end(), told)) continue;
      rules.emplace_back(&rule, "its level is " + std::to_string(rule.rule->level) + "; would " +
                                    answer_of(strict, rule));
    }
  }
  return rules;
}

std::string rules_text(const Trace& trace, const Trace& strict, bool all) {
  std::string text;
  for (const policy::StatementTrace& statement : trace.statements) {
    std::size_t matched = 0, width = 0;
    for (const RuleTrace& rule : statement.rules) {
      matched += rule.native;
      if (all || rule.native) width = std::max(width, rule.rule->id.size());
    }
    text += "rules      " + std::to_string(statement.rules.size()) + " asked, " +
            std::to_string(matched) + " match";
    if (statement.rewritten) text += "; asked again about the rewritten text";
    else if (statement.count > 1)
      text += ", statement " + std::to_string(statement.index) + " of " +
              std::to_string(statement.count);
    text += "\n";
    for (const RuleTrace& rule : statement.rules) {
      if (!all && !rule.native && rule.trouble.empty()) continue;
      const std::string mode = rule.mode ? std::string(name_of(*rule.mode)) : "-";
      text += "  " + padded(rule.rule->id, width) + "  " + padded(mode, 8) + " " +
              answer_of(trace, rule) + "\n";
    }
  }
  for (const auto& [rule, answer] : left_out(trace, strict)) {
    text += "  " + rule->rule->id + "  off      " + answer + "\n";
  }
  return text;
}

std::string upper(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string verdict_text(const policy::Ruling& ruling, std::string_view sql) {
  std::string text = "verdict    " + upper(word_of(ruling.action)) + "\n";
  if (ruling.action == policy::Ruling::Action::rewrite) {
    text += "- " + std::string(sql) + "\n+ " + ruling.rewrite.sql + "\n";
    for (const auto& [name, value] : ruling.rewrite.settings) {
      text += "  with " + name + " = '" + value + "' for its transaction\n";
    }
  }
  if (!ruling.refusal.message.empty()) {
    const policy::Refusal& refusal = ruling.refusal;
    text += "  ERROR:  " + refusal.sqlstate + ": " + refusal.message + "\n";
    if (!refusal.detail.empty()) text += "  DETAIL:  " + refusal.detail + "\n";
    if (!refusal.hint.empty()) text += "  HINT:  " + refusal.hint + "\n";
  }
  for (const policy::Finding& finding : ruling.findings) {
    if (finding.effect != policy::Finding::Effect::would) continue;
    text += "would " + std::string(name_of(finding.action)) +
            " if it were enforced: " + finding.rule + "\n";
  }
  return text;
}

std::string json_text(const Trace& trace, const Trace& strict) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json(buffer);
  const auto put = [&](const char* key, std::string_view value) {
    json.Key(key);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  const policy::Ruling& ruling = *trace.ruling;
  json.StartObject();
  put("verdict", word_of(ruling.action));
  put("rule", ruling.refusal.rule);
  put("sqlstate", ruling.refusal.rule.empty() ? "" : ruling.refusal.sqlstate);
  put("message", ruling.refusal.message);
  put("rewritten", ruling.rewrite.sql);
  if (trace.analysis) {
    put("opaque", name_of(trace.analysis->opacity()));
    put("why", trace.analysis->why());
  }
  json.Key("statements");
  json.StartArray();
  if (trace.analysis) {
    for (const sql::Facts& facts : trace.analysis->statements()) {
      json.StartObject();
      put("kind", name_of(facts.kind));
      put("command", facts.command);
      put("relations", listed(facts.relations, [](const auto& one) { return one.qualified; }));
      put("functions", listed(facts.functions, [](const auto& one) { return one.qualified; }));
      put("structure", hex(facts.structure));
      json.EndObject();
    }
  }
  json.EndArray();
  json.Key("rules");
  json.StartArray();
  for (const policy::StatementTrace& statement : trace.statements) {
    for (const RuleTrace& rule : statement.rules) {
      json.StartObject();
      put("id", rule.rule->id);
      json.Key("matches");
      json.Bool(rule.native);
      put("mode", rule.mode ? name_of(*rule.mode) : std::string_view{});
      put("answer", answer_of(trace, rule));
      json.EndObject();
    }
  }
  for (const auto& [rule, answer] : left_out(trace, strict)) {
    json.StartObject();
    put("id", rule->rule->id);
    json.Key("matches");
    json.Bool(true);
    put("mode", "off");
    put("answer", answer);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return buffer.GetString() + std::string("\n");
}

}  // namespace

std::string explained(Trial& trial, Trial& strict_trial, const ExplainOptions& options) {
  Trace trace = trial.explain(options.asker, options.sql);
  const Trace strict = strict_trial.explain(options.asker, options.sql);
  // Where the statement itself passes, the values that are bound to it have the last word.
  if (!options.parameters.empty()) {
    trace.ruling = trial.ask(options.asker, options.sql, options.parameters);
  }
  if (options.json) return json_text(trace, strict);
  std::string text;
  if (trace.analysis) {
    if (trace.analysis->opacity() != sql::Opacity::none) {
      text += "opaque     " + std::string(name_of(trace.analysis->opacity())) + ": " +
              std::string(trace.analysis->why()) + "\n";
    }
    for (const sql::Facts& facts : trace.analysis->statements()) text += facts_text(facts);
    text += rules_text(trace, strict, options.all);
  }
  text += verdict_text(*trace.ruling, options.sql);
  if (!trace.analysis) return text;
  text += "cost       " + microseconds(trace.analysis_cost) + " to read, " +
          microseconds(trace.cost) + " to judge; later: " +
          (trace.unstable ? "judged anew each time"
                          : "from the cache, by " +
                                [&] {
                                  const auto names = policy::names_of(trace.fields);
                                  return names.empty()
                                             ? std::string("text alone")
                                             : "text, " + listed(names, [](const auto& one) {
                                                 return std::string(one);
                                               });
                                }()) +
          "\n";
  return text;
}

}  // namespace pgmoat::app
