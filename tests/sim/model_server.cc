#include "sim/model_server.h"

#include <algorithm>
#include <utility>

#include "wire/backend.h"
#include "wire/frontend.h"
#include "wire/startup.h"

namespace pgmoat::sim {

namespace {

using Kind = Statement::Kind;

constexpr std::string_view kPoison = "/* pgmoat */ ";
constexpr std::size_t kWide = 20'000;  // more than one small buffer holds

std::string trimmed(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "/*") {
      const std::size_t end = text.find("*/", i);
      if (end == std::string_view::npos) break;
      i = end + 1;
    } else {
      out += text[i];
    }
  }
  const std::size_t first = out.find_first_not_of(" \n");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(" \n") + 1 - first);
}

// The whole language.
Statement statement_of(const std::string& text) {
  static const std::map<std::string, Kind> kFixed = {{"", Kind::empty},
                                                     {"BEGIN", Kind::begin},
                                                     {"COMMIT", Kind::commit},
                                                     {"ROLLBACK", Kind::rollback},
                                                     {"SAVEPOINT s", Kind::savepoint},
                                                     {"ROLLBACK TO s", Kind::rollback_to},
                                                     {"DEFERRED", Kind::deferred},
                                                     {"FAILS LATE", Kind::fails_late},
                                                     {"SELECT 1/0", Kind::divide},
                                                     {"SELECT missing", Kind::missing},
                                                     {"SET a", Kind::set},
                                                     {"NOTICE", Kind::notice},
                                                     {"NOTIFY", Kind::notify},
                                                     {"COPY t FROM STDIN", Kind::copy_in},
                                                     {"copy t from stdout", Kind::copy_in},
                                                     {"COPY t TO STDOUT", Kind::copy_out},
                                                     {"DEALLOCATE ALL", Kind::deallocate_all},
                                                     {"PREPARE a AS SELECT 1", Kind::prepare},
                                                     {"DEALLOCATE a", Kind::deallocate}};
  Statement statement;
  if (const auto at = kFixed.find(text); at != kFixed.end()) {
    statement.kind = at->second;
    if (statement.kind == Kind::fails_late) statement.count = 2;
  } else if (text.starts_with("INSERT ")) {
    statement.kind = Kind::insert;
    statement.text = text.substr(7);
  } else if (text.starts_with("SELECT pg_catalog.set_config(")) {
    statement.kind = Kind::configure;
    statement.count = 1;
  } else if (text == "SELECT wide") {
    statement.kind = Kind::select;
    statement.count = 1;
    statement.width = kWide;
  } else if (text.starts_with("SELECT ") && text.size() == 8 && text[7] >= '0' && text[7] <= '9') {
    statement.kind = Kind::select;
    statement.count = static_cast<std::size_t>(text[7] - '0');
  } else {
    statement.kind = Kind::bad;
    statement.text = text;
  }
  return statement;
}

std::vector<Statement> statements_of(std::string_view sql) {
  std::vector<Statement> list;
  while (true) {
    const std::size_t end = sql.find(';');
    Statement statement = statement_of(trimmed(sql.substr(0, end)));
    if (statement.kind != Kind::empty) list.push_back(std::move(statement));
    if (end == std::string_view::npos) return list;
    sql.remove_prefix(end + 1);
  }
}

bool leaves_transaction(Kind kind) {
  return kind == Kind::commit || kind == Kind::rollback || kind == Kind::rollback_to;
}

std::uint32_t length_at(std::string_view text) {
  std::uint32_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<std::uint8_t>(text[i]);
  return length;
}

void frame_row(const std::string& value, std::string& out) {
  std::string column(4, '\0');
  for (int i = 0; i < 4; ++i) column[i] = static_cast<char>(value.size() >> (24 - 8 * i));
  column += value;
  wire::encode(wire::DataRow{1, as_bytes(column)}, out);
}

}  // namespace

template <class M>
void ModelServer::say(const M& message) {
  wire::encode(message, pending_);
}
void ModelServer::say_empty(char tag) { pending_.append({tag, 0, 0, 0, 4}); }
void ModelServer::flush() { sent_ += std::exchange(pending_, {}); }

void ModelServer::say_notice(std::string_view text) {
  std::string frame;
  wire::encode_error({"WARNING", "01000", text, {}, {}}, frame);
  frame[0] = 'N';
  pending_ += frame;
}

void ModelServer::complete(const std::string& tag) { say(wire::CommandComplete{tag}); }

