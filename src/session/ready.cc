// The client's half: each message is decoded to its last byte, judged, and released or substituted;
// everything released that will be answered is owed.
#include "session/ready.h"

#include <algorithm>
#include <array>

#include "session/copy.h"
#include "session/phase.h"
#include "session/refusal.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using Kind = Entry::Kind;
using Subject = policy::Subject;

// The functions behind libpq's large-object interface (pg_dump, psql, vacuumlo and drivers call
// them by FunctionCall); pg_proc.dat of PostgreSQL 15, the same in 12 to 18.
constexpr std::array<std::uint32_t, 13> kLargeObjectFunctions = {
    952, 953, 954, 955, 956, 957, 958, 964, 715, 1004, 3170, 3171, 3172};

void release(Ready& ready, Scene& scene, Bytes bytes, Entry entry) {
  ready.ledger.owe(entry);
  scene.out->to_server.release(bytes);
}

// The last request may start COPY IN: when enforcing, nothing further is read until the server has
// said which it is. For Execute it must be made to say so.
void raise_barrier(Ready& ready, Scene& scene, bool with_flush) {
  ready.copy.plausible = true;
  if (!scene.enforcing()) return;
  ready.barrier = true;
  if (with_flush) {
    scene.out->to_server.say([](std::string& to) { wire::encode(wire::Flush{}, to); });
  }
}

policy::Refusal too_many(const char* what, std::uint32_t limit) {
  policy::Refusal refusal;
  refusal.rule = std::string("limits.") + what;
  refusal.sqlstate = "54000";
  refusal.message = std::string("too many ") + what + " in this session";
  refusal.detail = "pgmoat allows " + std::to_string(limit) + " (limits." + what + ").";
  refusal.hint = "Close what is no longer needed, or raise the limit.";
  return refusal;
}

// A body that is not its message's grammar: the end, or (monitor) a message that is owed an answer
// like any other, since the server will answer it with an error.
Step malformed(Ready& ready, Scene& scene, const wire::Piece& piece, wire::Fault fault, Kind kind) {
  fault.tag = piece.tag;
  if (!tolerates(scene, wire::Side::client, fault)) {
    return end(scene, "08P01",
               std::string("pgmoat: malformed message ") +
                   std::string(wire::message_name(wire::Side::client, piece.tag)) + ": " +
                   fault.what);
  }
  release(ready, scene, piece.bytes, {nullptr, kind, false});
  return stay();
}

Step on_query(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto query = wire::decode_query(piece.body());
  if (!query) return malformed(ready, scene, piece, query.error(), Kind::query);
  ++scene.statements;
  const bool may_copy = scene.who.walsender || may_start_copy(query->sql);
  ready.copy = {};
  ready.copy.plausible = may_copy;
  Subject subject = subject_of(scene, Subject::Kind::query);
  subject.sql = query->sql;
  if (auto refusal = ask(scene, subject, 'Q')) {
    refuse_query(ready, scene, std::move(*refusal));
    return stay();
  }
  release(ready, scene, piece.bytes, {nullptr, Kind::query, false});
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
  auto refusal = ask(scene, subject, 'P');
  const std::uint32_t limit = scene.setup.limits.statements;
  if (!refusal && !ready.statements.has_room(parse->statement, limit)) {
    refusal = object_to(scene, too_many("statements", limit), 'P');
  }
  if (refusal) {
    refuse_parse(ready, scene, parse->statement, std::move(*refusal));
    return stay();
  }
  Object* object = nullptr;
  if (ready.statements.has_room(parse->statement, limit)) {
    object = ready.statements.create(parse->statement, may_start_copy(parse->sql));
  }
  release(ready, scene, piece.bytes, {object, Kind::parse, false});
  return stay();
}

Step on_bind(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto bind = wire::decode_bind(piece.body());
  if (!bind) return malformed(ready, scene, piece, bind.error(), Kind::bind);
  Subject subject = subject_of(scene, Subject::Kind::bind);
  subject.statement = bind->statement;
  subject.portal = bind->portal;
  subject.values = bind->params;
  auto refusal = ask(scene, subject, 'B');
  const std::uint32_t limit = scene.setup.limits.portals;
  const bool room = ready.portals.has_room(bind->portal, limit);
  if (!refusal && !room) refusal = object_to(scene, too_many("portals", limit), 'B');
  if (refusal) {
    refuse_extended(ready, scene, std::move(*refusal));
    return stay();
  }
  Object* object = nullptr;
  if (room) {
    const Object* statement = ready.statements.find(bind->statement);
    object = ready.portals.create(bind->portal, statement == nullptr || statement->may_copy);
  }
  release(ready, scene, piece.bytes, {object, Kind::bind, false});
  return stay();
}

