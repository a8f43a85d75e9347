#include "session/settling.h"

#include <utility>

#include "session/sql_names.h"

namespace pgmoat::session {

namespace {

using Kind = Entry::Kind;

// Markers of monitor mode owe nothing: they fall away when they come to the front.
void drop_markers(Ready& ready) {
  while (head_is(ready, Kind::copy_end)) ready.ledger.settle();
}

}  // namespace

bool head_is(Ready& ready, Kind kind) {
  return !ready.ledger.empty() && ready.ledger.head().kind == kind;
}

bool runs_statements(Ready& ready) {
  return head_is(ready, Kind::query) || head_is(ready, Kind::execute);
}

void settle(Ready& ready) {
  ready.doubt.gone(ready.ledger.head(), true);
  ready.statement = 0;
  ready.answer = {};
  ready.ledger.settle();
  drop_markers(ready);
  if (ready.barrier && ready.ledger.empty()) ready.barrier = false;
}

void confirm(Ready& ready) {
  Entry& entry = ready.ledger.head();
  if (entry.object == nullptr) return;
  switch (entry.kind) {
    case Kind::parse: ready.statements.created(*entry.object, std::move(entry.judged)); break;
    case Kind::bind: ready.portals.created(*entry.object, std::move(entry.judged)); break;
    case Kind::close_statement: ready.statements.closed(*entry.object); break;
    case Kind::close_portal: ready.portals.closed(*entry.object); break;
    case Kind::describe_statement:
    case Kind::describe_portal:
    case Kind::execute:
    case Kind::query:
    case Kind::function_call:
    case Kind::sync:
    case Kind::copy_end: break;
  }
}

// The head will never be executed: its change of the tables is taken back.
void undo_head(Ready& ready) {
  const Entry& entry = ready.ledger.head();
  if (entry.denied && !ready.refusals.empty()) ready.refusals.pop_front();
  if (entry.object != nullptr) {
    const bool statement = entry.kind == Kind::parse || entry.kind == Kind::close_statement;
    const bool creation = entry.kind == Kind::parse || entry.kind == Kind::bind;
    (statement ? ready.statements : ready.portals).undone(*entry.object, creation);
  }
  if (runs_statements(ready)) undo_names(ready, entry.judged, ready.statement);
  ready.doubt.gone(entry, false);
  ready.statement = 0;
  ready.answer = {};
  ready.ledger.settle();
}

}  // namespace pgmoat::session