void ModelServer::fatal(std::string_view sqlstate, std::string_view message) {
  wire::encode_error({"FATAL", sqlstate, message, {}, {}}, pending_);
  flush();
  ended_ = true;
}

void ModelServer::shut_down() {
  if (!ended_) fatal("57P01", "terminating connection due to administrator command");
}

// ---- input ------------------------------------------------------------------------------------

void ModelServer::feed(std::string_view bytes) {
  if (ended_) return;
  received_ += bytes;
  if (stage_ != Stage::ready) login_bytes_ = received_.size();
  input_ += bytes;
  while (!ended_ && (stage_ == Stage::greeting ? next_packet() : next_message())) {
  }
}

void ModelServer::end_of_input() {
  if (ended_) return;
  flush();
  ended_ = true;
}

bool ModelServer::next_packet() {
  if (input_.size() < 4) return false;
  const std::uint32_t size = length_at(input_);
  if (size < 8 || size > wire::kStartupLimit + 4) {
    ended_ = true;  // F17: without a word
    return false;
  }
  if (input_.size() < size) return false;
  const std::string packet = input_.substr(0, size);
  input_.erase(0, size);
  on_startup(as_bytes(packet));
  return true;
}

bool ModelServer::next_message() {
  if (input_.size() < 5) return false;
  const std::uint32_t length = length_at(std::string_view(input_).substr(1));
  static constexpr std::string_view kKnown = "QPBDECSHFdcfXp";
  if (kKnown.find(input_[0]) == std::string_view::npos || length < 4 || length > (1u << 30)) {
    fatal("08P01", "invalid frontend message");
    return false;
  }
  if (input_.size() < length + std::size_t{1}) return false;
  const char tag = input_[0];
  const std::string body = input_.substr(5, length - 4);
  input_.erase(0, length + std::size_t{1});
  if (stage_ == Stage::ready) {
    on_message(tag, as_bytes(body));
  } else {
    on_password(tag, as_bytes(body));
  }
  return true;
}

void ModelServer::on_startup(Bytes bytes) {
  const auto packet = wire::decode_first_packet(bytes);
  if (!packet) return fatal("08P01", "invalid startup packet layout");
  if (std::holds_alternative<wire::CancelRequest>(*packet)) {
    ended_ = true;
    return;
  }
  if (!std::holds_alternative<wire::StartupMessage>(*packet)) {
    sent_ += 'N';
    return;
  }
  if (std::get<wire::StartupMessage>(*packet).version >> 16 != 3) {
    return fatal("0A000", "unsupported frontend protocol");
  }
  static constexpr std::string_view kMechanisms("SCRAM-SHA-256\0\0", 15);
  switch (login_) {
    case Login::trust: return welcome();
    case Login::cleartext:
      say(wire::Authentication{wire::AuthenticationKind::cleartext, {}});
      break;
    case Login::md5:
      say(wire::Authentication{wire::AuthenticationKind::md5, as_bytes("salt")});
      break;
    case Login::sasl:
      say(wire::Authentication{wire::AuthenticationKind::sasl, as_bytes(kMechanisms)});
      break;
  }
  stage_ = login_ == Login::sasl ? Stage::sasl_first : Stage::password;
  flush();
}

void ModelServer::on_password(char tag, Bytes body) {
  if (tag == 'X') {
    ended_ = true;
    return;
  }
  if (tag != 'p') return fatal("08P01", "expected password response");
  if (as_text(body).find("wrong") != std::string_view::npos) {
    return fatal("28P01", "password authentication failed");
  }
  if (stage_ == Stage::sasl_first) {
    say(wire::Authentication{wire::AuthenticationKind::sasl_continue, as_bytes("r=nonce")});
    stage_ = Stage::sasl_second;
    return flush();
  }
  if (stage_ == Stage::sasl_second) {
    say(wire::Authentication{wire::AuthenticationKind::sasl_final, as_bytes("v=proof")});
  }
  welcome();
}

void ModelServer::welcome() {
  say(wire::Authentication{});
  say(wire::ParameterStatus{"server_version", "15.20"});
  say(wire::BackendKeyData{4711, as_bytes("keys")});
  stage_ = Stage::ready;
  login_bytes_ = received_.size() - input_.size();
  ready();
}

// ---- the main loop ------------------------------------------------------------------------------

void ModelServer::on_message(char tag, Bytes body) {
  const bool extended =
      copying_ ? !copy_.simple : std::string_view("PBDECH").find(tag) != std::string_view::npos;
  try {
    if (copying_) return on_copy(tag, body);
    if (skipping_ && tag != 'S' && tag != 'X') return;
    handle(tag, body);
  } catch (const Error& error) {
    fail(error, extended);
  }
}

