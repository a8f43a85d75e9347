#include "session/completion.h"

#include <chrono>
#include <utility>

#include "session/judging.h"
#include "session/refusal.h"
#include "session/sql_names.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using policy::Subject;

const sql::Facts* facts_of_head(Ready& ready) {
  const auto statements = statements_of(ready.ledger.head().judged);
  return ready.statement < statements.size() ? &statements[ready.statement] : nullptr;
}

// What is ruled on an answer can end the session and nothing else.
void take_last_word(Ready& ready, Opinion opinion) {
  if (opinion.course == Course::end) ready.last_word = std::move(opinion.refusal);
}

void tell(Ready& ready, Scene& scene, std::string_view tag, std::string_view sqlstate) {
  if (!scene.judge.wants(Subject::Kind::complete)) return;
  const Entry& head = ready.ledger.head();
  const Instant since = ready.answer.since == Instant{} ? head.since : ready.answer.since;
  policy::Completion completion;
  completion.tag = tag;
  completion.sqlstate = sqlstate;
  completion.rows = rows_of(tag);
  completion.bytes = ready.answer.bytes;
  completion.duration = std::chrono::duration_cast<std::chrono::microseconds>(scene.now - since);
  Subject subject = subject_of(scene, Subject::Kind::complete);
  subject.earlier = head.judged.get();
  subject.number = ready.statement;
  subject.completion = &completion;
  take_last_word(ready, ask(scene, subject,
                            sqlstate.empty() ? std::string_view("CommandComplete")
                                             : std::string_view("ErrorResponse")));
}

}  // namespace

std::uint64_t rows_of(std::string_view tag) {
  const std::size_t digits = tag.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || tag[digits] != ' ') return 0;
  std::uint64_t rows = 0;
  for (const char c : tag.substr(digits + 1)) rows = rows * 10 + static_cast<unsigned>(c - '0');
  return rows;
}

void statement_completed(Ready& ready, Scene& scene, std::string_view tag, bool ours) {
  Entry& head = ready.ledger.head();
  if (ours) {
    head.preamble = false;
    return;
  }
  const sql::Facts* facts = facts_of_head(ready);
  if (facts != nullptr) confirm_names(ready, scene, head.judged, *facts);
  else follow_tag(ready, tag);
  if (facts != nullptr && tag == "DISCARD ALL") follow_tag(ready, tag);
  scene.settings.completed(facts, tag);
  tell(ready, scene, tag, {});
  ++ready.statement;
  ready.answer = {0, scene.now};
}

void statement_failed(Ready& ready, Scene& scene, std::string_view sqlstate) {
  const Entry& head = ready.ledger.head();
  const bool runs = head.kind == Entry::Kind::query || head.kind == Entry::Kind::execute;
  if (runs && !head.injected) tell(ready, scene, {}, sqlstate);
}

bool copy_is_refused(Ready& ready, Scene& scene, char tag) {
  if (!scene.judge.wants(Subject::Kind::copy)) return false;
  Subject subject = subject_of(scene, Subject::Kind::copy);
  subject.earlier = ready.ledger.head().judged.get();
  subject.number = ready.statement;
  subject.copy_in = tag == 'G';
  Opinion opinion = ask(scene, subject, wire::message_name(wire::Side::server, tag));
  if (opinion.course == Course::end) {
    take_last_word(ready, std::move(opinion));
    return false;
  }
  if (opinion.course != Course::refuse) return false;
  if (tag != 'G') {
    // The data is on its way already, and nothing would make the server take it back.
    ready.last_word = std::move(opinion.refusal);
    return false;
  }
  scene.out->to_server.say(
      [&](std::string& to) { wire::encode(wire::CopyFail{scene.origin.refusal_token}, to); });
  Entry& head = ready.ledger.head();
  head.denied = true;
  ready.refusals.push_front(std::move(*opinion.refusal));
  ready.copy.plausible = true;
  ready.barrier = false;
  // What the client has sent as an extended request is skipped by the server up to Sync.
  if (head.kind == Entry::Kind::execute) ready.skipping = true;
  return true;
}

}  // namespace pgmoat::session
