#include "policy/combine.h"

#include <algorithm>

namespace pgmoat::policy {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// "{command} needs a WHERE clause": the words a message may borrow from the statement and session.
std::string filled(std::string text, const Question& question, const CompiledRule& rule,
                   Reads& reads) {
  if (text.find('{') == std::string::npos) return text;
  const sql::Facts* facts = question.statement;
  const auto fill = [&](std::string_view word, std::string_view value) {
    replace_all(text, word, value);
  };
  const auto fill_field = [&](std::string_view word, SessionField field) {
    if (text.find(word) == std::string::npos) return;
    reads.field(field);
    fill(word, question.session->get(field));
  };
  fill("{rule}", rule.written->id);
  fill("{why}", question.why);
  fill("{command}", facts == nullptr ? "" : facts->command);
  fill("{kind}", facts == nullptr ? "" : name_of(facts->kind));
  const bool related = facts != nullptr && !facts->relations.empty();
  fill("{relation}", related ? facts->relations.front().qualified : "");
  fill_field("{user}", SessionField::user);
  fill_field("{database}", SessionField::database);
  return text;
}

// PostgreSQL counts characters, from 1.
std::uint32_t in_characters(std::string_view text, std::uint32_t offset) {
  const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const std::string_view before = text.substr(0, offset);
  return static_cast<std::uint32_t>(std::count_if(before.begin(), before.end(), starts)) + 1;
}

std::string_view default_sqlstate(const Question& question, Verdict::Action action) {
  if (action == Verdict::Action::terminate) return "57P01";  // admin_shutdown
  const bool login = question.hook == Hook::connect || question.hook == Hook::auth;
  return login ? "28000" : "42501";
}

// "Rule core.require-where (high) refused statement 1 of 1." The session adds its decision's number.
std::string sentence(const Question& question, const Rule& rule, bool acts) {
  std::string text = "Rule " + rule.id + " (" + std::string(name_of(rule.severity)) + ") ";
  text += acts ? "refused " : "would refuse ";
  if (question.statement == nullptr && question.hook != Hook::statement) {
    text += "this session.";
  } else {
    text += "statement " + std::to_string(question.index) + " of " + std::to_string(question.count);
    text += ".";
  }
  return text;
}

bool speaks_over(const CompiledRule& rule, bool ends, const CompiledRule* speaker, bool has_ended) {
  if (speaker == nullptr) return true;
  if (ends != has_ended) return ends;
  if (rule.written->severity != speaker->written->severity) {
    return rule.written->severity > speaker->written->severity;
  }
  return rule.index < speaker->index;
}

}  // namespace

Combination::Combination(std::uint64_t epoch) : ruling_(std::make_shared<Ruling>()) {
  ruling_->epoch = epoch;
}

void Combination::add(const Question& question, const Evaluation& evaluation,
                      bool without_rewrites) {
  reads_.add(evaluation.reads);
  for (const Answer& answer : evaluation.answers) {
    if (!without_rewrites) {
      add(question, answer);
      continue;
    }
    // Findings about the original were told already; only what refuses matters here.
    const bool refuses = answer.verdict == nullptr ||
                         answer.verdict->action == Verdict::Action::deny ||
                         answer.verdict->action == Verdict::Action::terminate;
    if (refuses && answer.mode == Mode::enforce) add(question, answer);
  }
}

void Combination::add(const Question& question, const Answer& answer) {
  if (answer.verdict == nullptr) return fail(question, answer);
  const Verdict& verdict = *answer.verdict;
  const bool acts = answer.mode == Mode::enforce;
  ticks_.push_back({answer.rule->index, Tally::What::matched});
  switch (verdict.action) {
    case Verdict::Action::deny:
      return refuse(question, answer, verdict, Finding::Action::deny, acts);
    case Verdict::Action::terminate:
      return refuse(question, answer, verdict, Finding::Action::terminate, acts);
    case Verdict::Action::rewrite:
      if (acts) edits_.push_back({answer.rule->written->order, answer.rule, verdict.edits});
      return tell(question, answer, Finding::Action::rewrite, acts, {answer.rule->written->id});
    case Verdict::Action::alert:
      return tell(question, answer, Finding::Action::alert, true,
                  word(question, *answer.rule, verdict, answer.position, false));
    // A tag changes nothing on the wire; monitoring the rules that ask for it needs it.
    case Verdict::Action::tag:
      ruling_->tags.insert(ruling_->tags.end(), verdict.tags.begin(), verdict.tags.end());
      return tell(question, answer, Finding::Action::tag, true, {answer.rule->written->id});
    case Verdict::Action::set:
      if (acts) {
        ruling_->set.insert(ruling_->set.end(), verdict.settings.begin(), verdict.settings.end());
      }
      return tell(question, answer, Finding::Action::set, acts, {answer.rule->written->id});
    case Verdict::Action::allow:
    case Verdict::Action::score: return;
  }
}

