// From the answers of all rules to one ruling: terminate over deny over rewrite over pass; of several
// refusals the most severe speaks and all are told. Words are chosen here too, since what the client
// reads depends on who speaks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/evaluate.h"
#include "policy/judge.h"
#include "policy/tally.h"

namespace pgmoat::policy {

// What a rule did in a ruling; counted again whenever the ruling is used again.
struct Tick {
  std::uint32_t rule = 0;
  Tally::What what = Tally::What::matched;
};

class Combination {
 public:
  explicit Combination(std::uint64_t epoch);
  // `without_rewrites`: a rewritten text is judged; only refusals count now.
  void add(const Question& question, const Evaluation& evaluation, bool without_rewrites = false);
  // A rewrite that enforces could not be carried out: the rules' on_error decides.
  void rewrite_failed(const Question& question, const std::string& reason);

  bool refused() const { return speaker_ != nullptr; }
  // Of rules that enforce, by order, then by place in the files. None when refused.
  bool rewrites() const { return !refused() && !edits_.empty(); }
  std::vector<sql::Edit> edits() const;
  const Reads& reads() const { return reads_; }
  std::vector<Tick> take_ticks() { return std::move(ticks_); }
  // May be called once; the caller fills in analysis, rewrite and rewritten.
  std::shared_ptr<Ruling> finish();

 private:
  struct Ordered {
    int order;
    const CompiledRule* rule;
    std::vector<sql::Edit> edits;
  };
  void add(const Question& question, const Answer& answer);
  void refuse(const Question& question, const Answer& answer, const Verdict& verdict,
              Finding::Action action, bool acts);
  void fail(const Question& question, const Answer& answer);
  void tell(const Question& question, const Answer& answer, Finding::Action action, bool done,
            Refusal refusal);
  Refusal word(const Question& question, const CompiledRule& rule, const Verdict& verdict,
               std::uint32_t position, bool acts);

  std::shared_ptr<Ruling> ruling_;
  Reads reads_;
  const CompiledRule* speaker_ = nullptr;  // whose refusal is the ruling's
  std::vector<Ordered> edits_;
  std::vector<Tick> ticks_;
};

}  // namespace pgmoat::policy
