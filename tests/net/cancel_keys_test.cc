// Whose a key is: long and short ones, of open, ended and other nodes' sessions.
#include "net/cancel_keys.h"

#include <gtest/gtest.h>

namespace pgmoat::net {
namespace {

using Whose = CancelKeys::Whose;

CancelTarget server(std::uint32_t pid) { return {{}, pid, "server's", false}; }

TEST(CancelKeys, AKeyIsItsSessionsAlone) {
  CancelKeys keys;
  const std::string one = keys.issue(1), two = keys.issue(2);
  EXPECT_EQ(one.size(), 32u);
  EXPECT_NE(one, two);
  keys.own(1, one, server(100));
  keys.own(2, two, server(200));
  EXPECT_EQ(keys.find(100, one).session, 1u);
  EXPECT_EQ(keys.find(100, one).target.secret, "server's");
  EXPECT_EQ(keys.find(200, two).session, 2u);
  EXPECT_NE(keys.find(100, two).whose, Whose::session) << "another session's process id";
  EXPECT_EQ(keys.find(100, "server's").whose, Whose::nobody);
}

TEST(CancelKeys, EachOctetCounts) {
  CancelKeys keys;
  const std::string key = keys.issue(1);
  keys.own(1, key, server(100));
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::string wrong = key;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_EQ(keys.find(100, wrong).whose, i < 4 ? Whose::other_node : Whose::nobody) << i;
  }
  EXPECT_EQ(keys.find(100, key.substr(0, 31)).whose, Whose::nobody);
  EXPECT_EQ(keys.find(100, key + "x").whose, Whose::nobody);
}

TEST(CancelKeys, ALateKeyIsToldFromAGuess) {
  CancelKeys keys;
  const std::string longer = keys.issue(7);
  keys.own(7, longer, server(100));
  keys.own(8, "abcd", server(100));
  EXPECT_TRUE(keys.is_open(7));
  keys.disown(7);
  keys.disown(8);
  keys.disown(8);
  EXPECT_FALSE(keys.is_open(7));
  EXPECT_EQ(keys.find(100, longer).whose, Whose::ended_session);
  EXPECT_EQ(keys.find(100, longer).session, 7u);
  EXPECT_EQ(keys.find(100, "abcd").whose, Whose::ended_session);
  EXPECT_EQ(keys.find(100, "abce").whose, Whose::nobody);
  EXPECT_EQ(CancelKeys().find(100, longer).whose, Whose::nobody) << "of another process";
}

TEST(CancelKeys, AsManyEndedShortOnesAreKnownAsItSays) {
  CancelKeys keys;
  for (std::uint32_t i = 0; i <= CancelKeys::kEnded; ++i) {
    keys.own(i + 1, "abcd", server(i));
    keys.disown(i + 1);
  }
  EXPECT_EQ(keys.find(0, "abcd").whose, Whose::nobody);
  EXPECT_EQ(keys.find(1, "abcd").whose, Whose::ended_session);
}

// Monitoring, it may come twice with the same key.
TEST(CancelKeys, AServersProcessIdThatComesAgainIsTheNewSessions) {
  CancelKeys keys;
  keys.own(1, "abcd", server(100));
  keys.disown(1);
  keys.own(2, "abcd", server(100));
  EXPECT_EQ(keys.find(100, "abcd").whose, Whose::session);
  EXPECT_EQ(keys.find(100, "abcd").session, 2u);
}

TEST(CancelKeys, TheNodeIsInTheKey) {
  CancelKeys here, there;
  here.set_node(1);
  there.set_node(2);
  EXPECT_EQ(here.find(100, there.issue(1)).whose, Whose::other_node);
}

}  // namespace
}  // namespace pgmoat::net
