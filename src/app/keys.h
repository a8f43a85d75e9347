// How one key of the configuration is read: small readers for choices, numbers, sizes, durations,
// lists and addresses. A reader says what is wrong, or nothing; where the key stands is its caller's.
#pragma once

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/units.h"
#include "base/instant.h"
#include "net/server.h"
#include "policy/rule.h"

namespace pgmoat::app {

// One key of a table: how it is read. The reader returns what is wrong, or nothing.
using Read = std::function<std::string(const toml::node&)>;
struct Key {
  const char* name;
  Read read;
};
using Keys = std::vector<Key>;

// Where a mistake is, and what it is.
using Complain = std::function<void(const toml::source_region&, const std::string&)>;
// For a key that the table does not know: what to say of it beyond that, or "".
using Elsewhere = std::function<std::string(std::string_view)>;
// Reads a table whose keys are known; `name` is how it is written: "[limits]", "" for the whole file.
void read_keys(const toml::table& from, const std::string& name, const Keys& keys,
               const Complain& complain, const Elsewhere& elsewhere = nullptr);

template <class T>
Read choice(T& into, std::vector<std::pair<std::string, T>> values) {
  return [&into, values = std::move(values)](const toml::node& node) -> std::string {
    std::string accepted;
    for (const auto& [name, value] : values) {
      accepted += accepted.empty() ? "'" + name + "'" : " or '" + name + "'";
      if (node.value<std::string>() == name) {
        into = value;
        return {};
      }
    }
    return "expected " + accepted;
  };
}

template <class T>
Read whole(T& into, std::int64_t low, std::int64_t high) {
  return [&into, low, high](const toml::node& node) -> std::string {
    const auto value = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
    if (!value || *value < low || *value > high) {
      return "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    }
    into = static_cast<T>(*value);
    return {};
  };
}

template <class T>
Read size(T& into, std::uint64_t low, std::uint64_t high) {
  return [&into, low, high](const toml::node& node) -> std::string {
    const auto text = node.value<std::string>();
    if (!text) return "expected a size with its unit, such as \"8MiB\"";
    const auto value = parse_size(*text);
    if (!value) return value.error();
    if (*value < low || *value > high) {
      return "expected " + std::to_string(low) + "B to " + std::to_string(high) + "B";
    }
    into = static_cast<T>(*value);
    return {};
  };
}

policy::Place place_of(const toml::node& node, const std::string& file);

// Notes that the key was written.
Read given(bool& noted, Read read);
Read flag(bool& into);
// A path as it is written in `file`, whose folder it is relative to.
std::string beside(const std::string& file, const std::string& path);
// Of a file or folder, relative to the folder of `file`; "" stays so.
Read path(std::string& into, const std::string& file);
Read duration(Duration& into);         // 100ms to 24h
Read duration_or_off(Duration& into);  // zero: off
Read text(std::string& into);
Read words(std::vector<std::string>& into);
Read networks(Networks& into);  // "10.20.0.0/16", "fd00::/8", one address
Read addresses(std::vector<net::Address>& into);
std::string read_address(const toml::node& node, net::Address& into);

}  // namespace pgmoat::app
