// The client's half: each message is decoded to its last byte, judged, and released or substituted;
// everything released that will be answered is owed.
#include "session/ready.h"

#include <string>
#include <utility>

#include "session/copy.h"
#include "session/phase.h"
#include "session/requests.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using Kind = Entry::Kind;

Step on_close(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto close = wire::decode_close(piece.body());
  if (!close) return malformed(ready, scene, piece, close.error(), Kind::close_statement);
  const bool statement = close->target == wire::Target::statement;
  Object* object = (statement ? ready.statements : ready.portals).close(close->name);
  Entry entry;
  entry.object = object;
  entry.kind = statement ? Kind::close_statement : Kind::close_portal;
  release(ready, scene, piece.bytes, std::move(entry));
  return stay();
}

Step on_sync(Ready& ready, Scene& scene, const wire::Piece& piece) {
  ready.skipping = false;
  ready.applied.reset();
  ++ready.segment;
  release(ready, scene, piece.bytes, Entry{});
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
  Entry entry;
  entry.kind = kind_of(piece.tag);
  if (piece.tag == 'Q' || piece.tag == 'F') runs(ready, scene, entry);
  ready.sight.saw(nullptr);
  ready.ledger.owe(std::move(entry));
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

// Asked for once: what is kept shrinks when the ledger is empty.
bool keeps_too_much(Ready& ready, const Scene& scene) {
  if (!scene.enforcing() || ready.skipping || ready.copy.active || ready.ledger.empty() ||
      ready.ledger.analysis_bytes() < scene.setup.limits.unanswered_bytes) {
    return false;
  }
  ready.ledger.forget_analysis_bytes();
  return true;
}

}  // namespace

Step on_client(Ready& ready, Scene& scene) {
  while (!ready.holds_client(scene.setup.limits)) {
    if (has_open_meaning(ready, scene, scene.client_in.pending()) || keeps_too_much(ready, scene)) {
      ready.barrier = true;
      scene.out->to_server.say([](std::string& to) { wire::encode(wire::Flush{}, to); });
      return stay();
    }
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
