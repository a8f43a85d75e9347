// How often the addresses that clients come from have guessed wrong, and what that costs them. Of
// passwords: the answer to a wrong one is kept back, the longer the more there were. Who has the
// right one waits for nothing, so a neighbour's mistakes behind one address shut nobody out. Of
// cancel keys: there a penalty at all means that they are not looked at. Shared by the workers;
// looked at once a connection.
#pragma once

#include <asio.hpp>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/instant.h"

namespace pgmoat::net {

class SourceGuard {
 public:
  static constexpr std::size_t kSources = 65536;  // addresses kept; of IPv6 networks of 64 bits
  static constexpr Duration kForgiven = std::chrono::seconds(1);     // the time in which one is
  static constexpr Duration kStep = std::chrono::milliseconds(250);  // for each one over `free`

  // Before it is used. `free`: failures that cost nothing. `most`: the longest delay; zero: none.
  void set(std::uint32_t free, Duration most) { free_ = free, most_ = most; }
  void failed(const asio::ip::address& source, Instant now);
  // What the next failure of this source is kept back for.
  Duration penalty(const asio::ip::address& source, Instant now);

 private:
  std::uint32_t free_ = 0;
  Duration most_{};
  std::mutex mutex_;
  std::unordered_map<std::string, Instant> forgiven_at_;  // when all of them will be
};

}  // namespace pgmoat::net
