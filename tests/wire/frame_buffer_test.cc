// Frames out of bytes: whatever the chunks, the same pieces; limits at and one past; memory that
// follows what has arrived and never what was declared (A2, A3, A8, A21).
#include "wire/frame_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "wire/bodies.h"
#include "wire/catalogue.h"

namespace pgmoat::wire::test {
namespace {

const HeaderRules kClient = header_rules(Side::client, Stage::ready, {});
const HeaderRules kServer = header_rules(Side::server, Stage::ready, {});
const HeaderRules kGreeting = header_rules(Side::client, Stage::authentication, {});

// One frame each as "tag:body", streamed frames put together again; "!tag" for a fault.
std::vector<std::string> frames(FrameBuffer& in, const HeaderRules& rules, std::string_view bytes,
                                std::size_t chunk) {
  std::vector<std::string> out;
  const auto drain = [&] {
    while (true) {
      const Piece piece = in.next(rules);
      if (piece.kind == Piece::Kind::starved) return true;
      if (piece.kind == Piece::Kind::fault) {
        out.push_back(std::string("!") + piece.tag);
        return false;
      }
      if (piece.kind == Piece::Kind::tail) {
        out.back() += as_text(piece.bytes);
      } else {
        EXPECT_EQ(piece.tag, static_cast<char>(piece.bytes[0]));
        out.push_back(std::string(1, piece.tag) + ":" + std::string(as_text(piece.body())));
      }
      EXPECT_FALSE(piece.last && in.in_frame());
    }
  };
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, chunk);
    in.append(as_bytes(part));
    bytes.remove_prefix(part.size());
    if (!drain()) break;
  }
  return out;
}

std::string session_bytes() {
  std::string long_row(40000, 'r');
  return frame('D', u16(1) + value("abc")) + frame('C', z("SELECT 1")) + frame('1', "") +
         frame('D', u16(1) + value(long_row)) + frame('Z', "I") +
         frame('E', std::string(20000, 'e')) + frame('d', "") + frame('Z', "T");
}

TEST(FrameBuffer, AnyChunkingGivesTheSameFrames) {
  BufferPool pool;
  const std::string bytes = session_bytes();
  FrameBuffer at_once(pool);
  const auto expected = frames(at_once, kServer, bytes, bytes.size());
  ASSERT_EQ(expected.size(), 8u);
  EXPECT_EQ(expected[0], "D:" + u16(1) + value("abc"));
  EXPECT_EQ(expected[6], "d:");
  EXPECT_EQ(expected[7], "Z:T");
  for (const std::size_t chunk : {1u, 2u, 3u, 5u, 7u, 4096u, 16384u, 16389u}) {
    FrameBuffer in(pool);
    EXPECT_EQ(frames(in, kServer, bytes, chunk), expected) << chunk;
    EXPECT_TRUE(in.idle());
  }
}

TEST(FrameBuffer, OneByteChunksGiveStreamedPiecesThatSumUp) {
  BufferPool pool;
  FrameBuffer in(pool);
  const std::string bytes = frame('D', "0123456789");
  std::string seen;
  int heads = 0, lasts = 0;
  for (const char byte : bytes) {
    in.append(as_bytes(std::string_view(&byte, 1)));
    for (Piece piece = in.next(kServer); piece.kind != Piece::Kind::starved;
         piece = in.next(kServer)) {
      ASSERT_NE(piece.kind, Piece::Kind::fault);
      heads += piece.kind == Piece::Kind::head;
      lasts += piece.last;
      EXPECT_EQ(piece.body_size, piece.kind == Piece::Kind::head ? 10u : 0u);
      seen += as_text(piece.bytes);
    }
  }
  EXPECT_EQ(seen, bytes);
  EXPECT_EQ(heads, 1);
  EXPECT_EQ(lasts, 1);
  EXPECT_TRUE(in.idle());
}

// The fault that this header alone causes; `none` where it is legal so far.
std::optional<Fault::Kind> fault_of(const HeaderRules& rules, char tag, std::uint32_t length) {
  BufferPool pool;
  FrameBuffer in(pool);
  in.append(as_bytes(u8(static_cast<std::uint8_t>(tag)) + u32(length)));
  const Piece piece = in.next(rules);
  if (piece.kind != Piece::Kind::fault) return std::nullopt;
  EXPECT_EQ(in.fault()->tag, tag);
  return in.fault()->kind;
}

TEST(FrameBuffer, LengthsThatCannotBe) {
  for (const std::uint32_t length :
       {0u, 1u, 3u, 0x80000000u, 0xffffffffu, 0x7fffffffu, 0x40000000u}) {
    for (const char tag : {'Q', 'P', 'B', 'S', 'd'}) {
      EXPECT_EQ(fault_of(kClient, tag, length), Fault::Kind::bad_length) << tag << length;
    }
    for (const char tag : {'D', 'T', 'Z', 'E'}) {
      EXPECT_EQ(fault_of(kServer, tag, length), Fault::Kind::bad_length) << tag << length;
    }
  }
}

