// Weekly windows; see dates.h.
#include <array>
#include <bitset>

#include "base/ascii.h"
#include "policy/dates.h"

namespace pgmoat::policy {

namespace {

constexpr int kDay = 24 * 60, kWeek = 7 * kDay;
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
using Days = std::bitset<7>;

bool one_day(std::string_view text, std::size_t& into) {
  for (into = 0; into < 7; ++into) {
    if (ascii_lower(text) == kDays[into]) return true;
  }
  return false;
}

// "Mon", "Mon-Fri", "Sat,Sun", "daily".
bool read_days(std::string_view text, Days& into) {
  if (ascii_lower(text) == "daily") return into.set(), true;
  while (true) {
    const std::size_t comma = text.find(','), dash = text.substr(0, comma).find('-');
    const std::string_view part = text.substr(0, comma);
    std::size_t from = 0, to = 0;
    if (!one_day(part.substr(0, dash), from)) return false;
    to = from;
    if (dash != std::string_view::npos && !one_day(part.substr(dash + 1), to)) return false;
    for (std::size_t day = from;; day = (day + 1) % 7) {
      into.set(day);
      if (day == to) break;
    }
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

// "02:00"; -1 where it is none. 24:00 is one.
int read_minutes(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 5 || text[2] != ':') return -1;
  if (!digit(text[0]) || !digit(text[1]) || !digit(text[3]) || !digit(text[4])) return -1;
  const int minutes =
      (text[0] - '0') * 600 + (text[1] - '0') * 60 + (text[3] - '0') * 10 + (text[4] - '0');
  return text[3] > '5' || minutes > kDay ? -1 : minutes;
}

}  // namespace

std::string Schedule::add(std::string_view window) {
  const std::string wrong = "'" + std::string(window) +
                            "' is no window; write \"Tue 02:00-04:00\", \"Mon-Fri 08:00-18:00\" or "
                            "\"daily 22:00-06:00\"";
  Days days;
  std::string_view hours = window;
  if (const std::size_t space = window.find(' '); space != std::string_view::npos) {
    if (!read_days(window.substr(0, space), days)) return wrong;
    hours = window.substr(space + 1);
  } else {
    days.set();
  }
  if (hours.size() != 11 || hours[5] != '-') return wrong;
  const int from = read_minutes(hours.substr(0, 5)), to = read_minutes(hours.substr(6));
  if (from < 0 || to < 0 || from == kDay || from == to) return wrong;
  for (int day = 0; day < 7; ++day) {
    if (!days.test(static_cast<std::size_t>(day))) continue;
    windows_.push_back({day * kDay + from, to > from ? to - from : to - from + kDay});
  }
  return {};
}

bool Schedule::active(std::int64_t unix_seconds) const {
  // 1970-01-01 was a Thursday.
  std::int64_t minute = (unix_seconds + zone_.offset(unix_seconds)) / 60 + 3 * kDay;
  minute = ((minute % kWeek) + kWeek) % kWeek;
  for (const Window& window : windows_) {
    const int since = (static_cast<int>(minute) - window.start + kWeek) % kWeek;
    if (since < window.length) return true;
  }
  return false;
}

Result<Schedule, std::string> Schedule::parse(std::string_view text) {
  Schedule schedule;
  const std::size_t space = text.find(' ');
  std::string_view window = text;
  Days ignored;
  // Two words: days and hours, or a zone and hours. Three: a zone in front.
  const bool zone_first =
      space != std::string_view::npos && (text.find(' ', space + 1) != std::string_view::npos ||
                                          !read_days(text.substr(0, space), ignored));
  if (zone_first) {
    auto zone = Zone::named(text.substr(0, space));
    if (!zone) {
      return zone.error() +
             "; days are \"Mon\", \"Mon-Fri\", \"Sat,Sun\" or \"daily\", hours "
             "\"08:00-18:00\"";
    }
    schedule.set_zone(*zone);
    window = text.substr(space + 1);
  }
  if (std::string wrong = schedule.add(window); !wrong.empty()) return wrong;
  return schedule;
}

}  // namespace pgmoat::policy
