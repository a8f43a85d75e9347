#include "net/source_guard.h"

#include <algorithm>

namespace pgmoat::net {

namespace {

std::string key_of(const asio::ip::address& source) {
  if (source.is_v4()) {
    const auto octets = source.to_v4().to_bytes();
    return {octets.begin(), octets.end()};
  }
  const auto octets = source.to_v6().to_bytes();
  if (source.to_v6().is_v4_mapped()) return {octets.begin() + 12, octets.end()};
  return {octets.begin(), octets.begin() + 8};  // who has one address of a network has them all
}

}  // namespace

void SourceGuard::failed(const asio::ip::address& source, Instant now) {
  if (most_ == Duration::zero()) return;
  const std::lock_guard lock(mutex_);
  if (forgiven_at_.size() >= kSources) {
    std::erase_if(forgiven_at_, [&](const auto& entry) { return entry.second <= now; });
    if (forgiven_at_.size() >= kSources) forgiven_at_.erase(forgiven_at_.begin());
  }
  Instant& at = forgiven_at_[key_of(source)];
  // No more than what the longest delay stands for: it is not for ever.
  const Instant latest = now + kForgiven * (free_ + most_ / kStep);
  at = std::min(std::max(at, now) + kForgiven, latest);
}

Duration SourceGuard::penalty(const asio::ip::address& source, Instant now) {
  if (most_ == Duration::zero()) return {};
  const std::lock_guard lock(mutex_);
  const auto found = forgiven_at_.find(key_of(source));
  if (found == forgiven_at_.end() || found->second <= now) return {};
  const auto failures = (found->second - now + kForgiven - Duration(1)) / kForgiven;
  if (failures <= free_) return {};
  return std::min(most_, kStep * (failures - free_));
}

}  // namespace pgmoat::net
