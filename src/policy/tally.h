// How often each rule of a bundle did what, in one worker. Written by that worker, read by any
// thread: each number is right by itself, and nothing is said about them together.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace pgmoat::policy {

struct RuleCounts {
  std::uint64_t matched = 0, would = 0, done = 0, errors = 0, lua_calls = 0;
};

class Tally {
 public:
  enum class What : std::uint8_t { matched, would, done, errors, lua_calls };
  static constexpr std::size_t kWhats = 5;

  explicit Tally(std::size_t rules) : counts_(rules * kWhats) {}
  void count(std::uint32_t rule, What what) {
    counts_[rule * kWhats + static_cast<std::size_t>(what)].fetch_add(1, std::memory_order_relaxed);
  }
  RuleCounts of(std::uint32_t rule) const {
    const auto get = [&](What what) {
      return counts_[rule * kWhats + static_cast<std::size_t>(what)].load(
          std::memory_order_relaxed);
    };
    return {get(What::matched), get(What::would), get(What::done), get(What::errors),
            get(What::lua_calls)};
  }

 private:
  std::vector<std::atomic<std::uint64_t>> counts_;
};

}  // namespace pgmoat::policy
