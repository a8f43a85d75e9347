#include "session/response.h"

#include <string>
#include <utility>

#include "session/completion.h"
#include "session/copy.h"
#include "session/refusal.h"
#include "session/rewriting.h"
#include "session/settling.h"
#include "session/sql_names.h"
#include "wire/backend.h"

namespace pgmoat::session {

namespace {

using Kind = Entry::Kind;
using wire::Fault;
using MaybeFault = std::optional<Fault>;

MaybeFault unexplained(char tag, const char* what) {
  return Fault{Fault::Kind::out_of_place, tag, 0, 0, what};
}

template <class T>
MaybeFault fault_in(const wire::Decoded<T>& decoded, char tag) {
  if (decoded) return std::nullopt;
  Fault fault = decoded.error();
  fault.tag = tag;
  return fault;
}

bool is_fatal(const wire::Report& error) {
  return error.severity == "FATAL" || error.severity == "PANIC";
}

MaybeFault settle_simple(Ready& ready, char tag, Kind kind, Kind other) {
  if (ready.ledger.empty()) return unexplained(tag, "nothing was asked");
  const Entry& head = ready.ledger.head();
  if ((head.kind != kind && head.kind != other) || head.denied) {
    return unexplained(tag, "not the answer to what was asked");
  }
  confirm(ready);
  settle(ready);
  return std::nullopt;
}

MaybeFault on_row_description(Ready& ready, const wire::Piece& piece) {
  if (const auto fault = fault_in(wire::decode_row_description(piece.body()), 'T')) return fault;
  Progress& progress = ready.ledger.progress;
  // After the end of a timeline a walsender names the next one in a row.
  if (head_is(ready, Kind::query) &&
      (progress == Progress::fresh || progress == Progress::copy_both_ends)) {
    progress = Progress::rows;
  } else if (head_is(ready, Kind::describe_portal) ||
             (head_is(ready, Kind::describe_statement) && progress == Progress::described)) {
    settle(ready);
  } else {
    return unexplained('T', "no rows were asked for");
  }
  return std::nullopt;
}

MaybeFault on_no_data(Ready& ready) {
  if (head_is(ready, Kind::describe_portal) ||
      (head_is(ready, Kind::describe_statement) && ready.ledger.progress == Progress::described)) {
    settle(ready);
    return std::nullopt;
  }
  return unexplained('n', "no description was asked for");
}

MaybeFault on_parameter_description(Ready& ready, const wire::Piece& piece) {
  if (const auto fault = fault_in(wire::decode_parameter_description(piece.body()), 't')) {
    return fault;
  }
  if (!head_is(ready, Kind::describe_statement) || ready.ledger.progress != Progress::fresh) {
    return unexplained('t', "no statement was described");
  }
  ready.ledger.progress = Progress::described;
  return std::nullopt;
}

MaybeFault on_data_row(Ready& ready, const wire::Piece& piece) {
  if (piece.kind != wire::Piece::Kind::tail) {
    Progress& progress = ready.ledger.progress;
    const bool query = head_is(ready, Kind::query) && progress == Progress::rows;
    const bool execute = head_is(ready, Kind::execute) &&
                         (progress == Progress::fresh || progress == Progress::rows);
    if (!query && !execute) return unexplained('D', "no rows were asked for");
    progress = Progress::rows;
    ready.row.begin(piece.body_size);
  }
  ready.answer.bytes += piece.bytes.size();
  const Bytes body = piece.kind == wire::Piece::Kind::tail ? piece.bytes : piece.body();
  if (!ready.row.feed(body) || (piece.last && !ready.row.complete())) {
    return Fault{Fault::Kind::malformed, 'D', 0, 0, "column lengths do not fill the row"};
  }
  return std::nullopt;
}

// The end of one statement: of the whole answer to an Execute, of a part of a Query's.
MaybeFault statement_ends(Ready& ready, char tag) {
  if (!runs_statements(ready)) return unexplained(tag, "no statement was running");
  const Progress progress = ready.ledger.progress;
  if (progress == Progress::failed || progress == Progress::copy_out) {
    return unexplained(tag, "not after what came before");
  }
  ready.copy.active = false;
  if (ready.ledger.head().kind == Kind::execute) {
    if (ready.statement == 0) undo_names(ready, ready.ledger.head().judged, 0);  // it did not run
    settle(ready);
  } else {
    ready.ledger.progress = Progress::fresh;
  }
  return std::nullopt;
}

MaybeFault on_command_complete(Ready& ready, Scene& scene, const wire::Piece& piece, bool ours) {
  const auto complete = wire::decode_command_complete(piece.body());
  if (!complete) return fault_in(complete, 'C');
  if (!runs_statements(ready)) return unexplained('C', "no statement was running");
  statement_completed(ready, scene, complete->tag, ours);
  return statement_ends(ready, 'C');
}

MaybeFault on_copy_response(Ready& ready, Scene& scene, const wire::Piece& piece, bool& forward) {
  if (const auto fault = fault_in(wire::decode_copy_response(piece.tag, piece.body()), piece.tag)) {
    return fault;
  }
  Progress& progress = ready.ledger.progress;
  if (!runs_statements(ready) || progress != Progress::fresh) {
    return unexplained(piece.tag, "no COPY was asked for");
  }
  if (copy_is_refused(ready, scene, piece.tag)) {
    progress = Progress::copy_in;
    forward = false;
  } else if (piece.tag == 'H') {
    progress = Progress::copy_out;
  } else if (piece.tag == 'G') {
    progress = Progress::copy_in;
    copy_in_begins(ready, scene);
  } else {
    progress = Progress::copy_both;
    copy_in_begins(ready, scene);
  }
  return std::nullopt;
}

MaybeFault on_copy_data(Ready& ready, const wire::Piece& piece) {
  ready.answer.bytes += piece.bytes.size();
  if (piece.kind == wire::Piece::Kind::tail) return std::nullopt;
  const Progress progress = ready.ledger.progress;
  if (runs_statements(ready) &&
      (progress == Progress::copy_out || progress == Progress::copy_both ||
       progress == Progress::copy_both_ends)) {
    return std::nullopt;
  }
  return unexplained('d', "no COPY is in progress");
}

MaybeFault on_copy_done(Ready& ready) {
  Progress& progress = ready.ledger.progress;
  if (!runs_statements(ready) ||
      (progress != Progress::copy_out && progress != Progress::copy_both)) {
    return unexplained('c', "no COPY is in progress");
  }
  progress = progress == Progress::copy_both ? Progress::copy_both_ends : Progress::fresh;
  return std::nullopt;
}

// Ours in place of the server's, where this answers a substitute. Its words carry our token then; a
// substitute that fails in other words means that the two sides disagree. The reverse means nothing:
// the token can be read in pg_stat_activity, and anybody may store it where it shows in an error.
MaybeFault swap_words(Ready& ready, Scene& scene, const wire::Report& error, bool& forward) {
  Entry& head = ready.ledger.head();
  if (!head.denied) return std::nullopt;
  const policy::Refusal refusal = std::move(ready.refusals.front());
  ready.refusals.pop_front();
  head.denied = false;
  const bool marked = error.message.find(scene.origin.refusal_token) != std::string_view::npos;
  // Refused CopyData: the server's own error may have been on its way already, and then it is the
  // first; the CopyFail that we sent was late and is ignored (F10).
  if (!marked && ready.ledger.progress == Progress::copy_in) return std::nullopt;
  const bool fatal =
      is_fatal(error);  // exit_on_error makes ours fatal; so may what has nothing to do with it
  if (fatal && !marked && head.kind != Kind::function_call) return std::nullopt;
  if (!marked && head.kind != Kind::function_call && !scene.who.walsender) {
    return unexplained('E', "an error does not belong to the message it answers");
  }
  if (fatal && !marked && error.sqlstate != "42883" && error.sqlstate != "25P02")
    return std::nullopt;
  say_refusal(scene, refusal, fatal ? "FATAL" : "ERROR");
  forward = false;
  return std::nullopt;
}

void after_error(Ready& ready) {
  ready.copy.active = false;
  Ledger& ledger = ready.ledger;
  if (ledger.head().ends_with_ready()) {
    ledger.progress = Progress::failed;
    return;
  }
  ready.applied.reset();
  while (!ledger.empty() && ledger.head().kind != Kind::sync) undo_head(ready);
  if (!ledger.empty()) return;
  ready.skipping = true;  // the client has not sent its Sync yet
  ready.barrier = false;
}

MaybeFault on_error(Ready& ready, Scene& scene, const wire::Piece& piece, bool& forward) {
  const auto error = wire::decode_report('E', piece.body());
  if (!error) return fault_in(error, 'E');
  if (is_fatal(*error)) {
    scene.fatal_said = true;
    if (!ready.ledger.empty()) {
      if (const auto fault = swap_words(ready, scene, *error, forward)) return fault;
    }
    if (forward && restate(ready, scene, *error)) forward = false;
    while (!ready.ledger.empty()) undo_head(ready);
    ready.barrier = false;
    return std::nullopt;
  }
  if (ready.ledger.empty()) return unexplained('E', "nothing was asked");
  if (ready.ledger.progress == Progress::failed) return unexplained('E', "a second error");
  scene.settings.failed();
  const bool denied = ready.ledger.head().denied;
  if (const auto fault = swap_words(ready, scene, *error, forward)) return fault;
  if (forward && restate(ready, scene, *error)) forward = false;
  if (!denied) statement_failed(ready, scene, error->sqlstate);
  after_error(ready);
  return std::nullopt;
}

MaybeFault on_function_result(Ready& ready, const wire::Piece& piece) {
  const auto fault = fault_in(wire::decode_function_call_response(piece.body()), 'V');
  if (fault) return fault;
  if (!head_is(ready, Kind::function_call) || ready.ledger.progress != Progress::fresh) {
    return unexplained('V', "no function was called");
  }
  ready.ledger.progress = Progress::answered;
  return std::nullopt;
}

// Whether the head's answer has come as far as its ReadyForQuery.
bool is_answered(const Ledger& ledger, Kind kind) {
  switch (ledger.progress) {
    case Progress::failed: return true;
    case Progress::fresh: return kind != Kind::function_call;
    case Progress::answered: return kind == Kind::function_call;
    case Progress::described:
    case Progress::rows:
    case Progress::copy_in:
    case Progress::copy_out:
    case Progress::copy_both:
    case Progress::copy_both_ends: break;
  }
  return false;
}

MaybeFault on_ready_for_query(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const auto message = wire::decode_ready_for_query(piece.body());
  if (!message) return fault_in(message, 'Z');
  if (ready.ledger.empty() || !ready.ledger.head().ends_with_ready()) {
    return unexplained('Z', "no ReadyForQuery is owed");
  }
  const Kind kind = ready.ledger.head().kind;
  if (!is_answered(ready.ledger, kind))
    return unexplained('Z', "the answer before it is not complete");
  if (kind == Kind::query) {
    ready.statements.forget_unnamed();
    ready.portals.forget_unnamed();
    undo_names(ready, ready.ledger.head().judged, ready.statement);
  }
  ready.status = message->status;
  ready.copy.active = false;
  ready.segment_bytes = 0;
  if (ready.status == wire::TransactionStatus::idle) {
    ready.portals.forget_all(ObjectTable::Keep::lasting);
  }
  settle(ready);
  ready.doubt.ready(static_cast<char>(ready.status));
  scene.settings.ready(static_cast<char>(ready.status));
  // What is behind this answer was sent already.
  scene.view.set_role_unsettled(ready.doubt.swapping != 0);
  if (ready.doubt.turning != 0)
    scene.view.set_transaction(policy::SessionView::kUnknownTransaction);
  return std::nullopt;
}

// A substitute must fail; anything else would tell the client that what we refused was done.
bool answers_a_substitute(char tag) { return tag == 'E' || tag == 'N' || tag == 'S' || tag == 'A'; }

// Where PostgreSQL's own would stand: before the first message of the answer.
void warn_before(Ready& ready, Scene& scene, const wire::Piece& piece) {
  if (ready.ledger.empty() || ready.ledger.head().warning == nullptr) return;
  if (piece.tag == 'N' || piece.tag == 'S' || piece.tag == 'A') return;
  if (scene.client_in_frame) return;
  const policy::Judged warning = std::move(ready.ledger.head().warning);
  say_warnings(scene, *warning);
}

MaybeFault on_asynchronous(Ready& ready, Scene& scene, const wire::Piece& piece, bool& forward) {
  if (piece.tag == 'N') {
    const auto notice = wire::decode_report('N', piece.body());
    if (notice && restate(ready, scene, *notice)) forward = false;
    return fault_in(notice, 'N');
  }
  if (piece.tag == 'S') {
    const auto status = wire::decode_parameter_status(piece.body());
    if (status) scene.settings.reported(status->name, status->value);
    return fault_in(status, 'S');
  }
  return fault_in(wire::decode_notification_response(piece.body()), 'A');
}

}  // namespace

MaybeFault explain(Ready& ready, Scene& scene, const wire::Piece& piece, bool& forward) {
  if (!ready.ledger.empty() && ready.ledger.head().denied && !answers_a_substitute(piece.tag)) {
    return unexplained(piece.tag, "the answer to a substitute is not an error");
  }
  const bool ours = is_swallowed(ready, piece.tag);
  if (ours) forward = false;
  warn_before(ready, scene, piece);
  switch (piece.tag) {
    case 'D': return on_data_row(ready, piece);
    case 'C': return on_command_complete(ready, scene, piece, ours);
    case 'Z': return on_ready_for_query(ready, scene, piece);
    case 'T': return on_row_description(ready, piece);
    case '1': return settle_simple(ready, '1', Kind::parse, Kind::parse);
    case '2': return settle_simple(ready, '2', Kind::bind, Kind::bind);
    case '3': return settle_simple(ready, '3', Kind::close_statement, Kind::close_portal);
    case 'n': return on_no_data(ready);
    case 't': return on_parameter_description(ready, piece);
    case 'I': return statement_ends(ready, 'I');
    case 's':
      if (!head_is(ready, Kind::execute)) return unexplained('s', "no Execute was running");
      return statement_ends(ready, 's');
    case 'E': return on_error(ready, scene, piece, forward);
    case 'd': return on_copy_data(ready, piece);
    case 'c': return on_copy_done(ready);
    case 'G':
    case 'H':
    case 'W': return on_copy_response(ready, scene, piece, forward);
    case 'V': return on_function_result(ready, piece);
    case 'N':
    case 'S':
    case 'A': return on_asynchronous(ready, scene, piece, forward);
    default: break;
  }
  return Fault{Fault::Kind::unknown_tag, piece.tag, 0, 0, "unknown message type"};
}

Step on_server(Ready& ready, Scene& scene) {
  while (true) {
    const wire::Piece piece = scene.server_in.next(scene.setup.server_ready);
    if (piece.kind == wire::Piece::Kind::starved) return stay();
    if (piece.kind == wire::Piece::Kind::fault) {
      return on_fault(scene, wire::Side::server, *scene.server_in.fault());
    }
    bool forward = true;
    if (const auto fault = explain(ready, scene, piece, forward)) {
      if (!tolerates(scene, wire::Side::server, *fault)) {
        return end(scene, "08P01", "pgmoat: the server sent what nothing explains");
      }
      scene.out->to_client.release(piece.bytes);
      scene.client_in_frame = !piece.last;
      scene.report(TurnedOpaque{std::string("server: ") + fault->what});
      return become(Opaque{});
    }
    if (forward) {
      scene.out->to_client.release(piece.bytes);
      scene.client_in_frame = !piece.last;
    }
    if (ready.last_word) return end_by_ruling(scene, *ready.last_word);
  }
}

}  // namespace pgmoat::session
