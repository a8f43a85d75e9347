// Prepared statements and portals that the server has for this session. The tables change when the
// server *confirms*: a Parse that is on its way only makes its statement `outstanding`, ParseComplete
// makes it `confirmed`, an error before it takes that back. So a name keeps its previous meaning
// when a Parse is refused, exactly as in PostgreSQL. What SQL text creates (PREPARE,
// DECLARE) is not seen here: a name that is not in the table is unknown, not absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pgmoat::session {

struct Object {
  const std::string* name = nullptr;  // key of its table; null: the unnamed one
  std::uint32_t outstanding = 0;      // ledger entries that will change it
  bool confirmed = false;             // the server has it
  bool may_copy = false;              // a text that it may have may start a COPY FROM STDIN
  bool newest_may_copy = false;       // the text that was sent last may
};

class ObjectTable {
 public:
  // The object of this name, or null where it is unknown. "": the unnamed object, never null.
  Object* find(std::string_view name);
  // A message that creates `name` goes to the server. The object lives until the entry that
  // carries it was settled or undone, and while the server has it. Until the server has confirmed,
  // the name may keep its previous meaning: it may COPY if either text may.
  Object* create(std::string_view name, bool may_copy);
  // A message that closes `name` goes to the server; null where nothing of that name is known.
  Object* close(std::string_view name);

  void created(Object& object);  // the server confirmed
  void closed(Object& object);
  void undone(Object& object);  // the message was never executed

  // Everything confirmed is gone: end of transaction for portals, DEALLOCATE ALL for statements.
  void forget_all();
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