// An error is flushed at once (F2); a Query's or FunctionCall's is followed by ReadyForQuery.
void ModelServer::fail(const Error& error, bool extended) {
  wire::encode_error({"ERROR", error.sqlstate, error.message, {}, {}}, pending_);
  flush();
  copying_ = false;
  abort();
  skipping_ = extended;
  if (!extended) ready();
}

void ModelServer::handle(char tag, Bytes body) {
  switch (tag) {
    case 'Q': return on_query(body);
    case 'P': return on_parse(body);
    case 'B': return on_bind(body);
    case 'D': return on_describe(body);
    case 'E': return on_execute(body);
    case 'C': return on_close(body);
    case 'F': return on_function_call(body);
    case 'S': return on_sync();
    case 'H': return flush();
    case 'X': return end_of_input();
    case 'd':
    case 'c':
    case 'f': return;  // F10
    default: return fatal("08P01", "unexpected message type");
  }
}

void ModelServer::ready() {
  using Status = wire::TransactionStatus;
  say(wire::ReadyForQuery{failed_ ? Status::failed : block_ ? Status::in_block : Status::idle});
  flush();
}

// Errors while Sync is carried out do not start skipping (F8).
void ModelServer::on_sync() {
  skipping_ = false;
  finish();
  ready();
}

void ModelServer::on_query(Bytes body) {
  const auto query = wire::decode_query(body);
  start();
  statements_.erase("");
  portals_.erase("");
  if (!query) throw Error{"08P01", "invalid message format"};
  const std::string_view sql = query->sql;
  if (sql.starts_with(kPoison)) {
    throw Error{"42601",
                "syntax error at or near \"" + std::string(sql.substr(kPoison.size())) + "\""};
  }
  std::vector<Statement> list = statements_of(sql);
  for (const Statement& statement : list) {
    if (statement.kind == Kind::bad) throw Error{"42601", "syntax error at or near \"BAD\""};  // F7
  }
  if (list.empty()) say_empty('I');
  run_simple(std::move(list), 0);
}

void ModelServer::run_simple(std::vector<Statement> list, std::size_t from) {
  for (std::size_t i = from; i < list.size(); ++i) {
    refuse_if_failed(list[i]);
    start();
    if (list[i].kind == Kind::missing) throw Error{"42703", "column \"missing\" does not exist"};
    if (list[i].returns_rows()) {
      wire::encode(wire::RowDescription{}, pending_);
      Portal portal{list[i], {}, 0, false};
      send_rows(portal, 0);
      if (i + 1 == list.size()) finish();
      complete("SELECT " + std::to_string(list[i].count));
      continue;
    }
    if (list[i].kind == Kind::copy_in) {
      copying_ = true;
      copy_ = {true, {list.begin() + static_cast<std::ptrdiff_t>(i) + 1, list.end()}, {}};
      say(wire::CopyResponse{'G', 0, {}});
      return flush();
    }
    const std::string tag = run(list[i]);
    if (i + 1 == list.size()) finish();
    complete(tag);
  }
  finish();
  ready();
}

void ModelServer::on_parse(Bytes body) {
  const auto parse = wire::decode_parse(body);
  start();
  if (!parse) throw Error{"08P01", "invalid message format"};
  const std::string name(parse->statement);
  if (name.empty()) statements_.erase("");  // F5
  if (parse->sql.starts_with(kPoison)) {
    throw Error{"42601", "syntax error at or near \"" +
                             std::string(parse->sql.substr(kPoison.size())) + "\""};
  }
  std::vector<Statement> list = statements_of(parse->sql);
  if (list.size() > 1) throw Error{"42601", "cannot insert multiple commands"};
  if (list.empty()) list.push_back({});
  if (list[0].kind == Kind::bad) throw Error{"42601", "syntax error at or near \"BAD\""};
  refuse_if_failed(list[0]);
  if (list[0].kind == Kind::missing) throw Error{"42703", "column \"missing\" does not exist"};
  if (!name.empty() && statements_.contains(name)) {
    throw Error{"42P05", "prepared statement \"" + name + "\" already exists"};
  }
  statements_[name] = std::move(list);
  say_empty('1');
}

