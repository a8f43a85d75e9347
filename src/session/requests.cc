#include "session/requests.h"

#include <algorithm>
#include <utility>

#include "policy/function_call.h"
#include "session/copy.h"
#include "session/refusal.h"
#include "session/rewriting.h"
#include "session/sql_names.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using Kind = Entry::Kind;
using policy::Subject;

bool permitted(FunctionCalls setting, std::uint32_t function) {
  switch (setting) {
    case FunctionCalls::allow: return true;
    case FunctionCalls::deny: return false;
    case FunctionCalls::large_objects: break;
  }
  return policy::is_large_object_function(function);
}

Entry entry_of(const Scene& scene, Kind kind, Object* object, policy::Judged judged) {
  Entry entry;
  entry.object = object;
  entry.kind = kind;
  entry.judged = std::move(judged);
  entry.since = scene.now;
  return entry;
}

// What decides further, unless it is decided: the first that does not let the message go is the answer.
template <class F>
void consider(Opinion& so_far, policy::Judged& warning, const Scene& scene, F next) {
  if (so_far.course != Course::go) return;
  so_far = next();
  if (policy::Judged told = warning_of(scene, so_far.ruling)) warning = std::move(told);
}

std::uint32_t u32_at(Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]};
}

// Views of the message; the vector is used again and again.
void unpack(const wire::Bind& bind, std::string_view types, std::vector<policy::Parameter>& to) {
  to.clear();
  const std::size_t formats = bind.param_formats.size() / 2;
  std::size_t at = 0;
  for (std::size_t i = 0; i < bind.param_count; ++i) {
    policy::Parameter parameter;
    if (4 * i + 4 <= types.size()) parameter.type = u32_at(as_bytes(types), 4 * i);
    if (formats != 0) parameter.binary = bind.param_formats[(formats == 1 ? 0 : i) * 2 + 1] != 0;
    const std::uint32_t size = u32_at(bind.params, at);
    at += 4;
    parameter.null = size == 0xffffffff;
    if (!parameter.null) {
      parameter.bytes = bind.params.subspan(at, size);
      at += size;
    }
    to.push_back(parameter);
  }
}

}  // namespace

policy::Refusal too_many(const char* what, std::uint32_t limit) {
  policy::Refusal refusal;
  refusal.rule = std::string("limits.") + what;
  refusal.sqlstate = "54000";
  refusal.message = std::string("too many ") + what + " in this session";
  refusal.detail = "pgmoat allows " + std::to_string(limit) + " (limits." + what + ").";
  refusal.hint = "Close what is no longer needed, or raise the limit.";
  return refusal;
}

void runs(Ready& ready, Scene& scene, Entry& entry) {
  ready.applied.reset();
  entry.shifts = may_shift(entry.judged, ready.doubt.in_transaction);
  entry.turns = may_turn(entry.judged);
  // The end of a block takes SET LOCAL ROLE back, and ROLLBACK any.
  entry.swaps = may_swap_role(entry.judged) ||
                (entry.turns && (ready.doubt.swapping != 0 || scene.settings.role_is_open()));
  ready.doubt.sent(entry);
  if (entry.turns) scene.view.set_transaction(policy::SessionView::kUnknownTransaction);
  if (entry.swaps) scene.view.set_role_unsettled(true);
}

void release(Ready& ready, Scene& scene, Bytes bytes, Entry entry) {
  ready.ledger.owe(std::move(entry));
  scene.out->to_server.release(bytes);
}

void raise_barrier(Ready& ready, Scene& scene, bool with_flush) {
  ready.copy.plausible = true;
  if (!scene.enforcing()) return;
  ready.barrier = true;
  if (with_flush) {
    scene.out->to_server.say([](std::string& to) { wire::encode(wire::Flush{}, to); });
  }
}

