// Days, moments and weekly windows as policies write them. Everything is UTC or a fixed offset or a
// zone of the system's tzdata; clocks are handed in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pgmoat::policy {

// "2027-03-31" is the end of that day, UTC; "2027-03-31T12:00:00Z" and "... 12:00+02:00" are moments.
// Unix seconds; none where the text is no such thing (also 2027-02-30).
std::optional<std::int64_t> parse_moment(std::string_view text);
std::string written_day(std::int64_t unix_seconds);  // "2027-03-31", UTC

// How far local time is ahead of UTC.
class Zone {
 public:
  // "UTC", "Z", "+02:00", "-0330", or a name of tzdata, "Europe/Berlin". The error is one sentence.
  static Result<Zone, std::string> named(std::string_view name,
                                         const std::string& tzdata = "/usr/share/zoneinfo");
  std::int64_t offset(std::int64_t unix_seconds) const;  // seconds

 private:
  std::int64_t fixed_ = 0;
  // Of tzdata: from this moment on, this offset; ascending. Null where the offset is fixed.
  struct Change {
    std::int64_t from, offset;
  };
  std::shared_ptr<const std::vector<Change>> changes_;
  friend class TzFile;
};

// "Tue 02:00-04:00", "Mon-Fri 08:00-18:00", "Sat,Sun 00:00-24:00", "daily 22:00-06:00", "01:00-02:00":
// a window may run past midnight, and then belongs to the day it starts on.
class Schedule {
 public:
  std::string add(std::string_view window);  // what is wrong with it; "" where nothing is
  void set_zone(Zone zone) { zone_ = std::move(zone); }
  bool active(std::int64_t unix_seconds) const;

  // One text: an optional zone in front, "Europe/Berlin Mon-Fri 08:00-18:00".
  static Result<Schedule, std::string> parse(std::string_view text);

 private:
  struct Window {
    int start = 0, length = 0;  // minutes since Monday 00:00 local, and of the window
  };
  std::vector<Window> windows_;
  Zone zone_;
};

}  // namespace pgmoat::policy
