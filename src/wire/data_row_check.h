// Checks the inside of DataRow while it streams by: the column lengths must fill the body exactly
// (threats A33). Nothing is gathered; the state is a few words however large the row is.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace pgmoat::wire {

class DataRowCheck {
 public:
  // A row of body_size bytes starts; chunks of its body follow.
  void begin(std::uint32_t body_size);
  // False: the row is malformed (a length < -1, or lengths that do not sum to the body).
  bool feed(Bytes chunk);
  // True once the body was filled exactly.
  bool complete() const { return left_ == 0 && columns_left_ == 0 && skip_ == 0 && need_ == 0; }

 private:
  bool take_word(std::uint32_t ahead);
  bool refuse();

  std::uint32_t left_ = 0;  // body bytes still to come
  std::uint32_t skip_ = 0;  // bytes of the present value still to come
  std::uint32_t columns_left_ = 0;
  std::uint32_t word_ = 0;  // a count or length that is being assembled
  std::uint8_t need_ = 0;   // bytes of it still to come
  bool counted_ = false;
};

}  // namespace pgmoat::wire
