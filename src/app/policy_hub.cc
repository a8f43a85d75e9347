#include "app/policy_hub.h"

#include <utility>

#include "base/check.h"

namespace pgmoat::app {

using policy::PolicyJudge;

policy::Judged WorkerJudge::judge(const policy::Subject& subject) {
  if (words_.wants(subject.kind)) {
    policy::Judged ruling = words_.judge(subject);
    if (ruling->action != policy::Ruling::Action::allow) return ruling;
  }
  return policy_ ? policy_->judge(subject) : policy::allowed();
}

bool WorkerJudge::wants(policy::Subject::Kind kind) const {
  return words_.wants(kind) || (policy_ && policy_->wants(kind));
}

void WorkerJudge::succeed(std::unique_ptr<PolicyJudge> policy) { policy_ = std::move(policy); }

PolicyHub::MadeJudge PolicyHub::make_policy_judge(const Policy& policy,
                                                  const PolicyConfig& config) const {
  if (config.empty()) return std::unique_ptr<PolicyJudge>();
  auto prepared = policy::prepare(policy.bundle, judge_settings(config));
  if (!prepared) return prepared.error();
  return std::make_unique<PolicyJudge>(std::move(*prepared), judge_settings(config));
}

std::size_t PolicyHub::rules() const {
  return policy_.bundle ? policy_.bundle->source().rules.size() : 0;
}

ConfigErrors PolicyHub::load(const PolicyConfig& config, policy::Mode ceiling) {
  auto built = build_policy(config, ceiling, epoch_ + 1);
  if (!built) return built.error();
  const auto trial = make_policy_judge(*built, config);  // its scripts load
  if (!trial) return {trial.error()};
  policy_ = *built;
  warnings_ = built->warnings;
  config_ = config;
  ++epoch_;
  return {};
}

std::unique_ptr<policy::Judge> PolicyHub::make_judge() {
  auto judge = std::make_unique<WorkerJudge>(words_);
  auto made = make_policy_judge(policy_, config_);
  PGMOAT_CHECK(made);  // load() has made one of the same
  judge->succeed(std::move(*made));
  return judge;
}

ConfigErrors PolicyHub::reload(const PolicyConfig& config, policy::Mode ceiling,
                               net::Server& server) {
  auto built = build_policy(config, ceiling, epoch_ + 1);
  if (!built) return built.error();
  std::vector<std::function<void(policy::Judge&)>> tasks;
  for (std::size_t i = 0; i < server.workers(); ++i) {
    auto made = make_policy_judge(*built, config);
    if (!made) return {made.error()};
    // A std::function copies, a judge does not: it waits in a shared box for its worker.
    auto box = std::make_shared<std::unique_ptr<PolicyJudge>>(std::move(*made));
    tasks.push_back(
        [box](policy::Judge& judge) { static_cast<WorkerJudge&>(judge).succeed(std::move(*box)); });
  }
  server.post_to_judges(std::move(tasks));
  policy_ = *built;
  warnings_ = built->warnings;
  config_ = config;
  ++epoch_;
  return {};
}

}  // namespace pgmoat::app
