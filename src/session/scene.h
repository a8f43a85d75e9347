// What a phase may reach while it handles bytes: the rules of the house, the judge, who the client
// is, both read buffers, and where to write. One per session; `out` and `now` are set for the
// length of one engine call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "session/engine.h"
#include "session/settings.h"

namespace pgmoat::session {

struct Identity {
  std::string user, database, application;
  bool walsender = false;  // a replication session: small grammar, errors worded differently
};

struct Scene {
  Scene(const Setup& the_setup, policy::Judge& the_judge, wire::BufferPool& pool, Origin the_origin)
      : setup(the_setup),
        judge(the_judge),
        origin(std::move(the_origin)),
        client_in(pool),
        server_in(pool) {}

  const Setup& setup;
  policy::Judge& judge;
  Origin origin;
  Identity who;
  policy::SessionView view;  // what rules see of it
  Settings settings{view};
  std::shared_ptr<const TlsFacts> client_tls, server_tls;  // of the legs that speak it
  std::string client_binding, server_binding;              // of their certificates; during login
  std::shared_ptr<const auth::Credential> credential;  // of pgmoat's own, that this session uses
  wire::FrameBuffer client_in;
  wire::FrameBuffer server_in;
  Outbox* out = nullptr;
  Instant now{};

  bool opened = false;  // the startup message was accepted
  bool client_eof = false;
  bool server_eof = false;
  bool fatal_said = false;       // the client was told why this ends, by the server or by us
  bool client_in_frame = false;  // of a streamed frame the client has the beginning and not the end
  bool leaving = false;          // close as soon as the session is idle
  bool shutdown_sent = false;
  std::uint64_t decisions = 0;  // numbered within the session
  std::uint64_t statements = 0, client_bytes = 0, server_bytes = 0;

  bool enforcing() const { return setup.mode == Mode::enforce; }
  // Whether no byte may go to the server that we have not understood, whatever the mode: a login that
  // pgmoat ends would be gone round otherwise.
  bool ends_logins() const { return origin.plan != nullptr && !origin.plan->passes_through(); }
  // What only a login needs: thousands of idle sessions would keep it.
  void forget_login();
  // Up to 32 octets that nobody can guess, the same for the same name.
  std::string octets(std::string_view name, std::size_t size) const;
  void report(Event event) const { out->events.push_back(std::move(event)); }

  // FATAL to the client, unless it was told already or is in the middle of a streamed frame, where
  // our words would be read as row data.
  void say_fatal(std::string_view sqlstate, std::string_view message, std::string_view hint = {},
                 std::string_view detail = {});
};

}  // namespace pgmoat::session
