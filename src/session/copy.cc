#include "session/copy.h"

#include <array>
#include <cstdint>

#include "base/ascii.h"
#include "session/judging.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

// Case-insensitive search for a lower-case word, as Horspool does it: how far to go on is looked up
// by the byte under the word's last one. Most texts hold none of the letters at most places.
class Word {
 public:
  constexpr explicit Word(std::string_view word) : word_(word) {
    skip_.fill(static_cast<std::uint8_t>(word.size()));
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto step = static_cast<std::uint8_t>(word.size() - 1 - i);
      skip_[static_cast<std::uint8_t>(word[i])] = step;
      if (word[i] >= 'a') skip_[static_cast<std::uint8_t>(word[i] & ~0x20)] = step;
    }
  }
  // Where it begins, from `from` on; npos where there is none.
  std::size_t find_in(std::string_view text, std::size_t from = 0) const {
    const std::size_t size = word_.size();
    for (std::size_t end = from + size; end <= text.size();) {
      const char last = text[end - 1];
      if (ascii_lower(last) == word_.back() && is_at(text.substr(end - size, size)))
        return end - size;
      end += skip_[static_cast<std::uint8_t>(last)];
    }
    return std::string_view::npos;
  }
  bool is_in(std::string_view text) const { return find_in(text) != std::string_view::npos; }

 private:
  bool is_at(std::string_view text) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (ascii_lower(text[i]) != word_[i]) return false;
    }
    return true;
  }
  std::string_view word_;
  std::array<std::uint8_t, 256> skip_{};
};

constexpr Word kCopy("copy"), kStd("std"), kExecute("execute"), kComment("--");

// EXECUTE begins a statement: before it stand only white space and comments, or a semicolon. A
// column `executed_at` must not cost a round trip.
bool may_execute(std::string_view sql) {
  std::size_t at = kExecute.find_in(sql);
  if (at == std::string_view::npos) return false;
  if (kComment.is_in(sql)) return true;  // where such a comment ends is not looked for
  for (; at != std::string_view::npos; at = kExecute.find_in(sql, at + 1)) {
    const std::size_t before = sql.substr(0, at).find_last_not_of(" \t\r\n\f\v");
    if (before == std::string_view::npos || sql[before] == ';' || sql[before] == '/') return true;
  }
  return false;
}

// Our refusal of COPY data: the server fails the COPY itself, and its 57014 is answered in our
// words. What the client still sends of it goes nowhere.
Step refuse_data(Ready& ready, Scene& scene, policy::Refusal refusal) {
  const Progress progress = ready.ledger.progress;
  if (progress == Progress::copy_both || progress == Progress::copy_both_ends) {
    // A walsender takes CopyFail for a fault of the protocol: there is nothing to substitute.
    return end(scene, refusal.sqlstate, refusal.message, refusal.hint);
  }
  scene.out->to_server.say(
      [&](std::string& to) { wire::encode(wire::CopyFail{scene.origin.refusal_token}, to); });
  ready.copy.active = false;
  ready.copy.plausible = true;
  if (!ready.ledger.empty()) {
    Entry& head = ready.ledger.head();
    head.denied = true;
    ready.refusals.push_front(std::move(refusal));
    if (head.kind == Entry::Kind::execute) ready.skipping = true;
  }
  return stay();
}

Step on_data(Ready& ready, Scene& scene, const wire::Piece& piece) {
  if (scene.judge.reads_copy_data() && piece.kind == wire::Piece::Kind::whole) {
    policy::Subject subject = subject_of(scene, policy::Subject::Kind::copy_data);
    subject.values = piece.body();
    if (!ready.ledger.empty()) subject.earlier = ready.ledger.head().judged.get();
    Opinion opinion = ask(scene, subject, piece.tag);
    if (opinion.course == Course::end) return end_by_ruling(scene, *opinion.refusal);
    if (opinion.course == Course::refuse) {
      return refuse_data(ready, scene, std::move(*opinion.refusal));
    }
  }
  scene.out->to_server.release(piece.bytes);
  return stay();
}

}  // namespace

bool may_start_copy(std::string_view sql) {
  return (kCopy.is_in(sql) && kStd.is_in(sql)) || may_execute(sql);
}

bool on_copy_message(Ready& ready, Scene& scene, const wire::Piece& piece, Step& step) {
  switch (piece.tag) {
    case 'd': step = on_data(ready, scene, piece); return true;
    case 'H':
    case 'S':
      if (!scene.enforcing()) scene.out->to_server.release(piece.bytes);
      return true;
    case 'c':
    case 'f':
      ready.copy.active = false;
      // The rest of a simple query may start another COPY.
      if (scene.enforcing() && !ready.ledger.empty() &&
          ready.ledger.head().kind == Entry::Kind::query) {
        ready.barrier = true;
      }
      scene.out->to_server.release(piece.bytes);
      return true;
    default:
      // Either the COPY has failed already and its error is on the way, or the server will end the
      // connection (F11): the message is an ordinary one.
      ready.copy.active = false;
      return false;
  }
}

Step on_late_copy_message(Ready& ready, Scene& scene, const wire::Piece& piece) {
  const bool stray = piece.tag == 'd' && !ready.copy.plausible;
  const wire::Fault fault{wire::Fault::Kind::out_of_place, piece.tag, 0, 0,
                          "COPY data where no COPY is in progress"};
  if (stray && !tolerates(scene, wire::Side::client, fault)) {
    return end(scene, "08P01", "pgmoat: COPY data where no COPY is in progress");
  }
  if (stray || !scene.enforcing()) {
    if (piece.tag != 'd' && !ready.ledger.empty()) {
      Entry entry;
      entry.kind = Entry::Kind::copy_end;
      ready.ledger.owe(std::move(entry));
    }
    scene.out->to_server.release(piece.bytes);
    return stay();
  }
  ready.copy.hold_tail = !piece.last;
  return stay();  // PostgreSQL ignores it (F10); so it never gets there
}

void copy_in_begins(Ready& ready, Scene& scene) {
  ready.copy.active = true;
  ready.barrier = false;
  if (scene.enforcing()) return;
  // Syncs between the request and the end of the client's data were swallowed.
  Ledger& ledger = ready.ledger;
  std::size_t end = 1;
  while (end < ledger.size() && ledger.at(end).kind == Entry::Kind::sync) ++end;
  if (end < ledger.size() && ledger.at(end).kind == Entry::Kind::copy_end) {
    ready.copy.active = false;
    ++end;
  }
  ledger.erase(1, end - 1);
}

}  // namespace pgmoat::session
