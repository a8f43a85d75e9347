#include "session/refusal.h"

#include <string>
#include <utility>

#include "wire/backend.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

// A raw-parse error in every state: no catalogue access, no planner, no lock; it works in a failed
// transaction (F4) and in every client encoding. The token is this session's own: it tells the answer
// to a substitute from an error of another statement. Never any text of the client's.
std::string poison(const Scene& scene) { return "/* pgmoat */ " + scene.origin.refusal_token; }

void owe_refusal(Ready& ready, Entry::Kind kind, Object* object, policy::Refusal refusal) {
  ready.ledger.owe({object, kind, true});
  ready.refusals.push_back(std::move(refusal));
}

}  // namespace

policy::Subject subject_of(Scene& scene, policy::Subject::Kind kind) {
  policy::Subject subject;
  subject.kind = kind;
  subject.session = &scene.view;
  return subject;
}

std::optional<policy::Refusal> object_to(Scene& scene, policy::Refusal refusal, char tag) {
  scene.report(StatementJudged{std::string(wire::message_name(wire::Side::client, tag)),
                               refusal.rule, refusal.sqlstate, refusal.message, scene.enforcing()});
  if (!scene.enforcing()) return std::nullopt;
  return refusal;
}

std::optional<policy::Refusal> ask(Scene& scene, const policy::Subject& subject, char tag) {
  const policy::Judged ruling = scene.judge.judge(subject);
  if (ruling->action == policy::Ruling::Action::allow) return std::nullopt;
  return object_to(scene, ruling->refusal, tag);
}

void refuse_query(Ready& ready, Scene& scene, policy::Refusal refusal) {
  owe_refusal(ready, Entry::Kind::query, nullptr, std::move(refusal));
  const std::string sql = poison(scene);
  scene.out->to_server.say([&](std::string& to) { wire::encode(wire::Query{sql}, to); });
}

// Not a Query: that would destroy the unnamed statement, a failing function call keeps it (F23).
void refuse_function_call(Ready& ready, Scene& scene, policy::Refusal refusal) {
  owe_refusal(ready, Entry::Kind::function_call, nullptr, std::move(refusal));
  wire::FunctionCall call;
  call.function = 0;
  call.result_format = 1;
  scene.out->to_server.say([&](std::string& to) { wire::encode(call, to); });
}

void refuse_parse(Ready& ready, Scene& scene, std::string_view statement, policy::Refusal refusal) {
  // A failed Parse of the unnamed statement destroys the old one; of a named one, nothing (F5).
  if (statement.empty()) ready.statements.forget_unnamed();
  owe_refusal(ready, Entry::Kind::parse, nullptr, std::move(refusal));
  const std::string sql = poison(scene);
  scene.out->to_server.say([&](std::string& to) {
    wire::encode(wire::Parse{statement, sql, {}}, to);
  });
  ready.skipping = true;
}

void refuse_extended(Ready& ready, Scene& scene, policy::Refusal refusal) {
  refuse_parse(ready, scene, kReservedName, std::move(refusal));
}

void say_refusal(Scene& scene, const policy::Refusal& refusal, std::string_view severity) {
  scene.out->to_client.say([&](std::string& to) {
    wire::encode_error({severity, refusal.sqlstate, refusal.message, refusal.detail, refusal.hint},
                       to);
  });
}

}  // namespace pgmoat::session
