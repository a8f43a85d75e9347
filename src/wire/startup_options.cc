// The `options` startup parameter, read as PostgreSQL reads it: src/backend/utils/init/postinit.c
// (splitting) and tcop/postgres.c (switches). Only settings are accepted; a switch that does
// anything else is a fault.
#include "wire/startup.h"

namespace pgmoat::wire {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// White space separates, a backslash makes the next character an ordinary one.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) break;
    std::string word;
    bool escaped = false;
    for (; at < text.size() && (escaped || !is_space(text[at])); ++at) {
      if (!escaped && text[at] == '\\') {
        escaped = true;
        continue;
      }
      escaped = false;
      word += text[at];
    }
    words.push_back(std::move(word));
  }
  return words;
}

Fault refused(const char* what) { return {Fault::Kind::malformed, 0, 0, 0, what}; }

Decoded<Option> setting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return refused("a setting has no value");
  Option option{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  for (char& c : option.name) {
    if (c == '-') c = '_';
  }
  return option;
}

}  // namespace

Decoded<std::vector<Option>> parse_options(std::string_view options) {
  for (const char c : options) {
    // isspace() of some server locales takes 0x85 or 0xa0 for white space: a word more than we saw.
    if (c == 0 || (c & 0x80) != 0) return refused("a byte that is not ASCII");
  }
  const std::vector<std::string> words = split(options);
  std::vector<Option> found;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view text = words[i];
    if (text.starts_with("--")) {
      text.remove_prefix(2);
    } else if (text == "-c") {
      if (++i == words.size()) return refused("-c has no argument");
      text = words[i];
    } else if (text.starts_with("-c")) {
      text.remove_prefix(2);
    } else {
      return refused("only -c name=value and --name=value are accepted");
    }
    const auto option = setting(text);
    if (!option) return option.error();
    found.push_back(*option);
  }
  return found;
}

}  // namespace pgmoat::wire