Step on_describe(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto describe = wire::decode_describe(piece.body());
  if (!describe) return malformed(ready, scene, piece, describe.error(), Kind::describe_portal);
  const bool statement = describe->target == wire::Target::statement;
  Subject subject = subject_of(scene, Subject::Kind::describe);
  (statement ? subject.statement : subject.portal) = describe->name;
  if (auto refusal = ask(scene, subject, 'D')) {
    refuse_extended(ready, scene, std::move(*refusal));
    return stay();
  }
  release(ready, scene, piece.bytes,
          {nullptr, statement ? Kind::describe_statement : Kind::describe_portal, false});
  return stay();
}

Step on_execute(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto execute = wire::decode_execute(piece.body());
  if (!execute) return malformed(ready, scene, piece, execute.error(), Kind::execute);
  Subject subject = subject_of(scene, Subject::Kind::execute);
  subject.portal = execute->portal;
  ready.copy = {};
  if (auto refusal = ask(scene, subject, 'E')) {
    ready.copy.plausible = true;
    refuse_extended(ready, scene, std::move(*refusal));
    return stay();
  }
  release(ready, scene, piece.bytes, {nullptr, Kind::execute, false});
  const Object* portal = ready.portals.find(execute->portal);
  // What is unknown counts as "may": a table that is full forgets names that the server still has.
  if (portal == nullptr || portal->may_copy) raise_barrier(ready, scene, true);
  return stay();
}

Step on_close(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto close = wire::decode_close(piece.body());
  if (!close) return malformed(ready, scene, piece, close.error(), Kind::close_statement);
  const bool statement = close->target == wire::Target::statement;
  Object* object = (statement ? ready.statements : ready.portals).close(close->name);
  release(ready, scene, piece.bytes,
          {object, statement ? Kind::close_statement : Kind::close_portal, false});
  return stay();
}

bool permitted(FunctionCalls setting, std::uint32_t function) {
  switch (setting) {
    case FunctionCalls::allow: return true;
    case FunctionCalls::deny: return false;
    case FunctionCalls::large_objects: break;
  }
  return std::find(kLargeObjectFunctions.begin(), kLargeObjectFunctions.end(), function) !=
         kLargeObjectFunctions.end();
}

Step on_function_call(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto call = wire::decode_function_call(piece.body());
  if (!call) return malformed(ready, scene, piece, call.error(), Kind::function_call);
  ++scene.statements;
  Subject subject = subject_of(scene, Subject::Kind::function_call);
  subject.function = call->function;
  subject.values = call->args;
  auto refusal = ask(scene, subject, 'F');
  if (!refusal && !permitted(scene.setup.function_calls, call->function)) {
    policy::Refusal own;
    own.rule = "protocol.function_call";
    own.message = "function call by OID is not permitted";
    own.detail = "FunctionCall of OID " + std::to_string(call->function) + ".";
    own.hint = "Call the function in SQL; pgmoat's setting is protocol.function_call.";
    refusal = object_to(scene, std::move(own), 'F');
  }
  if (refusal) {
    refuse_function_call(ready, scene, std::move(*refusal));
  } else {
    release(ready, scene, piece.bytes, {nullptr, Kind::function_call, false});
  }
  return stay();
}

Step on_sync(Ready& ready, Scene& scene, const wire::Piece& piece) {
  ready.skipping = false;
  release(ready, scene, piece.bytes, {nullptr, Kind::sync, false});
  return stay();
}

Step on_terminate(Ready& ready, Scene& scene, const wire::Piece& piece) {
  scene.out->to_server.release(piece.bytes);
  return become(Draining{std::move(ready)});
}

// What PostgreSQL discards while it skips to Sync, we discard too: no unjudged text reaches it.
Step skip(Ready& ready, Scene& scene, const wire::Piece& piece) {
  if (!scene.enforcing()) {
    scene.out->to_server.release(piece.bytes);
  } else {
    if (piece.tag == 'E' || piece.tag == 'Q') ready.copy.plausible = true;
    ready.copy.hold_tail = !piece.last;
  }
  return stay();
}

