// A byte-bounded cache keyed by exact text and dialect, least recently used first out. One per
// worker, so there is no lock. Never keyed by fingerprint: that erases literals. The hash is seeded,
// so clients cannot choose collisions; the bytes are compared, so a collision would only cost time.
// The key's bytes belong to the payload (an Analysis owns its text): they are kept once.
#pragma once

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sql/dialect.h"

namespace pgmoat::sql {

// `Payload` has text(), dialect() and memory(): bytes, which may grow until resized() is told.
template <class Payload>
class TextCache {
 public:
  TextCache(std::size_t limit_bytes, std::uint64_t seed) : limit_(limit_bytes), seed_(seed) {}

  // Null where it is not here. Valid until the next insert() or clear().
  Payload* find(std::string_view text, const Dialect& dialect) {
    const auto [first, last] = index_.equal_range(hash(text, dialect));
    for (auto at = first; at != last; ++at) {
      Payload& payload = at->second->payload;
      if (payload.text() != text || payload.dialect() != dialect) continue;
      if (at->second != order_.begin()) order_.splice(order_.begin(), order_, at->second);
      ++hits_;
      return &payload;
    }
    ++misses_;
    return nullptr;
  }

  // The payload must not be here yet. One that is larger than a quarter of the limit is not kept: null.
  Payload* insert(Payload payload) {
    const std::size_t size = payload.memory() + kOverhead;
    if (size > limit_ / 4) return nullptr;
    while (bytes_ + size > limit_) drop_oldest();
    const std::uint64_t key = hash(payload.text(), payload.dialect());
    order_.push_front({std::move(payload), key, size});
    index_.emplace(key, order_.begin());
    bytes_ += size;
    return &order_.front().payload;
  }

  // After the payload that find() returned last has changed its size.
  void resized() {
    Node& node = order_.front();
    bytes_ += node.payload.memory() + kOverhead - node.size;
    node.size = node.payload.memory() + kOverhead;
    while (bytes_ > limit_ && order_.size() > 1) drop_oldest();
  }

  void clear() {
    index_.clear();
    order_.clear();
    bytes_ = 0;
  }

  std::size_t bytes() const { return bytes_; }
  std::size_t entries() const { return order_.size(); }
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }

 private:
  static constexpr std::size_t kOverhead = 160;  // of the two containers, an entry
  struct Node {
    Payload payload;
    std::uint64_t key;
    std::size_t size;
  };
  using Order = std::list<Node>;

  std::uint64_t hash(std::string_view text, const Dialect& dialect) const {
    const auto encoding = static_cast<std::uint64_t>(dialect.encoding);
    const std::uint64_t reading = encoding * 4 + (dialect.standard_conforming_strings ? 1 : 0) +
                                  (dialect.replication ? 2 : 0);
    return XXH3_64bits_withSeed(text.data(), text.size(), seed_ ^ (reading * 0x9E3779B97F4A7C15u));
  }
  void drop_oldest() {
    const auto last = std::prev(order_.end());
    const auto [first, end] = index_.equal_range(last->key);
    for (auto at = first; at != end; ++at) {
      if (at->second != last) continue;
      index_.erase(at);
      break;
    }
    bytes_ -= last->size;
    order_.pop_back();
  }

  std::size_t limit_, bytes_ = 0;
  std::uint64_t seed_, hits_ = 0, misses_ = 0;
  Order order_;
  std::unordered_multimap<std::uint64_t, typename Order::iterator> index_;
};

}  // namespace pgmoat::sql
