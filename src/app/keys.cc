#include "app/keys.h"

#include <algorithm>
#include <filesystem>

#include "app/config.h"
#include "base/nearest.h"

namespace pgmoat::app {

void read_keys(const toml::table& from, const std::string& name, const Keys& keys,
               const Complain& complain, const Elsewhere& elsewhere) {
  std::vector<std::string_view> known;
  for (const Key& key : keys) known.emplace_back(key.name);
  for (const auto& [key, node] : from) {
    const std::string_view text = key.str();
    const auto at =
        std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.name == text; });
    if (at == keys.end()) {
      std::string what = "unknown key '" + std::string(text) + "'";
      if (!name.empty()) what += " in " + name;
      const std::string where = elsewhere ? elsewhere(text) : std::string();
      complain(key.source(), what + (where.empty() ? did_you_mean(text, known) : where));
    } else if (const std::string wrong = at->read(node); !wrong.empty()) {
      complain(node.source(), std::string(text) + ": " + wrong);
    }
  }
}

policy::Place place_of(const toml::node& node, const std::string& file) {
  return {file, static_cast<int>(node.source().begin.line),
          static_cast<int>(node.source().begin.column)};
}

Read given(bool& noted, Read read) {
  return [&noted, read = std::move(read)](const toml::node& node) {
    noted = true;
    return read(node);
  };
}

Read flag(bool& into) {
  return [&into](const toml::node& node) -> std::string {
    if (!node.is_boolean()) return "expected true or false";
    into = *node.value<bool>();
    return {};
  };
}

Read path(std::string& into, const std::string& file) {
  return [&into, file, read = text(into)](const toml::node& node) {
    const std::string wrong = read(node);
    if (wrong.empty() && !into.empty()) into = beside(file, into);
    return wrong;
  };
}

std::string beside(const std::string& file, const std::string& path) {
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

Read text(std::string& into) {
  return [&into](const toml::node& node) -> std::string {
    if (!node.is_string()) return "expected a text";
    into = *node.value<std::string>();
    return {};
  };
}

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

Read networks(Networks& into) {
  return [&into](const toml::node& node) -> std::string {
    std::vector<std::string> texts;
    if (std::string wrong = words(texts)(node); !wrong.empty()) return wrong;
    into = {};
    for (const std::string& text : texts) {
      if (std::string wrong = into.add(text); !wrong.empty()) return wrong;
    }
    return {};
  };
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
