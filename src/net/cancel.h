// A CancelRequest on its way to the server: dial, TLS if the session's own connection has it, send the
// server's own key, wait until the server has closed, which is its acknowledgement, then close
// the client's connection, which is ours.
#pragma once

#include <array>
#include <asio.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/instant.h"
#include "net/cancel_keys.h"
#include "net/leg.h"

namespace pgmoat::net {

class CancelDriver {
 public:
  CancelDriver(asio::io_context& io, Socket client, std::unique_ptr<TlsStream> client_tls);
  struct Way {
    CancelTarget target;
    std::shared_ptr<const TlsContext> tls;  // null: in the clear
    bool direct_tls = false;
    // Asked when the server is about to be told: dialling takes time, in which the session may end.
    std::function<bool()> still_wanted;
  };
  void forward(Way way);
  // Nobody has that key, or we stop: closes without a word, as PostgreSQL does.
  void refuse() { close(); }
  void sweep(Instant now);
  bool gone() const { return closed_ && outstanding_ == 0; }

 private:
  // The handlers of what is under way: nothing more is done once this is closed.
  template <class Next>
  auto then(Next next);
  void connected();
  void ask_for_tls();
  void shake_hands();
  void send_key();
  void await_end();
  void close();

  Socket client_, server_;
  std::unique_ptr<TlsStream> client_tls_, server_tls_;
  Way way_;
  std::string packet_;
  std::array<char, 64> answer_{};
  Instant give_up_;
  int outstanding_ = 0;
  bool closed_ = false;
};

}  // namespace pgmoat::net
