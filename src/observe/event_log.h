// Events to stderr, one JSON object a line, until there is an audit log. Formatting and writing
// happen on a thread of its own behind a bounded queue: a stalled stderr costs lines, which are
// counted and reported as a line of their own, never a worker's time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "session/event.h"

namespace pgmoat::observe {

// One event as one JSON object without a newline; fields in a fixed order: time, event, session, ...
// `time` is RFC 3339 UTC with milliseconds.
std::string to_json(std::uint64_t session_id, const session::Event& event, std::int64_t unix_ms);

class EventLog {
 public:
  static constexpr std::size_t kQueueLimit = 8192;  // events; more are dropped and counted
  explicit EventLog(std::FILE* to);
  static constexpr std::chrono::seconds kLastWords{2};
  ~EventLog();  // writes what is queued, if somebody reads it within kLastWords
  void add(std::uint64_t session_id, session::Event&& event);  // any thread, never blocks on I/O
  // A line about the program itself: {"time":..,"event":"log","level":level,"message":message}.
  void say(const char* level, std::string message);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace pgmoat::observe
