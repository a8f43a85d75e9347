// The edits in their order, each on the result of the one before, and each proved: the new text is
// parsed, and its tree must be the old one's with what the edit meant. That one comparison says all:
// one statement of the same kind, the same parameters, the same relations but for those declared.
#include "sql/edit.h"

#include <utility>

#include "sql/edits.h"
#include "sql/splice.h"

namespace pgmoat::sql {
namespace {

class Application {
 public:
  Application(std::string_view sql, const Dialect& dialect, const Limits& limits)
      : dialect_(dialect), limits_(limits), origin_(sql.size()) {}

  // "" or a sentence.
  std::string begin(std::string_view sql) { return read(std::string(sql), statement_); }

  std::string take(const AddFilter& edit) { return take(plan(statement_, edit)); }
  std::string take(const CapLimit& edit) { return take(plan(statement_, edit)); }
  std::string take(const ReplaceRelation& edit) { return take(plan(statement_, edit)); }
  std::string take(const AddComment& edit) { return take(plan(statement_, edit)); }
  std::string take(const ForceReadOnly&) { return set("transaction_read_only", "on"); }
  std::string take(const SetLocal& edit) {
    for (const auto& [name, value] : edit.settings) {
      std::string why = set(name, value);
      if (!why.empty()) return why;
    }
    return "";
  }
  std::string take(const ReplaceText& edit) {
    if (edit.sql == statement_.text()) return "";
    Statement next;
    std::string why = read(edit.sql, next);
    if (why.empty()) why = difference(statement_, next);
    if (!why.empty()) return why;
    origin_.splice({{0, static_cast<std::uint32_t>(statement_.text().size()), edit.sql}});
    statement_ = std::move(next);
    return "";
  }

  Rewritten done() { return {statement_.text(), origin_.patches(), std::move(settings_)}; }

 private:
  std::string take(const Changes& changes);
  std::string read(std::string text, Statement& into) {
    auto statement = Statement::read(std::move(text), dialect_, limits_);
    if (!statement) return statement.error();
    into = std::move(*statement);
    return "";
  }
  std::string set(const std::string& name, const std::string& value) {
    if (name.empty() || (name + value).find('\0') != std::string::npos) {
      return "A setting needs a name, and no NUL.";
    }
    settings_.emplace_back(name, value);
    return "";
  }

  const Dialect& dialect_;
  const Limits& limits_;
  Statement statement_;
  Origin origin_;
  std::vector<std::pair<std::string, std::string>> settings_;
};

std::string Application::take(const Changes& changes) {
  if (!changes) return changes.error();
  if (changes->empty()) return "";
  Statement next;
  std::string why = read(spliced(statement_.text(), *changes), next);
  if (!why.empty()) return why;
  if (!equal_trees(statement_.node(), next.node())) {
    return "The edited text does not read as it was meant.";
  }
  origin_.splice(*changes);
  statement_ = std::move(next);
  return "";
}

}  // namespace

Result<Rewritten, std::string> apply(std::string_view sql, const Dialect& dialect,
                                     const std::vector<Edit>& edits, const Limits& limits) {
  Application application(sql, dialect, limits);
  std::string why = application.begin(sql);
  for (const Edit& edit : edits) {
    if (!why.empty()) break;
    why = std::visit([&](const auto& typed) { return application.take(typed); }, edit);
  }
  if (!why.empty()) return why;
  return application.done();
}

}  // namespace pgmoat::sql
