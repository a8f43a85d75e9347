// An engine between two piles of bytes: what each peer said and what each peer was told, whole and
// in order. No socket, no test framework: the fuzzers, the simulation and the replay of recordings
// share it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "policy/word_list.h"
#include "session/engine.h"

namespace pgmoat::test {

inline session::Setup setup_of(session::Mode mode) {
  session::Setup setup;
  setup.mode = mode;
  setup.on_fault = session::default_matrix(mode);
  setup.startup_parameters = session::default_startup_parameters();
  setup.frame_limits.gather_copy_data = true;
  setup.prepare();
  return setup;
}

class Tap {
 public:
  // `chunk`: how many bytes one read brings at most; 0: all of them. The server's alike, until
  // read_server_whole().
  Tap(const session::Setup& setup, std::size_t chunk, std::vector<std::string> words = {"secrets"})
      : chunk_(chunk),
        words_(std::move(words)),
        engine_(setup, words_, pool_, origin(now_, nullptr)) {}
  Tap(const session::Setup& setup, std::size_t chunk, policy::Judge& judge)
      : chunk_(chunk), words_({}), engine_(setup, judge, pool_, origin(now_, nullptr)) {}

  // Where the plan has pgmoat end logins. What the engine asks of its driver it is given: TLS, and no
  // verifier.
  Tap(const session::Setup& setup, std::size_t chunk, std::shared_ptr<const auth::Plan> plan)
      : chunk_(chunk), words_({}), engine_(setup, words_, pool_, origin(now_, std::move(plan))) {}

  // False once the engine wants no more of this side: the rest is not taken.
  bool say(wire::Side side, std::string_view bytes) {
    while (!bytes.empty()) {
      const bool all = chunk_ == 0 || (side == wire::Side::server && server_whole_);
      const std::string_view part = bytes.substr(0, all ? bytes.size() : chunk_);
      engine_.on_bytes(side, as_bytes(part), now_, out_);
      (side == wire::Side::client ? client_said : server_said) += part;
      collect();
      if (engine_.closed()) return false;
      bytes.remove_prefix(part.size());
    }
    return true;
  }
  void event(const session::TransportEvent& what) {
    engine_.on_transport(what, now_, out_);
    collect();
  }
  void later(Duration by) {
    now_ += by;
    if (now_ >= engine_.deadline()) event(session::Timer{});
  }

  void read_server_whole() { server_whole_ = true; }
  session::Engine& engine() { return engine_; }
  wire::BufferPool& pool() { return pool_; }
  Instant now() const { return now_; }
  template <class T>
  int count_events() const {
    int count = 0;
    for (const auto& event : events) count += std::holds_alternative<T>(event);
    return count;
  }

  std::string client_said, server_said;  // what went in
  std::string client_told, server_told;  // what came out, on the far sides
  std::size_t greeting_told = 0;         // bytes of client_told before anything was dialled: 'N's
  bool dialled = false, dial_wanted = false, server_shut = false, ended = false;
  std::vector<session::Event> events;

 private:
  void collect() {
    if (engine_.phase_name() == "greeting") greeting_told += out_.to_client.flat().size();
    client_told += out_.to_client.flat();
    server_told += out_.to_server.flat();
    for (const auto& command : out_.commands) {
      dial_wanted |= std::holds_alternative<session::Dial>(command);
      server_shut |= std::holds_alternative<session::ShutdownServer>(command);
      ended |= std::holds_alternative<session::CloseAfterFlush>(command);
      if (const auto* start = std::get_if<session::StartTls>(&command)) shaking_ = start->side;
      asked_ |= std::holds_alternative<session::FindVerifier>(command);
    }
    for (auto& event : out_.events) events.push_back(std::move(event));
    out_.clear();
    engine_.flushed(wire::Side::client);
    engine_.flushed(wire::Side::server);
    if (engine_.closed()) return;
    if (std::exchange(asked_, false)) event(session::VerifierFound{true, nullptr});
    if (const auto side = std::exchange(shaking_, std::nullopt)) {
      event(session::Secured{*side, {}, "binding"});
    }
    if (dial_wanted && !dialled && !engine_.closed()) {
      dialled = true;
      event(session::Connected{});
    }
  }
  static session::Origin origin(Instant now, std::shared_ptr<const auth::Plan> plan) {
    session::Origin made{"127.0.0.1:1", std::string(32, 'k'), std::string(4, 'k'),
                         "PGMOAT_DENIED_0123456789abcdef", now};
    made.seed = std::string(32, 's');
    made.plan = std::move(plan);
    return made;
  }

  std::size_t chunk_;
  bool server_whole_ = false, asked_ = false;
  std::optional<wire::Side> shaking_;
  Instant now_{};
  policy::WordList words_;
  wire::BufferPool pool_;
  session::Outbox out_;
  session::Engine engine_;
};

}  // namespace pgmoat::test