Step malformed(Ready& ready, Scene& scene, const wire::Piece& piece, wire::Fault fault, Kind kind) {
  fault.tag = piece.tag;
  if (!tolerates(scene, wire::Side::client, fault)) {
    return end(scene, "08P01",
               std::string("pgmoat: malformed message ") +
                   std::string(wire::message_name(wire::Side::client, piece.tag)) + ": " +
                   fault.what);
  }
  Entry entry;
  entry.kind = kind;
  release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

Step on_query(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto query = wire::decode_query(piece.body());
  if (!query) return malformed(ready, scene, piece, query.error(), Kind::query);
  ++scene.statements;
  Subject subject = subject_of(scene, Subject::Kind::query);
  subject.sql = query->sql;
  subject.reading = reading_of(ready, scene);
  Opinion opinion = ask(scene, subject, 'Q');
  const bool may_copy = starts_copy(ready, scene, opinion.ruling, query->sql);
  ready.copy = {};
  ready.copy.plausible = may_copy;
  policy::Judged judged = opinion.ruling;
  const bool rewrites = opinion.course == Course::rewrite;
  if (rewrites) {
    opinion.course = Course::go;
    if (auto reason = cannot_rewrite(scene, *judged)) opinion = object_to(scene, *reason, 'Q');
  }
  if (opinion.course == Course::go) opinion = judge_names(ready, scene, judged, 'Q');
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    refuse_query(ready, scene, std::move(opinion));
    return stay();
  }
  Entry entry = entry_of(scene, Kind::query, nullptr, std::move(judged));
  entry.warning = warning_of(scene, entry.judged);
  ready.sight.saw(entry.judged);
  expect_names(ready, scene, entry.judged, kNoSegment);
  runs(ready, scene, entry);
  if (rewrites) send_rewritten_query(ready, scene, std::move(entry));
  else release(ready, scene, piece.bytes, std::move(entry));
  if (may_copy) raise_barrier(ready, scene, false);
  return stay();
}

Step on_parse(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto parse = wire::decode_parse(piece.body());
  if (!parse) return malformed(ready, scene, piece, parse.error(), Kind::parse);
  ++scene.statements;
  Subject subject = subject_of(scene, Subject::Kind::parse);
  subject.sql = parse->sql;
  subject.statement = parse->statement;
  subject.reading = reading_of(ready, scene);
  Opinion opinion = ask(scene, subject, 'P');
  policy::Judged judged = opinion.ruling;
  const bool rewrites = opinion.course == Course::rewrite;
  if (rewrites) {
    opinion.course = Course::go;
    if (auto reason = cannot_rewrite(scene, *judged)) opinion = object_to(scene, *reason, 'P');
  }
  const std::uint32_t limit = scene.setup.limits.statements;
  const bool room = ready.statements.has_room(parse->statement, limit);
  if (opinion.course == Course::go && !room) {
    opinion = object_to(scene, too_many("statements", limit), 'P');
  }
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    refuse_parse(ready, scene, parse->statement, std::move(opinion));
    return stay();
  }
  ready.sight.saw(judged);
  if (rewrites) apply_settings(ready, scene, judged);
  Object* object = nullptr;
  if (room) {
    const bool may_copy = starts_copy(ready, scene, judged, parse->sql);
    object = ready.statements.create(parse->statement, may_copy, judged, ready.segment);
    object->revision = scene.view.revision();
    if (scene.judge.wants(Subject::Kind::bind)) object->types = as_text(parse->param_types);
  }
  Entry entry = entry_of(scene, Kind::parse, object, std::move(judged));
  entry.warning = warning_of(scene, entry.judged);
  if (rewrites) send_rewritten_parse(ready, scene, *parse, std::move(entry));
  else release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

Step on_bind(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto bind = wire::decode_bind(piece.body());
  if (!bind) return malformed(ready, scene, piece, bind.error(), Kind::bind);
  Object* statement = ready.statements.find(bind->statement);
  policy::Judged warning;
  Opinion opinion = judge_use(ready, scene, Table::statements, statement, bind->statement, 'B');
  const policy::Judged judged = statement != nullptr ? statement->meaning() : nullptr;
  consider(opinion, warning, scene, [&] {
    Subject subject = subject_of(scene, Subject::Kind::bind);
    if (!scene.judge.wants(subject.kind)) return Opinion{};
    unpack(*bind, statement != nullptr ? std::string_view(statement->types) : std::string_view{},
           ready.parameters);
    subject.statement = bind->statement;
    subject.portal = bind->portal;
    subject.values = bind->params;
    subject.parameters = ready.parameters;
    subject.earlier = judged.get();
    return ask(scene, subject, 'B');
  });
  const std::uint32_t limit = scene.setup.limits.portals;
  const bool room = ready.portals.has_room(bind->portal, limit);
  if (opinion.course == Course::go && !room) {
    opinion = object_to(scene, too_many("portals", limit), 'B');
  }
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    refuse_extended(ready, scene, std::move(opinion));
    return stay();
  }
  apply_settings(ready, scene, judged);
  Object* object = nullptr;
  if (room) {
    object = ready.portals.create(bind->portal, statement == nullptr || statement->may_copy, judged,
                                  ready.segment);
    object->revision = scene.view.revision();
  }
  Entry entry = entry_of(scene, Kind::bind, object, judged);
  entry.warning = std::move(warning);
  // A plan is made, for which functions of constants are called.
  entry.shifts = may_shift(judged, ready.doubt.in_transaction);
  ready.doubt.sent(entry);
  release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

