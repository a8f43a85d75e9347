// Until the sql floor has them.
#include "sql/edit.h"

namespace pgmoat::sql {

[[gnu::weak]] std::uint32_t original_position(const std::vector<Patch>& patches,
                                              std::uint32_t position) {
  std::int64_t shift = 0;
  for (const Patch& patch : patches) {
    const std::int64_t begin = std::int64_t{patch.at} + shift;
    if (position < begin) break;
    if (position < begin + patch.inserted) return patch.at;
    shift += std::int64_t{patch.inserted} - patch.removed;
  }
  return static_cast<std::uint32_t>(position - shift);
}

}  // namespace pgmoat::sql
