// A CancelRequest on its way to the server: dial, send the server's own key, wait until the server
// has closed, which is its acknowledgement, then close the client's connection, which is ours.
#pragma once

#include <array>
#include <asio.hpp>
#include <string>

#include "base/instant.h"
#include "net/leg.h"

namespace pgmoat::net {

class CancelDriver {
 public:
  CancelDriver(asio::io_context& io, Socket client);
  // To the server that the session is connected to, with that server's own key.
  void forward(const asio::ip::tcp::endpoint& server, std::uint32_t pid, const std::string& secret);
  // Nobody has that key, or we stop: closes without a word, as PostgreSQL does.
  void refuse() { close(); }
  void sweep(Instant now);
  bool gone() const { return closed_ && outstanding_ == 0; }

 private:
  void send();
  void await_end();
  void close();

  Socket client_, server_;
  std::string packet_;
  std::array<char, 64> ignored_{};
  Instant give_up_;
  int outstanding_ = 0;
  bool closed_ = false;
};

}  // namespace pgmoat::net
