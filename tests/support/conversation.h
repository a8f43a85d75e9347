// A test is a conversation: what one side says, what reaches the other. Conversation drives the
// real engine with no socket; every line gives the bytes that go in and the bytes that must come
// out on the far side. The same script can be run in chunks of any size, with the same result.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/judge.h"
#include "policy/word_list.h"
#include "session/engine.h"
#include "wire/backend.h"
#include "wire/frontend.h"
#include "wire/startup.h"

namespace pgmoat::test {

using namespace std::string_literals;

inline const std::string kToken = "PGMOAT_DENIED_0123456789abcdef";
inline const std::string kOurKey = "0123456789abcdefghijklmnopqrstuv";

template <class M>
std::string bytes(const M& message) {
  std::string out;
  wire::encode(message, out);
  return out;
}
inline std::string frame(char tag, std::string_view body = {}) {
  const auto size = static_cast<std::uint32_t>(body.size() + 4);
  std::string out{tag, char(size >> 24), char(size >> 16), char(size >> 8), char(size)};
  return out.append(body);
}
inline std::string query(std::string_view sql) { return bytes(wire::Query{sql}); }
inline std::string parse(std::string_view sql, std::string_view name = "") {
  return bytes(wire::Parse{name, sql, {}});
}
inline std::string bind(std::string_view portal = "", std::string_view statement = "") {
  wire::Bind message;
  message.portal = portal;
  message.statement = statement;
  return bytes(message);
}
inline std::string execute(std::string_view portal = "") { return bytes(wire::Execute{portal, 0}); }
inline std::string describe(char target, std::string_view name = "") {
  return bytes(wire::Describe{static_cast<wire::Target>(target), name});
}
inline std::string close(char target, std::string_view name) {
  return bytes(wire::Close{static_cast<wire::Target>(target), name});
}
inline const std::string kSync = frame('S');
inline const std::string kFlush = frame('H');
inline const std::string kTerminate = frame('X');
inline const std::string kParsed = frame('1');
inline const std::string kBound = frame('2');
inline std::string ready(char status) { return frame('Z', std::string(1, status)); }
inline std::string complete(std::string_view tag) { return bytes(wire::CommandComplete{tag}); }
inline std::string error(std::string_view sqlstate, std::string_view message,
                         std::string_view severity = "ERROR") {
  std::string out;
  wire::encode_error({severity, sqlstate, message, {}, {}}, out);
  return out;
}
inline std::string poisoned() {
  return error("42601", "syntax error at or near \"" + kToken + "\"");
}
inline std::string startup(std::string_view more = {}, std::uint32_t version = wire::kProtocol30) {
  const std::string pairs = "user\0app\0database\0shop\0"s + std::string(more);
  return bytes(wire::StartupMessage{version, as_bytes(pairs)});
}
inline std::string authentication_ok() { return bytes(wire::Authentication{}); }

inline session::Setup setup_for(session::Mode mode) {
  session::Setup setup;
  setup.mode = mode;
  setup.on_fault = session::default_matrix(mode);
  setup.startup_parameters = session::default_startup_parameters();
  setup.frame_limits.gather_copy_data = true;
  setup.prepare();
  return setup;
}

// Whose client is given kOurKey, or its front over protocol 3.0.
inline session::Origin origin(std::string client, Instant now, std::string id = {}) {
  return {std::move(client), kOurKey, kOurKey.substr(0, 4), kToken, now, false, std::move(id)};
}

class Conversation {
 public:
  explicit Conversation(session::Setup setup, std::vector<std::string> words = {"secrets"},
                        std::size_t chunk = 0)
      : setup_(std::move(setup)),
        words_(std::move(words)),
        chunk_(chunk),
        engine_(setup_, words_, pool_, origin("test", now_)) {
    setup_.prepare();
  }
  // With a judge of the test's own, and a session that has an id.
  Conversation(session::Setup setup, policy::Judge& judge, std::size_t chunk = 0)
      : setup_(std::move(setup)),
        words_({}),
        chunk_(chunk),
        engine_(setup_, judge, pool_, origin("10.1.2.3:4567", now_, "abcdefghij")) {
    setup_.prepare();
  }
  Conversation(session::Mode mode, policy::Judge& judge, std::size_t chunk = 0)
      : Conversation(setup_for(mode), judge, chunk) {}
  explicit Conversation(session::Mode mode, std::size_t chunk = 0)
      : Conversation(setup_for(mode), {"secrets"}, chunk) {}

