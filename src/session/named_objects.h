// Prepared statements and portals that the server has for this session. The tables change when the
// server *confirms*: a Parse that is on its way only makes its statement `outstanding`, ParseComplete
// makes it `confirmed`, an error before it takes that back. So a name keeps its previous meaning
// when a Parse is refused, exactly as in PostgreSQL. What SQL text creates (PREPARE,
// DECLARE) is in the same tables where the text could be read (sql_names.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "policy/judge.h"

namespace pgmoat::session {

// Of what a Query makes: when it fails, the server goes on with what is behind it.
inline constexpr std::uint64_t kNoSegment = ~std::uint64_t{0};

struct Object {
  const std::string* name = nullptr;  // key of its table; null: the unnamed one
  std::uint32_t outstanding = 0;      // ledger entries that will change it
  bool confirmed = false;             // the server has it
  bool may_copy = false;              // a text that it may have may start a COPY FROM STDIN
  bool newest_may_copy = false;       // the text that was sent last may
  bool replaces = false;              // it had a meaning before that text was sent
  bool lasting = false;               // a cursor WITH HOLD: the end of a transaction spares it
  std::uint32_t creating = 0;         // of `outstanding`: those that give it a meaning
  std::uint64_t segment = 0;          // in which the newest of them was sent
  policy::Judged judged;              // what was ruled on the text that the server has
  policy::Judged newest;              // and on the text that was sent last
  std::uint64_t revision = 0;         // of the session's view when its meaning was judged last
  std::string types;  // of parameters, as Parse gave them; kept where Bind is judged

  // What a message that is sent now will find under this name, if it is carried out at all: after a
  // creation in the same segment, or of a name that was new, there is no other meaning.
  policy::Judged& meaning() { return creating != 0 ? newest : judged; }
  bool is_certain_in(std::uint64_t now) const {
    return creating == 0 || !replaces || segment == now;
  }
};

class ObjectTable {
 public:
  // The object of this name, or null where it is unknown. "": the unnamed object, never null.
  Object* find(std::string_view name);
  // A message that creates `name` goes to the server. The object lives until the entry that
  // carries it was settled or undone, and while the server has it. Until the server has confirmed,
  // the name may keep its previous meaning: it may COPY if either text may.
  Object* create(std::string_view name, bool may_copy, policy::Judged judged = {},
                 std::uint64_t segment = 0);
  // A message that closes `name` goes to the server; null where nothing of that name is known.
  Object* close(std::string_view name);

  // The server confirmed what was sent with this ruling.
  void created(Object& object, policy::Judged judged = {});
  void closed(Object& object);
  void undone(Object& object, bool creation = true);  // the message was never executed
  // SQL text has dropped it (DEALLOCATE x, CLOSE x): the server confirmed.
  void dropped(std::string_view name);

  // Everything confirmed is gone: end of transaction for portals, DEALLOCATE ALL for statements.
  enum class Keep : std::uint8_t { nothing, lasting };
  void forget_all(Keep keep = Keep::nothing);
  void forget_unnamed();
  // SQL text made one (PREPARE): it counts, under a name that is not known here.
  void made_one() { ++unseen_; }
  // SQL text dropped one (DEALLOCATE x): one that SQL made, or, where there is none, any; then one may
  // be forgotten when room is needed.
  void dropped_one() {
    if (unseen_ > 0) --unseen_;
    else ++dropped_;
  }
  // Whether a further name fits; forgets dropped ones first.
  bool has_room(std::string_view name, std::uint32_t limit);
  std::size_t size() const { return named_.size(); }
  // Some name may mean one of two texts: see Object::is_certain_in().
  bool has_open_name(std::uint64_t segment) const;
  // A name that the server has may be missing here: room was made for another.
  bool forgot() const { return forgot_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Map = std::unordered_map<std::string, Object, Hash, std::equal_to<>>;
  Object* add(std::string_view name);
  Map::iterator erase(Map::iterator at);
  void erase_if_gone(Object& object);
  void hold(Object& object);
  void let_go(Object& object);
  void set_confirmed(Object& object, bool confirmed);

  std::unique_ptr<Object> unnamed_ = std::make_unique<Object>();  // stays where it is when we move
  Map named_;
  // Of the last name erased: a portal opened and closed over and over costs no heap.
  Map::node_type spare_;
  std::size_t confirmed_ = 0;  // of named_; so many walks over nothing are spared
  std::size_t busy_ = 0;       // of named_: those that are outstanding
  bool forgot_ = false;        // one that the server still has may not be in named_
  std::uint32_t unseen_ = 0;
  std::uint32_t dropped_ = 0;
};

}  // namespace pgmoat::session
