// What the server owes. Every message released to it that will be answered leaves an entry; every
// answer must be explained by the entry at the head, or the session cannot be trusted any more.
// Flush, CopyData and Terminate owe nothing and are not entered.
//
//   answers        ParseComplete  BindComplete  CloseComplete  rows, CommandComplete  ReadyForQuery
//   settle         parse          bind          close_*        execute                sync, query, function_call
#pragma once

#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "policy/judge.h"
#include "session/named_objects.h"

namespace pgmoat::session {

struct Entry {
  enum class Kind : std::uint8_t {
    parse,
    bind,
    close_statement,
    close_portal,
    describe_statement,
    describe_portal,
    execute,
    query,
    function_call,
    sync,
    copy_end,  // monitor only: where the client ended a COPY that may not have begun; owed nothing
  };
  Object* object = nullptr;  // what parse, bind and close change, when confirmed
  Kind kind = Kind::sync;
  bool denied = false;       // a substitute went out: its error is answered in our words
  bool injected = false;     // ours, before a statement of the client's: only its error is shown
  bool preamble = false;     // of a Query: its first statement is ours
  bool shifts = false;       // it may change how the server reads SQL
  bool turns = false;        // it may begin or end a transaction block
  bool swaps = false;        // it may change the role
  policy::Judged judged{};   // of the statement that it is about; null where nothing is known
  policy::Judged warning{};  // has something to tell the client before the answer; else null
  Instant since{};           // when it was sent

  bool ends_with_ready() const {
    return kind == Kind::query || kind == Kind::function_call || kind == Kind::sync;
  }
};

// How far the head's answer has come.
enum class Progress : std::uint8_t {
  fresh,
  described,  // Describe of a statement: parameters are there, rows or no data to come
  rows,
  copy_in,
  copy_out,
  copy_both,
  copy_both_ends,  // the server has said CopyDone; a walsender may still send what it had under way
  failed,          // an error was its answer; only ReadyForQuery is left
  answered,        // a function call's value has come
};

class Ledger {
 public:
  void owe(Entry entry);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Entry& head() { return ring_[first_]; }
  Entry& at(std::size_t index) { return ring_[(first_ + index) & (ring_.size() - 1)]; }
  void settle();  // the head was answered completely
  // The server never saw these as requests (COPY swallowed them).
  void erase(std::size_t index, std::size_t count);

  // Bytes of the analyses that came with its entries since it was empty last, or since they were forgotten;
  // one that is shared counts each time.
  std::uint64_t analysis_bytes() const { return analysis_bytes_; }
  void forget_analysis_bytes() { analysis_bytes_ = 0; }

  Progress progress = Progress::fresh;

 private:
  void grow();
  std::uint64_t analysis_bytes_ = 0;
  std::vector<Entry> ring_;  // size is zero or a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace pgmoat::session
