// Bind values as text: each core type in binary, its edges, and what is not understood.
#include "policy/parameters.h"

#include <gtest/gtest.h>

namespace pgmoat::test {
namespace {

std::string text(std::uint32_t type, std::vector<std::uint8_t> bytes) {
  return policy::text_of_binary(type, bytes).value_or("(opaque)");
}

std::vector<std::uint8_t> big(std::int64_t value) {
  std::vector<std::uint8_t> bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> shift));
  }
  return bytes;
}
std::vector<std::uint8_t> big4(std::int32_t value) {
  std::vector<std::uint8_t> bytes = big(value);
  bytes.erase(bytes.begin(), bytes.begin() + 4);
  return bytes;
}

TEST(Parameters, BinaryOfCoreTypes) {
  EXPECT_EQ(text(16, {1}), "true");
  EXPECT_EQ(text(16, {2}), "(opaque)");
  EXPECT_EQ(text(21, {0xff, 0xfe}), "-2");
  EXPECT_EQ(text(23, {0, 0, 1, 0}), "256");
  EXPECT_EQ(text(23, {0, 0, 1}), "(opaque)");
  EXPECT_EQ(text(20, big(-5)), "-5");
  EXPECT_EQ(text(26, {0xff, 0xff, 0xff, 0xff}), "4294967295");
  EXPECT_EQ(text(700, {0x3f, 0xc0, 0, 0}), "1.5");
  EXPECT_EQ(text(701, {0x7f, 0xf0, 0, 0, 0, 0, 0, 0}), "Infinity");
  EXPECT_EQ(text(25, {'a', 'b'}), "ab");
  EXPECT_EQ(text(3802, {1, '{', '}'}), "{}");
  EXPECT_EQ(text(3802, {2, '{', '}'}), "(opaque)");
  EXPECT_EQ(text(2950, {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66,
                        0x14, 0x17, 0x40, 0}),
            "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_EQ(text(17, {1, 2}), "(opaque)") << "bytea";
  EXPECT_EQ(text(0, {0, 0, 0, 1}), "(opaque)") << "no type was declared";
}

TEST(Parameters, Dates) {
  EXPECT_EQ(text(1082, big4(0)), "2000-01-01");
  EXPECT_EQ(text(1082, big4(59)), "2000-02-29");
  EXPECT_EQ(text(1082, big4(-10957)), "1970-01-01");
  EXPECT_EQ(text(1082, big4(-730119)), "0001-01-01");
  EXPECT_EQ(text(1082, big4(-730120)), "0001-12-31 BC");
  EXPECT_EQ(text(1082, big4(INT32_MAX)), "infinity");
  EXPECT_EQ(text(1114, big(-1)), "1999-12-31 23:59:59.999999");
  EXPECT_EQ(text(1114, big(86'400'000'000 + 3'600'500'000)), "2000-01-02 01:00:00.5");
  EXPECT_EQ(text(1184, big(0)), "2000-01-01 00:00:00+00");
}

// Eight bytes may stand for 131,072 digits.
TEST(Parameters, NumericIsBounded) {
  EXPECT_EQ(text(1700, {0, 0, 0x7f, 0xff, 0, 0, 0, 0}), "(opaque)");
  EXPECT_EQ(text(1700, {0, 0, 0, 64, 0, 0, 0, 0}), "(opaque)");
  EXPECT_EQ(text(1700, {0, 0, 0, 63, 0, 0, 0, 0}).size(), 64 * 4 - 3u);
  EXPECT_EQ(text(1700, {0, 0, 0, 0, 0, 0, 1, 0}).size(), 2 + 256u);
  EXPECT_EQ(text(1700, {0, 0, 0, 0, 0, 0, 1, 1}), "(opaque)");
}

TEST(Parameters, Numeric) {
  EXPECT_EQ(text(1700, {0, 1, 0, 0, 0, 0, 0, 0, 0, 7}), "7");
  EXPECT_EQ(text(1700, {0, 2, 0, 1, 0x40, 0, 0, 0, 0, 1, 0, 2}), "-10002");
  EXPECT_EQ(text(1700, {0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 0x0d, 0xac}), "12.35");
  EXPECT_EQ(text(1700, {0, 1, 0xff, 0xff, 0, 0, 0, 3, 0, 50}), "0.005");
  EXPECT_EQ(text(1700, {0, 0, 0, 0, 0, 0, 0, 0}), "0");
  EXPECT_EQ(text(1700, {0, 0, 0, 0, 0xc0, 0, 0, 0}), "NaN");
  EXPECT_EQ(text(1700, {0, 2, 0, 0, 0, 0, 0, 0, 0, 1}), "(opaque)");
}

TEST(Parameters, AsSent) {
  const std::string seven = "7";
  const std::vector<policy::Parameter> sent = {{23, false, false, as_bytes(seven)},
                                               {23, true, true, {}},
                                               {17, false, true, as_bytes(seven)}};
  std::vector<policy::BoundValue> values;
  policy::read_parameters(sent, values);
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].text, "7");
  EXPECT_TRUE(values[1].null);
  EXPECT_FALSE(values[1].opaque);
  EXPECT_TRUE(values[2].opaque);
  EXPECT_EQ(values[2].length, 1u);
}

}  // namespace
}  // namespace pgmoat::test
