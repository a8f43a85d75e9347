// The file of users, in PgBouncer's form.
#include "app/user_list.h"

#include <gtest/gtest.h>

#include <string>

namespace pgmoat::app {
namespace {

TEST(UserList, ReadsQuotesCommentsAndVerifiers) {
  const auto users = parse_users(
      "; a comment\n\n  # another\r\n\"joe\" \"secret\" ; behind it\n\t\"a "
      "\"\"b\"\"\"\t\"c\"\"d\"\n"
      "\"md\" \"md50123456789abcdef0123456789abcdef\"",
      "users.txt");
  ASSERT_TRUE(users) << users.error().front();
  ASSERT_EQ(users->size(), 3u);
  EXPECT_EQ(std::get<auth::Secret>(users->at("joe")).text(), "secret");
  EXPECT_EQ(std::get<auth::Secret>(users->at("a \"b\"")).text(), "c\"d");
  EXPECT_TRUE(std::holds_alternative<auth::Md5Verifier>(users->at("md")));
}

TEST(UserList, ANameHasAMost) {
  const auto line = [](std::size_t size) { return '"' + std::string(size, 'a') + "\" \"b\"\n"; };
  EXPECT_TRUE(parse_users(line(63), "users.txt"));
  EXPECT_FALSE(parse_users(line(64), "users.txt"));
}

TEST(UserList, TellsEveryMistakeAndNoSecret) {
  const auto users =
      parse_users("\"a\" \"hidden1\" x\n\"b\" hidden2\n\"c\" \"hidden3\n", "users.txt");
  ASSERT_FALSE(users);
  ASSERT_EQ(users.error().size(), 3u);
  EXPECT_EQ(users.error()[0], "users.txt:1:15: expected the end of the line");
  for (const std::string& error : users.error())
    EXPECT_EQ(error.find("hidden"), error.npos) << error;
}

}  // namespace
}  // namespace pgmoat::app
