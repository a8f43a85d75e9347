// A judge that refuses whatever contains one of its words, in SQL text, names, parameters,
// arguments or COPY data (ASCII case-insensitive). Crude on purpose: it exists so that refusal can
// be proven end to end before there are rules. It knows nothing of SQL: a comment or a literal
// counts, and a word split by a parameter does not.
#pragma once

#include <string>
#include <vector>

#include "policy/judge.h"

namespace pgmoat::policy {

class WordList final : public Judge {
 public:
  explicit WordList(std::vector<std::string> words);  // empty words are ignored
  Judged judge(const Subject& subject) override;
  bool wants(Subject::Kind) const override { return !words_.empty(); }
  std::uint64_t epoch() const override { return 0; }
  bool reads_copy_data() const override { return !words_.empty(); }

 private:
  const std::string* find_in(std::string_view text) const;
  std::vector<std::string> words_;  // lower case
};

}  // namespace pgmoat::policy