void ModelServer::on_bind(Bytes body) {
  const auto bind = wire::decode_bind(body);
  start();
  if (!bind) throw Error{"08P01", "invalid message format"};
  const auto found = statements_.find(std::string(bind->statement));
  if (found == statements_.end()) throw Error{"26000", "prepared statement does not exist"};
  const Statement& statement = found->second[0];
  const bool wants = statement.text == "$1";
  if (bind->param_count != (wants ? 1 : 0))
    throw Error{"08P01", "bind message supplies the wrong number"};
  refuse_if_failed(statement);
  const std::string name(bind->portal);
  if (!name.empty() && portals_.contains(name)) throw Error{"42P03", "cursor already exists"};
  Portal portal{statement, {}, 0, false};
  if (wants) portal.statement.text = as_text(bind->params).substr(4);
  portals_[name] = std::move(portal);
  say_empty('2');
}

void ModelServer::on_describe(Bytes body) {
  const auto describe = wire::decode_describe(body);
  start();
  if (!describe) throw Error{"08P01", "invalid message format"};
  const Statement* statement = nullptr;
  const std::string name(describe->name);
  if (describe->target == wire::Target::statement) {
    const auto found = statements_.find(name);
    if (found == statements_.end()) throw Error{"26000", "prepared statement does not exist"};
    statement = &found->second[0];
  } else {
    const auto found = portals_.find(name);
    if (found == portals_.end()) throw Error{"34000", "portal does not exist"};
    statement = &found->second.statement;
  }
  if (failed_ && statement->returns_rows()) throw Error{"25P02", "current transaction is aborted"};
  if (describe->target == wire::Target::statement) {
    const std::string type(4, '\0');
    say(wire::ParameterDescription{statement->text == "$1" ? as_bytes(type) : Bytes{}});
  }
  if (statement->returns_rows()) {
    say(wire::RowDescription{});
  } else {
    say_empty('n');
  }
}

void ModelServer::on_execute(Bytes body) {
  const auto execute = wire::decode_execute(body);
  start();
  if (!execute) throw Error{"08P01", "invalid message format"};
  const auto found = portals_.find(std::string(execute->portal));
  if (found == portals_.end()) throw Error{"34000", "portal does not exist"};
  Portal& portal = found->second;
  refuse_if_failed(portal.statement);
  if (portal.statement.kind == Kind::empty) return say_empty('I');
  if (portal.statement.returns_rows()) {
    const std::size_t limit =
        execute->max_rows > 0 ? static_cast<std::size_t>(execute->max_rows) : 0;
    const std::size_t before = portal.at;
    send_rows(portal, limit);
    if (limit != 0 && portal.at - before == limit) return say_empty('s');
    return complete("SELECT " + std::to_string(portal.at - before));
  }
  if (portal.done) throw Error{"55000", "portal cannot be run"};
  portal.done = true;
  if (portal.statement.kind == Kind::copy_in) {
    copying_ = true;
    copy_ = {};
    say(wire::CopyResponse{'G', 0, {}});
    return flush();
  }
  const Statement statement = portal.statement;  // COMMIT drops the portal
  complete(run(statement));
}

void ModelServer::on_close(Bytes body) {
  const auto close = wire::decode_close(body);
  start();
  if (!close) throw Error{"08P01", "invalid message format"};
  if (close->target == wire::Target::statement) {
    statements_.erase(std::string(close->name));
  } else {
    portals_.erase(std::string(close->name));
  }
  say_empty('3');
}

void ModelServer::on_function_call(Bytes body) {
  const auto call = wire::decode_function_call(body);
  if (!call) throw Error{"08P01", "invalid message format"};
  // The words name the OID also where PostgreSQL's would not, so that an oracle knows a substitute.
  const std::string which = " (function with OID " + std::to_string(call->function) + ")";
  if (failed_) throw Error{"25P02", "current transaction is aborted" + which};
  start();
  if (call->function == 0) throw Error{"42883", "does not exist" + which};
  say(wire::FunctionCallResponse{false, as_bytes("\1")});
  finish();
  ready();
}

// ---- COPY --------------------------------------------------------------------------------------

