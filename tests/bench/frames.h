// PostgreSQL frames, as little of them as the two ends of a benchmark need. Written anew and not
// taken from src/wire: the ends of the measurement must not share a mistake, or a speed-up, with
// what they measure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

inline void put32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

inline void put16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

inline std::uint32_t get32(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
  return value;
}

inline void frame(std::string& out, char tag, std::string_view body) {
  out.push_back(tag);
  put32(out, static_cast<std::uint32_t>(body.size() + 4));
  out.append(body);
}

// Walks the frames of a byte stream without keeping them: of each it tells the tag when the header
// is complete, and skips the body. Two words of state, so 10,000 of them cost nothing.
class FrameWalk {
 public:
  // Calls on_frame(tag) once per complete header in data.
  template <class OnFrame>
  void feed(std::string_view data, OnFrame on_frame) {
    while (!data.empty()) {
      if (skip_ != 0) {
        const std::size_t step = data.size() < skip_ ? data.size() : skip_;
        data.remove_prefix(step);
        skip_ -= step;
        continue;
      }
      header_[have_++] = data.front();
      data.remove_prefix(1);
      if (have_ < 5) continue;
      have_ = 0;
      skip_ = get32(header_ + 1) - 4;
      on_frame(header_[0]);
    }
  }
  bool between_frames() const { return have_ == 0 && skip_ == 0; }

 private:
  std::size_t skip_ = 0;
  unsigned have_ = 0;
  char header_[5] = {};
};

}  // namespace bench
