#include "wire/buffer_pool.h"

#include <utility>

namespace pgmoat::wire {

namespace {

BufferPool::Block take_or_make(std::vector<BufferPool::Block>& spare, std::size_t size) {
  if (spare.empty()) {
    return {std::unique_ptr<std::uint8_t[]>(new std::uint8_t[size]), size};
  }
  BufferPool::Block block = std::move(spare.back());
  spare.pop_back();
  return block;
}

}  // namespace

BufferPool::Block BufferPool::borrow(std::size_t at_least) {
  Block block;
  if (at_least <= kSmall) {
    block = take_or_make(small_, kSmall);
  } else if (at_least <= kLarge) {
    block = take_or_make(large_, kLarge);
  } else {
    block = {std::unique_ptr<std::uint8_t[]>(new std::uint8_t[at_least]), at_least};
  }
  borrowed_bytes_ += block.size;
  return block;
}

void BufferPool::give_back(Block block) {
  borrowed_bytes_ -= block.size;
  if (block.size == kSmall && small_.size() < kSpareSmall) {
    small_.push_back(std::move(block));
  } else if (block.size == kLarge && large_.size() < kSpareLarge) {
    large_.push_back(std::move(block));
  }
}

}  // namespace pgmoat::wire
