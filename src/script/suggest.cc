#include "script/suggest.h"

#include <algorithm>
#include <cstddef>

namespace pgmoat::script {
namespace {

constexpr std::size_t kLongest = 64;  // longer names are compared by their beginnings only

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view written, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const std::string_view name : known) {
    std::size_t d = distance(written.substr(0, kLongest), name.substr(0, kLongest));
    const std::size_t shorter = std::min(written.size(), name.size());
    const bool prefix = shorter >= 3 && written.substr(0, shorter) == name.substr(0, shorter);
    if (d > std::max<std::size_t>(1, std::max(written.size(), name.size()) / 3)) {
      if (!prefix) continue;
      d = 100 + d;  // after every name that is near by its letters
    }
    if (shorter < 2 && d > 0) continue;
    if (d < best_distance) {
      best = name;
      best_distance = d;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string_view>& known) {
  const std::string_view name = nearest(written, known);
  return name.empty() ? std::string() : ", did you mean '" + std::string(name) + "'?";
}

}  // namespace pgmoat::script
