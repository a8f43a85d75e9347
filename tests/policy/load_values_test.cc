// Dates, weekly windows, zones, networks and near words: tables of what is read, and at the edges.
#include <gtest/gtest.h>

#include "base/network.h"
#include "policy/dates.h"
#include "policy/lua_places.h"

namespace pgmoat::policy {
namespace {

std::int64_t at(const char* text) { return parse_moment(text).value_or(-1); }

TEST(Dates, Moments) {
  EXPECT_EQ(at("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(at("1970-01-01"), 86400);  // the end of the day
  EXPECT_EQ(at("2026-12-01T12:00:00+02:00"), at("2026-12-01T10:00:00Z"));
  EXPECT_EQ(at("2026-12-01 12:00-0330"), at("2026-12-01T15:30Z"));
  EXPECT_EQ(at("2024-02-29"), at("2024-03-01T00:00:00Z"));
  EXPECT_EQ(at("2000-02-29T00:00Z"), 951'782'400);
  for (const char* wrong : {"", "2027", "2027-3-1", "2027-02-29", "2100-02-29", "2027-13-01",
                            "2027-00-01", "2027-04-31", "2027-01-01T25:00Z", "2027-01-01T00:60Z",
                            "2027-01-01T00:00Zx", "2027-01-01x", "2027-01-01T00:00+99:00"}) {
    EXPECT_FALSE(parse_moment(wrong)) << wrong;
  }
  for (const char* day : {"1999-12-31", "2000-02-29", "2027-03-31"}) {
    EXPECT_EQ(written_day(at(day)), day);
  }
}

TEST(Dates, Windows) {
  struct Case {
    const char* schedule;
    const char* moment;
    bool active;
  };
  // 2026-12-01 is a Tuesday.
  for (const Case& c : {
           Case{"Tue 02:00-04:00", "2026-12-01T01:59Z", false},
           Case{"Tue 02:00-04:00", "2026-12-01T02:00Z", true},
           Case{"Tue 02:00-04:00", "2026-12-01T03:59Z", true},
           Case{"Tue 02:00-04:00", "2026-12-01T04:00Z", false},
           Case{"Tue 02:00-04:00", "2026-12-02T02:00Z", false},
           Case{"mon-fri 08:00-18:00", "2026-12-04T17:00Z", true},
           Case{"Mon-Fri 08:00-18:00", "2026-12-05T17:00Z", false},
           Case{"Sat,Sun 00:00-24:00", "2026-12-06T23:59Z", true},
           Case{"Sat,Sun 00:00-24:00", "2026-12-07T00:00Z", false},
           Case{"Fri-Mon 10:00-11:00", "2026-12-07T10:30Z", true},
           Case{"Fri-Mon 10:00-11:00", "2026-12-01T10:30Z", false},
           Case{"daily 22:00-06:00", "2026-12-01T05:59Z", true},
           Case{"22:00-06:00", "2026-12-01T06:00Z", false},
           Case{"Sun 22:00-06:00", "2026-12-07T05:00Z", true},  // Monday: the week wraps
           Case{"Sun 22:00-06:00", "2026-12-06T05:00Z", false},
           Case{"+02:00 Tue 02:00-04:00", "2026-12-01T00:00Z", true},
           Case{"-0500 22:00-23:00", "2026-12-01T03:30Z", true},
           Case{"Europe/Berlin Tue 02:00-04:00", "2026-12-01T01:00Z", true},  // +1
           Case{"Europe/Berlin Wed 02:00-04:00", "2026-07-01T00:00Z", true},  // +2, summer
           Case{"Europe/Berlin Wed 02:00-04:00", "2026-07-01T02:00Z", false},
       }) {
    auto schedule = Schedule::parse(c.schedule);
    ASSERT_TRUE(schedule) << schedule.error();
    EXPECT_EQ(schedule->active(at(c.moment)), c.active) << c.schedule << " at " << c.moment;
  }
  for (const char* wrong :
       {"", "Tue", "Tue 2:00-4:00", "Tue 02:00-02:00", "Tue 24:00-25:00", "Tue 02:60-03:00",
        "Tue 02:00/03:00", "../etc 02:00-03:00", "Foo/Bar 02:00-03:00", "+2 02:00-03:00"}) {
    EXPECT_FALSE(Schedule::parse(wrong)) << wrong;
  }
}

TEST(Networks, Contain) {
  struct Case {
    const char* network;
    const char* ip;
    bool inside;
  };
  for (const Case& c : {
           Case{"10.20.0.0/16", "10.20.255.255", true},
           Case{"10.20.0.0/16", "10.21.0.0", false},
           Case{"10.20.0.0/16", "::ffff:10.20.1.1", true},
           Case{"10.128.0.0/9", "10.127.0.1", false},
           Case{"10.128.0.0/9", "10.128.0.1", true},
           Case{"0.0.0.0/0", "255.1.1.1", true},
           Case{"0.0.0.0/0", "2001:db8::1", false},
           Case{"::/0", "2001:db8::1", true},
           Case{"2001:db8::/33", "2001:db8:7fff::1", true},
           Case{"2001:db8::/33", "2001:db8:8000::1", false},
           Case{"192.0.2.7", "192.0.2.7", true},
           Case{"192.0.2.7", "192.0.2.8", false},
           Case{"192.0.2.7/32", "192.0.2.7", true},
           Case{"10.0.0.0/8", "", false},
           Case{"10.0.0.0/8", "10.0.0", false},
       }) {
    Networks networks;
    ASSERT_EQ(networks.add(c.network), "");
    EXPECT_EQ(networks.contains(c.ip), c.inside) << c.network << " " << c.ip;
  }
  for (const char* wrong :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8x", "::/129", "10.0.0/8", "10.0.0.1/8",
        "host", "10.0.0.0/-1", "10.0.0.0/99999999999"}) {
    EXPECT_FALSE(parse_network(wrong)) << wrong;
  }
}

TEST(LuaPlaces, ReadsNestedTablesOnly) {
  const std::string text =
      "-- pgmoat.rule{ no = 1 }\n"
      "local x = 'rule{'\n"
      "pgmoat.rule{ id = [[a]], -- { comment\n"
      "  when = function(s, q) local id = 1 if q then return s, q end end,\n"
      "  [\"match\"] = { kind = { 'a', \"}\", 5 } }; last = f(1, 2){ 3 },\n"
      "  verdict = pgmoat.deny({ message = 'x' }) }\n";
  const LuaPart call = places_of_call(text, 1, "rule");
  EXPECT_EQ(call.line, 3);
  EXPECT_EQ(call.column, 8);
  std::string keys;
  for (const LuaPart& part : call.parts) {
    keys += part.key + "@" + std::to_string(part.line) + ":" + std::to_string(part.column) + " ";
  }
  EXPECT_EQ(keys, "id@3:14 when@4:3 match@5:4 last@5:43 verdict@6:3 ");
  const LuaPart* kind = call.find("match")->find("kind");
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->item(1)->value_column, 31);
  EXPECT_EQ(call.find("verdict")->find("message")->column, 27);
  EXPECT_TRUE(places_of_call("pgmoat.rule{ a = { b = ", 1, "rule").find("a") != nullptr);
  EXPECT_TRUE(places_of_call("x", 7, "rule").parts.empty());
}

}  // namespace
}  // namespace pgmoat::policy
