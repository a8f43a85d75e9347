#include "session/ledger.h"

#include <utility>

#include "base/check.h"

namespace pgmoat::session {

namespace {

constexpr std::size_t kFirstRing = 16;
constexpr std::size_t kKeptRing =
    1024;  // a deeper pipeline's memory is returned when it is settled

}  // namespace

void Ledger::owe(Entry entry) {
  if (size_ == ring_.size()) grow();
  if (entry.judged != nullptr && entry.judged->analysis != nullptr) {
    analysis_bytes_ += entry.judged->analysis->memory();
  }
  ring_[(first_ + size_) & (ring_.size() - 1)] = std::move(entry);
  ++size_;
}

void Ledger::settle() {
  PGMOAT_CHECK(size_ != 0);
  head() = Entry{};  // lets go of its ruling
  first_ = (first_ + 1) & (ring_.size() - 1);
  progress = Progress::fresh;
  if (--size_ != 0) return;
  analysis_bytes_ = 0;
  if (ring_.size() > kKeptRing) {
    ring_ = {};
    first_ = 0;
  }
}

void Ledger::erase(std::size_t index, std::size_t count) {
  PGMOAT_CHECK(index + count <= size_);
  for (std::size_t i = index; i + count < size_; ++i) at(i) = std::move(at(i + count));
  for (std::size_t i = size_ - count; i < size_; ++i) at(i) = Entry{};
  size_ -= count;
}

void Ledger::grow() {
  std::vector<Entry> larger(ring_.empty() ? kFirstRing : ring_.size() * 2);
  for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(at(i));
  ring_ = std::move(larger);
  first_ = 0;
}

}  // namespace pgmoat::session
