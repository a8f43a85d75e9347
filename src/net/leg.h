// One socket of a session and what is under way on it. A driver has two.
#pragma once

#include <asio.hpp>
#include <memory>
#include <span>

#include "base/instant.h"
#include "net/tls.h"
#include "net/write_queue.h"

namespace pgmoat::net {

// With the executor's own type: a type-erased one costs calls for every operation.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

struct Leg {
  explicit Leg(asio::io_context& io) : socket(io) {}
  Socket socket;
  std::unique_ptr<TlsStream> tls;     // null: in the clear
  std::unique_ptr<WriteQueue> queue;  // made when the socket first cannot take something
  bool reading = false;
  bool landed = false;         // a read has ended, and its handler has not run yet
  bool unsure_of_end = false;  // the end may stand behind the bytes of the last read
  bool stalled = false;        // not read until the other side takes what waits for it
  bool deaf = false;           // a write failed: nothing more is written
  bool ended = false;          // the end was found there
  bool waiting_to_write = false;
  bool shut = false;          // no more bytes for it after the queue
  bool just_secured = false;  // nothing has been read since

  // Whether something waits for the socket to take more.
  bool queued() const { return (queue && !queue->empty()) || (tls && tls->unsent()); }
  // As write_some(), in TLS where the leg has it.
  std::size_t send(std::span<const asio::const_buffer> parts, asio::error_code& error) {
    if (tls) return tls->write(parts, error);
    return parts.size() == 1 ? socket.write_some(asio::buffer(parts.front()), error)
                             : socket.write_some(parts, error);
  }
  // The end of what we say: TLS has a word for it.
  void shut_down() {
    asio::error_code ignored;
    if (tls) tls->say_goodbye();
    socket.shutdown(Socket::shutdown_send, ignored);
  }
};

// Low latency, and dead peers found: keepalive 60 s, then 6 probes of 10 s. `unacknowledged`: how long
// data may stay so before the connection is given up; zero leaves it to the system. Linux counts a
// peer that reads nothing, too: a pager somebody left open.
void set_options(Socket& socket, Duration unacknowledged);

}  // namespace pgmoat::net
