// What the server's session is set to, as far as it can be known from outside: the startup packet,
// ParameterStatus, and SQL text whose completion was seen. A setting that may have changed out of
// sight is dropped: unknown is never guessed. Two logs would undo a transaction; one does, since
// each entry holds both what a rollback brings back and what a commit keeps.
//
// Not seen: what functions set in their bodies. Bounded: 64 settings of at most 1 KiB each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/session_view.h"
#include "sql/dialect.h"
#include "sql/facts.h"

namespace pgmoat::session {

class Settings {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kLongest = 1024;

  explicit Settings(policy::SessionView& view) : view_(&view) {}
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  void started(std::string_view name, std::string_view value);  // of the startup packet
  void logged_in();
  void reported(std::string_view name, std::string_view value);  // ParameterStatus: it is so
  // CommandComplete of a statement; `facts` null: its text could not be read.
  void completed(const sql::Facts* facts, std::string_view tag);
  // A prepared statement was run by EXECUTE: what its text may set is not known any more.
  void ran(const sql::Facts& prepared);
  void failed() { failed_ = true; }  // ErrorResponse
  void ready(char status);           // ReadyForQuery

  bool role_is_open() const;  // set in this transaction, whose end may take it back
  const sql::Dialect& dialect() const { return dialect_; }
  void set_replication(bool walsender) { dialect_.replication = walsender; }
  // Positions in errors count characters: of UTF-8, else bytes.
  bool counts_utf8() const;

 private:
  using Value = std::optional<std::string>;  // none: unknown
  struct Undo {
    std::string name;
    Value before;  // the transaction
    Value kept;    // where it commits
  };
  Value now(std::string_view name) const;
  void put(std::string_view name, const Value& value);
  void change(std::string_view name, Value value, bool local);
  void change(const sql::Setting& setting, bool surely);
  void forget_everything();
  void forget_resettable();
  Undo* log(std::string_view name);
  bool is_reported(std::string_view name) const;
  void transaction_ends(bool commits);
  void savepoint_undone();
  void refresh_role();

  policy::SessionView* view_;
  sql::Dialect dialect_;
  bool server_is_utf8_ = true;
  bool failed_ = false;  // since the transaction's last known boundary
  bool lost_ = false;    // more changes in one transaction than the log holds
  std::vector<Undo> log_;
  std::vector<std::string> reported_;
};

}  // namespace pgmoat::session
