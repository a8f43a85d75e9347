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

policy::Judged ruling() { return std::make_shared<const policy::Ruling>(); }

TEST(NamedObjects, ASecondMeaningIsOpenInLaterSegmentsOnly) {
  ObjectTable table;
  const policy::Judged first = ruling(), second = ruling();
  Object* object = table.create("a", false, first, 1);
  EXPECT_TRUE(object->is_certain_in(2));  // there is no other
  EXPECT_EQ(object->meaning(), first);
  table.created(*object, first);
  table.create("a", false, second, 2);
  EXPECT_EQ(object->meaning(), second);
  EXPECT_TRUE(object->is_certain_in(2));
  EXPECT_FALSE(object->is_certain_in(3));
  table.undone(*object);
  EXPECT_EQ(object->meaning(), first);
  EXPECT_TRUE(object->is_certain_in(3));
}

TEST(NamedObjects, AClosingTakesBackNoCreation) {
  ObjectTable table;
  const policy::Judged first = ruling(), second = ruling();
  table.created(*table.create("a", false, first), first);
  Object* object = table.close("a");
  table.create("a", false, second, 1);
  table.undone(*object, false);
  EXPECT_EQ(object->meaning(), second);
  table.created(*object, second);
  EXPECT_EQ(table.find("a")->meaning(), second);
}

TEST(NamedObjects, OnlyWhatLastsOutlivesItsTransaction) {
  ObjectTable table;
  table.created(*table.create("a", false));
  table.created(*table.create("h", false));
  table.find("h")->lasting = true;
  table.forget_all(ObjectTable::Keep::lasting);
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_NE(table.find("h"), nullptr);
  table.dropped("h");
  EXPECT_EQ(table.find("h"), nullptr);
  EXPECT_FALSE(table.forgot());
}

}  // namespace
}  // namespace pgmoat::session