TEST(FrameBuffer, EveryMessageAtItsLimitsAndOnePast) {
  const FrameLimits limits;
  for (const MessageSpec& spec : catalogue()) {
    const Stage stage = spec.in_ready ? Stage::ready : Stage::authentication;
    const HeaderRules rules = header_rules(spec.side, stage, limits);
    const HeaderRule& rule = rules[static_cast<std::uint8_t>(spec.tag)];
    SCOPED_TRACE(spec.name);
    EXPECT_LE(rule.body_max, spec.body_max);
    EXPECT_EQ(fault_of(rules, spec.tag, spec.body_min + 4), std::nullopt);
    if (spec.body_min > 0) {
      EXPECT_EQ(fault_of(rules, spec.tag, spec.body_min + 3), Fault::Kind::bad_length);
    }
    EXPECT_EQ(fault_of(rules, spec.tag, rule.body_max + 4), std::nullopt);
    EXPECT_EQ(fault_of(rules, spec.tag, rule.body_max + 5),
              rule.ours ? Fault::Kind::oversize : Fault::Kind::bad_length);
  }
}

TEST(FrameBuffer, TheTagAloneIsEnoughToRefuse) {
  BufferPool pool;
  FrameBuffer in(pool);
  in.append(as_bytes("Y"));
  EXPECT_EQ(in.next(kClient).kind, Piece::Kind::fault);
  EXPECT_EQ(in.fault()->kind, Fault::Kind::unknown_tag);
}

TEST(FrameBuffer, AuthenticationAdmitsOnlyItsOwnMessages) {
  std::string client, server;
  const HeaderRules from_server = header_rules(Side::server, Stage::authentication, {});
  for (int tag = 1; tag < 256; ++tag) {
    const auto at = static_cast<std::size_t>(tag);
    if (kGreeting[at].carry != HeaderRule::Carry::refuse) client += static_cast<char>(tag);
    if (from_server[at].carry != HeaderRule::Carry::refuse) server += static_cast<char>(tag);
  }
  EXPECT_EQ(client, "p");
  EXPECT_EQ(server, "EKNRSZv");
  EXPECT_EQ(kClient['p'].carry, HeaderRule::Carry::refuse);
  for (const char tag : {'R', 'K', 'v'}) {
    EXPECT_EQ(kServer[static_cast<std::uint8_t>(tag)].carry, HeaderRule::Carry::refuse);
  }
}

TEST(FrameBuffer, AFaultIsSticky) {
  BufferPool pool;
  FrameBuffer in(pool);
  in.append(as_bytes(frame('S', "") + frame('Y', "") + frame('S', "")));
  EXPECT_EQ(in.next(kClient).kind, Piece::Kind::whole);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(in.next(kClient).kind, Piece::Kind::fault);
    in.append(as_bytes(frame('S', "")));
  }
}

TEST(FrameBuffer, AnOversizeFrameMayPassButNothingElse) {
  BufferPool pool;
  FrameLimits limits;
  limits.query = 100;
  const HeaderRules rules = header_rules(Side::client, Stage::ready, limits);
  const std::string big = frame('Q', z(std::string(5000, 'q')));
  for (const std::size_t first : {std::size_t{5}, std::size_t{6}, big.size()}) {
    FrameBuffer in(pool);
    in.append(as_bytes(big).first(first));
    ASSERT_EQ(in.next(rules).kind, Piece::Kind::fault);
    ASSERT_EQ(in.fault()->kind, Fault::Kind::oversize);
    in.pass_oversize();
    std::string passed;
    Piece piece = in.next(rules);
    ASSERT_TRUE(piece.kind == Piece::Kind::head || piece.kind == Piece::Kind::whole);
    passed += as_text(piece.bytes);
    in.append(as_bytes(big).subspan(first));
    while (!piece.last) {
      piece = in.next(rules);
      ASSERT_EQ(piece.kind, Piece::Kind::tail);
      passed += as_text(piece.bytes);
    }
    EXPECT_EQ(passed, big);
    in.append(as_bytes(frame('S', "") + big));
    EXPECT_EQ(in.next(rules).kind, Piece::Kind::whole);
    EXPECT_EQ(in.next(rules).kind, Piece::Kind::fault);
  }
}

TEST(FrameBuffer, GatheredCopyDataIsWholeAndLimitedLikeBind) {
  FrameLimits limits;
  limits.gather_copy_data = true;
  limits.bind = 1000;
  const HeaderRules rules = header_rules(Side::client, Stage::ready, limits);
  EXPECT_EQ(rules['d'].carry, HeaderRule::Carry::whole);
  EXPECT_EQ(fault_of(rules, 'd', 1004), std::nullopt);
  EXPECT_EQ(fault_of(rules, 'd', 1005), Fault::Kind::oversize);
  EXPECT_EQ(header_rules(Side::server, Stage::ready, limits)['d'].carry, HeaderRule::Carry::stream);
}

