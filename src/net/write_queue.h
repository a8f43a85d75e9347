// What a socket could not take yet. Spans of a read buffer stay where they are (their source is not
// read until they have left); our own bytes are copied. Empty in the ordinary case.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/bytes.h"
#include "session/outbox.h"

namespace pgmoat::net {

class WriteQueue {
 public:
  bool empty() const { return parts_.empty(); }
  // Everything of `stream` from `skip` bytes on. `keep`: copy borrowed spans too, since a read is
  // under way that may move their buffer.
  void add(const session::Stream& stream, std::size_t skip, bool keep) {
    for (const session::Stream::Part& part : stream.parts()) {
      if (skip >= part.size) {
        skip -= part.size;
        continue;
      }
      const Bytes rest = stream.bytes_of(part).subspan(skip);
      skip = 0;
      if (part.borrowed != nullptr && !keep) {
        parts_.push_back({rest, {}});
      } else {
        parts_.push_back({{}, std::string(as_text(rest))});
      }
    }
  }
  Bytes front() const {
    const Part& part = parts_.front();
    const Bytes all = part.borrowed.empty() ? as_bytes(part.own) : part.borrowed;
    return all.subspan(sent_);
  }
  void sent(std::size_t size) {
    if (size < front().size()) {
      sent_ += size;
      return;
    }
    sent_ = 0;
    parts_.pop_front();
  }
  void clear() {
    parts_.clear();
    sent_ = 0;
  }

 private:
  struct Part {
    Bytes borrowed;
    std::string own;
  };
  std::deque<Part> parts_;
  std::size_t sent_ = 0;
};

}  // namespace pgmoat::net
