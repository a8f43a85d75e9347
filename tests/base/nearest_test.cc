// What "did you mean" takes for meant.
#include "base/nearest.h"

#include <gtest/gtest.h>

namespace pgmoat::test {
namespace {

TEST(Nearest, IsWhatWasMeant) {
  const std::vector<std::string_view> known{"where", "kind", "relations", "functions", "text"};
  const std::pair<const char*, const char*> rows[] = {{"where", "where"},
                                                      {"wherre", "where"},
                                                      {"Where", "where"},
                                                      {"hwere", "where"},
                                                      {"rel", "relations"},
                                                      {"re", ""},
                                                      {"x", ""},
                                                      {"", ""},
                                                      {"functionsss", "functions"},
                                                      {"functionsssss", "functions"},
                                                      {"completely", ""}};
  for (const auto& [written, meant] : rows) EXPECT_EQ(nearest(written, known), meant) << written;
  EXPECT_EQ(nearest("where", std::vector<std::string>{}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), known), "");
}

TEST(Nearest, IsASentencesEnd) {
  const std::vector<std::string> known{"listen", "backend", "mode"};
  EXPECT_EQ(did_you_mean("listne", known), ", did you mean 'listen'?");
  EXPECT_EQ(did_you_mean("wibble", known), "");
}

}  // namespace
}  // namespace pgmoat::test
