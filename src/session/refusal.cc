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

void owe_refusal(Ready& ready, const Scene& scene, Entry::Kind kind, Opinion opinion) {
  Entry entry;
  entry.kind = kind;
  entry.denied = true;
  entry.warning = warning_of(scene, opinion.ruling);
  ready.ledger.owe(std::move(entry));
  ready.refusals.push_back(std::move(*opinion.refusal));
}

}  // namespace

void refuse_query(Ready& ready, Scene& scene, Opinion opinion) {
  owe_refusal(ready, scene, Entry::Kind::query, std::move(opinion));
  const std::string sql = poison(scene);
  scene.out->to_server.say([&](std::string& to) { wire::encode(wire::Query{sql}, to); });
}

// Not a Query: that would destroy the unnamed statement, a failing function call keeps it (F23).
void refuse_function_call(Ready& ready, Scene& scene, Opinion opinion) {
  owe_refusal(ready, scene, Entry::Kind::function_call, std::move(opinion));
  wire::FunctionCall call;
  call.function = 0;
  call.result_format = 1;
  scene.out->to_server.say([&](std::string& to) { wire::encode(call, to); });
}

void refuse_parse(Ready& ready, Scene& scene, std::string_view statement, Opinion opinion) {
  // A failed Parse of the unnamed statement destroys the old one; of a named one, nothing (F5).
  if (statement.empty()) ready.statements.forget_unnamed();
  owe_refusal(ready, scene, Entry::Kind::parse, std::move(opinion));
  const std::string sql = poison(scene);
  scene.out->to_server.say([&](std::string& to) {
    wire::encode(wire::Parse{statement, sql, {}}, to);
  });
  ready.skipping = true;
}

void refuse_extended(Ready& ready, Scene& scene, Opinion opinion) {
  refuse_parse(ready, scene, kReservedName, std::move(opinion));
}

void say_refusal(Scene& scene, const policy::Refusal& refusal, std::string_view severity) {
  scene.out->to_client.say([&](std::string& to) { encode_words('E', severity, refusal, to); });
}

}  // namespace pgmoat::session
