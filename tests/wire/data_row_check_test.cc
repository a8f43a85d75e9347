// The streaming check of a row says what the whole decoder says, whatever the chunks (A33).
#include "wire/data_row_check.h"

#include <gtest/gtest.h>

#include <random>

#include "wire/backend.h"
#include "wire/bodies.h"

namespace pgmoat::wire::test {
namespace {

bool sound(DataRowCheck& check, std::string_view body, std::size_t chunk) {
  check.begin(static_cast<std::uint32_t>(body.size()));
  while (!body.empty()) {
    const auto part = exact(body.substr(0, chunk));
    if (!check.feed(part)) return false;
    body.remove_prefix(part.size());
  }
  return check.complete();
}

void expect_as_decoder(const std::string& body) {
  const bool expected = static_cast<bool>(decode_data_row(exact(body)));
  DataRowCheck check;
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5},
                                  std::size_t{7}, body.size() + 1}) {
    EXPECT_EQ(sound(check, body, chunk), expected)
        << ::testing::PrintToString(body) << " by " << chunk;
  }
}

TEST(DataRowCheck, AgreesWithTheDecoder) {
  const std::string row = u16(3) + value("abc") + null() + value("");
  for (const std::string& body :
       {row, u16(0), u16(1) + null(), u16(1) + value(""), u16(1) + value(std::string(300, 'x')),
        u16(0) + "x", u16(1) + u32(0xfffffffe), u16(1) + u32(0x80000000), u16(1) + u32(0x7fffffff),
        u16(2) + value("abc"), u16(1) + value("abc") + "x", u16(1665) + std::string(6660, '\xff'),
        u16(1664) + std::string(6656, '\xff'), u16(65535), std::string()}) {
    expect_as_decoder(body);
  }
  for (std::size_t size = 0; size < row.size(); ++size) expect_as_decoder(row.substr(0, size));
}

TEST(DataRowCheck, AgreesWithTheDecoderOnBentRows) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const auto columns = static_cast<unsigned>(random() % 5);
    std::string body = u16(columns);
    for (unsigned c = 0; c < columns; ++c) {
      body += random() % 4 == 0 ? null() : value(std::string(random() % 9, 'v'));
    }
    if (random() % 2 == 0) body[random() % body.size()] ^= static_cast<char>(1 << random() % 8);
    expect_as_decoder(body);
  }
}

TEST(DataRowCheck, MoreThanTheBodyIsRefused) {
  DataRowCheck check;
  check.begin(2);
  EXPECT_FALSE(check.feed(exact(u16(0) + "x")));
}

TEST(DataRowCheck, AfterARefusalNothingIsComplete) {
  DataRowCheck check;
  check.begin(6);
  EXPECT_FALSE(check.feed(exact(u16(1) + u32(0xfffffffe))));
  EXPECT_FALSE(check.complete());
  EXPECT_FALSE(check.feed(exact("x")));
  check.begin(2);
  EXPECT_TRUE(check.feed(exact(u16(0))));
  EXPECT_TRUE(check.complete());
}

}  // namespace
}  // namespace pgmoat::wire::test
