#include "wire/frame_buffer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"

namespace pgmoat::wire {

namespace {

constexpr std::uint32_t kHeader = 5;

std::uint32_t read_u32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         std::uint32_t{at[3]};
}

}  // namespace

FrameBuffer::~FrameBuffer() {
  if (block_) pool_->give_back(std::move(block_));
}

std::span<std::uint8_t> FrameBuffer::room() {
  const std::uint32_t kept = end_ - begin_;
  if (block_ && begin_ != 0) {
    if (kept != 0) std::memmove(block_.data.get(), data() + begin_, kept);
    begin_ = 0;
    end_ = kept;
  }
  // Grow by doubling what has arrived, but never past the frame that is being gathered: what a
  // peer declares costs nothing until it has sent half of it.
  if (!block_ || end_ == block_.size || (kept == 0 && large_ && block_.size < BufferPool::kLarge)) {
    std::size_t size = large_ ? BufferPool::kLarge : BufferPool::kSmall;
    if (kept != 0) {
      size = std::max<std::size_t>(size, std::size_t{kept} * 2);
      if (wanted_ > kept) {
        const std::size_t enough = std::max<std::size_t>(wanted_, kept + BufferPool::kSmall);
        size = std::min(size, enough);
      }
    }
    BufferPool::Block larger = pool_->borrow(size);
    if (kept != 0) std::memcpy(larger.data.get(), data() + begin_, kept);
    if (block_) pool_->give_back(std::move(block_));
    block_ = std::move(larger);
    begin_ = 0;
    end_ = kept;
  }
  lent_ = true;
  return {block_.data.get() + end_, block_.size - end_};
}

void FrameBuffer::filled(std::size_t size) {
  PGMOAT_CHECK(size <= block_.size - end_);
  lent_ = false;
  end_ += static_cast<std::uint32_t>(size);
  large_ = end_ == block_.size;
}

void FrameBuffer::append(Bytes bytes) {
  while (!bytes.empty()) {
    const auto to = room();
    const std::size_t size = std::min(to.size(), bytes.size());
    std::memcpy(to.data(), bytes.data(), size);
    filled(size);
    bytes = bytes.subspan(size);
  }
}

Piece FrameBuffer::next(const HeaderRules& rules) {
  const std::uint32_t held = end_ - begin_;
  const std::uint8_t* at = data() + begin_;
  if (stream_left_ != 0 && !fault_) {
    if (held == 0) return {};
    const std::uint32_t size = std::min(held, stream_left_);
    stream_left_ -= size;
    begin_ += size;
    return {Piece::Kind::tail, stream_tag_, stream_left_ == 0, 0, {at, size}};
  }
  if (fault_) return {Piece::Kind::fault, fault_->tag, false, 0, {}};
  if (held == 0) return {};

  const HeaderRule& rule = rules[*at];
  const char tag = static_cast<char>(*at);
  if (rule.carry == HeaderRule::Carry::refuse) {
    fault_ = Fault{Fault::Kind::unknown_tag, tag, 0, 0, "unknown or misplaced message type"};
    return {Piece::Kind::fault, tag, false, 0, {}};
  }
  if (held < kHeader) return {};
  const std::uint32_t length = read_u32(at + 1);
  const std::uint32_t body = length - 4;
  const bool pass = std::exchange(pass_next_, false);
  if (length < 4 || length > std::uint32_t{std::numeric_limits<std::int32_t>::max()} ||
      body < rule.body_min || (body > rule.body_max && !pass)) {
    const bool over = length >= 4 && length <= 0x3fffffff && body > rule.body_max && rule.ours;
    fault_ = over ? Fault{Fault::Kind::oversize, tag, length, 0, "message is over the limit"}
                  : Fault{Fault::Kind::bad_length, tag, length, 0, "invalid message length"};
    return {Piece::Kind::fault, tag, false, body, {}};
  }
  const std::uint64_t whole = std::uint64_t{body} + kHeader;
  if (held >= whole) {
    begin_ += static_cast<std::uint32_t>(whole);
    wanted_ = 0;
    return {Piece::Kind::whole, tag, true, body, {at, static_cast<std::size_t>(whole)}};
  }
  if (rule.carry == HeaderRule::Carry::stream || pass) {
    stream_left_ = static_cast<std::uint32_t>(whole - held);
    stream_tag_ = tag;
    begin_ += held;
    return {Piece::Kind::head, tag, false, body, {at, held}};
  }
  wanted_ = static_cast<std::uint32_t>(whole);
  return {};
}

void FrameBuffer::pass_oversize() {
  PGMOAT_CHECK(fault_ && fault_->kind == Fault::Kind::oversize);
  fault_.reset();
  pass_next_ = true;
}

void FrameBuffer::take(std::size_t size) {
  PGMOAT_CHECK(size <= end_ - begin_);
  begin_ += static_cast<std::uint32_t>(size);
}

void FrameBuffer::recycle() {
  if (block_ && begin_ == end_ && !lent_) {
    pool_->give_back(std::move(block_));
    block_ = {};
    begin_ = end_ = 0;
  }
}

}  // namespace pgmoat::wire
