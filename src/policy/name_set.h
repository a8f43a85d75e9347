// Sets of words as rules write them: exact, or with * for any run of characters; and names of
// relations and functions, which may carry a schema. Built once, asked often, never changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::policy {

// Whether `text` is `pattern`, in which * stands for any run of characters.
bool glob(std::string_view pattern, std::string_view text);

class TextSet {
 public:
  explicit TextSet(bool fold_case = false) : fold_case_(fold_case) {}
  void add(std::string_view word);
  void finish();  // after the last add()
  bool has(std::string_view text) const;

 private:
  bool fold_case_;
  std::vector<std::string> exact_, patterns_;  // exact sorted
};

// "orders" has any or no schema. "public.orders" is also the unqualified orders when asked
// leniently: which schema that is depends on a search_path nobody knows here, so a rule that
// refuses must count it, and one that allows must not. "app.*", "*.secrets", "pg_ls_*".
class NameSet {
 public:
  enum class Unqualified : std::uint8_t { lenient, strict };

  void add(std::string_view written);
  void finish();
  bool has(std::string_view schema, std::string_view name, Unqualified how) const;
  // Whether some member may be in that schema, of which all is meant; "" and "*": in any.
  bool has_some_of(std::string_view schema) const;
  // Names without * of every member, for an index; empty if some member has none.
  std::vector<std::string> plain_names() const;

 private:
  struct Member {
    std::string schema, name;  // schema "" where none is demanded
    bool any_schema = true;
  };
  static bool schema_fits(const Member& member, std::string_view schema, Unqualified how);
  std::vector<Member> exact_, patterns_;  // exact sorted by name
};

}  // namespace pgmoat::policy
