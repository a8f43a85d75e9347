// A judge that says what a test told it to: a table from texts to rulings, and functions for the other
// hooks. Texts that are not in the table are allowed, with their facts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "policy/judge.h"
#include "sql/analysis.h"

namespace pgmoat::test {

class TableJudge final : public policy::Judge {
 public:
  using Hook = std::function<policy::Judged(const policy::Subject&)>;
  using Ruling = policy::Ruling;
  using Kind = policy::Subject::Kind;

  // The ruling on this text, to be filled in.
  Ruling& on(const std::string& text) {
    auto ruling = std::make_shared<Ruling>();
    ruling->analysis = analyzer_.analyze(text, {});
    ruling->epoch = moved;
    return *(table_[text] = std::move(ruling));
  }
  Ruling& deny(const std::string& text) {
    Ruling& ruling = on(text);
    ruling.action = Ruling::Action::deny;
    ruling.refusal.rule = "test.deny";
    ruling.refusal.message = "no";
    return ruling;
  }
  void rewrite(const std::string& text, std::string sql, std::vector<sql::Patch> patches = {}) {
    Ruling& ruling = on(text);
    ruling.action = Ruling::Action::rewrite;
    ruling.rewrite.sql = std::move(sql);
    ruling.rewrite.patches = std::move(patches);
  }
  void set_local(const std::string& text, std::string name, std::string value) {
    if (table_.find(text) == table_.end()) rewrite(text, text);
    table_[text]->rewrite.settings.emplace_back(std::move(name), std::move(value));
  }
  void hook(Kind kind, Hook what) { hooks_[kind] = std::move(what); }

  policy::Judged judge(const policy::Subject& subject) override {
    if (const auto hook = hooks_.find(subject.kind); hook != hooks_.end()) {
      if (policy::Judged ruling = hook->second(subject)) return ruling;
    }
    if (subject.kind == Kind::again) return of_text(std::string(subject.earlier->analysis->text()));
    if (subject.kind != Kind::query && subject.kind != Kind::parse) return policy::allowed();
    readings.push_back(subject.reading);
    return of_text(std::string(subject.sql));
  }
  bool wants(Kind kind) const override { return hooks_.find(kind) != hooks_.end(); }
  std::uint64_t epoch() const override { return moved; }

  std::uint64_t moved = 1;
  std::vector<policy::Reading> readings;  // as they were handed in

 private:
  policy::Judged of_text(const std::string& text) {
    auto& ruling = table_[text];
    if (ruling == nullptr) {
      ruling = std::make_shared<Ruling>();
      ruling->analysis = analyzer_.analyze(text, {});
    }
    if (ruling->epoch != moved) ruling = std::make_shared<Ruling>(*ruling);
    ruling->epoch = moved;
    return ruling;
  }
  std::map<std::string, std::shared_ptr<Ruling>> table_;
  std::map<Kind, Hook> hooks_;
  sql::Analyzer analyzer_;
};

}  // namespace pgmoat::test