Step dispatch(Ready& ready, Scene& scene, const wire::Piece& piece) {
  if (piece.tag == 'X') return on_terminate(ready, scene, piece);
  if (ready.skipping)
    return piece.tag == 'S' ? on_sync(ready, scene, piece) : skip(ready, scene, piece);
  if (Step step; ready.copy.active && on_copy_message(ready, scene, piece, step)) return step;
  switch (piece.tag) {
    case 'Q': return on_query(ready, scene, piece);
    case 'P': return on_parse(ready, scene, piece);
    case 'B': return on_bind(ready, scene, piece);
    case 'D': return on_describe(ready, scene, piece);
    case 'E': return on_execute(ready, scene, piece);
    case 'C': return on_close(ready, scene, piece);
    case 'F': return on_function_call(ready, scene, piece);
    case 'S': return on_sync(ready, scene, piece);
    case 'H': scene.out->to_server.release(piece.bytes); return stay();
    case 'd':
    case 'c':
    case 'f': return on_late_copy_message(ready, scene, piece);
    default: break;
  }
  return on_fault(scene, wire::Side::client,
                  {wire::Fault::Kind::unknown_tag, piece.tag, 0, 0, "unknown message type"});
}

// Bodies of c, f: everything else with a body is decoded where it is handled.
std::optional<wire::Fault> fault_of_small(const wire::Piece& piece) {
  if (piece.tag != 'f') return std::nullopt;
  const auto fail = wire::decode_copy_fail(piece.body());
  if (fail) return std::nullopt;
  wire::Fault fault = fail.error();
  fault.tag = 'f';
  return fault;
}

Kind kind_of(char tag) {
  switch (tag) {
    case 'P': return Kind::parse;
    case 'B': return Kind::bind;
    case 'F': return Kind::function_call;
    default: return Kind::query;
  }
}

// A frame over our limit: the end, or (by the failure matrix) streamed by unread and said so.
Step oversize(Ready& ready, Scene& scene) {
  const wire::Fault fault = *scene.client_in.fault();
  if (!tolerates(scene, wire::Side::client, fault)) {
    return end(scene, "08P01",
               "pgmoat: message " + std::string(wire::message_name(wire::Side::client, fault.tag)) +
                   " of length " + std::to_string(fault.length) + " is over the limit");
  }
  scene.client_in.pass_oversize();
  const wire::Piece piece = scene.client_in.next(scene.setup.client_ready);
  scene.out->to_server.release(piece.bytes);
  if (piece.tag == 'd' || ready.skipping) return stay();
  ready.ledger.owe({nullptr, kind_of(piece.tag), false});
  // It was not read: it may be anything.
  if (piece.tag == 'Q') raise_barrier(ready, scene, false);
  if (piece.tag == 'P') ready.statements.find("")->may_copy = true;
  if (piece.tag == 'B') ready.portals.find("")->may_copy = true;
  return stay();
}

Step on_piece(Ready& ready, Scene& scene, const wire::Piece& piece) {
  if (piece.kind == wire::Piece::Kind::tail) {
    if (!ready.copy.hold_tail) scene.out->to_server.release(piece.bytes);
    if (piece.last) ready.copy.hold_tail = false;
    return stay();
  }
  if (const auto fault = fault_of_small(piece)) {
    if (!tolerates(scene, wire::Side::client, *fault)) {
      return end(scene, "08P01", std::string("pgmoat: malformed CopyFail: ") + fault->what);
    }
  }
  return dispatch(ready, scene, piece);
}

}  // namespace

Step on_client(Ready& ready, Scene& scene) {
  while (!ready.holds_client(scene.setup.limits)) {
    const wire::Piece piece = scene.client_in.next(scene.setup.client_ready);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind == wire::Piece::Kind::fault) {
      if (scene.client_in.fault()->kind != wire::Fault::Kind::oversize) {
        return on_fault(scene, wire::Side::client, *scene.client_in.fault());
      }
      if (Step step = oversize(ready, scene)) return step;
      continue;
    }
    if (piece.tag != 'd') ready.segment_bytes += piece.bytes.size();
    if (ready.segment_bytes > scene.setup.limits.segment_bytes) {
      // The piece is out of the buffer already, so it is passed on here where it may pass.
      const wire::Fault fault{wire::Fault::Kind::oversize, piece.tag, 0, 0,
                              "too much is outstanding before ReadyForQuery"};
      if (!tolerates(scene, wire::Side::client, fault)) {
        return end(scene, "54000", std::string("pgmoat: ") + fault.what,
                   "limits.segment bounds it.");
      }
      scene.out->to_server.release(piece.bytes);
      scene.report(TurnedOpaque{fault.what});
      return become(Opaque{});
    }
    if (Step step = on_piece(ready, scene, piece)) return step;
  }
  return stay();
}

}  // namespace pgmoat::session