void Combination::refuse(const Question& question, const Answer& answer, const Verdict& verdict,
                         Finding::Action action, bool acts) {
  const bool ends = action == Finding::Action::terminate;
  Refusal refusal = word(question, *answer.rule, verdict, answer.position, acts);
  const bool has_ended = ruling_->action == Ruling::Action::terminate;
  if (acts && speaks_over(*answer.rule, ends, speaker_, has_ended)) {
    speaker_ = answer.rule;
    ruling_->action = ends ? Ruling::Action::terminate : Ruling::Action::deny;
    ruling_->refusal = refusal;
  }
  tell(question, answer, action, acts, std::move(refusal));
}

// The client is told that a rule failed, never how: that is for the log.
void Combination::fail(const Question& question, const Answer& answer) {
  const Rule& rule = *answer.rule->written;
  const bool acts = answer.mode == Mode::enforce && rule.on_error != OnError::allow;
  Verdict verdict;
  verdict.message = "statement refused because rule {rule} could not be evaluated";
  Refusal refusal = word(question, *answer.rule, verdict, 0, acts);
  if (acts &&
      speaks_over(*answer.rule, false, speaker_, ruling_->action == Ruling::Action::terminate)) {
    speaker_ = answer.rule;
    ruling_->action = Ruling::Action::deny;
    ruling_->refusal = refusal;
  }
  refusal.message = answer.trouble;
  if (answer.dropped) refusal.message += "; it is only monitored in this worker from here on";
  tell(question, answer, Finding::Action::error, acts, std::move(refusal));
}

void Combination::tell(const Question&, const Answer& answer, Finding::Action action, bool done,
                       Refusal refusal) {
  const Rule& rule = *answer.rule->written;
  ticks_.push_back({answer.rule->index, done ? Tally::What::done : Tally::What::would});
  for (const Finding& known : ruling_->findings) {
    if (known.rule == rule.id && known.action == action) return;  // of an earlier statement
  }
  Finding finding;
  finding.rule = rule.id;
  finding.severity = name_of(rule.severity);
  finding.action = action;
  finding.effect = done ? Finding::Effect::done : Finding::Effect::would;
  const bool refuses = action == Finding::Action::deny || action == Finding::Action::terminate;
  finding.warn = refuses && answer.mode == Mode::warn;
  finding.refusal = std::move(refusal);
  if (action == Finding::Action::alert) {
    finding.capture = answer.verdict->capture.empty() ? "normalized" : answer.verdict->capture;
  }
  ruling_->findings.push_back(std::move(finding));
}

Refusal Combination::word(const Question& question, const CompiledRule& compiled,
                          const Verdict& verdict, std::uint32_t position, bool acts) {
  const Rule& rule = *compiled.written;
  Refusal refusal;
  refusal.rule = rule.id;
  refusal.sqlstate = verdict.sqlstate.empty() ? default_sqlstate(question, verdict.action)
                                              : std::string_view(verdict.sqlstate);
  const auto fill = [&](const std::string& text) {
    return filled(text, question, compiled, reads_);
  };
  refusal.message = fill(verdict.message);
  if (refusal.message.empty()) refusal.message = rule.description;
  if (refusal.message.empty()) refusal.message = "statement refused by policy";
  refusal.detail = fill(verdict.detail);
  if (!refusal.detail.empty()) refusal.detail += " ";
  refusal.detail += sentence(question, rule, acts);
  refusal.hint = fill(verdict.hint);
  if (refusal.hint.empty() && !rule.owner.empty()) {
    // Shipped packs are owned by the program: whom to ask there is whoever runs it.
    refusal.hint = "Ask " + (rule.owner == "pgmoat" ? "the administrator of pgmoat" : rule.owner) +
                   " for an exception.";
  }
  const bool unparsable = question.opacity == sql::Opacity::unparsable;
  if (unparsable) position = question.error_position;  // 0: at the first character
  if ((position > 0 || unparsable) && !question.converted) {
    refusal.position = in_characters(question.text, position);
  }
  return refusal;
}

void Combination::rewrite_failed(const Question& question, const std::string& reason) {
  std::vector<Ordered> failed;
  failed.swap(edits_);
  for (const Ordered& rewrite : failed) {
    std::vector<Finding>& findings = ruling_->findings;
    findings.erase(std::remove_if(findings.begin(), findings.end(),
                                  [&](const Finding& finding) {
                                    return finding.rule == rewrite.rule->written->id &&
                                           finding.action == Finding::Action::rewrite;
                                  }),
                   findings.end());
    Answer answer;
    answer.rule = rewrite.rule;
    answer.mode = Mode::enforce;
    answer.trouble = "the rewrite cannot be carried out: " + reason;
    fail(question, answer);
  }
}

std::vector<sql::Edit> Combination::edits() const {
  std::vector<const Ordered*> ordered;
  for (const Ordered& rewrite : edits_) ordered.push_back(&rewrite);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Ordered* a, const Ordered* b) {
    return a->order != b->order ? a->order < b->order : a->rule->index < b->rule->index;
  });
  std::vector<sql::Edit> edits;
  for (const Ordered* rewrite : ordered) {
    edits.insert(edits.end(), rewrite->edits.begin(), rewrite->edits.end());
  }
  return edits;
}

std::shared_ptr<Ruling> Combination::finish() { return std::move(ruling_); }

}  // namespace pgmoat::policy
