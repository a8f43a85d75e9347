// Blocks of memory that are borrowed only while bytes are in flight, so that an idle session owns
// none. One pool per worker, used by that worker's thread only: no lock. Small blocks carry
// ordinary traffic; a stream that fills them is moved to large ones (fewer system calls a byte).
// Frames that need more than a large block are kept in plain heap memory by FrameBuffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pgmoat::wire {

class BufferPool {
 public:
  static constexpr std::size_t kSmall = 16 * 1024;
  static constexpr std::size_t kLarge = 256 * 1024;
  // Spare blocks kept for reuse; what comes back beyond them is freed.
  static constexpr std::size_t kSpareSmall = 256;
  static constexpr std::size_t kSpareLarge = 16;

  struct Block {
    std::unique_ptr<std::uint8_t[]> data;
    std::size_t size = 0;
    explicit operator bool() const { return size != 0; }
  };

  // A block of kSmall bytes (at_least <= kSmall), kLarge bytes, or exactly at_least bytes.
  Block borrow(std::size_t at_least);
  void give_back(Block block);

  std::size_t borrowed_bytes() const { return borrowed_bytes_; }

 private:
  std::vector<Block> small_;
  std::vector<Block> large_;
  std::size_t borrowed_bytes_ = 0;
};

}  // namespace pgmoat::wire
