// "Did you mean": the known word that a mistyped one is nearest to. Insertions, deletions,
// replacements and swaps of neighbours count, ASCII case does not; a beginning of a word counts
// where nothing is nearer. For messages only: of what was written the first 64 bytes count.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"

namespace pgmoat {

inline std::size_t changes_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && ascii_lower(a[i - 1]) == ascii_lower(b[j - 2]) &&
          ascii_lower(a[i - 2]) == ascii_lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// "" where none is near enough to be meant: a third of the letters may differ, and two of five; or
// one begins with the other. `known`: a range of what converts to std::string_view.
template <class Known>
std::string nearest(std::string_view written, const Known& known) {
  written = written.substr(0, 64);
  std::string_view best;
  std::size_t least = SIZE_MAX;
  for (const std::string_view name : known) {
    std::size_t changes = changes_between(written, name);
    const auto [shorter, longer] = std::minmax({written.size(), name.size()});
    const bool prefix = shorter >= 3 && written.substr(0, shorter) == name.substr(0, shorter);
    if (changes > std::max<std::size_t>(longer < 5 ? 1 : 2, longer / 3)) {
      if (!prefix) continue;
      changes += 100;  // after every word that is near by its letters
    }
    if (shorter < 2 && changes > 0) continue;
    if (changes < least) {
      best = name;
      least = changes;
    }
  }
  return std::string(best);
}

// ", did you mean 'where'?", or "".
template <class Known>
std::string did_you_mean(std::string_view written, const Known& known) {
  const std::string near = nearest(written, known);
  return near.empty() ? near : ", did you mean '" + near + "'?";
}

}  // namespace pgmoat
