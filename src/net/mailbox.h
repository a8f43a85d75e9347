// How other threads talk to a worker: they leave a function, the worker runs it between two events.
// It is the only door into a worker's thread, so its io_context needs no locks at all, which every
// single operation would pay for.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <asio.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"

namespace pgmoat::net {

class Mailbox {
 public:
  explicit Mailbox(asio::io_context& io) : bell_(io, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    PGMOAT_CHECK(bell_.native_handle() >= 0);
  }
  // Any thread. Letters left after the worker has ended are never read.
  void post(std::function<void()> letter) {
    {
      const std::lock_guard lock(mutex_);
      letters_.push_back(std::move(letter));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto rung = ::write(bell_.native_handle(), &one, sizeof one);
  }
  // On the worker's thread: runs what is left, and what will be.
  void open() {
    bell_.async_wait(Bell::wait_read, [this](const asio::error_code& error) {
      if (error) return;
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto heard = ::read(bell_.native_handle(), &rings, sizeof rings);
      std::vector<std::function<void()>> letters;
      {
        const std::lock_guard lock(mutex_);
        letters.swap(letters_);
      }
      for (const auto& letter : letters) letter();
      open();
    });
  }

 private:
  using Bell = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;
  Bell bell_;
  std::mutex mutex_;
  std::vector<std::function<void()>> letters_;
};

}  // namespace pgmoat::net