TEST(FrameBuffer, MemoryFollowsWhatArrivedNotWhatWasDeclared) {
  BufferPool pool;
  FrameBuffer in(pool);
  const std::uint32_t declared = 60u << 20;
  in.append(as_bytes("B" + u32(declared)));
  EXPECT_EQ(in.next(kClient).kind, Piece::Kind::starved);
  EXPECT_EQ(pool.borrowed_bytes(), BufferPool::kSmall);
  const std::string chunk(8192, 'b');
  std::size_t received = 5;
  while (received < declared + 1 - chunk.size()) {
    in.append(as_bytes(chunk));
    received += chunk.size();
    ASSERT_EQ(in.next(kClient).kind, Piece::Kind::starved);
    ASSERT_LE(pool.borrowed_bytes(), std::max<std::size_t>(BufferPool::kLarge, 2 * received));
  }
  in.append(as_bytes(std::string(declared + 1 - received, 'b')));
  const Piece piece = in.next(kClient);
  ASSERT_EQ(piece.kind, Piece::Kind::whole);
  EXPECT_EQ(piece.bytes.size(), declared + 1u);
  EXPECT_LE(pool.borrowed_bytes(), declared + 1u + BufferPool::kSmall);
  in.recycle();
  EXPECT_EQ(pool.borrowed_bytes(), 0u);
}

TEST(FrameBuffer, RecycleReturnsTheBlockOnlyWhenNothingIsPending) {
  BufferPool pool;
  {
    FrameBuffer in(pool);
    EXPECT_EQ(pool.borrowed_bytes(), 0u);
    in.append(as_bytes(frame('S', "") + "Q"));
    EXPECT_EQ(in.next(kClient).kind, Piece::Kind::whole);
    in.recycle();
    EXPECT_EQ(as_text(in.pending()), "Q");
    EXPECT_FALSE(in.idle());
    in.append(as_bytes(u32(6) + z("x")));
    EXPECT_EQ(in.next(kClient).kind, Piece::Kind::whole);
    in.recycle();
    EXPECT_EQ(pool.borrowed_bytes(), 0u);
    EXPECT_TRUE(in.idle());
    in.append(as_bytes("Q"));  // and is given back by the destructor
  }
  EXPECT_EQ(pool.borrowed_bytes(), 0u);
}

TEST(FrameBuffer, RecycleInsideAStreamKeepsTheFrame) {
  BufferPool pool;
  FrameBuffer in(pool);
  in.append(as_bytes("D" + u32(4 + 10) + "01234"));
  EXPECT_EQ(in.next(kServer).kind, Piece::Kind::head);
  in.recycle();
  EXPECT_EQ(pool.borrowed_bytes(), 0u);
  EXPECT_TRUE(in.in_frame());
  EXPECT_FALSE(in.idle());
  in.append(as_bytes("56789" + frame('Z', "I")));
  const Piece tail = in.next(kServer);
  EXPECT_EQ(as_text(tail.bytes), "56789");
  EXPECT_TRUE(tail.last);
  EXPECT_EQ(in.next(kServer).tag, 'Z');
}

TEST(FrameBuffer, PendingBytesSurviveEveryMove) {
  BufferPool pool;
  FrameBuffer in(pool);
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string chunk(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26));
    in.append(as_bytes(chunk));
    expected += chunk;
    const std::size_t used =
        std::min<std::size_t>(expected.size(), static_cast<std::size_t>(i % 53));
    in.take(used);
    expected.erase(0, used);
    ASSERT_EQ(as_text(in.pending()), expected);
    ASSERT_FALSE(in.room().empty());
    ASSERT_EQ(as_text(in.pending()), expected);
  }
}

TEST(BufferPool, KeepsSomeSpareBlocksAndCountsWhatIsOut) {
  BufferPool pool;
  std::vector<BufferPool::Block> blocks;
  for (std::size_t i = 0; i < BufferPool::kSpareSmall + 10; ++i) blocks.push_back(pool.borrow(1));
  EXPECT_EQ(pool.borrowed_bytes(), blocks.size() * BufferPool::kSmall);
  EXPECT_EQ(blocks[0].size, BufferPool::kSmall);
  for (BufferPool::Block& block : blocks) pool.give_back(std::move(block));
  EXPECT_EQ(pool.borrowed_bytes(), 0u);
  EXPECT_EQ(pool.borrow(BufferPool::kSmall).size, BufferPool::kSmall);
  EXPECT_EQ(pool.borrow(BufferPool::kSmall + 1).size, BufferPool::kLarge);
  EXPECT_EQ(pool.borrow(BufferPool::kLarge + 1).size, BufferPool::kLarge + 1);
}

}  // namespace
}  // namespace pgmoat::wire::test