void ModelServer::on_copy(char tag, Bytes body) {
  switch (tag) {
    case 'd':
      if (as_text(body).find("oops") != std::string_view::npos) {
        throw Error{"22P02", "invalid input syntax in COPY"};
      }
      copy_.rows.emplace_back(as_text(body));
      return;
    case 'H':
    case 'S': return;  // F9
    case 'f': {
      const auto failure = wire::decode_copy_fail(body);
      if (!failure) throw Error{"08P01", "invalid message format"};
      throw Error{"57014", "COPY from stdin failed: " + std::string(failure->reason)};
    }
    case 'c': break;
    default:  // F11
      wire::encode_error(
          {"ERROR", "08P01", "unexpected message type during COPY from stdin", {}, {}}, pending_);
      return fatal("08P01", "terminating connection because protocol synchronization was lost");
  }
  copying_ = false;
  Copy copy = std::move(copy_);
  working_.insert(working_.end(), copy.rows.begin(), copy.rows.end());
  if (copy.simple && copy.rest.empty()) finish();
  complete("COPY " + std::to_string(copy.rows.size()));
  if (copy.simple) run_simple(std::move(copy.rest), 0);
}

std::string ModelServer::run_copy_out() {
  say(wire::CopyResponse{'H', 0, {}});
  for (const std::string& row : working_) say(wire::CopyData{as_bytes(row)});
  say_empty('c');
  return "COPY " + std::to_string(working_.size());
}

// ---- statements
// ----------------------------------------------------------------------------------

void ModelServer::refuse_if_failed(const Statement& statement) const {
  if (failed_ && !leaves_transaction(statement.kind)) {
    throw Error{"25P02", "current transaction is aborted"};
  }
}

void ModelServer::send_rows(Portal& portal, std::size_t limit) {
  if (portal.statement.kind == Kind::divide) throw Error{"22012", "division by zero"};
  for (std::size_t sent = 0; portal.at < portal.statement.count && (limit == 0 || sent < limit);
       ++sent) {
    ++portal.at;
    frame_row(std::string(portal.statement.width, 'r'), pending_);
  }
  if (portal.statement.kind == Kind::fails_late && portal.at == portal.statement.count) {
    throw Error{"22003", "out of range"};
  }
}

std::string ModelServer::run(const Statement& statement) {
  switch (statement.kind) {
    case Kind::insert: working_.push_back(statement.text); return "INSERT 0 1";
    case Kind::deferred: deferred_ = true; return "INSERT 0 1";
    case Kind::set: say(wire::ParameterStatus{"a", "b"}); return "SET";
    case Kind::notice: say_notice("mind the gap"); return "DO";
    case Kind::notify: say(wire::NotificationResponse{4711, "c", "p"}); return "NOTIFY";
    case Kind::copy_out: return run_copy_out();
    case Kind::prepare:
      if (statements_.contains("a")) throw Error{"42P05", "prepared statement already exists"};
      statements_["a"] = {statement_of("SELECT 1")};
      return "PREPARE";
    case Kind::deallocate_all: statements_.clear(); return "DEALLOCATE ALL";
    case Kind::deallocate:
      if (statements_.erase("a") == 0) throw Error{"26000", "prepared statement does not exist"};
      return "DEALLOCATE";
    default: return run_transaction(statement);
  }
}

std::string ModelServer::run_transaction(const Statement& statement) {
  const Kind kind = statement.kind;
  if (kind == Kind::begin) {
    if (block_) say_notice("there is already a transaction in progress");
    block_ = true;
    return "BEGIN";
  }
  if (kind == Kind::commit || kind == Kind::rollback) {
    if (!block_) say_notice("there is no transaction in progress");
    const bool undo = failed_ || kind == Kind::rollback;
    block_ = failed_ = false;
    if (undo) {
      abort();
    } else {
      commit();
    }
    return undo ? "ROLLBACK" : "COMMIT";
  }
  if (!block_) throw Error{"25P01", "can only be used in transaction blocks"};
  if (kind == Kind::savepoint) {
    savepoints_.push_back({"s", working_, deferred_});
    return "SAVEPOINT";
  }
  if (savepoints_.empty()) throw Error{"3B001", "savepoint does not exist"};
  working_ = savepoints_.back().rows;
  deferred_ = savepoints_.back().deferred;
  failed_ = false;
  return "ROLLBACK";
}

// ---- transactions
// --------------------------------------------------------------------------------

void ModelServer::start() {
  if (block_ || implicit_) return;
  implicit_ = true;
  deferred_ = false;
  working_ = committed_;
  savepoints_.clear();
}

void ModelServer::commit() {
  if (deferred_) {
    deferred_ = false;
    throw Error{"23505", "deferred constraint"};
  }
  committed_ = working_;
  implicit_ = false;
  portals_.clear();
}

// finish_xact_command: outside a block, what was done since it began is committed.
void ModelServer::finish() {
  if (implicit_ && !block_) commit();
}

void ModelServer::abort() {
  failed_ = block_;
  implicit_ = false;
  portals_.clear();
}

}  // namespace pgmoat::sim
