#include "app/user_list.h"

#include <optional>

#include "app/secret_source.h"

namespace pgmoat::app {

namespace {

constexpr std::size_t kName = 63;  // NAMEDATALEN - 1: PostgreSQL cuts longer ones

// One line of the file, from left to right.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool done() const { return at_ == text_.size(); }
  bool comment() const { return !done() && (text_[at_] == ';' || text_[at_] == '#'); }
  std::size_t column() const { return at_ + 1; }
  // A text in double quotes; nothing: there is none here, or it does not end.
  std::optional<std::string> quoted() {
    if (done() || text_[at_] != '"') return std::nullopt;
    std::string made;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] != '"') {
        made += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == '"') {
        made += text_[i++];
      } else {
        at_ = i + 1;
        return made;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// What is wrong with the line; "": nothing.
std::string read_line(Line& line, Users& users) {
  line.skip_blanks();
  if (line.done() || line.comment()) return {};
  const auto name = line.quoted();
  if (!name) return "expected a user name in double quotes";
  if (name->empty() || name->size() > kName) return "a user name has 1 to 63 bytes";
  if (users.contains(*name)) return "user \"" + *name + "\" stands here twice";
  line.skip_blanks();
  auto secret = line.quoted();
  if (!secret) return "expected a verifier or a password in double quotes";
  if (secret->empty()) return "an empty password lets nobody in; leave the user out";
  auto verifier = auth::parse_verifier(*secret);
  OPENSSL_cleanse(secret->data(), secret->size());
  if (!verifier) return "no SCRAM verifier: SCRAM-SHA-256$COUNT:SALT$STOREDKEY:SERVERKEY";
  line.skip_blanks();
  if (!line.done() && !line.comment()) return "expected the end of the line";
  users.emplace(*name, std::move(*verifier));
  return {};
}

}  // namespace

Result<Users, std::vector<std::string>> parse_users(std::string_view text,
                                                    const std::string& file) {
  Users users;
  std::vector<std::string> errors;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.ends_with('\r')) content.remove_suffix(1);
    Line line(content);
    if (const std::string wrong = read_line(line, users); !wrong.empty()) {
      errors.push_back(file + ":" + std::to_string(number) + ":" + std::to_string(line.column()) +
                       ": " + wrong);
    }
  }
  if (!errors.empty()) return errors;
  return users;
}

Result<Users, std::vector<std::string>> read_users(const std::string& file) {
  const auto text = read_secret_file(file);
  if (!text) return std::vector<std::string>{text.error()};
  return parse_users(text->text(), file);
}

}  // namespace pgmoat::app
