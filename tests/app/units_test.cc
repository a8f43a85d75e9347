// Sizes and durations: every unit, the largest value that fits, and what is neither.
#include "app/units.h"

#include <gtest/gtest.h>

#include <string>

namespace pgmoat::test {
namespace {

using namespace std::chrono_literals;
using app::parse_duration;
using app::parse_size;

TEST(Size, ReadsEveryUnit) {
  const std::vector<std::pair<std::string, std::uint64_t>> good = {
      {"0B", 0},
      {"1B", 1},
      {"00012B", 12},
      {"1KiB", 1024},
      {"8MiB", 8u << 20},
      {"1GiB", 1u << 30},
      {"1099511627775B", 1099511627775},
      {"17179869183GiB", 17179869183ull << 30},
  };
  for (const auto& [text, value] : good) {
    const auto size = parse_size(text);
    ASSERT_TRUE(size) << text << ": " << size.error();
    EXPECT_EQ(*size, value) << text;
  }
}

TEST(Size, RefusesWhatIsNoneAndSaysHowToWriteIt) {
  for (const std::string text : {"",
                                 " ",
                                 "B",
                                 "8",
                                 "-8MiB",
                                 "+8MiB",
                                 " 8MiB",
                                 "8 MiB",
                                 "8MiB ",
                                 "8mib",
                                 "8MB",
                                 "8M",
                                 "8kiB",
                                 "8b",
                                 "8.5MiB",
                                 "0x8B",
                                 "1e3B",
                                 "8MiBMiB",
                                 "1099511627776B",
                                 "18446744073709551616B",
                                 "99999999999999999999999999GiB",
                                 "\t8B"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error(),
              "'" + text + "' is no size; write a whole number with B, KiB, MiB or GiB");
  }
}

// A product over 64 bits would come out as some other, perhaps permitted, size.
TEST(Size, RefusesWhatOverflows) {
  for (const std::string text : {"17179869184GiB", "17179869185GiB", "1099511627775GiB"}) {
    EXPECT_FALSE(parse_size(text)) << text << " is " << *parse_size(text);
  }
}

TEST(DurationText, ReadsEveryUnit) {
  const std::vector<std::pair<std::string, Duration>> good = {
      {"0ms", 0ms}, {"1ms", 1ms}, {"250ms", 250ms}, {"60s", 60s},
      {"5m", 5min}, {"24h", 24h}, {"007s", 7s},     {"1099511627775ms", 1099511627775ms}};
  for (const auto& [text, value] : good) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text << ": " << duration.error();
    EXPECT_EQ(*duration, value) << text;
  }
}

TEST(DurationText, RefusesWhatIsNoneAndSaysHowToWriteIt) {
  for (const std::string text :
       {"", " ", "s", "60", "-60s", "+60s", " 60s", "60 s", "60s ", "60S", "60sec", "1d", "1us",
        "1.5s", "0x10s", "1h30m", "1099511627776ms", "18446744073709551616s"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error(),
              "'" + text + "' is no duration; write a whole number with ms, s, m or h");
  }
}

// Durations count nanoseconds in 63 bits: 292 years.
TEST(DurationText, RefusesWhatOverflows) {
  for (const std::string text : {"1099511627775s", "9223372037s", "18446744074s", "1099511627775m",
                                 "1099511627775h", "1000000m", "100000h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_TRUE(parse_duration("999999m"));
  EXPECT_TRUE(parse_duration("99999h"));
}

}  // namespace
}  // namespace pgmoat::test
