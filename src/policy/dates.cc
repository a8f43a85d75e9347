#include "policy/dates.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/ascii.h"

namespace pgmoat::policy {

namespace {

// Reads fixed-width decimal fields from the front of a text.
class Digits {
 public:
  explicit Digits(std::string_view text) : rest_(text) {}
  bool number(std::size_t width, int& into) {
    if (rest_.size() < width) return false;
    into = 0;
    for (std::size_t at = 0; at < width; ++at) {
      if (rest_[at] < '0' || rest_[at] > '9') return false;
      into = into * 10 + (rest_[at] - '0');
    }
    rest_.remove_prefix(width);
    return true;
  }
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Days since 1970-01-01 of the proleptic Gregorian calendar (Hinnant's algorithm).
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int days_in(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// "+02:00", "-0330", "+2" is not one. Seconds.
bool read_offset(Digits& digits, std::int64_t& into) {
  const char sign = digits.front();
  int hours = 0, minutes = 0;
  if (!digits.skip("+-") || !digits.number(2, hours)) return false;
  const bool colon = digits.skip(":");
  if ((colon || !digits.done()) && !digits.number(2, minutes)) return false;
  into = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  return hours <= 15 && minutes < 60;
}

std::optional<std::int64_t> read_clock(Digits digits, std::int64_t day) {
  int hour = 0, minute = 0, second = 0;
  std::int64_t offset = 0;
  if (!digits.number(2, hour) || !digits.skip(":") || !digits.number(2, minute)) return {};
  if (digits.skip(":") && !digits.number(2, second)) return {};
  if (digits.front() == '.') {
    digits.skip(".");
    for (int ignored = 0; digits.number(1, ignored);) {
    }
  }
  if (digits.front() == '+' || digits.front() == '-') {
    if (!read_offset(digits, offset)) return {};
  } else {
    digits.skip("Zz");
  }
  if (!digits.done() || hour > 24 || minute > 59 || second > 59) return {};
  return day * 86400 + hour * 3600 + minute * 60 + second - offset;
}

}  // namespace

std::optional<std::int64_t> parse_moment(std::string_view text) {
  Digits digits(text);
  int year = 0, month = 0, day = 0;
  if (!digits.number(4, year) || !digits.skip("-") || !digits.number(2, month) ||
      !digits.skip("-") || !digits.number(2, day)) {
    return {};
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return {};
  const std::int64_t days = days_from_civil(year, month, day);
  if (digits.done()) return (days + 1) * 86400;
  if (!digits.skip("Tt ")) return {};
  return read_clock(digits, days);
}

std::string written_day(std::int64_t unix_seconds) {
  // The end of a day is the first second of the next: it is written as the day that it ends.
  const std::int64_t days = (unix_seconds - 1) / 86400 + 719468;
  const std::int64_t era = days / 146097, of_era = days % 146097;
  const std::int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  const std::int64_t mp = (5 * of_year + 2) / 153;
  const std::int64_t day = of_year - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02d",
                static_cast<int>(years + era * 400 + (month <= 2)), static_cast<int>(month),
                static_cast<int>(day));
  return out.data();
}

// A compiled zone file (RFC 8536): the 64-bit block's moments and offsets. The rule in the footer,
// for years past the last moment, is not read: tzdata's "fat" files (Debian's) go to 2037.
class TzFile {
 public:
  explicit TzFile(std::string bytes) : bytes_(std::move(bytes)) {}

  bool read(Zone& zone) {
    if (bytes_.substr(0, 4) != "TZif" || bytes_.size() < 44 || bytes_[4] < '2') return false;
    const std::size_t first = 44 + count(0, 32) * 5 + count(0, 36) * 6 + count(0, 40) +
                              count(0, 28) * 8 + count(0, 24) + count(0, 20);
    if (bytes_.size() < first + 44) return false;
    const std::size_t times = count(first, 32), types = count(first, 36);
    const std::size_t at = first + 44, type_at = at + times * 8, info_at = type_at + times;
    if (types == 0 || bytes_.size() < info_at + types * 6) return false;
    auto changes = std::make_shared<std::vector<Zone::Change>>();
    changes->push_back({INT64_MIN, big_endian(info_at, 4)});
    for (std::size_t n = 0; n < times; ++n) {
      const std::size_t type = static_cast<unsigned char>(bytes_[type_at + n]);
      if (type >= types) return false;
      changes->push_back({big_endian(at + n * 8, 8), big_endian(info_at + type * 6, 4)});
    }
    zone.changes_ = std::move(changes);
    return true;
  }

 private:
  std::size_t count(std::size_t header, std::size_t at) const {
    return static_cast<std::size_t>(big_endian(header + at, 4)) & 0xFFFFFF;
  }
  std::int64_t big_endian(std::size_t at, std::size_t width) const {
    std::uint64_t value = (bytes_[at] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t n = 0; n < width; ++n) {
      value = (value << 8) | static_cast<unsigned char>(bytes_[at + n]);
    }
    return static_cast<std::int64_t>(value);
  }
  std::string bytes_;
};

Result<Zone, std::string> Zone::named(std::string_view name, const std::string& tzdata) {
  Zone zone;
  if (name == "UTC" || name == "Z" || name == "GMT") return zone;
  const std::string quoted = "'" + std::string(name) + "'";
  if (!name.empty() && (name.front() == '+' || name.front() == '-')) {
    Digits digits(name);
    if (read_offset(digits, zone.fixed_) && digits.done()) return zone;
    return quoted + " is no offset from UTC; write \"+02:00\"";
  }
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '/' && c != '_' && c != '-' && c != '+') return quoted + " is no time zone";
  }
  std::ifstream in(tzdata + "/" + std::string(name), std::ios::binary);
  std::string bytes;
  if (in) bytes.assign(std::istreambuf_iterator<char>(in), {});
  if (name.empty() || !TzFile(std::move(bytes)).read(zone)) {
    return "time zone " + quoted + " is not in the system's tzdata; write \"UTC\" or \"+02:00\"";
  }
  return zone;
}

std::int64_t Zone::offset(std::int64_t unix_seconds) const {
  if (changes_ == nullptr) return fixed_;
  auto after = std::upper_bound(changes_->begin(), changes_->end(), unix_seconds,
                                [](std::int64_t t, const Change& c) { return t < c.from; });
  return std::prev(after)->offset;
}

}  // namespace pgmoat::policy