  // What the client says, what must reach the server, and what must come straight back.
  Conversation& client(std::string_view said, std::string_view to_server,
                       std::string_view back = {}) {
    feed(wire::Side::client, said);
    EXPECT_EQ(taken_server_, to_server) << "to the server";
    EXPECT_EQ(taken_client_, back) << "back to the client";
    return *this;
  }
  Conversation& server(std::string_view said, std::string_view to_client,
                       std::string_view back = {}) {
    feed(wire::Side::server, said);
    EXPECT_EQ(taken_client_, to_client) << "to the client";
    EXPECT_EQ(taken_server_, back) << "back to the server";
    return *this;
  }
  Conversation& event(const session::TransportEvent& what, std::string_view to_client = {},
                      std::string_view to_server = {}) {
    begin();
    engine_.on_transport(what, now_, out_);
    collect();
    EXPECT_EQ(taken_client_, to_client);
    EXPECT_EQ(taken_server_, to_server);
    return *this;
  }
  // As far as the first ReadyForQuery, under trust.
  Conversation& login() {
    begin();
    feed(wire::Side::client, startup());
    engine_.on_transport(session::Connected{}, now_, out_);
    collect();
    feed(wire::Side::server, authentication_ok());
    feed(wire::Side::server, ready('I'));
    EXPECT_EQ(engine_.phase_name(), "ready");
    begin();
    return *this;
  }
  Conversation& phase(std::string_view name) {
    EXPECT_EQ(engine_.phase_name(), name);
    return *this;
  }
  Conversation& owes(std::size_t entries) {
    EXPECT_EQ(engine_.owed(), entries);
    return *this;
  }
  Conversation& later(Duration by) {
    now_ += by;
    return *this;
  }

  void feed(wire::Side side, std::string_view said) {
    begin();
    const std::size_t step = chunk_ == 0 ? said.size() : chunk_;
    while (!said.empty()) {
      engine_.on_bytes(side, as_bytes(said.substr(0, step)), now_, out_);
      said.remove_prefix(std::min(step, said.size()));
      collect();
    }
  }
  void begin() {
    taken_client_.clear();
    taken_server_.clear();
  }
  void collect() {
    taken_client_ += out_.to_client.flat();
    taken_server_ += out_.to_server.flat();
    for (auto& command : out_.commands) commands.push_back(command);
    for (auto& event : out_.events) events.push_back(event);
    out_.clear();
    engine_.flushed(wire::Side::client);
    engine_.flushed(wire::Side::server);
  }
  template <class T>
  int count_events() const {
    int count = 0;
    for (const auto& event : events) count += std::holds_alternative<T>(event);
    return count;
  }
  template <class T>
  int count_commands() const {
    int count = 0;
    for (const auto& command : commands) count += std::holds_alternative<T>(command);
    return count;
  }
  const std::string& to_client() const { return taken_client_; }
  const std::string& to_server() const { return taken_server_; }
  session::Engine& engine() { return engine_; }
  session::Outbox& outbox() { return out_; }
  wire::BufferPool& pool() { return pool_; }

  std::vector<session::Command> commands;
  std::vector<session::Event> events;

 private:
  session::Setup setup_;
  policy::WordList words_;
  wire::BufferPool pool_;
  std::size_t chunk_;
  Instant now_{};
  session::Outbox out_;
  std::string taken_client_, taken_server_;
  session::Engine engine_;
};

}  // namespace pgmoat::test
