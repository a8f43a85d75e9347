// The table of names by itself: what confirmation, failure and forgetting do to a name.
#include "session/named_objects.h"

#include <gtest/gtest.h>

namespace pgmoat::session {
namespace {

TEST(NamedObjects, AFailedCreationLeavesNothing) {
  ObjectTable table;
  table.undone(*table.create("a", false));
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(NamedObjects, ATakenNameKeepsWhatItMayDoUntilItIsConfirmedAnew) {
  ObjectTable table;
  table.created(*table.create("a", true));
  Object* again = table.create("a", false);
  EXPECT_TRUE(again->may_copy);
  table.undone(*again);
  EXPECT_TRUE(table.find("a")->may_copy);
  table.created(*table.create("a", false));
  EXPECT_FALSE(table.find("a")->may_copy);
}

TEST(NamedObjects, WhatSqlPreparedCountsAndGivesNoRoomTwice) {
  ObjectTable table;
  table.made_one();
  EXPECT_FALSE(table.has_room("a", 1));
  table.dropped_one();
  EXPECT_TRUE(table.has_room("a", 1));
  table.created(*table.create("a", true));
  EXPECT_FALSE(table.has_room("b", 1));
  table.dropped_one();  // DEALLOCATE of something: `a` may be forgotten, and may still be there
  EXPECT_TRUE(table.has_room("b", 1));
  EXPECT_TRUE(table.create("a", false)->may_copy);
}

TEST(NamedObjects, ForgettingAllSparesWhatIsUnderWay) {
  ObjectTable table;
  table.created(*table.create("a", false));
  Object* under_way = table.create("b", false);
  table.forget_all();
  EXPECT_EQ(table.find("a"), nullptr);
  table.created(*under_way);
  EXPECT_NE(table.find("b"), nullptr);
}

}  // namespace
}  // namespace pgmoat::session
