// The judge of one worker: texts are analyzed once and rulings are kept with them, under the hashes
// of exactly the session fields that the rules have read. The ordinary statement costs one look-up.
// A new policy is prepared on the control thread and put in place between two messages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/combine.h"
#include "policy/evaluate.h"
#include "policy/judge.h"
#include "policy/scripts.h"
#include "policy/tally.h"
#include "policy/trace.h"
#include "script/sandbox.h"
#include "sql/analysis.h"
#include "sql/text_cache.h"

namespace pgmoat::policy {

std::int64_t unix_seconds();

struct JudgeSettings {
  std::size_t cache_bytes = 64u << 20;  // analyses and rulings
  sql::Limits limits;
  script::Budget budget;
  std::int64_t (*clock)() = unix_seconds;
};

// What a worker needs of one bundle.
struct Prepared {
  std::shared_ptr<const Bundle> bundle;
  std::unique_ptr<Scripts> scripts;  // null where no rule calls Lua
  std::shared_ptr<Tally> tally;      // the control thread may keep it and read
};
Result<Prepared, std::string> prepare(std::shared_ptr<const Bundle> bundle,
                                      const JudgeSettings& settings);

class PolicyJudge final : public Judge {
 public:
  PolicyJudge(Prepared prepared, const JudgeSettings& settings);
  Judged judge(const Subject& subject) override;
  bool wants(Subject::Kind kind) const override;
  std::uint64_t epoch() const override;
  void commit(Prepared prepared);

  // As judge() of a Query or Parse, with everything that was asked on the way; nothing is cached.
  Trace explain(const Subject& subject);

  const Bundle& bundle() const { return *current_.bundle; }
  std::size_t cached_bytes() const { return cache_.bytes(); }
  std::uint64_t cache_hits() const { return cache_.hits(); }
  std::uint64_t cache_misses() const { return cache_.misses(); }

 private:
  // Asked in one way: by this protocol, and whether the text has other readings.
  struct Way {
    Protocol protocol = Protocol::simple;
    bool several = false;
    bool operator==(const Way&) const = default;
  };
  struct Known {  // a ruling, and for which sessions it holds
    FieldSet fields = 0;
    Way way;
    std::uint64_t hash = 0;
    Judged ruling;
    std::vector<Tick> ticks;
  };
  // One text under one dialect.
  struct Judgement {
    std::shared_ptr<const sql::Analysis> analysis;
    sql::Dialect reading;
    std::uint64_t epoch = 0;  // of the rulings
    std::vector<Known> known;
    std::size_t next = 0;  // which is replaced when there are too many
    std::string_view text() const { return analysis->text(); }
    const sql::Dialect& dialect() const { return reading; }
    std::size_t memory() const;
  };

  Judged judge_again(const Subject& subject);
  Judged judge_text(const Subject& subject, std::string_view text, Protocol protocol);
  Judged judge_readings(const Subject& subject, std::string_view text, Protocol protocol);
  const Judged& judge_reading(const Subject& subject, std::string_view text,
                              const sql::Dialect& dialect, Way way);
  Judgement& judgement_of(std::string_view text, const sql::Dialect& dialect, bool& kept);
  Known find_ruling(Judgement& judgement, const Subject& subject, Way way, Reads& reads);
  void ask(const Question& question, Combination& into, bool without_rewrites);
  void ask_all(Question& question, const sql::Analysis& analysis, Way way, Combination& into,
               bool without_rewrites);
  void rewrite(const Question& question, const Judgement& judgement, Way way, Combination& into,
               sql::Rewritten& rewritten, std::shared_ptr<const sql::Analysis>& analysis);
  Judged judge_hook(const Subject& subject, Hook hook);
  Judged hand_out(const Judged& ruling, const Subject& subject);
  void count(const std::vector<Tick>& ticks);

  JudgeSettings settings_;
  Prepared current_;
  std::optional<Evaluator> evaluator_;
  sql::Analyzer analyzer_;
  sql::TextCache<Judgement> cache_;
  Judgement unkept_;              // of a text too large for the cache
  Observer* observer_ = nullptr;  // while explaining
  Known fresh_;                   // of what may not be kept
  Evaluation evaluation_;
  std::vector<BoundValue> values_;
};

}  // namespace pgmoat::policy
