#include "session/engine.h"

#include <utility>

#include "base/check.h"
#include "base/overload.h"
#include "session/phase.h"

namespace pgmoat::session {

using wire::Side;

struct Engine::State {
  State(const Setup& setup, policy::Judge& judge, wire::BufferPool& pool, Origin origin)
      : scene(setup, judge, pool, std::move(origin)) {}

  Scene scene;
  Phase phase = Greeting{};
  Instant frame_began = kNever;  // when the client's incomplete frame began, or went on, to arrive
  std::uint32_t pieces_seen = 0;
  bool late_reported = false;
  bool paused = false;  // the driver is not reading the client: nobody is late

  wire::FrameBuffer& in(Side side) {
    return side == Side::client ? scene.client_in : scene.server_in;
  }
  template <class P>
  bool is() const {
    return std::holds_alternative<P>(phase);
  }

  // One side's pieces, through however many phases they lead.
  void pump(Side side);
  void pump_both(Side first);
  void settle_ends();
  void drop_unread();
  void client_ended();
  void server_ended();
  void close_quietly(std::string why);
  void finish(std::string_view sqlstate, std::string_view message);
  void dial_failed(const std::string& why);
  void secured(const Secured& done);
  void not_secured(const NotSecured& failed);
  bool logging_in() const;
  void timed_out();
  void note_progress();
  bool holds_client() const;
};

namespace {

template <class P>
Step client_step(P& phase, Scene& scene) {
  return on_client(phase, scene);
}
Step client_step(TlsHandshake&, Scene&) { return stay(); }
Step client_step(Dialing&, Scene&) { return stay(); }
Step client_step(Refused&, Scene&) { return stay(); }
Step client_step(ServerLogin&, Scene&) { return stay(); }
Step client_step(Closed&, Scene& scene) {
  scene.client_in.take(scene.client_in.pending().size());
  return stay();
}

template <class P>
Step server_step(P& phase, Scene& scene) {
  return on_server(phase, scene);
}
Step server_step(Greeting&, Scene&) { return stay(); }
Step server_step(TlsHandshake&, Scene&) { return stay(); }
Step server_step(ClientLogin&, Scene&) { return stay(); }
Step server_step(Refused&, Scene&) { return stay(); }
Step server_step(Closed&, Scene& scene) {
  scene.server_in.take(scene.server_in.pending().size());
  return stay();
}

}  // namespace

void Engine::State::pump(Side side) {
  while (true) {
    Step step = std::visit(
        [&](auto& present) {
          return side == Side::client ? client_step(present, scene) : server_step(present, scene);
        },
        phase);
    if (!step) return;
    phase = std::move(*step);
  }
}

// An answer may let held requests go, and a request may change the phase: the other side is looked
// at again, until neither moves.
void Engine::State::pump_both(Side first) {
  pump(first);
  pump(wire::other(first));
  if (first == Side::client) pump(first);
  settle_ends();
  if (is<Closed>()) drop_unread();
  note_progress();
  if (scene.setup.mode == Mode::observe) {
    scene.out->to_client.clear();
    scene.out->to_server.clear();
  }
}

bool Engine::State::holds_client() const {
  if (const auto* ready = std::get_if<Ready>(&phase)) {
    return ready->holds_client(scene.setup.limits);
  }
  if (const auto* login = std::get_if<Authenticating>(&phase)) {
    return login->asked == Authenticating::Asked::nothing;
  }
  if (const auto* login = std::get_if<ClientLogin>(&phase)) {
    return login->asked == ClientLogin::Asked::nothing;
  }
  return is<Dialing>() || is<ServerLogin>() || is<Refused>();
}

void Engine::State::close_quietly(std::string why) {
  if (is<Closed>()) return;
  scene.out->commands.push_back(CloseAfterFlush{});
  report_end(scene, std::move(why));
  phase = Closed{};
}

void Engine::State::finish(std::string_view sqlstate, std::string_view message) {
  if (is<Closed>()) return;
  // In a stream that we do not read, words of ours could land inside a message; during a handshake
  // they are no part of it.
  const auto* dialing = std::get_if<Dialing>(&phase);
  if (is<Opaque>() || is<TlsHandshake>() || (dialing != nullptr && dialing->opaque)) {
    return close_quietly(std::string(message));
  }
  end(scene, sqlstate, message);
  phase = Closed{};
}

// The client will say no more. What it said is carried out; PostgreSQL treats the end of input as
// Terminate, so the server gets the same end.
void Engine::State::client_ended() {
  if (is<Greeting>() || is<TlsHandshake>()) return close_quietly("client left");
  if (is<ClientLogin>() || is<Refused>()) return close_quietly("client left during login");
  if (is<Dialing>() || is<ServerLogin>() || is<Authenticating>()) {
    const bool more = is<Dialing>()
                          ? scene.client_in.pending().size() > std::get<Dialing>(phase).packet_size
                          : !scene.client_in.idle();
    if (!more || !holds_client()) close_quietly("client left during login");
    return;
  }
  if (holds_client() || scene.shutdown_sent) return;
  if (!scene.enforcing()) {
    const Bytes rest = scene.client_in.pending();  // a cut frame is the server's to see
    scene.out->to_server.release(rest);
    scene.client_in.take(rest.size());
  }
  scene.shutdown_sent = true;
  scene.out->commands.push_back(ShutdownServer{});
  if (auto* ready = std::get_if<Ready>(&phase)) phase = Draining{std::move(*ready)};
}

void Engine::State::server_ended() {
  if (!scene.enforcing()) {
    const Bytes rest = scene.server_in.pending();
    scene.out->to_client.release(rest);
    scene.server_in.take(rest.size());
    if (!rest.empty()) scene.fatal_said = true;  // inside a frame: our words would not be read
  }
  if (is<Opaque>() || is<Draining>() || scene.fatal_said) return close_quietly("server closed");
  finish("08006", "pgmoat: the server closed the connection unexpectedly");
}

void Engine::State::settle_ends() {
  if (is<Closed>()) return;
  if (scene.server_eof) return server_ended();
  if (scene.client_eof) client_ended();
  const auto* ready = std::get_if<Ready>(&phase);
  if (scene.leaving && ready != nullptr && ready->idle() && scene.client_in.idle()) {
    finish("57P01", "terminating connection due to administrator command");
  }
}

// Nobody will read it: its memory is returned as soon as what was released has left.
void Engine::State::drop_unread() {
  for (const Side side : {Side::client, Side::server}) in(side).take(in(side).pending().size());
}

void Engine::State::note_progress() {
  if (scene.client_in.idle() || holds_client() || is<Closed>()) {
    frame_began = kNever;
    late_reported = false;
  } else if (frame_began == kNever || pieces_seen != scene.client_in.pieces()) {
    frame_began = scene.now;
  }
  pieces_seen = scene.client_in.pieces();
}

void Engine::State::dial_failed(const std::string& why) {
  if (const auto* dialing = std::get_if<Dialing>(&phase)) {
    phase = std::move(*no_server(*dialing, scene, why));
  } else {
    finish("08006", "pgmoat: " + why);
  }
}

// The handshake of one leg is over, for better or worse.
void Engine::State::secured(const Secured& done) {
  auto& facts = done.side == Side::client ? scene.client_tls : scene.server_tls;
  facts = std::make_shared<const TlsFacts>(done.facts);
  (done.side == Side::client ? scene.client_binding : scene.server_binding) = done.binding;
  Step step;
  if (done.side == Side::client) {
    if (auto* handshake = std::get_if<TlsHandshake>(&phase)) step = on_secured(*handshake, scene);
  } else if (auto* dialing = std::get_if<Dialing>(&phase)) {
    step = on_secured(*dialing, scene);
  }
  if (step) phase = std::move(*step);
}

void Engine::State::not_secured(const NotSecured& failed) {
  if (failed.side == Side::server) return dial_failed("TLS with the server failed: " + failed.why);
  scene.report(Finding{"TLS with the client failed: " + clipped(failed.why)});
  close_quietly("TLS with the client failed");
}

bool Engine::State::logging_in() const {
  return is<Greeting>() || is<TlsHandshake>() || is<ClientLogin>() || is<Refused>() ||
         is<Dialing>() || is<ServerLogin>() || is<Authenticating>();
}

void Engine::State::timed_out() {
  if (const auto* refused = std::get_if<Refused>(&phase)) {
    if (Step step = on_timer(*refused, scene)) phase = std::move(*step);
    return;
  }
  if (is<Dialing>() && scene.now >= std::get<Dialing>(phase).since + scene.setup.timeouts.connect) {
    return dial_failed("the server did not answer in time");
  }
  if (logging_in()) {
    if (scene.now >= scene.origin.accepted + scene.setup.timeouts.handshake) {
      finish("57014", "canceling authentication due to timeout");
    }
    return;
  }
  if (frame_began == kNever || paused) return;
  if (scene.now < frame_began + scene.setup.timeouts.message) return;
  const wire::Fault late{wire::Fault::Kind::malformed, 0, 0, 0,
                         "a message was not completed in time"};
  if (!late_reported && !tolerates(scene, Side::client, late)) {
    return finish("08P01", "pgmoat: a message was not completed in time");
  }
  late_reported = true;
}

Engine::Engine(const Setup& setup, policy::Judge& judge, wire::BufferPool& pool, Origin origin)
    : state_(std::make_unique<State>(setup, judge, pool, std::move(origin))) {}

Engine::~Engine() = default;

std::span<std::uint8_t> Engine::room(Side side) { return state_->in(side).room(); }

void Engine::on_read(Side side, std::size_t size, Instant now, Outbox& out) {
  State& state = *state_;
  state.in(side).filled(size);
  (side == Side::client ? state.scene.client_bytes : state.scene.server_bytes) += size;
  state.scene.out = &out;
  state.scene.now = now;
  state.pump_both(side);
}

void Engine::not_read(Side side) { state_->in(side).not_filled(); }

void Engine::on_bytes(Side side, Bytes bytes, Instant now, Outbox& out) {
  State& state = *state_;
  state.in(side).append(bytes);
  (side == Side::client ? state.scene.client_bytes : state.scene.server_bytes) += bytes.size();
  state.scene.out = &out;
  state.scene.now = now;
  state.pump_both(side);
}

void Engine::on_transport(const TransportEvent& event, Instant now, Outbox& out) {
  State& state = *state_;
  Scene& scene = state.scene;
  scene.out = &out;
  scene.now = now;
  std::visit(Overload{
                 [&](const Connected&) {
                   auto* dialing = std::get_if<Dialing>(&state.phase);
                   if (dialing == nullptr) return;
                   if (Step step = on_connected(*dialing, scene)) state.phase = std::move(*step);
                 },
                 [&](const Redialled&) {
                   if (auto* dialing = std::get_if<Dialing>(&state.phase)) dialing->since = now;
                 },
                 [&](const ConnectFailed& failed) { state.dial_failed(failed.why); },
                 [&](const Secured& done) { state.secured(done); },
                 [&](const NotSecured& failed) { state.not_secured(failed); },
                 [&](const VerifierFound& found) {
                   auto* login = std::get_if<ClientLogin>(&state.phase);
                   if (login == nullptr) return;
                   if (Step step = on_verifier(*login, scene, found))
                     state.phase = std::move(*step);
                 },
                 [&](const Eof& eof) {
                   (eof.side == Side::client ? scene.client_eof : scene.server_eof) = true;
                 },
                 [&](const Failed& failed) {
                   if (failed.side == Side::client)
                     return state.close_quietly("client: " + failed.why);
                   scene.server_eof = true;
                 },
                 [&](const Timer&) { state.timed_out(); },
                 [&](const Leave& leave) {
                   scene.leaving = true;
                   if (leave.now) {
                     state.finish("57P01", "terminating connection due to administrator command");
                   }
                 },
             },
             event);
  state.pump_both(Side::client);
}

void Engine::flushed(Side side) { state_->in(side).recycle(); }

Appetite Engine::appetite() const {
  const State& state = *state_;
  if (state.is<Closed>()) return {};
  const bool held =
      state.is<TlsHandshake>() || (state.holds_client() && !state.scene.client_in.idle());
  const auto* dialing = std::get_if<Dialing>(&state.phase);
  const bool served = dialing != nullptr ? dialing->tls == Dialing::Tls::asked
                                         : !state.is<Greeting>() && !state.is<TlsHandshake>() &&
                                               !state.is<ClientLogin>() && !state.is<Refused>();
  return {!state.scene.client_eof && !held, !state.scene.server_eof && served};
}

Instant Engine::deadline() const {
  const State& state = *state_;
  const Timeouts& timeouts = state.scene.setup.timeouts;
  const Instant login = state.scene.origin.accepted + timeouts.handshake;
  if (const auto* dialing = std::get_if<Dialing>(&state.phase)) {
    return std::min(login, dialing->since + timeouts.connect);
  }
  if (const auto* refused = std::get_if<Refused>(&state.phase)) return refused->until;
  if (state.logging_in()) return login;
  if (state.frame_began == kNever || state.late_reported || state.paused) return kNever;
  return state.frame_began + timeouts.message;
}

void Engine::pause(bool paused, Instant now) {
  state_->paused = paused;
  if (!paused && state_->frame_began != kNever) state_->frame_began = now;
}

bool Engine::closed() const { return state_->is<Closed>(); }

bool Engine::steady() const {
  const Scene& scene = state_->scene;
  return state_->is<Ready>() && !scene.fatal_said && !scene.client_eof && !scene.server_eof;
}

std::string_view Engine::phase_name() const {
  return std::visit(Overload{
                        [](const Greeting&) { return "greeting"; },
                        [](const TlsHandshake&) { return "tls handshake"; },
                        [](const ClientLogin&) { return "client login"; },
                        [](const Refused&) { return "refused"; },
                        [](const Dialing&) { return "dialing"; },
                        [](const ServerLogin&) { return "server login"; },
                        [](const Authenticating&) { return "authenticating"; },
                        [](const Ready&) { return "ready"; },
                        [](const Opaque&) { return "opaque"; },
                        [](const Draining&) { return "draining"; },
                        [](const Closed&) { return "closed"; },
                    },
                    state_->phase);
}

const auth::Credential* Engine::credential() const { return state_->scene.credential.get(); }

std::size_t Engine::owed() const {
  const auto* ready = std::get_if<Ready>(&state_->phase);
  return ready == nullptr ? 0 : ready->ledger.size();
}

}  // namespace pgmoat::session
