#include "policy/evaluate.h"

#include <algorithm>

namespace pgmoat::policy {

void Evaluation::reset() {
  answers.clear();
  reads = {};
  score = 0;
}

Evaluator::Evaluator(const Bundle& bundle, Scripts* scripts, Tally* tally)
    : bundle_(bundle),
      scripts_(scripts),
      tally_(tally),
      demanded_(bundle.rules().size()),
      breakers_(bundle.rules().size()) {}

void Evaluator::evaluate(const Question& question, Evaluation& out, Observer* observer) {
  out.reset();
  scratch_.reset(question);
  const std::vector<std::uint32_t>& rules = bundle_.of(question.hook);
  if (rules.empty() && (question.hook != Hook::statement || bundle_.scopes().empty())) return;
  const std::uint32_t traits = traits_of(question);
  find_demanded(question);
  for (const std::uint32_t index : rules) {
    const CompiledRule& rule = bundle_.rules()[index];
    if (observer == nullptr && !may_match(rule, question, traits)) continue;
    if (observer != nullptr) observer->rule(rule);
    ask(rule, question, out, observer);
    if (observer != nullptr) observer->done();
  }
  if (question.hook == Hook::statement) apply_scopes(question, out, observer);
  out.score = scratch_.score;
}

void Evaluator::count(const CompiledRule& rule, Tally::What what) {
  if (tally_ != nullptr) tally_->count(rule.index, what);
}

void Evaluator::find_demanded(const Question& question) {
  for (const std::uint32_t index : marked_) demanded_[index] = 0;
  marked_.clear();
  if (question.statement == nullptr) return;
  const auto mark = [&](std::string_view name) {
    const std::vector<std::uint32_t>* rules = bundle_.demanding(name);
    if (rules == nullptr) return;
    for (const std::uint32_t index : *rules) {
      demanded_[index] = 1;
      marked_.push_back(index);
    }
  };
  for (const sql::Relation& relation : question.statement->relations) mark(relation.name);
  for (const sql::Function& function : question.statement->functions) mark(function.name);
}

bool Evaluator::may_match(const CompiledRule& rule, const Question& question,
                          std::uint32_t traits) const {
  const Condition& match = rule.match;
  if ((match.needs & ~traits) != 0) return false;
  if (!match.names.empty() && demanded_[rule.index] == 0) return false;
  if (question.statement == nullptr) return match.kinds == 0xffffffffu;
  return (match.kinds & scratch_.kinds) != 0;
}

void Evaluator::ask(const CompiledRule& rule, const Question& question, Evaluation& out,
                    Observer* observer) {
  Asked asked{question, bundle_.patterns(), scratch_, out.reads, observer};
  const bool held = holds(rule.match, asked);
  if (observer != nullptr) observer->native(held);
  if (!held) return;
  Answer answer;
  answer.rule = &rule;
  answer.position = asked.position;
  answer.mode = mode_for(rule, asked, observer);
  if (answer.mode == Mode::off) return;
  if (!rule.written->when.empty() || rule.written->script_when) {
    count(rule, Tally::What::lua_calls);
    const Result<bool, std::string> truth = scripts_->when(rule, question, out.reads);
    if (!truth) {
      failed(answer, truth.error(), question, out);
      if (observer != nullptr) observer->answered(out.answers.back());
      return;
    }
    if (observer != nullptr) observer->when(*truth);
    if (!*truth) return;
  }
  asked.watch = nullptr;
  if (excepted(rule, asked, observer) || !fill(answer, question, out)) return;
  if (observer != nullptr) observer->answered(out.answers.back());
}

// A rule on the score enforces only if the rules that enforce reach it among themselves: what is
// only monitored must not refuse by way of the sum.
Mode Evaluator::mode_for(const CompiledRule& rule, const Asked& asked, Observer* observer) {
  std::string why;
  const Question& question = asked.question;
  Mode mode = mode_of(rule, *question.session, question.now, asked.reads,
                      observer == nullptr ? nullptr : &why);
  if (breakers_[rule.index].open && mode > Mode::monitor) {
    mode = Mode::monitor;
    if (observer != nullptr) why = "its script failed too often in this worker";
  }
  if (asked.score_asked && mode > Mode::monitor) {
    const std::int64_t all = scratch_.score;
    scratch_.score = scratch_.enforced_score;
    Asked again{question, bundle_.patterns(), scratch_, asked.reads};
    if (!holds(rule.match, again)) {
      mode = Mode::monitor;
      if (observer != nullptr) why = "the score is reached only with rules that do not enforce";
    }
    scratch_.score = all;
  }
  if (observer != nullptr) observer->mode(mode, why);
  return mode;
}

bool Evaluator::excepted(const CompiledRule& rule, Asked& asked, Observer* observer) {
  for (const CompiledException& exception : rule.exceptions) {
    const std::optional<std::int64_t>& expires = exception.written->expires;
    if (expires && *expires <= asked.question.now) continue;
    if (!holds(exception.match, asked)) continue;
    if (observer != nullptr) observer->excepted(*exception.written);
    return true;
  }
  return false;
}

// False: the rule has no opinion after all.
bool Evaluator::fill(Answer& answer, const Question& question, Evaluation& out) {
  const CompiledRule& rule = *answer.rule;
  if (!rule.written->decide.empty() || rule.written->script_decide) {
    count(rule, Tally::What::lua_calls);
    Result<Scripts::Decision, std::string> decision = scripts_->decide(rule, question, out.reads);
    if (!decision) {
      failed(answer, decision.error(), question, out);
      return true;
    }
    if (!decision->has_value()) return false;
    answer.decided = std::make_shared<const Verdict>(std::move(**decision));
    answer.verdict = answer.decided.get();
  } else if (rule.written->verdict) {
    answer.verdict = &*rule.written->verdict;
  } else {
    return false;
  }
  if (answer.verdict->action == Verdict::Action::score) {
    scratch_.score += answer.verdict->score;
    if (answer.mode == Mode::enforce) scratch_.enforced_score += answer.verdict->score;
  }
  out.answers.push_back(std::move(answer));
  return true;
}

// A rule whose script keeps failing would refuse everything it looks at: past the bound it is only
// monitored in this worker, until the next policy.
void Evaluator::failed(Answer& answer, std::string trouble, const Question& question,
                       Evaluation& out) {
  out.reads.unstable = true;
  count(*answer.rule, Tally::What::errors);
  Breaker& breaker = breakers_[answer.rule->index];
  if (question.now - breaker.since >= kBreakerSeconds) {
    breaker.since = question.now;
    breaker.errors = 0;
  }
  ++breaker.errors;
  if (breaker.errors >= kBreakerErrors && !breaker.open) {
    breaker.open = true;
    answer.dropped = true;
  }
  answer.verdict = nullptr;
  answer.trouble = std::move(trouble);
  out.answers.push_back(std::move(answer));
}

void Evaluator::apply_scopes(const Question& question, Evaluation& out, Observer* observer) {
  Asked asked{question, bundle_.patterns(), scratch_, out.reads};
  const auto& scopes = bundle_.scopes();
  const bool in_scope = std::any_of(scopes.begin(), scopes.end(), [&](const CompiledScope& scope) {
    return holds(scope.match, asked);
  });
  if (!in_scope) return;
  // An `allow` that only monitors allows nothing where the denial is enforced.
  const CompiledRule& rule = bundle_.default_deny();
  const Mode mode = mode_for(rule, asked, nullptr);
  const bool allowed =
      std::any_of(out.answers.begin(), out.answers.end(), [&](const Answer& answer) {
        return answer.verdict != nullptr && answer.verdict->action == Verdict::Action::allow &&
               answer.mode >= mode;
      });
  if (observer != nullptr) {
    observer->rule(rule);
    observer->native(!allowed);
  }
  if (!allowed) {
    Answer answer;
    answer.rule = &rule;
    answer.mode = mode_for(rule, asked, observer);
    answer.verdict = &*rule.written->verdict;
    if (answer.mode != Mode::off) out.answers.push_back(std::move(answer));
  }
  if (observer != nullptr) observer->done();
}

}  // namespace pgmoat::policy
