// The tests on the session, and what they compare with: networks and hours.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.h"
#include "policy/native_tests.h"

namespace pgmoat::policy {

namespace {

bool parse_address(std::string_view text, Cidr& out) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof copy) return false;
  std::memcpy(copy, text.data(), text.size());
  out.address.fill(0);
  out.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(out.v6 ? AF_INET6 : AF_INET, copy, out.address.data()) != 1) return false;
  out.bits = out.v6 ? 128 : 32;
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (out.v6 && std::memcmp(out.address.data(), kMapped, sizeof kMapped) == 0) {
    std::memmove(out.address.data(), out.address.data() + 12, 4);
    std::fill(out.address.begin() + 4, out.address.end(), std::uint8_t{0});
    out.v6 = false;
    out.bits = 32;
  }
  return true;
}

bool contains(const Cidr& network, const Cidr& address) {
  if (network.v6 != address.v6) return false;
  const auto whole = static_cast<std::size_t>(network.bits / 8);
  if (std::memcmp(network.address.data(), address.address.data(), whole) != 0) return false;
  const int rest = network.bits % 8;
  if (rest == 0) return true;
  const int differing = network.address[whole] ^ address.address[whole];
  return (differing >> (8 - rest)) == 0;
}

// "08:30" -> minutes; 24:00 is the day's end.
bool parse_minute(std::string_view text, int& out) {
  if (text.size() != 5 || text[2] != ':') return false;
  for (const std::size_t at : {0u, 1u, 3u, 4u}) {
    if (text[at] < '0' || text[at] > '9') return false;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  out = hour * 60 + minute;
  return minute < 60 && out <= 24 * 60;
}

int weekday(std::string_view text) {
  static constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  const std::string lower = ascii_lower(text);
  for (int day = 0; day < 7; ++day) {
    if (kDays[day] == lower) return day;
  }
  return -1;
}

bool parse_days(std::string_view text, std::uint8_t& out) {
  const std::size_t dash = text.find('-');
  const int first = weekday(text.substr(0, dash));
  const int last = dash == std::string_view::npos ? first : weekday(text.substr(dash + 1));
  if (first < 0 || last < 0) return false;
  out = 0;
  for (int day = first;; day = (day + 1) % 7) {
    out = static_cast<std::uint8_t>(out | (1 << day));
    if (day == last) return true;
  }
}

}  // namespace

bool parse_cidr(std::string_view text, Cidr& out) {
  const std::size_t slash = text.find('/');
  if (!parse_address(text.substr(0, slash), out)) return false;
  if (slash == std::string_view::npos) return true;
  const std::string_view written = text.substr(slash + 1);
  const bool mapped = !out.v6 && text.find(':') != std::string_view::npos;
  int bits = -1;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), bits);
  if (error != std::errc{} || end != written.data() + written.size()) return false;
  if (mapped) bits -= 96;
  if (bits < 0 || bits > out.bits) return false;
  out.bits = bits;
  return true;
}

bool parse_hours(std::string_view text, Hours& out) {
  out = {};
  const std::size_t space = text.find(' ');
  const std::string_view first = text.substr(0, space);
  std::string_view hours = first;
  if (first.find(':') == std::string_view::npos) {
    if (!parse_days(first, out.days)) return false;
    if (space == std::string_view::npos) return true;
    hours = text.substr(space + 1);
  } else if (space != std::string_view::npos) {
    return false;
  }
  return hours.size() == 11 && hours[5] == '-' && parse_minute(hours.substr(0, 5), out.from) &&
         parse_minute(hours.substr(6), out.until) && out.from != out.until;
}

namespace tests {

namespace {

bool field(const Operands& operands, Asked& asked, SessionField which) {
  asked.reads.field(which);
  return operands.exact.has(asked.question.session->get(which));
}

bool within(const Hours& hours, int day, int minute) {
  const auto on = [&](int which) { return ((hours.days >> which) & 1) != 0; };
  if (hours.from < hours.until) return on(day) && minute >= hours.from && minute < hours.until;
  // Over midnight: the weekday is that of the beginning.
  return (on(day) && minute >= hours.from) || (on((day + 6) % 7) && minute < hours.until);
}

}  // namespace

bool user(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::user);
}
bool database(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::database);
}
bool app(const Operands& operands, Asked& asked) {
  return field(operands, asked, SessionField::application);
}
// Whom the session acts as: SET ROLE's, else the user.
bool role(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::role);
  const std::string_view set = asked.question.session->get(SessionField::role);
  if (set.empty() || set == "none") return field(operands, asked, SessionField::user);
  return operands.exact.has(set);
}
bool client(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::client);
  Cidr address;
  if (!parse_address(asked.question.session->client_ip(), address)) return false;
  return std::any_of(operands.networks.begin(), operands.networks.end(),
                     [&](const Cidr& network) { return contains(network, address); });
}
bool tags(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::tags);
  const std::vector<std::string>& tags = asked.question.session->tags();
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& tag) { return operands.exact.has(tag); });
}
bool transaction(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::transaction);
  const char status = asked.question.session->transaction();
  return operands.words.has(status == 'I' ? "idle" : status == 'T' ? "in_transaction" : "failed");
}
bool time(const Operands& operands, Asked& asked) {
  asked.reads.unstable = true;
  const std::int64_t minutes = asked.question.now / 60;
  const int minute = static_cast<int>(minutes % (24 * 60));
  const int day = static_cast<int>((minutes / (24 * 60) + 4) % 7);  // 1970 began on a Thursday
  return std::any_of(operands.hours.begin(), operands.hours.end(),
                     [&](const Hours& hours) { return within(hours, day, minute); });
}
bool replication(const Operands& operands, Asked& asked) {
  asked.reads.field(SessionField::guc);
  const std::string_view set = asked.question.session->guc("replication");
  static constexpr std::string_view kOff[] = {"", "false", "off", "no", "0", "f", "n"};
  const bool on = std::find(std::begin(kOff), std::end(kOff), set) == std::end(kOff);
  return (on || asked.question.replication) == operands.flag;
}
bool score(const Operands& operands, Asked& asked) {
  asked.score_asked = true;
  return std::any_of(operands.ranges.begin(), operands.ranges.end(), [&](const auto& range) {
    return asked.scratch.score >= range.first && asked.scratch.score <= range.second;
  });
}

}  // namespace tests
}  // namespace pgmoat::policy