Step on_describe(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto describe = wire::decode_describe(piece.body());
  if (!describe) return malformed(ready, scene, piece, describe.error(), Kind::describe_portal);
  const bool statement = describe->target == wire::Target::statement;
  Object* object = (statement ? ready.statements : ready.portals).find(describe->name);
  policy::Judged judged = object != nullptr ? object->meaning() : nullptr;
  Subject subject = subject_of(scene, Subject::Kind::describe);
  (statement ? subject.statement : subject.portal) = describe->name;
  subject.earlier = judged.get();
  Opinion opinion = ask_if_wanted(scene, subject, 'D');
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    refuse_extended(ready, scene, std::move(opinion));
    return stay();
  }
  Entry entry = entry_of(scene, statement ? Kind::describe_statement : Kind::describe_portal,
                         nullptr, std::move(judged));
  entry.warning = warning_of(scene, opinion.ruling);
  release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

Step on_execute(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto execute = wire::decode_execute(piece.body());
  if (!execute) return malformed(ready, scene, piece, execute.error(), Kind::execute);
  Object* portal = ready.portals.find(execute->portal);
  policy::Judged warning;
  Opinion opinion = judge_use(ready, scene, Table::portals, portal, execute->portal, 'E');
  const policy::Judged judged = portal != nullptr ? portal->meaning() : nullptr;
  consider(opinion, warning, scene, [&] {
    Subject subject = subject_of(scene, Subject::Kind::execute);
    subject.portal = execute->portal;
    subject.earlier = judged.get();
    return ask_if_wanted(scene, subject, 'E');
  });
  consider(opinion, warning, scene, [&] { return judge_names(ready, scene, judged, 'E'); });
  ready.copy = {};
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    ready.copy.plausible = true;
    refuse_extended(ready, scene, std::move(opinion));
    return stay();
  }
  apply_settings(ready, scene, judged);
  Entry entry = entry_of(scene, Kind::execute, nullptr, judged);
  entry.warning = std::move(warning);
  expect_names(ready, scene, judged, ready.segment);
  runs(ready, scene, entry);
  release(ready, scene, piece.bytes, std::move(entry));
  // What is unknown counts as "may": a table that is full forgets names that the server still has.
  if (portal == nullptr || portal->may_copy) raise_barrier(ready, scene, true);
  return stay();
}

Step on_function_call(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto call = wire::decode_function_call(piece.body());
  if (!call) return malformed(ready, scene, piece, call.error(), Kind::function_call);
  ++scene.statements;
  Subject subject = subject_of(scene, Subject::Kind::function_call);
  subject.function = call->function;
  subject.values = call->args;
  Opinion opinion = ask_if_wanted(scene, subject, 'F');
  policy::Judged warning = warning_of(scene, opinion.ruling);
  if (opinion.course == Course::go && !permitted(scene.setup.function_calls, call->function)) {
    policy::Refusal own;
    own.rule = "protocol.function_call";
    own.message = "function call by OID is not permitted";
    own.detail = "FunctionCall of OID " + std::to_string(call->function) + ".";
    own.hint = "Call the function in SQL; pgmoat's setting is protocol.function_call.";
    opinion = object_to(scene, std::move(own), 'F');
  }
  if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
  if (opinion.course == Course::refuse) {
    opinion.refusal->position = 0;  // there is no text to point into
    refuse_function_call(ready, scene, std::move(opinion));
    return stay();
  }
  Entry entry = entry_of(scene, Kind::function_call, nullptr, nullptr);
  entry.warning = std::move(warning);
  runs(ready, scene, entry);
  release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

bool has_open_meaning(Ready& ready, const Scene& scene, Bytes pending) {
  if (!scene.enforcing() || !ready.sight.some || ready.skipping || ready.copy.active ||
      ready.ledger.empty() || pending.size() < 5)
    return false;
  // SQL text may say EXECUTE; which name is not looked for.
  if (pending[0] == 'Q') return ready.statements.has_open_name(ready.segment);
  if (pending[0] != 'B' && pending[0] != 'E') return false;
  const std::uint32_t length = u32_at(pending, 1);
  if (length < 4 || length > pending.size() - 1) return false;  // not there yet
  const Bytes body = pending.subspan(5, length - 4);
  const Object* object = nullptr;
  if (pending[0] == 'B') {
    if (const auto bind = wire::decode_bind(body)) object = ready.statements.find(bind->statement);
  } else if (const auto execute = wire::decode_execute(body)) {
    if (ready.statements.has_open_name(ready.segment)) return true;
    object = ready.portals.find(execute->portal);
  }
  return object != nullptr && !object->is_certain_in(ready.segment);
}

}  // namespace pgmoat::session
