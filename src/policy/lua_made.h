// The objects that policies make while loading and ask while judging: sets, networks, schedules, maps
// and patterns. Each does its work in C++ in time bounded by its input, and is never written again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/network.h"
#include "base/result.h"
#include "policy/dates.h"
#include "script/object.h"

namespace re2 {
class RE2;
}

namespace pgmoat::policy {

class LuaMade {
 public:
  virtual ~LuaMade() = default;
  virtual const script::ObjectType& type() const = 0;
};
using Made = Result<std::unique_ptr<LuaMade>, std::string>;

Made make_set(const std::vector<std::string>& words);
Made make_cidrs(const std::vector<std::string>& networks);
// `now`: asked for each active(); it also marks the answer as one that may not be kept.
Made make_schedule(const std::string& zone, const std::vector<std::string>& windows,
                   std::function<std::int64_t()> now);
// Lines of "key value"; blank lines and lines that start with '#' are left out.
Made make_map(std::string_view text, const std::string& file);
Made make_pattern(const std::string& pattern);

// For the editor's stubs and the reference: all of the above.
std::vector<const script::ObjectType*> made_types();

}  // namespace pgmoat::policy
