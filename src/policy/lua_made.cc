#include "policy/lua_made.h"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>

namespace pgmoat::policy {

namespace {

using script::ObjectType;
using script::Push;
using Arguments = std::vector<std::string_view>;

std::string_view first(const Arguments& arguments) {
  return arguments.empty() ? std::string_view{} : arguments[0];
}

// The getters get back what type() came with: the LuaMade, as the class that made it.
template <class T>
const T& as(const void* self) {
  return *static_cast<const T*>(static_cast<const LuaMade*>(self));
}

class WordSet final : public LuaMade {
 public:
  explicit WordSet(const std::vector<std::string>& words) : words_(words.begin(), words.end()) {}
  const ObjectType& type() const override { return shape(); }
  static const ObjectType& shape() {
    static const ObjectType type = {
        "set",
        "pgmoat.Set",
        {},
        {{"has", "fun(self, word: string): boolean", "Whether the word is in the set, exactly.",
          [](const void* self, const Arguments& arguments, Push& push) {
            push.boolean(as<WordSet>(self).has(first(arguments)));
          }}},
        nullptr};
    return type;
  }

 private:
  bool has(std::string_view word) const { return words_.count(std::string(word)) > 0; }
  std::unordered_set<std::string> words_;
};

class CidrSet final : public LuaMade {
 public:
  std::string add(const std::string& network) { return networks_.add(network); }
  const ObjectType& type() const override { return shape(); }
  static const ObjectType& shape() {
    static const ObjectType type = {
        "networks",
        "pgmoat.Networks",
        {},
        {{"contains", "fun(self, address: string): boolean",
          "Whether the address lies in one of the networks.",
          [](const void* self, const Arguments& arguments, Push& push) {
            push.boolean(as<CidrSet>(self).networks_.contains(first(arguments)));
          }}},
        nullptr};
    return type;
  }

 private:
  Networks networks_;
};

class Timetable final : public LuaMade {
 public:
  Timetable(Schedule schedule, std::function<std::int64_t()> now)
      : schedule_(std::move(schedule)), now_(std::move(now)) {}
  const ObjectType& type() const override { return shape(); }
  static const ObjectType& shape() {
    static const ObjectType type = {
        "schedule",
        "pgmoat.Schedule",
        {},
        {{"active", "fun(self): boolean", "Whether now is inside one of the windows.",
          [](const void* self, const Arguments&, Push& push) {
            const auto& table = as<Timetable>(self);
            push.boolean(table.schedule_.active(table.now_()));
          }}},
        nullptr};
    return type;
  }

 private:
  Schedule schedule_;
  std::function<std::int64_t()> now_;
};

class WordMap final : public LuaMade {
 public:
  void add(std::string_view key, std::string_view value) {
    words_.insert_or_assign(std::string(key), std::string(value));
  }
  const ObjectType& type() const override { return shape(); }
  static const ObjectType& shape() {
    static const ObjectType type = {
        "map",
        "pgmoat.Map",
        {},
        {{"get", "fun(self, key: string): string?", "The key's value, or nil.",
          [](const void* self, const Arguments& arguments, Push& push) {
            as<WordMap>(self).get(first(arguments), push);
          }},
         {"has", "fun(self, key: string): boolean", "Whether the key has a value.",
          [](const void* self, const Arguments& arguments, Push& push) {
            push.boolean(as<WordMap>(self).find(first(arguments)) != nullptr);
          }}},
        nullptr};
    return type;
  }

 private:
  const std::string* find(std::string_view key) const {
    const auto at = words_.find(std::string(key));
    return at == words_.end() ? nullptr : &at->second;
  }
  void get(std::string_view key, Push& push) const {
    const std::string* value = find(key);
    if (value == nullptr) push.nil();
    else push.text(*value);
  }
  std::unordered_map<std::string, std::string> words_;
};

class Pattern final : public LuaMade {
 public:
  static constexpr std::size_t kLongest = 64u << 10;  // of what replace() makes

  explicit Pattern(const std::string& pattern) : re2_(pattern, options()) {}
  const RE2& re2() const { return re2_; }
  const ObjectType& type() const override { return shape(); }
  static const ObjectType& shape() {
    static const ObjectType type = {
        "pattern",
        "pgmoat.Pattern",
        {},
        {{"matches", "fun(self, text: string): boolean",
          "Whether the pattern is found in the text; ^ and $ tie it to the ends.",
          [](const void* self, const Arguments& arguments, Push& push) {
            push.boolean(RE2::PartialMatch(first(arguments), as<Pattern>(self).re2_));
          }},
         {"find", "fun(self, text: string): string?",
          "What the first group (without groups: the pattern) has matched first, or nil.",
          [](const void* self, const Arguments& arguments, Push& push) {
            as<Pattern>(self).find(first(arguments), push);
          }},
         {"replace", "fun(self, text: string, with: string): string?",
          "The text with every match replaced (\\1 is the first group); nil past 64 KiB.",
          [](const void* self, const Arguments& arguments, Push& push) {
            as<Pattern>(self).replace(arguments, push);
          }}},
        nullptr};
    return type;
  }

