// The tests on the session.
#include <algorithm>

#include "policy/native_tests.h"

namespace pgmoat::policy::tests {

namespace {

bool field(const Operands& operands, Asked& asked, SessionField which) {
  asked.reads.field(which);
  return operands.exact.has(asked.question.session->get(which));
}

}  // namespace

bool user(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::user);
}
bool database(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::database);
}
bool app(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::application);
}
// Whom the session acts as: SET ROLE's, else the user. A role that was computed may be any.
bool role(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::role);
  const std::string_view set = asked.question.session->get(SessionField::role);
  if (asked.question.swapped) return operands.doubt;
  if (set.empty() || set == "none") return field(operands, asked, SessionField::user);
  if (set == SessionView::kUnknownRole) return operands.doubt;
  return operands.exact.has(set);
}
bool client(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::client);
  return operands.networks.contains(asked.question.session->client_ip());
}
bool tls(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::tls);
  return (asked.question.session->tls() != nullptr) == operands.flag;
}
bool sni(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::tls);
  const TlsFacts* tls = asked.question.session->tls();
  return tls != nullptr && operands.exact.has(tls->sni);
}
// By the common name, or one of the alternative names.
bool certificate(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::tls);
  const TlsFacts* tls = asked.question.session->tls();
  if (tls == nullptr || tls->digest.empty()) return false;
  if (operands.exact.has(tls->common_name)) return true;
  return std::any_of(tls->names.begin(), tls->names.end(),
                     [&](const std::string& name) { return operands.exact.has(name); });
}
bool method(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::method);
}
bool tags(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::tags);
  const std::vector<std::string>& tags = asked.question.session->tags();
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& tag) { return operands.exact.has(tag); });
}
bool transaction(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::transaction);
  const char status = asked.question.session->transaction();
  if (asked.question.turned || status == SessionView::kUnknownTransaction) return operands.doubt;
  return operands.words.has(status == 'I' ? "idle" : status == 'T' ? "in_transaction" : "failed");
}
bool time(const Operands& operands, Asked& asked) {
  asked.reads.unstable = true;
  return std::any_of(operands.hours.begin(), operands.hours.end(),
                     [&](const Schedule& hours) { return hours.active(asked.question.now); });
}
bool replication(const Operands& operands, Asked& asked) {
  return asked.question.replication == operands.flag;
}
bool score(const Operands& operands, Asked& asked) {
  asked.score_asked = true;
  return std::any_of(operands.ranges.begin(), operands.ranges.end(), [&](const auto& range) {
    return asked.scratch.score >= range.first && asked.scratch.score <= range.second;
  });
}

}  // namespace pgmoat::policy::tests
