#include "session/startup_rules.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/ascii.h"

namespace pgmoat::session {

namespace {

// Encoding names compare as PostgreSQL's do: letters and digits only, any case (asyncpg sends
// client_encoding as 'utf-8' with the quotes).
std::string plain(std::string_view encoding) {
  std::string out;
  for (const char c : ascii_lower(encoding)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

// Encodings in which 0x5C or 0x27 can be the second byte of a character: a quote that we see and
// the server does not, or the reverse.
bool unsafe_encoding(std::string_view value) {
  static constexpr std::array<std::string_view, 14> kUnsafe = {
      "sjis",       "mskanji", "shiftjis", "win932",     "windows932", "big5", "win950",
      "windows950", "gbk",     "win936",   "windows936", "gb18030",    "uhc",  "johab"};
  const std::string name = plain(value);
  if (name == "win949" || name == "windows949" || name == "shiftjis2004" || name == "sjis2004") {
    return true;
  }
  return std::find(kUnsafe.begin(), kUnsafe.end(), name) != kUnsafe.end();
}

bool is_on(std::string_view value) {
  const std::string text = ascii_lower(value);
  if (text == "1" || text == "on") return true;
  return !text.empty() &&
         (std::string_view("true").starts_with(text) || std::string_view("yes").starts_with(text));
}

bool is_off(std::string_view value) {
  const std::string text = ascii_lower(value);
  if (text == "0" || text == "of" || text == "off") return true;
  return !text.empty() &&
         (std::string_view("false").starts_with(text) || std::string_view("no").starts_with(text));
}

void refuse(StartupVerdict& verdict, std::string sqlstate, std::string reason) {
  if (!verdict.sqlstate.empty()) return;
  verdict.sqlstate = std::move(sqlstate);
  verdict.reason = std::move(reason);
}

void malformed(StartupVerdict& verdict, std::string reason) {
  refuse(verdict, "08P01", std::move(reason));
}

// One run-time parameter, whether a pair of the packet or an item of `options`.
void check_setting(StartupVerdict& verdict, const Setup& setup, std::string_view name,
                   std::string_view value) {
  const std::string key = ascii_lower(name);
  if (key == "standard_conforming_strings" && is_on(value)) return;
  if (key == "client_encoding" && unsafe_encoding(value)) {
    refuse(verdict, "42501",
           "client_encoding \"" + std::string(value) +
               "\" is not permitted: its characters can contain a quote byte");
    return;
  }
  const auto& allowed = setup.startup_parameters;
  if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) return;
  refuse(verdict, "42501", "parameter \"" + std::string(name) + "\" is not permitted at startup");
}

void check_replication(StartupVerdict& verdict, const Setup& setup, std::string_view value) {
  if (is_off(value)) return;
  verdict.who.walsender = true;
  if (!setup.allow_replication) {
    refuse(verdict, "42501", "replication connections are not permitted");
  }
}

void check_options(StartupVerdict& verdict, const Setup& setup, std::string_view value) {
  const auto options = wire::parse_options(value);
  if (!options) {
    refuse(verdict, "42501", std::string("startup options: ") + options.error().what);
    return;
  }
  for (const wire::Option& option : *options) {
    check_setting(verdict, setup, option.name, option.value);
  }
}

}  // namespace

std::vector<std::string> default_startup_parameters() {
  return {"application_name",
          "bytea_output",
          "client_encoding",
          "client_min_messages",
          "datestyle",
          "default_transaction_deferrable",
          "default_transaction_isolation",
          "default_transaction_read_only",
          "extra_float_digits",
          "geqo",
          "idle_in_transaction_session_timeout",
          "idle_session_timeout",
          "intervalstyle",
          "jit",
          "lc_messages",
          "lock_timeout",
          "search_path",
          "statement_timeout",
          "timezone",
          "transaction_isolation",
          "work_mem",
          "xmloption"};
}

StartupVerdict examine(const wire::StartupMessage& startup, const Setup& setup) {
  StartupVerdict verdict;
  std::set<std::string> seen;
  for (const wire::Parameter& parameter : wire::parameters_of(startup)) {
    const std::string key = ascii_lower(parameter.name);
    if (!seen.insert(key).second) {
      malformed(verdict, "startup parameter \"" + key + "\" is given twice");
    }
    if (parameter.name.size() > wire::kNameLimit)
      malformed(verdict, "a startup name is over 63 bytes");
    if (parameter.name == "user") {
      verdict.who.user = parameter.value;
    } else if (parameter.name == "database") {
      verdict.who.database = parameter.value;
    } else if (parameter.name == "replication") {
      check_replication(verdict, setup, parameter.value);
    } else if (parameter.name == "options") {
      check_options(verdict, setup, parameter.value);
    } else if (parameter.name.starts_with("_pq_.")) {
      verdict.protocol_options.emplace_back(parameter.name);
    } else {
      if (key == "application_name") verdict.who.application = parameter.value;
      check_setting(verdict, setup, parameter.name, parameter.value);
    }
  }
  if (verdict.who.user.empty()) {
    refuse(verdict, "28000", "no PostgreSQL user name specified in startup packet");
  }
  if (verdict.who.user.size() > wire::kNameLimit ||
      verdict.who.database.size() > wire::kNameLimit) {
    malformed(verdict, "user or database name is over 63 bytes");
  }
  if (verdict.who.database.empty()) verdict.who.database = verdict.who.user;
  return verdict;
}

}  // namespace pgmoat::session
