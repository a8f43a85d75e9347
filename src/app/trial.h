// A policy on trial: one session described in words, one statement, the ruling. Made of the judge that
// runs in production, with nothing behind it. `explain`, `test` and `check --with-tests` use it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/policy_setup.h"
#include "policy/policy_judge.h"

namespace pgmoat::app {

// Who asks. Settings by lower-case name.
struct Asker {
  std::string user = "app", database = "app", application, client = "127.0.0.1", role, method;
  std::vector<std::pair<std::string, std::string>> gucs;
  std::vector<std::string> tags;
  char transaction = 'I';
  policy::TlsFacts tls;  // version "": in the clear
  bool extended = false;
};
// One word of a description: "user", "database", "application", "client", "role", "guc.<name>", "tag", "tls" (a version), "sni", "certificate" (its common name), "method",
// "transaction" ("idle", "in_transaction", "failed"), "protocol" ("simple", "extended"). What is wrong, or "".
std::string describe(Asker& asker, std::string_view key, const std::string& value);

class Trial {
 public:
  static Result<std::unique_ptr<Trial>, std::string> start(
      std::shared_ptr<const policy::Bundle> bundle, const PolicyConfig& config);

  // The connect and auth hooks first, as a session would pass them: their refusal is the answer. Then
  // the statement, and with parameters the execute hook. A parameter that is "\\N" is null, as in COPY.
  policy::Judged ask(const Asker& asker, std::string_view sql,
                     const std::vector<std::string>& parameters = {});
  // The same with the answer of every rule. Where connect or auth refuse, only the ruling is there.
  policy::Trace explain(const Asker& asker, std::string_view sql);
  policy::PolicyJudge& judge() { return *judge_; }
  void set_clock(std::int64_t unix_seconds);  // for every trial of this thread; 0: the true time
  // As ask() made it, tags included.
  const policy::SessionView& session() const { return session_; }

 private:
  policy::Judged enter(const Asker& asker);
  std::unique_ptr<policy::PolicyJudge> judge_;
  policy::SessionView session_;
};

}  // namespace pgmoat::app
