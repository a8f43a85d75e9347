// The table of matcher keys: what `match` may say, with which values, at which hooks. Loading checks
// against it, compiling reads it, and the reference and the JSON schema are made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/rule.h"

namespace pgmoat::policy {

struct Matcher {
  enum class Type : std::uint8_t {
    flag,          // true or false
    number,        // a whole number, 0 or more
    count,         // a whole number, or ">3", "<=3", "2-5"
    word,          // one of `words`
    text,          // any text but an empty one, compared whole
    any_text,      // an empty one too
    name,          // exact, "schema.*", "*.name": names as PostgreSQL folds them
    flag_or_name,  // true, false, or names
    flag_or_word,  // true, false, or one of `words`
    network,       // CIDR
    window,        // "Tue 02:00-04:00", a zone may stand in front
    regular,       // RE2
    hex,           // 16 hexadecimal digits
  };
  std::string_view name;
  Type type = Type::text;
  bool session = false;  // asks the session only: may be used at every hook
  std::vector<std::string_view> words;
  std::string_view description;  // of the reference: one sentence
};

std::span<const Matcher> matchers();
const Matcher* find_matcher(std::string_view name);
std::string_view name_of(Matcher::Type type);  // for people: "a name or pattern"

// Whether a statement is at hand at this hook.
bool has_statement(Hook hook);

// sql::Sign by its name, "union_catalog"; 0 where there is none.
std::uint32_t sign_bit(std::string_view name);
std::span<const std::string_view> sign_names();  // the n-th is bit n

// What is wrong with one operand ("expected ..."), or "".
std::string check_operand(const Matcher& matcher, const Operand& operand);

// As it would be written, keys in order: equal texts are equal conditions.
std::string written(const Match& match);

}  // namespace pgmoat::policy
