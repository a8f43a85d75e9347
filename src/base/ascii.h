// ASCII lower case, whatever the locale: names and keywords of PostgreSQL compare so as far as we
// read them. Bytes above 127 stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

}  // namespace pgmoat
