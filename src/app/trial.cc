#include "app/trial.h"

#include <utility>

namespace pgmoat::app {

namespace {

using policy::SessionField;
using policy::Subject;

thread_local std::int64_t trial_time = 0;  // 0: the true time
std::int64_t trial_clock() { return trial_time != 0 ? trial_time : policy::unix_seconds(); }

bool refuses(const policy::Ruling& ruling) {
  return ruling.action == policy::Ruling::Action::deny ||
         ruling.action == policy::Ruling::Action::terminate;
}

}  // namespace

std::string describe(Asker& asker, std::string_view key, const std::string& value) {
  constexpr std::string_view kGuc = "guc.";
  if (key == "user") asker.user = value;
  else if (key == "database") asker.database = value;
  else if (key == "application" || key == "app" || key == "application_name")
    asker.application = value;
  else if (key == "client") asker.client = value;
  else if (key == "role") asker.role = value;
  else if (key == "tls") asker.tls.version = value;
  else if (key == "sni") asker.tls.sni = value;
  else if (key == "certificate") asker.tls.common_name = asker.tls.digest = value;
  else if (key == "method") asker.method = value;
  else if (key == "tag") asker.tags.push_back(value);
  else if (key.starts_with(kGuc)) asker.gucs.emplace_back(key.substr(kGuc.size()), value);
  else if (key == "transaction" && value == "idle") asker.transaction = 'I';
  else if (key == "transaction" && value == "in_transaction") asker.transaction = 'T';
  else if (key == "transaction" && value == "failed") asker.transaction = 'E';
  else if (key == "transaction") return "transaction is 'idle', 'in_transaction' or 'failed'";
  else if (key == "protocol" && (value == "simple" || value == "extended"))
    asker.extended = value == "extended";
  else if (key == "protocol") return "protocol is 'simple' or 'extended'";
  else
    return "unknown key '" + std::string(key) +
           "'; known: user, database, application, client, role, guc, tag, tls, sni, certificate, "
           "method, transaction, protocol";
  return {};
}

Result<std::unique_ptr<Trial>, std::string> Trial::start(
    std::shared_ptr<const policy::Bundle> bundle, const PolicyConfig& config) {
  policy::JudgeSettings settings = judge_settings(config);
  settings.clock = trial_clock;
  auto prepared = policy::prepare(std::move(bundle), settings);
  if (!prepared) return prepared.error();
  auto trial = std::make_unique<Trial>();
  trial->judge_ = std::make_unique<policy::PolicyJudge>(std::move(*prepared), settings);
  return trial;
}

void Trial::set_clock(std::int64_t unix_seconds) { trial_time = unix_seconds; }

policy::Trace Trial::explain(const Asker& asker, std::string_view sql) {
  policy::Trace trace;
  trace.ruling = enter(asker);
  if (trace.ruling) return trace;
  Subject subject;
  subject.session = &session_;
  subject.sql = sql;
  subject.kind = asker.extended ? Subject::Kind::parse : Subject::Kind::query;
  return judge_->explain(subject);
}

policy::Judged Trial::enter(const Asker& asker) {
  session_ = {};
  session_.open("EXPLAIN", asker.client, 0);
  session_.set(SessionField::user, asker.user);
  session_.set(SessionField::database, asker.database);
  session_.set(SessionField::application, asker.application);
  session_.set(SessionField::role, asker.role);
  session_.set(SessionField::method, asker.method);
  policy::TlsFacts tls = asker.tls;
  if (tls.version.empty() && !(tls.sni + tls.digest).empty()) tls.version = "TLSv1.3";
  if (!tls.version.empty())
    session_.set_tls(std::make_shared<const policy::TlsFacts>(std::move(tls)));
  for (const auto& [name, value] : asker.gucs) session_.set_guc(name, value);
  for (const std::string& tag : asker.tags) session_.add_tag(tag);
  session_.set_transaction(asker.transaction);
  Subject subject;
  subject.session = &session_;
  for (const auto kind : {Subject::Kind::connect, Subject::Kind::authenticated}) {
    subject.kind = kind;
    if (!judge_->wants(kind)) continue;
    policy::Judged ruling = judge_->judge(subject);
    if (refuses(*ruling)) return ruling;
    for (const std::string& tag : ruling->tags) session_.add_tag(tag);
    for (const auto& [name, value] : ruling->set) session_.set_guc(name, value);
  }
  return nullptr;
}

policy::Judged Trial::ask(const Asker& asker, std::string_view sql,
                          const std::vector<std::string>& parameters) {
  if (policy::Judged refused = enter(asker)) return refused;
  Subject subject;
  subject.session = &session_;
  subject.sql = sql;
  subject.kind =
      asker.extended || !parameters.empty() ? Subject::Kind::parse : Subject::Kind::query;
  policy::Judged ruling = judge_->judge(subject);
  if (refuses(*ruling) || parameters.empty()) return ruling;
  std::vector<policy::Parameter> bound;
  for (const std::string& text : parameters) {
    const bool null = text == "\\N";
    bound.push_back({0, null, false, null ? Bytes() : as_bytes(text)});
  }
  subject.kind = Subject::Kind::bind;
  subject.earlier = ruling.get();
  subject.parameters = bound;
  policy::Judged executed = judge_->judge(subject);
  return refuses(*executed) ? executed : ruling;
}

}  // namespace pgmoat::app
