#include "session/outbox.h"

namespace pgmoat::session {

void Stream::release(Bytes bytes) {
  if (bytes.empty()) return;
  if (!parts_.empty() && parts_.back().borrowed != nullptr &&
      parts_.back().borrowed + parts_.back().size == bytes.data()) {
    parts_.back().size += bytes.size();
    return;
  }
  parts_.push_back({bytes.data(), 0, bytes.size()});
}

void Stream::add_made(std::size_t at) {
  if (made_.size() != at) parts_.push_back({nullptr, at, made_.size() - at});
}

std::string Stream::flat() const {
  std::string all;
  for (const Part& part : parts_) all += as_text(bytes_of(part));
  return all;
}

}  // namespace pgmoat::session
