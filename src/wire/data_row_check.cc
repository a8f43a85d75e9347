#include "wire/data_row_check.h"

#include <algorithm>

namespace pgmoat::wire {

namespace {

constexpr std::uint32_t kMaxColumns = 1664;  // MaxTupleAttributeNumber, as in decode_data_row

}  // namespace

void DataRowCheck::begin(std::uint32_t body_size) {
  left_ = body_size;
  skip_ = columns_left_ = word_ = 0;
  need_ = 2;
  counted_ = false;
}

bool DataRowCheck::feed(Bytes chunk) {
  if (chunk.size() > left_) return refuse();
  const std::uint8_t* at = chunk.data();
  const std::uint8_t* const end = at + chunk.size();
  left_ -= static_cast<std::uint32_t>(chunk.size());
  while (at != end) {
    const auto here = static_cast<std::uint32_t>(end - at);
    if (skip_ != 0) {
      const std::uint32_t step = std::min(skip_, here);
      skip_ -= step;
      at += step;
      continue;
    }
    if (need_ == 4 && here >= 4) {  // the usual case: a whole length lies in this chunk
      word_ = std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
              at[3];
      at += 4;
    } else {
      word_ = word_ << 8 | *at++;
      if (--need_ != 0) continue;
    }
    if (!take_word(left_ + static_cast<std::uint32_t>(end - at))) return refuse();
  }
  return true;
}

// A count or a length is complete, and `ahead` bytes of the body follow it. They must have room
// for this value and the lengths of the others, and be no more than this value if it is the last.
bool DataRowCheck::take_word(std::uint32_t ahead) {
  if (!counted_) {
    counted_ = true;
    if (word_ > kMaxColumns) return false;
    columns_left_ = word_;
  } else {
    --columns_left_;
    constexpr std::uint32_t kNull = ~0u;
    if (word_ != kNull && word_ > ahead) return false;  // also every length below -1
    skip_ = word_ == kNull ? 0 : word_;
  }
  word_ = 0;
  need_ = columns_left_ == 0 ? 0 : 4;
  const std::uint32_t others = ahead - skip_;
  return columns_left_ == 0 ? others == 0 : others >= columns_left_ * 4;
}

// Nothing more is taken and complete() stays false until the next begin().
bool DataRowCheck::refuse() {
  left_ = 0;
  need_ = 1;
  return false;
}

}  // namespace pgmoat::wire
