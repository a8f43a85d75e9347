#include "accounts/server_session.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>

namespace pgmoat::accounts {

namespace {

constexpr std::string_view kInvalidPassword = " 28P01: ";

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// libpq's messages end with a newline and may have several lines.
std::string one_line(const char* message) {
  std::string text(message);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

// The deadline holds for a server that says nothing, too.
bool wait_for(const PGconn* connection, bool to_write, Instant deadline) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Instant::clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{PQsocket(connection), static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool connected(PGconn* connection, Instant deadline, bool& late) {
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    late = !wait_for(connection, state == PGRES_POLLING_WRITING, deadline);
    if (late) return false;
    state = PQconnectPoll(connection);
  }
  return state == PGRES_POLLING_OK;
}

}  // namespace

Result<std::unique_ptr<ServerSession>, LoginFailure> ServerSession::open(
    const ServerAddress& server, std::string_view user, const auth::Secret& password) {
  const std::string name(user), port = std::to_string(server.port);
  const auth::Secret terminated(std::string(password.text()) + '\0');
  const std::string options =
      "-c search_path=pg_catalog -c statement_timeout=" + milliseconds(server.patience) +
      " -c client_min_messages=error -c default_transaction_read_only=on";
  std::vector<const char*> keys = {"host",      "port",    "dbname",   "user",
                                   "password",  "options", "passfile", "application_name",
                                   "gssencmode"};
  std::vector<const char*> values = {server.host.c_str(),
                                     port.c_str(),
                                     server.database.c_str(),
                                     name.c_str(),
                                     terminated.text().data(),
                                     options.c_str(),
                                     "/dev/null",
                                     "pgmoat",
                                     "disable"};
  for (const auto& [key, value] : server.tls) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const connection = PQconnectStartParams(keys.data(), values.data(), 0);
  if (connection == nullptr) return LoginFailure{false, "out of memory"};
  // libpq 15 has the SQLSTATE of a failed connection in its verbose words only, whatever the
  // language.
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  std::unique_ptr<ServerSession> session(new ServerSession(connection, server.patience));
  bool late = false;
  if (PQstatus(connection) != CONNECTION_BAD &&
      connected(connection, Instant::clock::now() + server.patience, late)) {
    return session;
  }
  if (late) return LoginFailure{false, "the server did not answer in time"};
  const std::string why = one_line(PQerrorMessage(connection));
  return LoginFailure{why.find(kInvalidPassword) != std::string::npos, why};
}

ServerSession::~ServerSession() { PQfinish(connection_); }

Result<ServerSession::Answer, LoginFailure> ServerSession::ask(const std::string& sql,
                                                               const std::string& parameter) {
  const Instant deadline = Instant::clock::now() + patience_;
  const char* const values[] = {parameter.c_str()};
  const auto failed = [&] { return LoginFailure{false, one_line(PQerrorMessage(connection_))}; };
  if (PQsendQueryParams(connection_, sql.c_str(), 1, nullptr, values, nullptr, nullptr, 0) != 1) {
    return failed();
  }
  while (PQisBusy(connection_) != 0) {
    if (!wait_for(connection_, false, deadline)) {
      return LoginFailure{false, "the server did not answer in time"};
    }
    if (PQconsumeInput(connection_) != 1) return failed();
  }
  Answer answer;
  std::string wrong;
  while (PGresult* const result = PQgetResult(connection_)) {
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
      wrong = one_line(PQresultErrorMessage(result));
    } else if (PQntuples(result) > 1 || PQnfields(result) < 1) {
      wrong = "expected one row at most, its first column the verifier";
    } else if (PQntuples(result) == 1) {
      answer.found = true;
      if (PQgetisnull(result, 0, 0) == 0) {
        answer.cell.emplace(PQgetvalue(result, 0, 0),
                            static_cast<std::size_t>(PQgetlength(result, 0, 0)));
      }
    }
    PQclear(result);
  }
  if (!wrong.empty()) return LoginFailure{false, wrong};
  return answer;
}

}  // namespace pgmoat::accounts
