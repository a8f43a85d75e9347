// The tree as such: what a parse gives, that a hash sees every difference but places, and that a
// walk ends where its budget does.
#include "sql/tree.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace pgmoat::sql {
namespace {

std::uint64_t hash_of(const char* text) {
  const Tree tree(text, true);
  EXPECT_TRUE(tree) << text << ": " << tree.error();
  std::uint64_t hash = 0;
  EXPECT_TRUE(hash_tree(tree.statements(), {}, hash));
  return hash;
}

TEST(Tree, GivesTheErrorAndItsPlace) {
  const Tree tree("select 'é', from from", true);
  EXPECT_FALSE(tree);
  EXPECT_EQ(tree.error(), "syntax error");
  EXPECT_EQ(tree.error_position(), 13u);  // bytes
  EXPECT_EQ(tree.statements(), nullptr);
}

TEST(Tree, AnEmptyTextHasNoStatements) {
  const Tree tree("  ", true);
  EXPECT_TRUE(tree);
  EXPECT_EQ(tree.statements(), nullptr);
}

TEST(Tree, IsReadUnderTheSessionsSetting) {
  EXPECT_TRUE(Tree(R"(select 'a\', 'b')", true));
  EXPECT_FALSE(Tree(R"(select 'a\', 'b')", false));
  EXPECT_TRUE(Tree(R"(select 'a\', 'b')", true));  // put back
}

TEST(Tree, HashSeesEverythingButPlaces) {
  const struct {
    const char *left, *right;
    bool equal;
  } cases[] = {
      {"select a from t", "select  a /* x */\nfrom t", true},
      {"select 1", "select 2", false},
      {"select 1", "select '1'", false},
      {"select null", "select 'null'", false},
      {"select '' || 'a'", "select 'a' || ''", false},
      {"select true", "select false", false},
      {"select a from t limit 1", "select a from t limit 2", false},
      {"select 1; select 2", "select 1, 2", false},
      {"select f(a, b)", "select f((a), b)", true},
      {"select x from a, b", "select x from b, a", false},
      {"set role a", "set role b", false},
      {"lock t in share mode", "lock t in exclusive mode", false},
      {"select a union select b", "select a union all select b", false},
      {"create table t (a int not null)", "create table t (a int)", false},
      {"create foreign table t (a int) server s", "create foreign table t (a int) server r", false},
      {"do 'begin end'", "do 'begin  end'", false},
      {"select distinct a from t", "select a from t", false},
      {"fetch 1 from c", "fetch 2 from c", false},
      {"select count(*) over (rows 1 preceding)", "select count(*) over (range 1 preceding)",
       false},
  };
  for (const auto& [left, right, equal] : cases) {
    EXPECT_EQ(hash_of(left) == hash_of(right), equal) << left << " | " << right;
    const Tree a(left, true), b(right, true);
    EXPECT_EQ(equal_trees(a.statements(), b.statements()), equal) << left << " | " << right;
  }
}

TEST(Tree, WalkMeetsEveryNodeInOrder) {
  const Tree tree("select a, f(b) from t where c = 'x' order by 1", true);
  std::string names;
  std::vector<Pending> pending;
  EXPECT_TRUE(walk(tree.statements(), {}, pending, [&](const void* node, std::uint32_t) {
    names += std::string(type_of(node).name) + " ";
  }));
  EXPECT_EQ(names,
            "List RawStmt SelectStmt List ResTarget ColumnRef List String ResTarget FuncCall List "
            "String List ColumnRef List String List RangeVar A_Expr List String ColumnRef List "
            "String A_Const String List SortBy A_Const Integer ");
}

TEST(Tree, WalkEndsWithItsBudget) {
  const Tree tree("select ((((1 + 2) + 3) + 4) + 5)", true);
  std::vector<Pending> pending;
  std::uint32_t nodes = 0, depth = 0;
  const auto count = [&](const void*, std::uint32_t at) { ++nodes, depth = std::max(depth, at); };
  EXPECT_TRUE(walk(tree.statements(), {}, pending, count));
  const std::uint32_t all = nodes, deepest = depth;
  EXPECT_TRUE(walk(tree.statements(), {all, deepest}, pending, count));
  EXPECT_FALSE(walk(tree.statements(), {all - 1, deepest}, pending, count));
  EXPECT_FALSE(walk(tree.statements(), {all, deepest - 1}, pending, count));
}

// Nodes whose fields src/sql takes one by one (extract_*.cc) instead of walking through all. Where a
// newer PostgreSQL gives one of them another field, it must be taken there, and counted here.
TEST(Tree, NodesThatAreTakenApartHaveTheFieldsWeKnow) {
  const std::map<std::string, std::size_t> known{{"SelectStmt", 16},
                                                 {"InsertStmt", 6},
                                                 {"UpdateStmt", 6},
                                                 {"DeleteStmt", 5},
                                                 {"MergeStmt", 5},
                                                 {"MergeWhenClause", 3},
                                                 {"OnConflictClause", 3},
                                                 {"JoinExpr", 6},
                                                 {"ColumnRef", 1},
                                                 {"FuncCall", 5},
                                                 {"TypeCast", 2},
                                                 {"A_Indirection", 2},
                                                 {"A_Expr", 3},
                                                 {"SubLink", 3},
                                                 {"RangeVar", 1},
                                                 {"ResTarget", 2},
                                                 {"CopyStmt", 5},
                                                 {"ExplainStmt", 2},
                                                 {"PrepareStmt", 2},
                                                 {"ExecuteStmt", 1},
                                                 {"DeclareCursorStmt", 1},
                                                 {"ViewStmt", 4},
                                                 {"CreateTableAsStmt", 2},
                                                 {"RuleStmt", 3},
                                                 {"CreateSchemaStmt", 2},
                                                 {"GrantStmt", 4},
                                                 {"GrantRoleStmt", 3},
                                                 {"CreateTrigStmt", 7},
                                                 {"CreateFunctionStmt", 5},
                                                 {"DoStmt", 1},
                                                 {"DropStmt", 1},
                                                 {"CommentStmt", 1},
                                                 {"SecLabelStmt", 1},
                                                 {"RenameStmt", 2},
                                                 {"AlterObjectSchemaStmt", 2},
                                                 {"AlterOwnerStmt", 3},
                                                 {"AlterObjectDependsStmt", 3},
                                                 {"AlterExtensionContentsStmt", 1},
                                                 {"DefElem", 1},
                                                 {"VariableSetStmt", 1},
                                                 {"WithClause", 1},
                                                 {"CommonTableExpr", 8}};
  std::size_t seen = 0;
  for (unsigned tag = 0; tag < kNodeTags; ++tag) {
    if (!kNodeTypes[tag].name) continue;
    const auto found = known.find(kNodeTypes[tag].name);
    if (found == known.end()) continue;
    ++seen;
    EXPECT_EQ(kNodeTypes[tag].children.size(), found->second) << found->first;
  }
  EXPECT_EQ(seen, known.size());
}

}  // namespace
}  // namespace pgmoat::sql
