// One socket of a session and what is under way on it. A driver has two.
#pragma once

#include <asio.hpp>
#include <memory>

#include "net/write_queue.h"

namespace pgmoat::net {

using Socket = asio::ip::tcp::socket;

struct Leg {
  explicit Leg(asio::io_context& io) : socket(io) {}
  Socket socket;
  std::unique_ptr<WriteQueue> queue;  // made when the socket first cannot take something
  bool reading = false;
  bool unsure_of_end = false;         // the end may stand behind the bytes of the last read
  bool stalled = false;               // not read until the other side takes what waits for it
  bool ended = false;                 // the end was found there
  bool waiting_to_write = false;
  bool shut = false;                  // no more bytes for it after the queue
  bool queued() const { return queue && !queue->empty(); }
};

// Low latency, and dead peers found: keepalive 60 s, then 6 probes of 10 s; unacknowledged data is
// given up after 90 s.
void set_options(Socket& socket);

}  // namespace pgmoat::net
