// What every rule says to one question. All are asked, none is first; how their answers become one
// ruling is combine.h's. An Evaluator belongs to one worker: it keeps its scratch memory and the
// circuit breakers of rules whose scripts fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/question.h"
#include "policy/scripts.h"
#include "policy/tally.h"

namespace pgmoat::policy {

// A rule that matched and has an opinion, or whose script failed.
struct Answer {
  const CompiledRule* rule = nullptr;
  Mode mode = Mode::enforce;               // never off
  const Verdict* verdict = nullptr;        // null: the script failed
  std::shared_ptr<const Verdict> decided;  // owns the verdict where Lua gave it
  std::string trouble;                     // what failed, for the log
  bool dropped = false;                    // this failure made the worker drop the rule to monitor
  std::uint32_t position = 0;              // byte offset of what it is about; 0: none
};

struct Evaluation {
  std::vector<Answer> answers;
  Reads reads;
  std::int64_t score = 0;

  void reset();
};

// Told of every step, for `explain`. With an observer no rule is passed over unasked.
class Observer : public LeafWatch {
 public:
  virtual ~Observer() = default;
  virtual void question(const Question&, bool /*rewritten*/) {}
  virtual void rule(const CompiledRule& rule) = 0;  // from here on, until the next
  virtual void leaf(const Condition&, bool) override {}
  virtual void native(bool held) = 0;
  virtual void mode(Mode mode, const std::string& why) = 0;
  virtual void when(bool truth) = 0;
  virtual void excepted(const Exception& exception) = 0;
  virtual void answered(const Answer& answer) = 0;
  virtual void done() = 0;
};

class Evaluator {
 public:
  static constexpr int kBreakerErrors = 100;
  static constexpr std::int64_t kBreakerSeconds = 10;

  // `scripts` may be null where no rule calls Lua; what is handed in must outlive the
  // evaluator.
  Evaluator(const Bundle& bundle, Scripts* scripts, Tally* tally = nullptr);
  void evaluate(const Question& question, Evaluation& out, Observer* observer = nullptr);

 private:
  struct Breaker {
    std::int64_t since = 0;
    int errors = 0;
    bool open = false;
  };
  void count(const CompiledRule& rule, Tally::What what);
  void find_demanded(const Question& question);
  bool may_match(const CompiledRule& rule, const Question& question, std::uint32_t traits) const;
  void ask(const CompiledRule& rule, const Question& question, Evaluation& out, Observer* observer);
  Mode mode_for(const CompiledRule& rule, const Asked& asked, Observer* observer);
  bool excepted(const CompiledRule& rule, Asked& asked, Observer* observer);
  bool fill(Answer& answer, const Question& question, Evaluation& out);
  void failed(Answer& answer, std::string trouble, const Question& question, Evaluation& out);
  void apply_scopes(const Question& question, Evaluation& out, Observer* observer);

  const Bundle& bundle_;
  Scripts* scripts_;
  Tally* tally_;
  Scratch scratch_;
  std::vector<char> demanded_;  // by rule: the statement has a name that it demands
  std::vector<std::uint32_t> marked_;
  std::vector<Breaker> breakers_;
};

}  // namespace pgmoat::policy
