// What one peer has sent and the session has not yet let go: bytes in, pieces out.
//
//      data_                                                          size of the block
//        | taken (may still be being written out) | pending | room        |
//        0                                      begin_    end_          size
//
// The header is checked the moment five bytes exist, against the rules of the present phase, so a
// frame that may not be is refused before its body is awaited. Memory grows with bytes received,
// never with the length a peer declares. A fault is sticky: after it no piece comes out any more.
// Knows frames, not messages.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "wire/buffer_pool.h"
#include "wire/fault.h"

namespace pgmoat::wire {

// What the header of a frame with this tag must satisfy. Lengths are body lengths (the length word
// less its own four bytes).
struct HeaderRule {
  enum class Carry : std::uint8_t {
    refuse,  // the tag is not legal here
    whole,   // the frame is gathered before it is seen
    stream,  // the frame is passed on in chunks as it arrives
  };
  Carry carry = Carry::refuse;
  std::uint32_t body_min = 0;
  std::uint32_t body_max = 0;  // PostgreSQL's own limit or ours, whichever is lower
  bool ours = false;           // body_max is our limit: one past it is `oversize`
};

using HeaderRules = std::array<HeaderRule, 256>;

struct Piece {
  enum class Kind : std::uint8_t {
    starved,  // no piece yet: more bytes are needed
    whole,    // one complete frame
    head,     // the first chunk of a streamed frame: its header and what followed
    tail,     // a further chunk of it
    fault,    // see FrameBuffer::fault()
  };
  Kind kind = Kind::starved;
  char tag = 0;
  bool last = false;            // this piece completes its frame
  std::uint32_t body_size = 0;  // declared size of the whole frame's body
  Bytes bytes;                  // borrowed; valid until the next room(), append() or recycle()

  Bytes body() const { return bytes.subspan(5); }  // only of `whole` and `head`
};

class FrameBuffer {
 public:
  explicit FrameBuffer(BufferPool& pool) : pool_(&pool) {}
  ~FrameBuffer();
  FrameBuffer(FrameBuffer&&) = delete;
  FrameBuffer& operator=(FrameBuffer&&) = delete;

  // Where the next read goes; never empty. Moves pending bytes to the front or to a larger block,
  // so nothing that was taken may still be in use (being written out).
  std::span<std::uint8_t> room();
  // `size` bytes of room() were filled.
  void filled(std::size_t size);
  // room() was not used after all: returns the memory if nothing else is in it.
  void not_filled();
  // Copies bytes in: tests, replay, and what a TLS layer hands over.
  void append(Bytes bytes);

  // The next piece under these rules. Repeating the call after `starved` is free of effects.
  Piece next(const HeaderRules& rules);
  // Passes the rest of the current frame, and nothing else, through as a stream: the caller chose
  // to let an oversize frame go by. Only directly after a fault of kind oversize; clears it.
  void pass_oversize();

  // Raw access for what is not framed (first packets, an opaque session): the pending bytes, and
  // how many of them were used.
  Bytes pending() const { return {data() + begin_, end_ - begin_}; }
  void take(std::size_t size);

  bool in_frame() const { return stream_left_ != 0; }  // inside a streamed frame
  std::uint32_t pieces() const { return pieces_; }     // how many came out so far, modulo 2^32
  bool idle() const { return begin_ == end_ && stream_left_ == 0; }
  const std::optional<Fault>& fault() const { return fault_; }

  // Everything taken has left: returns the memory if nothing is pending and no read is under way.
  void recycle();

 private:
  const std::uint8_t* data() const { return block_.data.get(); }

  BufferPool* pool_;
  BufferPool::Block block_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t stream_left_ = 0;  // body bytes of a streamed frame still to come
  char stream_tag_ = 0;
  bool large_ = false;      // the last read filled its room: borrow a large block next
  bool lent_ = false;       // room() was given out: a read may land in the block at any moment
  bool pass_next_ = false;  // the next header may be oversize
  std::uint32_t pieces_ = 0;
  std::uint32_t wanted_ = 0;  // size of the whole frame that is being gathered, 0 unknown
  std::optional<Fault> fault_;
};

}  // namespace pgmoat::wire
