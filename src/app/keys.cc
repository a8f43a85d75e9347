#include "app/keys.h"

#include "app/config.h"

namespace pgmoat::app {

Read duration(Duration& into) {
  return [&into](const toml::node& node) -> std::string {
    const auto text = node.value<std::string>();
    if (!text) return "expected a duration with its unit, such as \"60s\"";
    const auto value = parse_duration(*text);
    if (!value) return value.error();
    if (*value < std::chrono::milliseconds(100) || *value > std::chrono::hours(24)) {
      return "expected 100ms to 24h";
    }
    into = *value;
    return {};
  };
}

Read duration_or_off(Duration& into) {
  return [&into, read = duration(into)](const toml::node& node) -> std::string {
    if (node.value<std::string>() != "off") {
      const std::string wrong = read(node);
      return wrong.empty() ? wrong : wrong + ", or \"off\"";
    }
    into = {};
    return {};
  };
}

Read words(std::vector<std::string>& into) {
  return [&into](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "expected an array of strings";
    into.clear();
    for (const auto& item : *array) {
      const auto text = item.value<std::string>();
      if (!text) return "expected an array of strings";
      into.push_back(*text);
    }
    return {};
  };
}

std::string read_address(const toml::node& node, net::Address& into) {
  const auto text = node.value<std::string>();
  if (!text) return "expected \"HOST:PORT\"";
  const auto address = parse_address(*text);
  if (!address) return address.error();
  into = *address;
  return {};
}

Read addresses(std::vector<net::Address>& into) {
  return [&into](const toml::node& node) -> std::string {
    std::vector<net::Address> found;
    if (const toml::array* array = node.as_array(); array != nullptr && !array->empty()) {
      for (const auto& item : *array) {
        if (auto wrong = read_address(item, found.emplace_back()); !wrong.empty()) return wrong;
      }
    } else if (auto wrong = read_address(node, found.emplace_back()); !wrong.empty()) {
      return wrong;
    }
    into = std::move(found);
    return {};
  };
}

}  // namespace pgmoat::app
