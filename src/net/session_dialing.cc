// SessionDriver: how its legs come about. The server is dialled, address by address; a leg becomes a TLS
// connection; and for a login that pgmoat ends, others are asked for what they know.
#include "base/check.h"
#include "net/session_driver.h"
#include "net/worker.h"

namespace pgmoat::net {

// Where bytes of ours wait to leave in the clear, that peer has not heard that TLS may begin.
void SessionDriver::start_tls(const session::StartTls& command) {
  Leg& on = leg(command.side);
  const auto& context =
      command.side == wire::Side::client ? worker_.client_tls() : worker_.server_tls();
  PGMOAT_CHECK(context != nullptr && !on.tls);
  if (on.queued()) return tell(session::NotSecured{command.side, "it takes no bytes"});
  on.tls = std::make_unique<TlsStream>(context, on.socket.native_handle(), command.early);
  shake_hands(command.side);
}

void SessionDriver::shake_hands(wire::Side side) {
  Leg& on = leg(side);
  const TlsStream::Progress progress = on.tls->handshake();
  if (progress == TlsStream::Progress::done) {
    on.just_secured = true;
    if (on.tls->unsent() && !on.waiting_to_write) wait_to_write(side);
    return tell(session::Secured{side, on.tls->facts(), on.tls->binding()});
  }
  if (progress == TlsStream::Progress::failed) {
    return tell(session::NotSecured{side, on.tls->why()});
  }
  ++outstanding_;
  on.socket.async_wait(
      progress == TlsStream::Progress::wants_read ? Socket::wait_read : Socket::wait_write,
      [this, side](const asio::error_code& error) {
        --outstanding_;
        if (closed_ || closing_ || error) return;
        shake_hands(side);
      });
}

// The answer comes from another thread, and is handled on this one's.
void SessionDriver::find_verifier(const std::string& user) {
  ++outstanding_;
  worker_.shared().setup.find_verifier(user, [this](session::VerifierFound found) {
    worker_.post([this, found = std::move(found)] {
      --outstanding_;
      tell(found);
    });
  });
}

void SessionDriver::plan_changed(const auth::Plan& plan) {
  const auth::Credential* used = engine_.credential();
  if (!closed_ && used != nullptr && plan.retires(*used)) tell(session::Leave{});
}

// Anew where a server has ended our login: the next password is tried on a connection of its own. Nothing
// is read from it then, and what it was sent it has taken.
void SessionDriver::dial() {
  if (dialled_ != 0) {
    if (server_.reading || server_.waiting_to_write) {
      return tell(session::ConnectFailed{"the server cannot be dialled again"});
    }
    asio::error_code ignored;
    server_.socket.close(ignored);
    server_ = Leg(worker_.io());
    dialled_ = 0;
  }
  dial_next();
}

// The addresses of the server in turn; each has `timeouts.connect` of its own.
void SessionDriver::dial_next() {
  const auto& backend = worker_.shared().backend;
  const std::size_t number = dialled_++;
  asio::error_code ignored;
  server_.socket.close(ignored);
  if (number != 0) tell(session::Redialled{});
  if (closed_ || closing_) return;
  ++outstanding_;
  server_.socket.async_connect(backend[number], [this, number](const asio::error_code& error) {
    --outstanding_;
    if (closed_ || closing_ || number + 1 != dialled_) return;
    if (!error) {
      endpoint_ = worker_.shared().backend[number];
      dialled_ = worker_.shared().backend.size();
      set_options(server_.socket, worker_.shared().setup.unacknowledged);
      return tell(session::Connected{});
    }
    if (dialled_ < worker_.shared().backend.size()) return dial_next();
    tell(session::ConnectFailed{"cannot connect to the server at " +
                                to_string(worker_.shared().setup.backend) + ": " +
                                error.message()});
  });
}

}  // namespace pgmoat::net
