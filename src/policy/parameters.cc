#include "policy/parameters.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace pgmoat::policy {

namespace {

using Text = std::optional<std::string>;

enum Oid : std::uint32_t {
  kBool = 16,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kOid = 26,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kUnknown = 705,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTimestamp = 1114,
  kTimestamptz = 1184,
  kNumeric = 1700,
  kUuid = 2950,
  kJsonb = 3802,
};

template <class T>
T big_endian(Bytes bytes) {
  T value = 0;
  for (std::size_t at = 0; at < sizeof(T); ++at) value = static_cast<T>((value << 8) | bytes[at]);
  return value;
}

template <class Signed, class Unsigned>
Text integer(Bytes bytes) {
  if (bytes.size() != sizeof(Unsigned)) return {};
  return std::to_string(static_cast<Signed>(big_endian<Unsigned>(bytes)));
}

template <class Float, class Bits>
Text floating(Bytes bytes) {
  if (bytes.size() != sizeof(Bits)) return {};
  const Float value = std::bit_cast<Float>(big_endian<Bits>(bytes));
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char out[64];
  const auto [end, error] = std::to_chars(out, out + sizeof out, value);
  return error == std::errc{} ? Text(std::string(out, end)) : Text{};
}

// Days since 2000-01-01 to a civil date; years before 1 have PostgreSQL's BC.
std::string civil(std::int64_t days, std::string& era) {
  days += 730'425;  // since 0000-03-01
  const std::int64_t cycle = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_cycle = days - cycle * 146'097;
  const std::int64_t year_of_cycle =
      (day_of_cycle - day_of_cycle / 1'460 + day_of_cycle / 36'524 - day_of_cycle / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  std::int64_t year = year_of_cycle + cycle * 400 + (month <= 2 ? 1 : 0);
  era = year <= 0 ? " BC" : "";
  if (year <= 0) year = 1 - year;
  char out[64];
  std::snprintf(out, sizeof out, "%04lld-%02lld-%02lld", static_cast<long long>(year),
                static_cast<long long>(month), static_cast<long long>(day));
  return out;
}

Text date(Bytes bytes) {
  if (bytes.size() != 4) return {};
  const auto days = static_cast<std::int32_t>(big_endian<std::uint32_t>(bytes));
  if (days == INT32_MAX) return "infinity";
  if (days == INT32_MIN) return "-infinity";
  std::string era;
  const std::string text = civil(days, era);
  return text + era;
}

Text timestamp(Bytes bytes, const char* zone) {
  if (bytes.size() != 8) return {};
  const auto moment = static_cast<std::int64_t>(big_endian<std::uint64_t>(bytes));
  if (moment == INT64_MAX) return "infinity";
  if (moment == INT64_MIN) return "-infinity";
  constexpr std::int64_t kDay = 86'400'000'000;
  std::int64_t days = moment / kDay, rest = moment % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  std::string era;
  std::string text = civil(days, era);
  const std::int64_t seconds = rest / 1'000'000, micros = rest % 1'000'000;
  char out[32];
  std::snprintf(out, sizeof out, " %02d:%02d:%02d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  text += out;
  if (micros != 0) {
    std::snprintf(out, sizeof out, ".%06d", static_cast<int>(micros));
    std::string fraction = out;
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + zone + era;
}

// Eight bytes may stand for 131,072 digits: what is longer than a number that people write is opaque.
constexpr int kGroups = 64, kShown = 256;

// Digits of base 10000: how many, the power of the first, the sign, digits shown after the point.
Text numeric(Bytes bytes) {
  if (bytes.size() < 8) return {};
  const auto word = [&](std::size_t at) { return big_endian<std::uint16_t>(bytes.subspan(at, 2)); };
  const std::size_t count = word(0);
  const int weight = static_cast<std::int16_t>(word(2));
  const unsigned sign = word(4);
  const int shown = word(6) & 0x3fff;
  if (bytes.size() != 8 + 2 * count) return {};
  if (sign == 0xc000) return "NaN";
  if (sign == 0xd000) return "Infinity";
  if (sign == 0xf000) return "-Infinity";
  if (sign != 0 && sign != 0x4000) return {};
  if (weight >= kGroups || shown > kShown) return {};
  const auto group = [&](int power) -> int {
    const int at = weight - power;
    return at < 0 || at >= static_cast<int>(count) ? 0 : word(8 + 2 * static_cast<std::size_t>(at));
  };
  std::string text = sign == 0x4000 ? "-" : "";
  if (weight < 0) text += "0";
  char digits[8];
  for (int power = weight; power >= 0; --power) {
    if (group(power) > 9999) return {};
    std::snprintf(digits, sizeof digits, power == weight ? "%d" : "%04d", group(power));
    text += digits;
  }
  if (shown == 0) return text;
  std::string fraction;
  for (int power = -1; static_cast<int>(fraction.size()) < shown; --power) {
    if (group(power) > 9999) return {};
    std::snprintf(digits, sizeof digits, "%04d", group(power));
    fraction += digits;
  }
  return text + "." + fraction.substr(0, static_cast<std::size_t>(shown));
}

Text uuid(Bytes bytes) {
  if (bytes.size() != 16) return {};
  std::string text;
  for (std::size_t at = 0; at < 16; ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += "0123456789abcdef"[bytes[at] >> 4];
    text += "0123456789abcdef"[bytes[at] & 15];
  }
  return text;
}

}  // namespace

std::optional<std::string> text_of_binary(std::uint32_t type, Bytes bytes) {
  switch (type) {
    case kBool:
      if (bytes.size() != 1 || bytes[0] > 1) return {};
      return bytes[0] == 1 ? "true" : "false";
    case kInt2: return integer<std::int16_t, std::uint16_t>(bytes);
    case kInt4: return integer<std::int32_t, std::uint32_t>(bytes);
    case kInt8: return integer<std::int64_t, std::uint64_t>(bytes);
    case kOid: return integer<std::uint32_t, std::uint32_t>(bytes);
    case kFloat4: return floating<float, std::uint32_t>(bytes);
    case kFloat8: return floating<double, std::uint64_t>(bytes);
    case kDate: return date(bytes);
    case kTimestamp: return timestamp(bytes, "");
    case kTimestamptz: return timestamp(bytes, "+00");
    case kNumeric: return numeric(bytes);
    case kUuid: return uuid(bytes);
    case kJsonb:  // a version in front
      if (bytes.empty() || bytes[0] != 1) return {};
      return std::string(as_text(bytes.subspan(1)));
    case kName:
    case kText:
    case kJson:
    case kUnknown:
    case kBpchar:
    case kVarchar: return std::string(as_text(bytes));
    default: return {};
  }
}

void read_parameters(std::span<const Parameter> parameters, std::vector<BoundValue>& into) {
  into.resize(parameters.size());
  for (std::size_t at = 0; at < parameters.size(); ++at) {
    const Parameter& sent = parameters[at];
    BoundValue& value = into[at];
    value.text.clear();
    value.null = sent.null;
    value.opaque = false;
    value.binary = sent.binary;
    value.type = sent.type;
    value.length = static_cast<std::uint32_t>(sent.bytes.size());
    if (sent.null) continue;
    if (!sent.binary) {
      value.text = as_text(sent.bytes);
      continue;
    }
    std::optional<std::string> text = text_of_binary(sent.type, sent.bytes);
    value.opaque = !text.has_value();
    if (text) value.text = std::move(*text);
  }
}

}  // namespace pgmoat::policy
