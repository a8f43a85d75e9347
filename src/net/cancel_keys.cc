#include "net/cancel_keys.h"

#include <utility>

#include "auth/digest.h"
#include "auth/secret.h"

namespace pgmoat::net {

namespace {

constexpr std::size_t kHead = 12, kCode = 20;

void put(std::string& to, std::uint64_t value, int octets) {
  while (octets-- > 0) to.push_back(static_cast<char>(value >> (8 * octets)));
}

std::uint64_t number(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char octet : octets) value = value << 8 | static_cast<unsigned char>(octet);
  return value;
}

}  // namespace

CancelKeys::CancelKeys() : mac_key_(auth::random_octets(32)) {}

std::string CancelKeys::code_of(std::string_view head) const {
  return std::string(as_text(auth::hmac(as_bytes(mac_key_), head).octets).substr(0, kCode));
}

std::string CancelKeys::issue(std::uint64_t session) const {
  std::string key;
  put(key, node_, 4);
  put(key, session, 8);
  return key + code_of(key);
}

void CancelKeys::own(std::uint64_t session, std::string client_secret, CancelTarget target) {
  const std::lock_guard lock(mutex_);
  by_pid_.emplace(target.pid, session);
  owners_.emplace(session, Owner{std::move(client_secret), std::move(target)});
}

void CancelKeys::disown(std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  const auto found = owners_.find(session);
  if (found == owners_.end() || !std::exchange(found->second.open, false)) return;
  if (found->second.client_secret.size() == kHead + kCode) return forget(session);
  ended_.push_back(session);
  if (ended_.size() <= kEnded) return;
  forget(ended_.front());
  ended_.pop_front();
}

void CancelKeys::forget(std::uint64_t session) {
  const auto owner = owners_.find(session);
  auto [at, end] = by_pid_.equal_range(owner->second.target.pid);
  while (at != end) at = at->second == session ? by_pid_.erase(at) : std::next(at);
  owners_.erase(owner);
}

CancelKeys::Found CancelKeys::find(std::uint32_t pid, std::string_view secret) const {
  Found found;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, end] = by_pid_.equal_range(pid);
    for (auto at = first; at != end; ++at) {
      const Owner& owner = owners_.at(at->second);
      if (!auth::equal_secrets(owner.client_secret, secret)) continue;
      found.session = at->second;
      found.whose = owner.open ? Whose::session : Whose::ended_session;
      if (!owner.open) continue;  // the server may have given a process id and a key again
      found.target = owner.target;
      return found;
    }
  }
  if (found.whose != Whose::nobody || secret.size() != kHead + kCode) return found;
  const std::string_view head = secret.substr(0, kHead);
  if (number(head.substr(0, 4)) != node_) {
    found.whose = Whose::other_node;
  } else if (auth::equal_secrets(code_of(head), secret.substr(kHead))) {
    found = {Whose::ended_session, number(head.substr(4)), {}};
  }
  return found;
}

bool CancelKeys::is_open(std::uint64_t session) const {
  const std::lock_guard lock(mutex_);
  const auto found = owners_.find(session);
  return found != owners_.end() && found->second.open;
}

}  // namespace pgmoat::net
