// One engine and its two sockets: reads into the engine's buffers, carries out its outbox. A read
// borrows its buffer only when bytes have arrived, so an idle session owns none. Written first,
// queued only when the socket is full; a side is not read while bytes of its buffer wait to leave,
// which is all the backpressure there is. Lives until closed and no operation is outstanding.
#pragma once

#include <asio.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "net/leg.h"
#include "session/engine.h"

namespace pgmoat::net {

class Worker;

class SessionDriver {
 public:
  // `source`: where the client is; a proxy may have said so.
  SessionDriver(Worker& worker, Socket client, asio::ip::address source, session::Origin origin,
                std::uint64_t id);

  void start();
  void tell(const session::TransportEvent& event);
  void sweep(Instant now);
  bool gone() const { return closed_ && outstanding_ == 0; }
  // Ends, as soon as it is idle, where the plan has another password than the one that it came in with.
  void plan_changed(const auth::Plan& plan);

 private:
  Leg& leg(wire::Side side) { return side == wire::Side::client ? client_ : server_; }
  void arm();
  void read(wire::Side side);
  void read_held(wire::Side side);
  void wait_to_read(wire::Side side);
  void on_read(wire::Side side, const asio::error_code& error, std::size_t size);
  void look_for_end(wire::Side side);
  void carry_out();
  void run(const session::Command& command);
  void start_tls(const session::StartTls& command);
  void shake_hands(wire::Side side);
  void write(wire::Side to, const session::Stream& stream);
  void wait_to_write(wire::Side side);
  void write_queued(wire::Side side);
  void write_failed(wire::Side side);
  void note_failed_login(const session::Event& event);
  void after_failure();
  void after_write(wire::Side side);
  void find_verifier(const std::string& user);
  void dial();
  void dial_next();
  void close_when_written();
  void linger();
  void close();

  Worker& worker_;
  Leg client_, server_;
  session::Engine engine_;
  asio::ip::address source_;
  asio::ip::tcp::endpoint endpoint_;  // of the server, once connected
  std::size_t dialled_ = 0;           // how many of its addresses were tried; all, once connected
  std::uint64_t id_;
  Instant close_by_ = kNever;
  int outstanding_ = 0;
  bool closed_ = false;
  bool closing_ = false;      // CloseAfterFlush was said
  bool lingering_ = false;    // the client's last words were written; its own are read and dropped
  bool client_lost_ = false;  // a write to it failed
};

}  // namespace pgmoat::net
