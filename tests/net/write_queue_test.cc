// The write queue: order, partial writes, what is copied and what is only borrowed.
#include "net/write_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pgmoat::test {
namespace {

using net::WriteQueue;
using session::Stream;

// Everything in it, taken out `step` bytes at a time.
std::string drain(WriteQueue& queue, std::size_t step) {
  std::string all;
  while (!queue.empty()) {
    const Bytes front = queue.front();
    EXPECT_FALSE(front.empty());
    const std::size_t size = std::min(step, front.size());
    all += as_text(front.first(size));
    queue.sent(size);
  }
  return all;
}

// Two borrowed spans that do not touch, with words of our own between and behind them.
struct Mixed {
  std::string buffer = "abcdef--ghi";
  Stream stream;
  Mixed() {
    stream.release(as_bytes(std::string_view(buffer).substr(0, 6)));
    stream.say([](std::string& to) { to += "123"; });
    stream.release(as_bytes(std::string_view(buffer).substr(8, 3)));
    stream.say([](std::string& to) { to += "45"; });
  }
};
const std::string kAll = "abcdef123ghi45";

TEST(WriteQueue, IsEmptyAtFirst) {
  WriteQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.add(Stream{}, 0, false);
  EXPECT_TRUE(queue.empty());
}

TEST(WriteQueue, KeepsOrderWhateverWasSentAlready) {
  for (const bool keep : {false, true}) {
    for (std::size_t skip = 0; skip <= kAll.size(); ++skip) {
      for (std::size_t step = 1; step <= kAll.size(); ++step) {
        Mixed mixed;
        WriteQueue queue;
        queue.add(mixed.stream, skip, keep);
        EXPECT_EQ(queue.empty(), skip == kAll.size());
        EXPECT_EQ(drain(queue, step), kAll.substr(skip)) << skip << " " << step;
      }
    }
  }
}

TEST(WriteQueue, ASecondStreamComesBehindTheFirst) {
  Mixed one, two;
  WriteQueue queue;
  queue.add(one.stream, 2, false);
  EXPECT_EQ(as_text(queue.front()), "cdef");
  queue.sent(1);
  queue.add(two.stream, 0, false);
  EXPECT_EQ(as_text(queue.front()), "def") << "what was sent stays sent";
  EXPECT_EQ(drain(queue, 4), kAll.substr(3) + kAll);
}

// Our own words live in the outbox, which is cleared: the queue has a copy.
TEST(WriteQueue, CopiesOurOwnWords) {
  Mixed mixed;
  WriteQueue queue;
  queue.add(mixed.stream, 0, false);
  mixed.stream.clear();
  mixed.stream.say([](std::string& to) { to += std::string(64, '#'); });
  EXPECT_EQ(drain(queue, 100), kAll);
}

TEST(WriteQueue, BorrowsSpansOrCopiesThemWhenAskedTo) {
  Mixed borrowed, copied;
  WriteQueue one, two;
  one.add(borrowed.stream, 0, false);
  two.add(copied.stream, 0, true);
  EXPECT_EQ(one.front().data(), as_bytes(borrowed.buffer).data());
  EXPECT_NE(two.front().data(), as_bytes(copied.buffer).data());
  std::fill(copied.buffer.begin(), copied.buffer.end(), '#');
  EXPECT_EQ(drain(two, 100), kAll) << "the buffer may move";
}

TEST(WriteQueue, ClearForgetsAlsoWhatWasSent) {
  Mixed mixed;
  WriteQueue queue;
  queue.add(mixed.stream, 0, false);
  queue.sent(3);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.add(mixed.stream, 0, false);
  EXPECT_EQ(drain(queue, 100), kAll);
}

}  // namespace
}  // namespace pgmoat::test
