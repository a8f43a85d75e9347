#include "policy/policy_judge.h"

#include <time.h>

#include <algorithm>
#include <random>

#include "policy/function_call.h"
#include "policy/lua_scripts.h"
#include "policy/parameters.h"
#include "sql/edit.h"
#include "sql/readings.h"

namespace pgmoat::policy {

namespace {

constexpr std::size_t kRulingsOfOneText = 32;
constexpr std::size_t kValuesKept = 256;  // of the last Bind, for their memory

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

bool refuses(const Ruling& ruling) {
  return ruling.action == Ruling::Action::deny || ruling.action == Ruling::Action::terminate;
}

int rank(const Ruling& ruling) {
  switch (ruling.action) {
    case Ruling::Action::allow: return 0;
    case Ruling::Action::rewrite: return 1;
    case Ruling::Action::deny: return 2;
    case Ruling::Action::terminate: return 3;
  }
  return 0;
}

// Roughly; the cache's bound need not be exact, but must not forget what can be large.
std::size_t memory_of(const Ruling& ruling) {
  std::size_t bytes = sizeof(Ruling) + 64 + ruling.rewrite.sql.size();
  bytes += ruling.refusal.message.size() + ruling.refusal.detail.size();
  for (const Finding& finding : ruling.findings) {
    bytes += sizeof(Finding) + finding.refusal.message.size() + finding.refusal.detail.size();
  }
  if (ruling.rewritten) bytes += ruling.rewritten->memory();
  return bytes;
}

Hook hook_of(Subject::Kind kind) {
  using Kind = Subject::Kind;
  switch (kind) {
    case Kind::connect: return Hook::connect;
    case Kind::authenticated: return Hook::auth;
    case Kind::bind: return Hook::execute;
    case Kind::copy: return Hook::copy;
    case Kind::complete: return Hook::complete;
    case Kind::disconnect: return Hook::disconnect;
    default: return Hook::statement;
  }
}

}  // namespace

std::int64_t unix_seconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

Result<Prepared, std::string> prepare(std::shared_ptr<const Bundle> bundle,
                                      const JudgeSettings& settings) {
  Prepared prepared;
  auto scripts = make_scripts(*bundle, settings.budget, settings.clock);
  if (!scripts) return scripts.error();
  prepared.scripts = std::move(*scripts);
  prepared.tally = std::make_shared<Tally>(bundle->rules().size());
  prepared.bundle = std::move(bundle);
  return prepared;
}

std::size_t PolicyJudge::Judgement::memory() const {
  std::size_t bytes = analysis->memory() + sizeof(Judgement) + known.capacity() * sizeof(Known);
  for (const Known& one : known) {
    bytes += memory_of(*one.ruling) + one.ticks.capacity() * sizeof(Tick);
  }
  return bytes;
}

PolicyJudge::PolicyJudge(Prepared prepared, const JudgeSettings& settings)
    : settings_(settings), analyzer_(settings.limits), cache_(settings.cache_bytes, random_seed()) {
  commit(std::move(prepared));
}

void PolicyJudge::commit(Prepared prepared) {
  evaluator_.reset();
  current_ = std::move(prepared);
  evaluator_.emplace(*current_.bundle, current_.scripts.get(), current_.tally.get());
}

// Overrides and exceptions end by themselves: that moves the policy too.
std::uint64_t PolicyJudge::epoch() const {
  const std::uint64_t epoch = current_.bundle->epoch() << 16;
  return current_.bundle->has_deadlines() ? epoch + current_.bundle->ended(settings_.clock())
                                          : epoch;
}

bool PolicyJudge::wants(Subject::Kind kind) const {
  using Kind = Subject::Kind;
  switch (kind) {
    case Kind::query:
    case Kind::parse:
    case Kind::again:
    case Kind::function_call: return true;
    case Kind::describe:
    case Kind::execute:
    case Kind::copy_data: return false;
    default: return !current_.bundle->of(hook_of(kind)).empty();
  }
}

Judged PolicyJudge::judge(const Subject& subject) {
  using Kind = Subject::Kind;
  switch (subject.kind) {
    case Kind::query: return judge_text(subject, subject.sql, Protocol::simple);
    case Kind::parse: return judge_text(subject, subject.sql, Protocol::extended);
    case Kind::again: return judge_again(subject);
    case Kind::function_call:
      return judge_text(subject, text_of_call(subject.function), Protocol::none);
    default: return wants(subject.kind) ? judge_hook(subject, hook_of(subject.kind)) : allowed();
  }
}

// As the server read it when it was prepared: what it is set to by now does not matter.
Judged PolicyJudge::judge_again(const Subject& subject) {
  const Ruling* const earlier = subject.earlier;
  if (earlier == nullptr || !earlier->analysis) return allowed();
  Subject again = subject;
  again.reading = {earlier->reading, earlier->certain};
  return judge_text(again, earlier->analysis->text(), Protocol::extended);
}

Judged PolicyJudge::judge_text(const Subject& subject, std::string_view text, Protocol protocol) {
  if (subject.kind != Subject::Kind::again) ++subject.session->statements;
  if (!subject.reading.certain) return judge_readings(subject, text, protocol);
  return hand_out(judge_reading(subject, text, subject.reading.known, {protocol, false}), subject);
}

// A message under way may have changed how the server reads: what some reading refuses is refused.
Judged PolicyJudge::judge_readings(const Subject& subject, std::string_view text,
                                   Protocol protocol) {
  const std::vector<sql::Dialect> readings =
      sql::possible_readings(text, subject.reading.known, false);
  Judged strictest;
  for (const sql::Dialect& reading : readings) {
    const Judged& ruling = judge_reading(subject, text, reading, {protocol, readings.size() > 1});
    const bool stricter =
        !strictest || rank(*ruling) > rank(*strictest) ||
        (rank(*ruling) == rank(*strictest) && ruling->findings.size() > strictest->findings.size());
    if (stricter) strictest = ruling;
  }
  return hand_out(strictest, subject);
}

const Judged& PolicyJudge::judge_reading(const Subject& subject, std::string_view text,
                                         const sql::Dialect& dialect, Way way) {
  bool kept = true;
  Judgement& judgement = judgement_of(text, dialect, kept);
  if (const std::uint64_t now = epoch(); judgement.epoch != now) {
    judgement.known.clear();
    judgement.epoch = now;
  }
  for (const Known& known : judgement.known) {
    if (known.way != way || known.hash != subject.session->hash(known.fields)) continue;
    count(known.ticks);
    return known.ruling;
  }
  Reads reads;
  Known known = find_ruling(judgement, subject, way, reads);
  count(known.ticks);
  if (reads.unstable || !kept) {
    fresh_ = std::move(known);
    return fresh_.ruling;
  }
  known.fields = reads.fields;
  known.hash = subject.session->hash(reads.fields);
  const std::size_t at = judgement.known.size() < kRulingsOfOneText
                             ? judgement.known.size()
                             : judgement.next++ % kRulingsOfOneText;
  fresh_ = known;  // the cache may have to drop the judgement to stay in its bound
  if (at == judgement.known.size()) judgement.known.emplace_back();
  judgement.known[at] = std::move(known);
  cache_.resized();
  return fresh_.ruling;
}

PolicyJudge::Judgement& PolicyJudge::judgement_of(std::string_view text,
                                                  const sql::Dialect& dialect, bool& kept) {
  if (Judgement* known = cache_.find(text, dialect)) return *known;
  Judgement judgement;
  judgement.analysis = analyzer_.analyze(text, dialect);
  judgement.reading = dialect;
  std::shared_ptr<const sql::Analysis> analysis = judgement.analysis;
  if (Judgement* inserted = cache_.insert(std::move(judgement))) return *inserted;
  kept = false;
  unkept_ = {};
  unkept_.analysis = std::move(analysis);
  unkept_.reading = dialect;
  return unkept_;
}

PolicyJudge::Known PolicyJudge::find_ruling(Judgement& judgement, const Subject& subject, Way way,
                                            Reads& reads) {
  const sql::Analysis& analysis = *judgement.analysis;
  Question question = question_about(analysis);
  question.session = subject.session;
  question.protocol = way.protocol;
  question.replication = judgement.reading.replication;
  question.now = settings_.clock();
  Combination combination(judgement.epoch);
  ask_all(question, analysis, way, combination, false);
  sql::Rewritten rewritten;
  std::shared_ptr<const sql::Analysis> again;
  if (combination.rewrites()) rewrite(question, judgement, way, combination, rewritten, again);
  Known known;
  known.way = way;
  known.ticks = combination.take_ticks();
  reads.add(combination.reads());
  const bool rewrites = again != nullptr && !combination.refused();
  std::shared_ptr<Ruling> ruling = combination.finish();
  ruling->analysis = judgement.analysis;
  ruling->reading = judgement.reading;
  ruling->certain = !way.several;
  ruling->passing = reads.unstable || (reads.fields & bit(SessionField::transaction)) != 0;
  if (rewrites) {
    ruling->action = Ruling::Action::rewrite;
    ruling->rewrite = std::move(rewritten);
    ruling->rewritten = std::move(again);
  }
  // Sessions of other values, but of the same answer: one ruling serves them all.
  const bool plain = ruling->action == Ruling::Action::allow && ruling->findings.empty() &&
                     ruling->tags.empty() && ruling->set.empty();
  for (const Known& other : judgement.known) {
    if (!plain || other.ruling->action != Ruling::Action::allow) continue;
    if (other.way != way || other.ruling->passing != ruling->passing) continue;
    if (!other.ruling->findings.empty() || !other.ruling->tags.empty()) continue;
    known.ruling = other.ruling;
    return known;
  }
  known.ruling = std::move(ruling);
  return known;
}

void PolicyJudge::ask(const Question& question, Combination& into, bool without_rewrites) {
  if (observer_ != nullptr) observer_->question(question, without_rewrites);
  evaluator_->evaluate(question, evaluation_, observer_);
  into.add(question, evaluation_, without_rewrites);
}

// Every statement of the text is asked about. A text that cannot be read is one statement of which
// nothing is known.
void PolicyJudge::ask_all(Question& question, const sql::Analysis& analysis, Way way,
                          Combination& into, bool without_rewrites) {
  sql::Facts unknown;
  unknown.text = analysis.text();
  std::span<const sql::Facts> statements = analysis.statements();
  if (statements.empty() && analysis.opacity() != sql::Opacity::none) statements = {&unknown, 1};
  const bool executes =
      way.protocol == Protocol::simple && !current_.bundle->of(Hook::execute).empty();
  for (std::size_t at = 0; at < statements.size(); ++at) {
    question.statement = &statements[at];
    if (at > 0) {
      const bool ends = statements[at - 1].kind == sql::Kind::tcl;
      question.turned = question.turned || ends;
      question.swapped = question.swapped || changes_role(statements[at - 1]);
    }
    question.index = static_cast<std::uint32_t>(at + 1);
    question.hook = Hook::statement;
    ask(question, into, without_rewrites);
    // A simple Query is executed as it is: rules on execution see it without parameters.
    if (!executes) continue;
    question.hook = Hook::execute;
    ask(question, into, without_rewrites);
  }
  question.statement = statements.empty() ? nullptr : &statements.front();
  question.index = 1;
  question.hook = Hook::statement;
  if (question.statement == &unknown) question.statement = nullptr;
}

// `analysis` is set where the text that is to go to the server is another, or is preceded by settings.
void PolicyJudge::rewrite(const Question& question, const Judgement& judgement, Way way,
                          Combination& into, sql::Rewritten& rewritten,
                          std::shared_ptr<const sql::Analysis>& analysis) {
  if (way.several) return into.rewrite_failed(question, "the text has more than one reading");
  const std::string_view text = judgement.text();
  auto applied = sql::apply(text, judgement.reading, into.edits(), settings_.limits);
  if (!applied) return into.rewrite_failed(question, applied.error());
  rewritten = std::move(*applied);
  if (rewritten.sql == text) {
    if (!rewritten.settings.empty()) analysis = judgement.analysis;
    return;
  }
  analysis = analyzer_.analyze(rewritten.sql, judgement.reading);
  Question again = question_about(*analysis);
  again.session = question.session;
  again.protocol = question.protocol;
  again.replication = question.replication;
  again.now = question.now;
  again.converted = true;  // positions in the new text are none of the client's
  ask_all(again, *analysis, way, into, true);
}

Trace PolicyJudge::explain(const Subject& subject) {
  using Clock = std::chrono::steady_clock;
  Trace trace;
  Tracer tracer(trace);
  const bool simple = subject.kind == Subject::Kind::query;
  const Way way{simple ? Protocol::simple : Protocol::extended, false};
  Judgement judgement;
  const Clock::time_point began = Clock::now();
  judgement.analysis = analyzer_.analyze(subject.sql, subject.reading.known);
  judgement.reading = subject.reading.known;
  judgement.epoch = epoch();
  const Clock::time_point analyzed = Clock::now();
  observer_ = &tracer;
  Reads reads;
  trace.ruling = find_ruling(judgement, subject, way, reads).ruling;
  observer_ = nullptr;
  trace.cost = Clock::now() - analyzed;
  trace.analysis_cost = analyzed - began;
  trace.analysis = judgement.analysis;
  trace.fields = reads.fields;
  trace.unstable = reads.unstable;
  trace.ruling = hand_out(trace.ruling, subject);
  return trace;
}

namespace {

// The statement that a Bind, a completed command or a COPY belongs to.
const sql::Facts* statement_of(const Subject& subject, std::uint32_t& index) {
  if (subject.earlier == nullptr || !subject.earlier->analysis) return nullptr;
  const std::span<const sql::Facts> statements = subject.earlier->analysis->statements();
  if (subject.number >= statements.size()) return nullptr;
  index = subject.number + 1;
  return &statements[subject.number];
}

}  // namespace

Judged PolicyJudge::judge_hook(const Subject& subject, Hook hook) {
  const bool known = subject.earlier != nullptr && subject.earlier->analysis != nullptr;
  Question question = known ? question_about(*subject.earlier->analysis) : Question{};
  question.hook = hook;
  question.session = subject.session;
  question.protocol = hook == Hook::execute ? Protocol::extended : Protocol::none;
  question.replication = subject.reading.known.replication;
  question.statement = statement_of(subject, question.index);
  question.completion = subject.completion;
  question.copy_in = subject.copy_in;
  question.now = settings_.clock();
  if (hook == Hook::execute) {
    read_parameters(subject.parameters, values_);
    question.parameters = values_;
  }
  evaluator_->evaluate(question, evaluation_);
  if (values_.capacity() > kValuesKept) values_ = {};
  if (evaluation_.answers.empty()) return allowed();
  Combination combination(epoch());
  combination.add(question, evaluation_);
  if (combination.rewrites()) {
    combination.rewrite_failed(question, "nothing can be rewritten at this hook");
  }
  count(combination.take_ticks());
  std::shared_ptr<Ruling> ruling = combination.finish();
  if (known) ruling->analysis = subject.earlier->analysis;
  return hand_out(std::move(ruling), subject);
}

Judged PolicyJudge::hand_out(const Judged& ruling, const Subject& subject) {
  if (refuses(*ruling)) ++subject.session->refused;
  return ruling;
}

void PolicyJudge::count(const std::vector<Tick>& ticks) {
  for (const Tick& tick : ticks) current_.tally->count(tick.rule, tick.what);
}

}  // namespace pgmoat::policy
