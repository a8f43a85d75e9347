#include "net/source_guard.h"

#include <gtest/gtest.h>

namespace pgmoat::net {
namespace {

using namespace std::chrono_literals;

const auto kHere = asio::ip::make_address("10.1.2.3");
const Instant kStart = Instant{} + 1h;

TEST(SourceGuard, KeepsBackWhatComesAfterTheFreeOnes) {
  SourceGuard guard;
  guard.set(3, 2s);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(guard.penalty(kHere, kStart), 0s);
    guard.failed(kHere, kStart);
  }
  EXPECT_EQ(guard.penalty(kHere, kStart), 0s);  // at the limit
  guard.failed(kHere, kStart);
  EXPECT_EQ(guard.penalty(kHere, kStart), 250ms);  // one past it
  guard.failed(kHere, kStart);
  EXPECT_EQ(guard.penalty(kHere, kStart), 500ms);
  for (int i = 0; i < 1000; ++i) guard.failed(kHere, kStart);
  EXPECT_EQ(guard.penalty(kHere, kStart), 2s);
  // It is forgiven: one a second, and all of it in the time that the longest delay stands for.
  EXPECT_EQ(guard.penalty(kHere, kStart + 4s), 1s);
  EXPECT_EQ(guard.penalty(kHere, kStart + 8s), 0s);
}

TEST(SourceGuard, TellsAddressesApartAndNetworksOfIpv6Together) {
  SourceGuard guard;
  guard.set(0, 2s);
  guard.failed(kHere, kStart);
  EXPECT_GT(guard.penalty(kHere, kStart), 0s);
  EXPECT_GT(guard.penalty(asio::ip::make_address("::ffff:10.1.2.3"), kStart), 0s);
  EXPECT_EQ(guard.penalty(asio::ip::make_address("10.1.2.4"), kStart), 0s);
  guard.failed(asio::ip::make_address("2001:db8::1"), kStart);
  EXPECT_GT(guard.penalty(asio::ip::make_address("2001:db8::ffff:1"), kStart), 0s);
  EXPECT_EQ(guard.penalty(asio::ip::make_address("2001:db8:0:1::1"), kStart), 0s);
}

TEST(SourceGuard, OffIsOff) {
  SourceGuard guard;
  guard.set(0, 0s);
  for (int i = 0; i < 100; ++i) guard.failed(kHere, kStart);
  EXPECT_EQ(guard.penalty(kHere, kStart), 0s);
}

TEST(SourceGuard, KeepsABoundedNumberOfSources) {
  SourceGuard guard;
  guard.set(0, 1s);
  for (std::uint32_t i = 0; i <= SourceGuard::kSources; ++i) {
    guard.failed(asio::ip::address_v4(0x0a000000 + i), kStart);
  }
  // The last is there, whoever had to go for it.
  EXPECT_GT(guard.penalty(asio::ip::address_v4(0x0a000000 + SourceGuard::kSources), kStart), 0s);
}

}  // namespace
}  // namespace pgmoat::net
