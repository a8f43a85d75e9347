#include "policy/pattern.h"

#include <re2/re2.h>

namespace pgmoat::policy {

namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

bool finds_pattern(std::string_view pattern, std::string_view text) {
  return RE2::PartialMatch(piece(text), RE2(piece(pattern), RE2::Quiet));
}

bool good_pattern(std::string_view pattern) { return RE2(piece(pattern), RE2::Quiet).ok(); }

}  // namespace pgmoat::policy
