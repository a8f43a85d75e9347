// The walsender messages inside CopyData: the same table of cuts and excesses.
#include "wire/replication.h"

#include <gtest/gtest.h>

#include "wire/bodies.h"

namespace pgmoat::wire::test {
namespace {

const std::uint64_t kLsn = 0x0123456789abcdef;

TEST(Replication, ComesBackByteForByteAndNotCutOrLonger) {
  const std::vector<Whole> rows = {
      {"keepalive", round_trip<decode_primary_keepalive>, 'd', "k" + u64(kLsn) + u64(2) + u8(1)},
      {"status", round_trip<decode_standby_status>, 'd',
       "r" + u64(kLsn) + u64(2) + u64(3) + u64(4) + u8(0)},
      {"feedback", round_trip<decode_hot_standby_feedback>, 'd',
       "h" + u64(kLsn) + u32(1) + u32(2) + u32(3) + u32(4)},
  };
  for (const Whole& row : rows) expect_exact(row);
  const std::string header = "w" + u64(kLsn) + u64(2) + u64(3);
  expect_same({"XLogData", round_trip<decode_xlog_data>, 'd', header + "wal"});
  expect_same({"XLogData, bare", round_trip<decode_xlog_data>, 'd', header});
  for (std::size_t size = 0; size < header.size(); ++size) {
    expect_refused({"cut", round_trip<decode_xlog_data>, header.substr(0, size)});
  }
}

TEST(Replication, AnotherKindIsRefused) {
  expect_refused({"k", round_trip<decode_xlog_data>, "k" + u64(1) + u64(2) + u64(3)});
  expect_refused({"w", round_trip<decode_primary_keepalive>, "w" + u64(1) + u64(2) + u8(0)});
  expect_refused(
      {"h", round_trip<decode_standby_status>, "h" + u64(1) + u64(2) + u64(3) + u64(4) + u8(0)});
  expect_refused({"r", round_trip<decode_hot_standby_feedback>,
                  "r" + u64(1) + u32(1) + u32(2) + u32(3) + u32(4)});
}

TEST(Replication, ReadsTheFields) {
  const auto data = exact("w" + u64(kLsn) + u64(2) + u64(3) + "wal");
  const auto message = decode_xlog_data(data);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->start, kLsn);
  EXPECT_EQ(message->clock, 3u);
  EXPECT_EQ(as_text(message->data), "wal");
}

}  // namespace
}  // namespace pgmoat::wire::test
