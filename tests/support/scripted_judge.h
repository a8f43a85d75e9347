// The judge of the simulation and of the session's fuzz target: a list of words, and behind it facts for
// every text and whatever `rules` makes of it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "policy/word_list.h"
#include "support/fake_analysis.h"

namespace pgmoat::test {

class ScriptedJudge final : public policy::Judge {
 public:
  using Rules = std::function<void(std::string_view text, policy::Ruling&)>;
  ScriptedJudge(std::vector<std::string> words, Rules rules)
      : words_(std::move(words)), rules_(std::move(rules)) {}

  policy::Judged judge(const policy::Subject& subject) override {
    policy::Judged ruling = words_.judge(subject);
    const bool text = subject.kind == policy::Subject::Kind::query ||
                      subject.kind == policy::Subject::Kind::parse;
    if (!text || ruling != policy::allowed()) return ruling;
    policy::Judged& known = known_[std::string(subject.sql)];
    if (known == nullptr) {
      auto made = std::make_shared<policy::Ruling>();
      made->analysis = analysis_of(subject.sql);
      rules_(subject.sql, *made);
      known = std::move(made);
    }
    return known;
  }
  bool wants(policy::Subject::Kind kind) const override {
    using Kind = policy::Subject::Kind;
    return kind == Kind::bind || kind == Kind::describe || kind == Kind::execute ||
           kind == Kind::function_call;
  }
  std::uint64_t epoch() const override { return 0; }
  bool reads_copy_data() const override { return true; }

 private:
  policy::WordList words_;
  Rules rules_;
  std::map<std::string, policy::Judged> known_;
};

inline constexpr const char* kWarned = "warned by pgmoat";

inline void rewrite(policy::Ruling& ruling, std::string sql) {
  ruling.action = policy::Ruling::Action::rewrite;
  ruling.rewrite.sql = std::move(sql);
}
inline void set_local(policy::Ruling& ruling, std::string name, std::string value) {
  if (ruling.action == policy::Ruling::Action::allow) {
    rewrite(ruling, std::string(ruling.analysis->text()));
  }
  ruling.rewrite.settings.emplace_back(std::move(name), std::move(value));
}
inline void warn(policy::Ruling& ruling) {
  policy::Finding finding;
  finding.rule = "scripted.warn";
  finding.warn = true;
  finding.refusal.message = kWarned;
  ruling.findings.push_back(std::move(finding));
}

}  // namespace pgmoat::test
