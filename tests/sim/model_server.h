// A PostgreSQL of one connection and one table, as far as a firewall can tell it from a real one:
// skip-until-Sync, implicit and failed transactions, portals, the unnamed statement, COPY that
// swallows Flush and Sync, output that waits for a flush. Its SQL is a dozen fixed words (see
// statement_of in the .cc). It never asks who is in front of it, so the same model serves as the
// server behind the engine and as the oracle that is spoken to directly.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace pgmoat::sim {

enum class Login : std::uint8_t { trust, cleartext, md5, sasl };

struct Statement {
  enum class Kind : std::uint8_t {
    empty,
    begin,
    commit,
    rollback,
    savepoint,
    rollback_to,
    insert,
    deferred,
    select,
    fails_late,
    divide,
    missing,
    set,
    notice,
    notify,
    copy_in,
    copy_out,
    deallocate,
    deallocate_all,
    prepare,    // a, as SELECT 1
    configure,  // set_config: a row, and nothing else that can be seen
    bad,
  };
  Kind kind = Kind::empty;
  std::string text;  // what is inserted, set, or named
  std::size_t count = 0;
  std::size_t width = 2;  // size of a row's value

  bool returns_rows() const {
    return kind == Kind::select || kind == Kind::fails_late || kind == Kind::divide ||
           kind == Kind::configure;
  }
};

class ModelServer {
 public:
  explicit ModelServer(Login login) : login_(login) {}

  void feed(std::string_view bytes);  // from the client's side of it
  void end_of_input();                // the client has half-closed
  void shut_down();                   // FATAL 57P01, as pg_terminate_backend

  std::string take_output() { return std::exchange(sent_, {}); }
  bool ended() const { return ended_; }
  const std::vector<std::string>& table() const { return committed_; }
  const std::string& received() const { return received_; }
  // Of that, what came after the login; a password may contain anything.
  std::string_view heard() const { return std::string_view(received_).substr(login_bytes_); }

 private:
  using Rows = std::vector<std::string>;
  struct Savepoint {
    std::string name;
    Rows rows;
    bool deferred;
  };
  struct Portal {
    Statement statement;
    std::string value;
    std::size_t at = 0;
    bool done = false;
  };
  struct Copy {
    bool simple = false;  // of a Query: `rest` follows it
    std::vector<Statement> rest;
    Rows rows;
  };
  struct Error {
    std::string sqlstate, message;
  };
  enum class Stage : std::uint8_t { greeting, password, sasl_first, sasl_second, ready };

  bool next_packet();
  bool next_message();
  void on_startup(Bytes packet);
  void on_password(char tag, Bytes body);
  void welcome();
  void on_message(char tag, Bytes body);
  void handle(char tag, Bytes body);
  void on_query(Bytes body);
  void on_parse(Bytes body);
  void on_bind(Bytes body);
  void on_describe(Bytes body);
  void on_execute(Bytes body);
  void on_close(Bytes body);
  void on_function_call(Bytes body);
  void on_sync();
  void on_copy(char tag, Bytes body);

  void run_simple(std::vector<Statement> list, std::size_t from);
  std::string run(const Statement& statement);  // the command tag
  std::string run_transaction(const Statement& statement);
  std::string run_copy_out();
  void send_rows(Portal& portal, std::size_t limit);
  void refuse_if_failed(const Statement& statement) const;

  void start();
  void commit();
  void finish();
  void abort();
  void ready();
  void fail(const Error& error, bool extended);
  void fatal(std::string_view sqlstate, std::string_view message);
  void flush();
  template <class M>
  void say(const M& message);
  void say_empty(char tag);
  void say_notice(std::string_view text);
  void complete(const std::string& tag);

  Login login_;
  Stage stage_ = Stage::greeting;
  std::string input_, pending_, sent_, received_;
  std::size_t login_bytes_ = 0;
  bool ended_ = false;
  bool skipping_ = false;
  bool block_ = false, failed_ = false, implicit_ = false, deferred_ = false;
  bool copying_ = false;
  Copy copy_;
  Rows committed_, working_;
  std::vector<Savepoint> savepoints_;
  std::map<std::string, std::vector<Statement>> statements_;
  std::map<std::string, Portal> portals_;
};

}  // namespace pgmoat::sim
