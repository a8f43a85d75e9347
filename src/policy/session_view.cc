#include "policy/session_view.h"

#include <xxhash.h>

#include <algorithm>
#include <random>
#include <utility>

namespace pgmoat::policy {

namespace {

// Seeded per process: clients choose application names and settings, and must not choose collisions.
std::uint64_t seed() {
  static const std::uint64_t value = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }();
  return value;
}

std::uint64_t hash_text(std::string_view text, std::uint64_t so_far) {
  return XXH3_64bits_withSeed(text.data(), text.size(), so_far);
}

std::size_t index(SessionField field) { return static_cast<std::size_t>(field); }

}  // namespace

void SessionView::open(std::string id, std::string client_ip, std::uint16_t client_port) {
  client_port_ = client_port;
  // Not seeded: the same session keeps its place when it is looked at elsewhere.
  place_ = static_cast<std::uint32_t>(XXH3_64bits(id.data(), id.size()) % 100);
  set(SessionField::percent, std::to_string(place_));
  set(SessionField::id, std::move(id));
  set(SessionField::client, std::move(client_ip));
}

void SessionView::set(SessionField field, std::string value) {
  values_[index(field)] = std::move(value);
  changed(field);
}

void SessionView::set_transaction(char status) { transaction_ = status; }

void SessionView::set_guc(std::string name, std::string value) {
  gucs_[std::move(name)] = std::move(value);
  changed(SessionField::guc);
}

void SessionView::drop_guc(std::string_view name) {
  if (const auto at = gucs_.find(name); at != gucs_.end()) gucs_.erase(at);
  changed(SessionField::guc);
}

void SessionView::set_tls(std::shared_ptr<const TlsFacts> tls) {
  // A certificate is told by its digest: the rest follows from it.
  set(SessionField::tls, tls->version + '\n' + tls->cipher + '\n' + tls->sni + '\n' + tls->digest);
  tls_ = std::move(tls);
}

void SessionView::add_tag(std::string tag) {
  if (has_tag(tag)) return;
  tags_.push_back(std::move(tag));
  changed(SessionField::tags);
}

void SessionView::set_role_unsettled(bool unsettled) {
  if (role_unsettled_ == unsettled) return;
  role_unsettled_ = unsettled;
  changed(SessionField::role);
}

std::string_view SessionView::get(SessionField field) const {
  if (field == SessionField::role && role_unsettled_) return kUnknownRole;
  return values_[index(field)];
}

std::string_view SessionView::guc(std::string_view name) const {
  const auto at = gucs_.find(name);
  return at == gucs_.end() ? std::string_view{} : std::string_view(at->second);
}

bool SessionView::has_guc(std::string_view name) const { return gucs_.find(name) != gucs_.end(); }

bool SessionView::has_tag(std::string_view tag) const {
  return std::find(tags_.begin(), tags_.end(), tag) != tags_.end();
}

std::string_view SessionView::id() const { return get(SessionField::id); }
std::string_view SessionView::client_ip() const { return get(SessionField::client); }

std::uint64_t SessionView::hash(FieldSet fields) const {
  std::uint64_t sum = seed();
  for (std::size_t at = 0; fields != 0; ++at, fields >>= 1) {
    if ((fields & 1) == 0) continue;
    const bool transaction = at == index(SessionField::transaction);
    const std::uint64_t value =
        transaction ? static_cast<std::uint64_t>(transaction_) : hashes_[at];
    sum = (sum ^ value) * 0x9E3779B97F4A7C15u + at;
    sum ^= sum >> 29;
  }
  return sum;
}

void SessionView::changed(SessionField field) {
  ++revision_;
  std::uint64_t hash = seed();
  if (field == SessionField::guc) {
    for (const auto& [name, value] : gucs_) hash = hash_text(value, hash_text(name, hash));
  } else if (field == SessionField::tags) {
    for (const std::string& tag : tags_) hash = hash_text(tag, hash);
  } else {
    hash = hash_text(get(field), hash);
  }
  hashes_[index(field)] = hash;
}

}  // namespace pgmoat::policy
