// Facts from the raw tree against facts from the public JSON (json_facts.h): on every statement that
// PostgreSQL's regression tests ran with success, and on what recorded client programs sent.
#include <gtest/gtest.h>
#include <pg_query.h>
#include <pthread.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "describe.h"
#include "json_facts.h"
#include "sql/tree.h"

namespace pgmoat::sql {
namespace {

// libpg_query's JSON writer and our reader of it recurse.
void on_large_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kParserStack), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

std::vector<std::string> statements_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream whole;
  whole << in.rdbuf();
  std::vector<std::string> texts;
  for (std::string text; std::getline(whole, text, '\0');) {
    if (!text.empty()) texts.push_back(text);
  }
  return texts;
}

std::string place(std::uint32_t position) { return "@" + std::to_string(position); }

template <class Set>
std::string missing(const Set& from, const Set& in) {
  Set rest;
  std::set_difference(from.begin(), from.end(), in.begin(), in.end(),
                      std::inserter(rest, rest.end()));
  std::string text;
  for (const auto& one : rest) text += " [" + one + "]";
  return text;
}

class Comparison {
 public:
  void file(const std::filesystem::path& path, bool walsender) {
    for (const std::string& text : statements_of(path)) compare(text, walsender);
  }
  int texts = 0, unparsed = 0, differences = 0;
  std::string report;

 private:
  void compare(const std::string& text, bool walsender) {
    ++texts;
    const auto analysis = analyzer_.analyze(text, Dialect{.replication = walsender});
    const bool command = !analysis->statements().empty() &&
                         analysis->statements()[0].kind == Kind::other && walsender;
    if (command) return;
    const PgQueryParseResult parsed = pg_query_parse(text.c_str());
    if (parsed.error) {
      ++unparsed;
      report += "unparsed: " + text.substr(0, 100) + "\n";
    } else if (analysis->opacity() != Opacity::none) {
      differ(text, "opaque: " + std::string(analysis->why()));
    } else {
      compare(text, *analysis, JsonReader(schema_).read(nlohmann::json::parse(parsed.parse_tree)));
    }
    pg_query_free_parse_result(parsed);
  }

  void differ(const std::string& text, const std::string& how) {
    if (++differences <= 20) report += "differs: " + text.substr(0, 300) + "\n   " + how + "\n";
  }

  template <class Set>
  void compare(const std::string& text, const char* what, const Set& json, const Set& ours,
               bool ours_has_more = false) {
    const std::string lacks = missing(json, ours), adds = ours_has_more ? "" : missing(ours, json);
    if (!lacks.empty() || !adds.empty()) {
      differ(text, std::string(what) + ": ours lacks" + lacks + ", adds" + adds);
    }
  }

  void compare(const std::string& text, const Analysis& analysis, const JsonFacts& json) {
    if (analysis.statements().size() != json.statements.size()) return differ(text, "statements");
    JsonFacts ours;
    bool texts_inside = false;  // what those hold is no part of this JSON
    for (const Facts& facts : analysis.statements()) {
      texts_inside |= add(facts, ours);
      kinds_[json.statements[&facts - analysis.statements().data()]].insert(
          std::string(name_of(facts.kind)));
    }
    compare(text, "relations", json.relations, ours.relations);
    compare(text, "functions", json.functions, ours.functions);
    compare(text, "literals", json.literals, ours.literals);
    compare(text, "columns", json.columns, ours.columns, texts_inside);
    std::map<std::string, int> nodes;
    const Tree tree(text.c_str(), true);
    walk(tree.statements(), {}, pending_, [&](const void* node, std::uint32_t) {
      const std::string name = type_of(node).name;
      if (name != "List" && name != "IntList" && name != "OidList") ++nodes[name];
    });
    if (nodes == json.nodes) return;
    std::string how = "nodes:";
    for (const auto& [name, count] : json.nodes) {
      if (nodes[name] != count) {
        how += " " + name + " " + std::to_string(nodes[name]) + "/" + std::to_string(count);
      }
    }
    differ(text, how);
  }