 private:
  static RE2::Options options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    return options;
  }
  void find(std::string_view text, Push& push) const {
    re2::StringPiece groups[2];
    const int count = re2_.NumberOfCapturingGroups() > 0 ? 2 : 1;
    if (!re2_.Match(text, 0, text.size(), RE2::UNANCHORED, groups, count)) return push.nil();
    push.text({groups[count - 1].data(), groups[count - 1].size()});
  }
  // The text is kept here while Lua copies it: Lua may leave by a long jump. What is made is bounded
  // as it grows, since one group may be written many times.
  void replace(const Arguments& arguments, Push& push) const {
    made_.clear();
    if (arguments.size() < 2 || arguments[1].size() > 1000) return push.nil();
    const re2::StringPiece text(arguments[0]), with(arguments[1]);
    re2::StringPiece groups[10];
    std::size_t at = 0;
    while (at <= text.size() &&
           re2_.Match(text, at, text.size(), RE2::UNANCHORED, groups, std::size(groups))) {
      const auto found = static_cast<std::size_t>(groups[0].data() - text.data());
      made_.append(text.data() + at, found - at);
      if (!re2_.Rewrite(&made_, with, groups, std::size(groups))) return push.nil();
      at = found + groups[0].size();
      if (groups[0].empty() && at < text.size()) made_.push_back(text[at]);
      if (groups[0].empty()) ++at;
      if (made_.size() > kLongest) return push.nil();
      push.breathe();  // one match is linear in what is left of the text, all of them are not
    }
    if (at < text.size()) made_.append(text.data() + at, text.size() - at);
    if (made_.size() > kLongest) return push.nil();
    push.text(made_);
  }

  RE2 re2_;
  mutable std::string made_;
};

}  // namespace

Made make_set(const std::vector<std::string>& words) {
  return Made(std::unique_ptr<LuaMade>(std::make_unique<WordSet>(words)));
}

Made make_cidrs(const std::vector<std::string>& networks) {
  auto made = std::make_unique<CidrSet>();
  for (const std::string& network : networks) {
    if (std::string wrong = made->add(network); !wrong.empty()) return wrong;
  }
  return Made(std::unique_ptr<LuaMade>(std::move(made)));
}

Made make_schedule(const std::string& zone, const std::vector<std::string>& windows,
                   std::function<std::int64_t()> now) {
  Schedule schedule;
  auto found = Zone::named(zone);
  if (!found) return found.error();
  schedule.set_zone(*found);
  if (windows.empty()) return std::string("a schedule needs a window: \"Tue 02:00-04:00\"");
  for (const std::string& window : windows) {
    if (std::string wrong = schedule.add(window); !wrong.empty()) return wrong;
  }
  return Made(
      std::unique_ptr<LuaMade>(std::make_unique<Timetable>(std::move(schedule), std::move(now))));
}

Made make_map(std::string_view text, const std::string& file) {
  constexpr std::string_view kBlank = " \t\r";
  auto made = std::make_unique<WordMap>();
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t start = entry.find_first_not_of(kBlank);
    if (start == std::string_view::npos || entry[start] == '#') continue;
    entry = entry.substr(start, entry.find_last_not_of(kBlank) - start + 1);
    const std::size_t blank = entry.find_first_of(kBlank);
    if (blank == std::string_view::npos) {
      return file + ":" + std::to_string(line) + ": expected a key and a value";
    }
    made->add(entry.substr(0, blank), entry.substr(entry.find_first_not_of(kBlank, blank)));
  }
  return Made(std::unique_ptr<LuaMade>(std::move(made)));
}

Made make_pattern(const std::string& pattern) {
  if (pattern.size() > 2000) return std::string("a pattern has at most 2000 bytes");
  auto made = std::make_unique<Pattern>(pattern);
  if (!made->re2().ok()) return "not a pattern of RE2: " + made->re2().error();
  return Made(std::unique_ptr<LuaMade>(std::move(made)));
}

std::vector<const script::ObjectType*> made_types() {
  return {&WordSet::shape(), &CidrSet::shape(), &Timetable::shape(), &WordMap::shape(),
          &Pattern::shape()};
}

}  // namespace pgmoat::policy
