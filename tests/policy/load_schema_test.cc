// What is made from the tables: the committed files are equal to it, and the tables are equal to what
// the readers and the sandbox know. PGMOAT_UPDATE=1 writes the files anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "policy/facts_schema.h"
#include "policy/load.h"
#include "policy/lua_api.h"
#include "policy/matchers.h"

namespace pgmoat::policy {
namespace {

void compare(const std::string& path, const std::string& made) {
  const std::string file = std::string(PGMOAT_CORPUS) + "/../" + path;
  if (std::getenv("PGMOAT_UPDATE") != nullptr) std::ofstream(file, std::ios::binary) << made;
  std::ifstream in(file, std::ios::binary);
  const std::string kept((std::istreambuf_iterator<char>(in)), {});
  EXPECT_TRUE(kept == made) << path
                            << " is not what the tables say; run this test with PGMOAT_UPDATE=1";
}

TEST(Schema, CommittedFilesAreAsMade) {
  compare("lua/types/pgmoat.d.lua", lua_stubs());
  compare("docs/policy/reference.md", reference());
  compare("docs/policy/pack.schema.json", json_schema());
}

TEST(Schema, JsonIsJson) {
  const auto schema = nlohmann::json::parse(json_schema());
  const auto& match = schema["definitions"]["match"]["properties"];
  for (const Matcher& matcher : matchers()) {
    EXPECT_TRUE(match.contains(std::string(matcher.name))) << matcher.name;
  }
  EXPECT_EQ(schema["definitions"]["rule"]["properties"]["severity"]["enum"].size(), 5u);
}

std::string told(const Source& source) {
  std::string all;
  for (const Problem& problem : source.problems) all += to_string(problem) + "\n";
  return all;
}

// Every key of the table is a key of the reader: it is not called unknown.
TEST(Schema, KeysAreTheReaders) {
  const std::string pack = "[pack]\nid = \"p\"\nrequires_api = 1\n";
  const std::string rule = pack + "[[rule]]\nid = \"p.r\"\n";
  const std::pair<const char*, std::string> heads[] = {
      {"rule", pack + "[[rule]]\n"},
      {"exception", rule + "[[rule.exception]]\n"},
      {"test", rule + "[[rule.test]]\n"},
      {"deny", rule + "[rule.deny]\n"},
      {"terminate", rule + "[rule.terminate]\n"},
      {"alert", rule + "[rule.alert]\n"},
      {"allow", rule + "[rule.allow]\n"},
      {"add_filter", rule + "[rule.rewrite.add_filter]\n"},
      {"replace_relation", rule + "[rule.rewrite.replace_relation]\n"},
      {"pack", "[pack]\n"},
      {"override", pack + "[[override]]\n"},
      {"scope", pack + "[[scope]]\n"}};
  ASSERT_EQ(std::size(heads), written_tables().size());
  for (const auto& [name, head] : heads) {
    EXPECT_NE(told(load_texts({{"f.toml", head + "nonsense = 0\n"}})).find("unknown"),
              std::string::npos);
    for (const WrittenKey& key : written_table(name).keys) {
      const std::string text = head + std::string(key.name) + " = 0\n";
      EXPECT_EQ(told(load_texts({{"f.toml", text}})).find("unknown"), std::string::npos) << text;
    }
  }
}

// Every function of the table can be called, and every name that can be called is in the table.
TEST(Schema, FunctionsAreTheSandboxes) {
  std::string listed = ",";
  for (const LuaFunction& function : lua_functions()) {
    listed += std::string(function.name) + ",";
    Registrar registrar;
    script::Sandbox sandbox;
    provide_api(sandbox, registrar);
    const auto outcome = sandbox.run(
        "if type(pgmoat." + std::string(function.name) + ") ~= 'function' then error('none') end",
        "f.lua");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(outcome)) << function.name;
  }
  for (const char* name : {"rule", "deny", "edit.cap_limit", "re", "map", "schedule", "export"}) {
    EXPECT_NE(listed.find("," + std::string(name) + ","), std::string::npos) << name;
  }
}

TEST(Schema, TheStubsAreLua) {
  Registrar registrar;
  script::Sandbox sandbox;
  const auto outcome = sandbox.run("if false then\n" + lua_stubs() + "end\n", "pgmoat.d.lua");
  const auto* trouble = std::get_if<script::Trouble>(&outcome);
  EXPECT_EQ(trouble, nullptr) << (trouble == nullptr ? "" : trouble->message);
}

}  // namespace
}  // namespace pgmoat::policy
