#include "script/value.h"

#include <algorithm>

namespace pgmoat::script {

const Value* Table::find(std::string_view key) const {
  const auto at =
      std::lower_bound(fields.begin(), fields.end(), key,
                       [](const auto& field, std::string_view k) { return field.first < k; });
  return at != fields.end() && at->first == key ? &at->second : nullptr;
}

}  // namespace pgmoat::script
