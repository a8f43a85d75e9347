#include "app/units.h"

#include <charconv>

namespace pgmoat::app {

namespace {

struct Number {
  std::uint64_t value = 0;
  std::string_view unit;
  bool good = false;
};

Number split(std::string_view text) {
  Number number;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number.value);
  number.good = error == std::errc() && number.value < (1ull << 40);
  number.unit = {rest, static_cast<std::size_t>(end - rest)};
  return number;
}

}  // namespace

Result<std::uint64_t, std::string> parse_size(std::string_view text) {
  const Number number = split(text);
  int shift = -1;
  if (number.unit == "B") shift = 0;
  if (number.unit == "KiB") shift = 10;
  if (number.unit == "MiB") shift = 20;
  if (number.unit == "GiB") shift = 30;
  if (!number.good || shift < 0) {
    return "'" + std::string(text) + "' is no size; write a whole number with B, KiB, MiB or GiB";
  }
  const std::uint64_t bytes = number.value << shift;
  if (bytes >> shift != number.value) {
    return "'" + std::string(text) + "' is more than 64 bits hold";
  }
  return bytes;
}

Result<Duration, std::string> parse_duration(std::string_view text) {
  const Number number = split(text);
  const auto count = static_cast<std::int64_t>(number.value);
  if (number.good && number.unit == "ms") return Duration(std::chrono::milliseconds(count));
  if (number.good && number.unit == "s" && count < 1'000'000'000) {
    return Duration(std::chrono::seconds(count));
  }
  if (number.good && number.unit == "m" && count < 1'000'000)
    return Duration(std::chrono::minutes(count));
  if (number.good && number.unit == "h" && count < 100'000)
    return Duration(std::chrono::hours(count));
  return "'" + std::string(text) + "' is no duration; write a whole number with ms, s, m or h";
}

}  // namespace pgmoat::app