  // True where the statement holds texts of their own: a body, or SQL given as a value.
  static bool add(const Facts& facts, JsonFacts& to) {
    bool texts_inside = !facts.bodies.empty();
    for (const Relation& r : facts.relations) {
      if (r.position > 0) to.relations.insert(std::string(r.qualified) + place(r.position));
      texts_inside |= r.via == Via::nested;
    }
    for (const Function& f : facts.functions) {
      if (f.reach == Reach::call && f.position > 0) {
        to.functions.insert(std::string(f.qualified) + place(f.position));
      }
      const std::string_view name = f.name;
      texts_inside |= name.substr(0, 8) == "query_to" || name == "ts_stat" ||
                      name == "ts_rewrite" || name.substr(0, 6) == "dblink" ||
                      name.substr(0, 8) == "crosstab" || name == "connectby" ||
                      name == "xpath_table";
    }
    for (const Literal& l : facts.literals) {
      if (l.position == 0) continue;
      // The JSON writer leaves negative integers out, as it does zero.
      const bool left_out = l.type == LiteralType::integer && l.value[0] == '-';
      to.literals.insert((left_out ? "0" : std::string(l.value)) + " " +
                         std::string(name_of(l.type)) + place(l.position));
    }
    for (const Column& c : facts.columns) {
      to.columns.insert((c.relation.empty() ? "" : std::string(c.relation) + ".") +
                        std::string(c.name));
    }
    return texts_inside;
  }

 public:
  // Every kind of statement node with the kinds of facts that were seen for it.
  const std::map<std::string, std::set<std::string>>& kinds() const { return kinds_; }

 private:
  const Schema schema_;
  Analyzer analyzer_;
  std::vector<Pending> pending_;
  std::map<std::string, std::set<std::string>> kinds_;
};

const std::filesystem::path kCorpus = PGMOAT_CORPUS "/sql";

TEST(Differential, RegressionTestsOfPostgresql) {
  on_large_stack([] {
    Comparison comparison;
    comparison.file(kCorpus / "regress/accepted.sql0", false);
    std::printf("%d texts, %d unparsed, %d differences\n", comparison.texts, comparison.unparsed,
                comparison.differences);
    EXPECT_GT(comparison.texts, 29'000);
    EXPECT_LE(comparison.unparsed, 5);
    EXPECT_EQ(comparison.differences, 0) << comparison.report;
    for (const auto& [node, kinds] : comparison.kinds()) {
      const bool of_roles_too = node == "RenameStmt" || node == "AlterTableStmt";
      EXPECT_LE(kinds.size(), of_roles_too ? 2u : 1u) << node;
    }
    const std::map<std::string, std::string> expected{
        {"SelectStmt", "select"},   {"InsertStmt", "insert"}, {"UpdateStmt", "update"},
        {"DeleteStmt", "delete"},   {"MergeStmt", "merge"},   {"CopyStmt", "copy"},
        {"ExplainStmt", "explain"}, {"DoStmt", "do"},         {"CallStmt", "call"},
        {"CreateStmt", "ddl"},      {"GrantStmt", "dcl"},     {"TransactionStmt", "tcl"},
        {"VariableSetStmt", "set"}, {"VacuumStmt", "vacuum"}, {"FetchStmt", "cursor"}};
    for (const auto& [node, kind] : expected) {
      const auto found = comparison.kinds().find(node);
      ASSERT_NE(found, comparison.kinds().end()) << node;
      EXPECT_EQ(*found->second.begin(), kind);
    }
  });
}

TEST(Differential, RecordedClients) {
  on_large_stack([] {
    Comparison comparison;
    for (const auto& entry : std::filesystem::directory_iterator(kCorpus / "recorded")) {
      const std::string name = entry.path().stem();
      const bool walsender =
          name == "pg_basebackup" || name == "pg_receivewal" || name == "pg_recvlogical";
      comparison.file(entry.path(), walsender);
    }
    std::printf("%d texts, %d unparsed, %d differences\n", comparison.texts, comparison.unparsed,
                comparison.differences);
    EXPECT_GT(comparison.texts, 1'500);
    EXPECT_LE(comparison.unparsed, 5) << comparison.report;
    EXPECT_EQ(comparison.differences, 0) << comparison.report;
  });
}

}  // namespace
}  // namespace pgmoat::sql
