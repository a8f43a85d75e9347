// A connection from a trusted proxy, until its PROXY header is there: looked at without being taken, so that
// not a byte of what follows is read, then taken whole. What comes after is a client's like any other.
#pragma once

#include <functional>

#include "net/leg.h"
#include "net/proxy_header.h"

namespace pgmoat::net {

class ProxyReception {
 public:
  // `done`: the socket, and where the client is; the error says why there is none.
  using Done = std::function<void(Socket, Result<asio::ip::tcp::endpoint, std::string>)>;
  ProxyReception(Socket socket, Instant give_up, Done done);
  void start() { wait(); }
  void sweep(Instant now);
  void stop();
  bool gone() const { return ended_ && outstanding_ == 0; }

 private:
  void wait();
  void look();
  void end(Result<asio::ip::tcp::endpoint, std::string> result);

  Socket socket_;
  Instant give_up_;
  Done done_;
  int outstanding_ = 0;
  bool ended_ = false;
};

}  // namespace pgmoat::net
