// A read that borrows its buffer only when bytes have come, and takes a read that did not fill it
// for the last one until the kernel says otherwise. Asio's own read would try again after every
// read, which costs a system call each time (a sixth of a transaction's), and would hold a buffer
// for every idle session. What it waits for, how it completes and is cancelled stays Asio's: only
// the operation's one attempt to receive is ours (a specialization for our buffer type, below
// Asio's public interface; the versions it was read against are asserted).
//
// epoll reports an edge: an end of stream that came together with the last bytes is not reported
// again. So whoever reads lazily looks for that end himself, see SessionDriver::look_for_end().
#pragma once

#include <sys/socket.h>

#include <asio.hpp>
#include <cerrno>

#include "net/leg.h"
#include "session/engine.h"

static_assert(
    ASIO_VERSION >= 101800 && ASIO_VERSION < 103100,
    "read asio/detail/reactive_socket_recv_op.hpp of this version before trusting LazyRead");

namespace pgmoat::net {

class LazyRead {
 public:
  // `leg` learns that bytes have landed, and whether the end of the stream may be behind them.
  LazyRead(session::Engine& engine, wire::Side side, Leg& leg)
      : engine_(&engine), side_(side), leg_(&leg) {}

  // Asio asks a sequence of buffers, before the operation starts, whether it is empty.
  using value_type = asio::mutable_buffer;
  using const_iterator = const value_type*;
  const_iterator begin() const { return &kNotEmpty; }
  const_iterator end() const { return &kNotEmpty + 1; }

  using Status = asio::detail::reactor_op::status;
  Status receive(int socket, asio::error_code& error, std::size_t& size) const {
    const auto room = engine_->room(side_);
    bool last = false;
    const ssize_t got = leg_->tls ? leg_->tls->read(room, last) : read_plain(socket, room, last);
    if (got > 0) {
      size = static_cast<std::size_t>(got);
      leg_->landed = true;
      leg_->unsure_of_end = last;
      return last ? Status::done_and_exhausted : Status::done;
    }
    const int why = errno;
    engine_->not_read(side_);
    if (got < 0 && (why == EAGAIN || why == EWOULDBLOCK)) return Status::not_done;
    leg_->landed = true;
    error = got == 0 ? asio::error_code(asio::error::eof)
                     : asio::error_code(why, asio::error::get_system_category());
    return Status::done;
  }

 private:
  // `last`: a read would wait.
  static ssize_t read_plain(int socket, std::span<std::uint8_t> room, bool& last) {
    ssize_t got = 0;
    do {
      got = ::recv(socket, room.data(), room.size(), 0);
    } while (got < 0 && errno == EINTR);
    last = got < static_cast<ssize_t>(room.size());
    return got;
  }

  static inline char never_written_ = 0;
  static inline const asio::mutable_buffer kNotEmpty{&never_written_, 1};
  session::Engine* engine_;
  wire::Side side_;
  Leg* leg_;
};

}  // namespace pgmoat::net

template <>
class asio::detail::reactive_socket_recv_op_base<pgmoat::net::LazyRead>
    : public asio::detail::reactor_op {
 public:
  reactive_socket_recv_op_base(const asio::error_code& success, socket_type socket,
                               socket_ops::state_type, const pgmoat::net::LazyRead& read,
                               socket_base::message_flags, func_type completed)
      : reactor_op(success, &reactive_socket_recv_op_base::do_perform, completed),
        socket_(socket),
        read_(read) {}

  static status do_perform(reactor_op* base) {
    auto* self = static_cast<reactive_socket_recv_op_base*>(base);
    return self->read_.receive(self->socket_, self->ec_, self->bytes_transferred_);
  }

 private:
  socket_type socket_;
  pgmoat::net::LazyRead read_;
};
