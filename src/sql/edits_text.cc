// The edits that do not look into the tree: a comment behind the last token, and a whole new text.
#include <algorithm>
#include <string>
#include <string_view>

#include "sql/edits.h"
#include "sql/postgres.h"

namespace pgmoat::sql {
namespace {

// As URLs have it, and a little more: nothing that could end a comment or a constant.
std::string encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

int highest_parameter(const void* root) {
  int highest = 0;
  std::vector<Pending> pending;
  walk(root, {}, pending, [&](const void* node, std::uint32_t) {
    if (tag_of(node) != T_ParamRef) return;
    highest = std::max(highest, static_cast<const ParamRef*>(node)->number);
  });
  return highest;
}

}  // namespace

Changes plan(Statement& statement, const AddComment& edit) {
  std::string text;
  for (const auto& [key, value] : edit.pairs) {
    text += (text.empty() ? " /*" : ",") + encoded(key) + "='" + encoded(value) + "'";
  }
  if (text.empty()) return std::vector<Change>();
  // In front of what comments there are: behind a -- it would be part of that.
  return std::vector<Change>{{statement.end(statement.last()), 0, text + "*/"}};
}

std::string difference(const Statement& before, const Statement& after) {
  if (tag_of(before.node()) != tag_of(after.node())) {
    return "The new text is a statement of another kind.";
  }
  if (highest_parameter(after.node()) > highest_parameter(before.node())) {
    return "The new text has a parameter that the old one has not.";
  }
  return "";
}

}  // namespace pgmoat::sql
