// Only the first word is read: what follows is options, slots and positions in the WAL.
#include "sql/replication.h"

#include <algorithm>
#include <array>

namespace pgmoat::sql {
namespace {

struct Command {
  std::string_view word;
  bool writes;
};
constexpr auto kCommands = std::to_array<Command>({
    {"IDENTIFY_SYSTEM", false},
    {"READ_REPLICATION_SLOT", false},
    {"BASE_BACKUP", false},
    {"START_REPLICATION", false},
    {"CREATE_REPLICATION_SLOT", true},
    {"DROP_REPLICATION_SLOT", true},
    {"ALTER_REPLICATION_SLOT", true},
    {"TIMELINE_HISTORY", false},
    {"UPLOAD_MANIFEST", false},
});

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

bool starts_with(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (upper(text[i]) != word[i]) return false;
  }
  if (text.size() == word.size()) return true;
  const char next = upper(text[word.size()]);
  const bool longer = (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') || next == '_' ||
                      next == '$' || static_cast<unsigned char>(next) > 127;
  return !longer;
}

}  // namespace

std::vector<std::string_view> replication_words() {
  std::vector<std::string_view> words;
  for (const Command& command : kCommands) words.push_back(command.word);
  return words;
}

bool add_replication_command(std::string_view text, Draft& draft) {
  const std::size_t first = std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size());
  const std::string_view rest = text.substr(first);
  for (const Command& command : kCommands) {
    if (!starts_with(rest, command.word)) continue;
    DraftStatement& statement = draft.statements.emplace_back(draft.places());
    statement.facts.kind = Kind::other;
    statement.facts.command = command.word;
    statement.facts.text = text;
    statement.facts.writes = command.writes;
    return true;
  }
  return false;
}

}  // namespace pgmoat::sql
