// Every edit on every statement that PostgreSQL's regression tests ran with success: it re-parses to
// the tree that was meant, which apply() itself proves, or it is refused with a sentence. What is
// checked here from outside: the new text is one statement of the same kind, no relation came or
// went but those that the edit declares, positions map back in order, and the counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sql/edit.h"
#include "sql/edits.h"
#include "sql/splice.h"

namespace pgmoat::sql {
namespace {

using Names = std::set<std::string>;

std::vector<std::string> statements() {
  const std::filesystem::path path =
      std::filesystem::path(PGMOAT_CORPUS) / "sql/regress/accepted.sql0";
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::vector<std::string> out;
  for (std::string text; std::getline(file, text, '\0');) out.push_back(text);
  return out;
}

// Of one statement; false where it is none.
bool look(const std::string& text, unsigned& kind, Names& relations, Names& reads) {
  auto statement = Statement::read(text, {}, {});
  if (!statement) return false;
  kind = tag_of(statement->node());
  for (const Reference& reference : references_of(*statement)) {
    const std::string name = said(*reference.relation);
    relations.insert(name);
    if (reference.role == Role::read) reads.insert(name);
  }
  return true;
}

std::string quoted(const std::string& name) {  // as a policy would name it
  const std::size_t dot = name.find('.');
  const auto part = [](const std::string& word) {
    std::string out = "\"";
    for (const char c : word) out.append(c == '"' ? 2 : 1, c);
    return out + "\"";
  };
  return dot == std::string::npos ? part(name)
                                  : part(name.substr(0, dot)) + "." + part(name.substr(dot + 1));
}

struct Counts {
  int applied = 0, unchanged = 0, refused = 0;
  std::map<std::string, int> reasons;
};

class Regress : public testing::Test {
 protected:
  void try_edit(const std::string& sql, unsigned kind, const Names& relations,
                const std::string& named, const Edit& edit, Counts& counts) {
    const auto rewritten = apply(sql, {}, {edit});
    if (!rewritten) {
      ASSERT_FALSE(rewritten.error().empty());
      ++counts.refused;
      std::string reason = rewritten.error();
      const std::size_t at = named.empty() ? std::string::npos : reason.find(named);
      if (at != std::string::npos) reason.replace(at, named.size(), "?");
      ++counts.reasons[reason];
      return;
    }
    if (rewritten->sql == sql) {
      ++counts.unchanged;
      ASSERT_TRUE(rewritten->patches.empty());
      return;
    }
    ++counts.applied;
    unsigned new_kind = 0;
    Names now, reads;
    ASSERT_TRUE(look(rewritten->sql, new_kind, now, reads)) << rewritten->sql;
    EXPECT_EQ(kind, new_kind) << rewritten->sql;
    Names allowed = relations;
    if (std::holds_alternative<ReplaceRelation>(edit)) allowed.insert("new.place");
    EXPECT_TRUE(std::includes(allowed.begin(), allowed.end(), now.begin(), now.end()))
        << rewritten->sql;
    check_positions(sql, *rewritten);
  }

  static void check_positions(const std::string& sql, const Rewritten& rewritten) {
    // What the patches say, done to the original, is the new text; so a map of positions is true.
    std::size_t from = 0, to = 0;
    for (const Patch& patch : rewritten.patches) {
      ASSERT_LE(from, patch.at);
      ASSERT_EQ(sql.compare(from, patch.at - from, rewritten.sql, to, patch.at - from), 0);
      to += patch.at - from + patch.inserted;
      from = patch.at + patch.removed;
    }
    ASSERT_EQ(sql.substr(from), rewritten.sql.substr(to)) << rewritten.sql;
  }

  static void tell(const char* edit, const Counts& counts) {
    std::cout << edit << ": " << counts.applied << " applied, " << counts.unchanged
              << " unchanged, " << counts.refused << " refused\n";
    std::vector<std::pair<int, std::string>> order;
    for (const auto& [reason, count] : counts.reasons) order.emplace_back(-count, reason);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size() && i < 12; ++i) {
      std::cout << "    " << -order[i].first << "  " << order[i].second << "\n";
    }
  }
};

TEST_F(Regress, EveryEditAppliesOrIsRefused) {
  Counts limit, comment, replace, filter;
  int read = 0, unread = 0;
  for (const std::string& sql : statements()) {
    unsigned kind = 0;
    Names relations, reads;
    if (!look(sql, kind, relations, reads)) {
      ++unread;
      EXPECT_FALSE(apply(sql, {}, {CapLimit{1}}));
      continue;
    }
    ++read;
    try_edit(sql, kind, relations, "", CapLimit{1}, limit);
    try_edit(sql, kind, relations, "", AddComment{{{"k", "v"}}}, comment);
    for (const std::string& name : relations) {
      try_edit(sql, kind, relations, name, ReplaceRelation{quoted(name), "new.place"}, replace);
    }
    for (const std::string& name : relations) {
      const AddFilter edit{{quoted(name)}, "tenant_id", {Value::Type::text, "7\\'"}};
      try_edit(sql, kind, relations, name, edit, filter);
    }
    if (HasFatalFailure()) return;
  }
  std::cout << read << " statements, " << unread << " not readable as one\n";
  tell("cap_limit", limit);
  tell("add_comment", comment);
  tell("replace_relation", replace);
  tell("add_filter", filter);
  // A limit never changes what is no query, the others find something in each; and nothing that an
  // edit believed to be right was refused by the comparison of the trees.
  EXPECT_EQ(read, 29820);
  EXPECT_EQ(limit.applied, 13901);
  EXPECT_EQ(limit.refused, 0);
  EXPECT_EQ(comment.applied, read);
  EXPECT_EQ(replace.applied, 16739);
  EXPECT_EQ(replace.refused, 8669);
  EXPECT_EQ(filter.applied, 12798);
  EXPECT_EQ(filter.refused, 12610);
  for (const Counts* counts : {&limit, &comment, &replace, &filter}) {
    for (const auto& [reason, count] : counts->reasons) {
      EXPECT_EQ(reason.find("as it was meant"), std::string::npos);
      EXPECT_EQ(reason.find("cannot be edited"), std::string::npos) << reason;
      EXPECT_EQ(reason.find("not found"), std::string::npos) << reason;
    }
  }
}

}  // namespace
}  // namespace pgmoat::sql
