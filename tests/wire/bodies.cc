#include "wire/bodies.h"

#include <gtest/gtest.h>

namespace pgmoat::wire::test {

void expect_same(const Whole& row) {
  SCOPED_TRACE(row.name);
  const auto body = exact(row.body);
  const auto again = row.round_trip(body);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, frame(row.tag, row.body));
}

void expect_exact(const Whole& row) {
  expect_same(row);
  for (std::size_t size = 0; size < row.body.size(); ++size) {
    const auto cut = exact(std::string_view(row.body).substr(0, size));
    EXPECT_FALSE(row.round_trip(cut).has_value()) << row.name << " cut to " << size;
  }
  for (const char byte : {'\0', 'x', '\xff'}) {
    const auto longer = exact(row.body + byte);
    EXPECT_FALSE(row.round_trip(longer).has_value()) << row.name << " with a byte more";
  }
}

void expect_refused(const Refused& row) {
  const auto body = exact(row.body);
  EXPECT_FALSE(row.round_trip(body).has_value()) << row.why;
}

}  // namespace pgmoat::wire::test
