#include "packs/classes.h"

#include <re2/re2.h>

#include <utility>
#include <vector>

namespace pgmoat::policy::tests {

std::string class_of(const std::string& sql) {
  static const std::vector<std::pair<std::string, std::string>> kClasses = {
      {"time-based blind",
       R"((?i)sleep|benchmark|waitfor|receive_message|generate_series|randomblob|repeat\s*\(|(from|,)\s*[\w.$]+ (as )?(t|sys)1)"},
      {"union", R"((?i)\bunion\b)"},
      {"stacked",
       R"((?i);\s*(select|insert|update|delete|drop|create|call|exec|begin|declare|if|shutdown)\b)"},
      {"error-based",
       R"((?i)extractvalue|updatexml|floor\s*\(\s*rand|xmltype|utl_inaddr|ctxsys|sqlid_to|procedure analyse|cast\s*\(|convert\s*\(|::(int|numeric)|1/0|row\s*\(|name_const|gtid)"},
      {"boolean blind",
       R"((?i)substr|\bascii\b|\bmid\s*\(|case\s+when|make_set|\belt\s*\(|\blike\s*\(|\band\b[^=<>]*[=<>]|\band\b.*\blike\b)"},
      {"tautology", R"((?i)\bor\b|\|\|)"},
  };
  for (const auto& [name, pattern] : kClasses) {
    if (RE2::PartialMatch(sql, RE2(pattern))) return name;
  }
  return "other";
}

}  // namespace pgmoat::policy::tests
