// The policy of a running process and its succession. Each worker has a judge of its own; a new policy is
// prepared completely for all of them on the calling thread, and only then handed over, so that a
// policy that does not load changes nothing anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/policy_setup.h"
#include "net/server.h"
#include "policy/policy_judge.h"
#include "policy/word_list.h"

namespace pgmoat::app {

// What a worker asks: the word list, then the policy, where there are any.
class WorkerJudge final : public policy::Judge {
 public:
  explicit WorkerJudge(const std::vector<std::string>& words) : words_(words) {}
  policy::Judged judge(const policy::Subject& subject) override;
  bool wants(policy::Subject::Kind kind) const override;
  // The policy's own, so that it is what its rulings bear.
  std::uint64_t epoch() const override { return policy_ ? policy_->epoch() : 0; }
  bool reads_copy_data() const override { return words_.reads_copy_data(); }
  void succeed(std::unique_ptr<policy::PolicyJudge> policy);  // null: no policy

 private:
  policy::WordList words_;
  std::unique_ptr<policy::PolicyJudge> policy_;
};

class PolicyHub {
 public:
  explicit PolicyHub(std::vector<std::string> words) : words_(std::move(words)) {}

  // Compiles; what make_judge() gives from here on has it. Empty: it is in force.
  ConfigErrors load(const PolicyConfig& config, policy::Mode ceiling);
  std::unique_ptr<policy::Judge> make_judge();
  // All or nothing, while the server runs. Empty: every worker has been handed the new policy.
  ConfigErrors reload(const PolicyConfig& config, policy::Mode ceiling, net::Server& server);

  std::uint64_t epoch() const { return epoch_; }
  std::size_t rules() const;  // of the files, without the built-in ones
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  using MadeJudge = Result<std::unique_ptr<policy::PolicyJudge>, std::string>;
  MadeJudge make_policy_judge(const Policy& policy, const PolicyConfig& config) const;

  std::vector<std::string> words_;
  std::vector<std::string> warnings_;
  PolicyConfig config_;
  Policy policy_;
  std::uint64_t epoch_ = 0;
};

}  // namespace pgmoat::app
