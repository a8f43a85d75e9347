#include "policy/word_list.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace pgmoat::policy {

WordList::WordList(std::vector<std::string> words) {
  for (std::string& word : words) {
    word = ascii_lower(word);
    if (!word.empty()) words_.push_back(std::move(word));
  }
}

const std::string* WordList::find_in(std::string_view text) const {
  for (const std::string& word : words_) {
    const auto at = std::search(text.begin(), text.end(), word.begin(), word.end(),
                                [](char a, char b) { return ascii_lower(a) == b; });
    if (at != text.end()) return &word;
  }
  return nullptr;
}

Judged WordList::judge(const Subject& subject) {
  for (const std::string_view text :
       {subject.sql, subject.statement, subject.portal, as_text(subject.values)}) {
    if (const std::string* word = find_in(text)) {
      auto ruling = std::make_shared<Ruling>();
      ruling->action = Ruling::Action::deny;
      Refusal& refusal = ruling->refusal;
      refusal.rule = "words." + *word;
      refusal.message = "statement refused by pgmoat";
      refusal.detail = "Rule \"" + refusal.rule + "\" refuses text that contains this word.";
      refusal.hint = "The words are in [refuse] of pgmoat's configuration.";
      return ruling;
    }
  }
  return allowed();
}

}  // namespace pgmoat::policy
