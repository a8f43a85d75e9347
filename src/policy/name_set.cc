#include "policy/name_set.h"

#include <algorithm>

#include "base/ascii.h"

namespace pgmoat::policy {

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, in = 0, star = std::string_view::npos, resume = 0;
  while (in < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = in;
    } else if (at < pattern.size() && pattern[at] == text[in]) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++resume;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

void TextSet::add(std::string_view word) {
  std::string kept = fold_case_ ? ascii_lower(word) : std::string(word);
  const bool pattern = kept.find('*') != std::string::npos;
  (pattern ? patterns_ : exact_).push_back(std::move(kept));
}

void TextSet::finish() { std::sort(exact_.begin(), exact_.end()); }

bool TextSet::has(std::string_view text) const {
  std::string lower;
  if (fold_case_ &&
      std::any_of(text.begin(), text.end(), [](char c) { return c != ascii_lower(c); })) {
    lower = ascii_lower(text);
    text = lower;
  }
  if (std::binary_search(exact_.begin(), exact_.end(), text, std::less<>{})) return true;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return glob(pattern, text); });
}

void NameSet::add(std::string_view written) {
  Member member;
  const std::size_t dot = written.rfind('.');
  // A leading or trailing dot is no separator: operators are functions too.
  if (dot != std::string_view::npos && dot > 0 && dot + 1 < written.size()) {
    member.schema = written.substr(0, dot);
    // database.schema.name: the server has no cross-database names, so its schema is what counts.
    if (const std::size_t inner = member.schema.rfind('.'); inner != std::string::npos) {
      member.schema.erase(0, inner + 1);
    }
    member.any_schema = member.schema == "*";
    written.remove_prefix(dot + 1);
  }
  member.name = written;
  const bool pattern = member.name.find('*') != std::string::npos ||
                       (!member.any_schema && member.schema.find('*') != std::string::npos);
  (pattern ? patterns_ : exact_).push_back(std::move(member));
}

void NameSet::finish() {
  std::sort(exact_.begin(), exact_.end(),
            [](const Member& a, const Member& b) { return a.name < b.name; });
}

bool NameSet::schema_fits(const Member& member, std::string_view schema, Unqualified how) {
  if (member.any_schema) return true;
  if (schema.empty()) return how == Unqualified::lenient;
  return glob(member.schema, schema);
}

bool NameSet::has(std::string_view schema, std::string_view name, Unqualified how) const {
  auto at =
      std::lower_bound(exact_.begin(), exact_.end(), name,
                       [](const Member& member, std::string_view n) { return member.name < n; });
  for (; at != exact_.end() && at->name == name; ++at) {
    if (schema_fits(*at, schema, how)) return true;
  }
  for (const Member& member : patterns_) {
    if (!glob(member.name, name)) continue;
    // "app.*" says nothing about an unqualified name: it would match every one.
    const bool whole_schema = member.name == "*" && !member.any_schema && schema.empty();
    if (!whole_schema && schema_fits(member, schema, how)) return true;
  }
  return false;
}

bool NameSet::has_some_of(std::string_view schema) const {
  const auto in_it = [&](const Member& member) {
    if (schema.empty() || schema == "*") return true;
    if (!member.any_schema && !member.schema.empty()) return glob(member.schema, schema);
    // Written without a schema, pg_authid is the catalogue.
    return !std::string_view(member.name).starts_with("pg_") || schema == "pg_catalog";
  };
  return std::any_of(exact_.begin(), exact_.end(), in_it) ||
         std::any_of(patterns_.begin(), patterns_.end(), in_it);
}

std::vector<std::string> NameSet::plain_names() const {
  std::vector<std::string> names;
  if (!patterns_.empty()) return names;
  for (const Member& member : exact_) names.push_back(member.name);
  return names;
}

}  // namespace pgmoat::policy
