#include "policy/matchers.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/nearest.h"
#include "base/network.h"
#include "policy/dates.h"
#include "policy/node.h"
#include "sql/analysis.h"
#include "sql/clauses.h"

namespace pgmoat::policy {

namespace {

using Type = Matcher::Type;
using Words = std::vector<std::string_view>;

constexpr std::array<std::string_view, 15> kSigns = {
    "tautology",          "union_constants",    "union_catalog",
    "cast_of_subquery",   "character_probe",    "delay",
    "built_string",       "trailing_comment",   "stacked",
    "constant_condition", "foreign_function",   "error_provoking",
    "order_probe",        "subquery_in_values", "empty_comment"};

// All names of an enum of src/sql, from its first value to its last.
template <class Enum>
Words names(Enum last, Enum first = Enum{}) {
  Words words;
  for (auto at = static_cast<int>(first); at <= static_cast<int>(last); ++at) {
    words.push_back(name_of(static_cast<Enum>(at)));
  }
  return words;
}

std::vector<Matcher> about_statements() {
  const Words none;
  return {
      {"kind", Type::word, false, names(sql::Kind::other),
       "What the statement is. WITH d AS (DELETE ...) SELECT is a delete too: it is refused as "
       "either, and allowed as both only."},
      {"command", Type::text, false, none,
       "The command tag of PostgreSQL: \"CREATE TABLE\"; also of a statement in a body, a CTE, or "
       "SQL "
       "given as text."},
      {"writes", Type::flag_or_name, false, none,
       "Whether the statement changes anything; or the relations that it changes."},
      {"parsed", Type::flag, false, none, "Whether the grammar could read the text."},
      {"opaque", Type::flag_or_word, false, names(sql::Opacity::dialect),
       "The facts may not be all there is, and why."},
      {"fingerprint", Type::hex, false, none,
       "libpg_query's fingerprint; it erases constants, so it is no key for an allow-list."},
      {"structure", Type::hex, false, none, "pgmoat's structural hash."},
      {"protocol", Type::word, false, {"simple", "extended"}, "How the text was sent."},
      {"statements", Type::count, false, none, "So many statements in the text."},
      {"statements.min", Type::number, false, none, "At least so many statements in the text."},
      {"statements.max", Type::number, false, none, "At most so many statements in the text."},
      {"parameters", Type::count, false, none, "So many parameters ($1, $2)."},
      {"parameters.min", Type::number, false, none, "At least so many parameters."},
      {"parameters.max", Type::number, false, none, "At most so many parameters."},
      {"signs",
       Type::word,
       false,
       {kSigns.begin(), kSigns.end()},
       "Marks that injected SQL leaves in the structure of a statement."},
      {"score.above", Type::number, false, none,
       "The scores that other rules gave the statement add up to more than this."},
      {"text_re2", Type::regular, false, none,
       "A pattern found in the text; comments and quoting defeat it."},
      {"literal_re2", Type::regular, false, none, "A pattern found in a constant."},
      {"name_re2", Type::regular, false, none,
       "A pattern found in a relation's or function's name."},
      {"comment.key", Type::text, false, none, "A key of a sqlcommenter comment."},
  };
}

std::vector<Matcher> about_objects() {
  const Words none;
  return {
      {"relations", Type::name, false, none,
       "A relation that the statement names, for any access."},
      {"relations.only", Type::name, false, none,
       "Every relation that the statement names is one of these."},
      {"reads", Type::flag_or_name, false, none,
       "Whether the statement reads a relation; or the relations that it reads."},
      {"columns", Type::name, false, none, "A column: \"ssn\", \"users.ssn\", \"users.*\"."},
      {"functions", Type::name, false, none, "A function that the statement calls or may call."},
      {"functions.reach", Type::word, false, names(sql::Reach::method),
       "How a function is reached; with `functions`, by one of those."},
      {"function.schema", Type::text, false, none, "The schema written before a function."},
      {"roles", Type::text, false, none, "A role that SET ROLE, GRANT, ALTER ROLE, ... name."},
      {"clauses",
       Type::word,
       false,
       {sql::clause_names().begin(), sql::clause_names().end()},
       "A clause of CREATE and ALTER ROLE, and of ALTER TABLE, in lower case."},
      {"extensions", Type::text, false, none, "An extension or library (CREATE EXTENSION, LOAD)."},
      {"languages", Type::text, false, none, "The language of a body (DO, CREATE FUNCTION)."},
      {"copy.target",
       Type::word,
       false,
       {"stdin", "stdout", "file", "program"},
       "Where COPY reads or writes."},
      {"copy.format", Type::word, false, {"text", "csv", "binary"}, "The format of COPY."},
      {"set.name", Type::text, false, none, "A setting that the statement changes."},
      {"set.value", Type::any_text, false, none, "The value that a setting is given."},
      {"set.scope", Type::word, false, names(sql::Setting::Scope::function),
       "For whom the setting changes."},
      {"prepared", Type::text, false, none, "The name of PREPARE, EXECUTE, DEALLOCATE."},
      {"cursor", Type::text, false, none, "The name of DECLARE, FETCH, CLOSE."},
      {"channel", Type::text, false, none, "The channel of LISTEN, NOTIFY."},
  };
}

std::vector<Matcher> about_shape() {
  const Words none;
  return {
      {"where.present", Type::flag, false, none,
       "Every UPDATE and DELETE has a WHERE; true of a statement without any."},
      {"where.constant_true", Type::flag, false, none, "Some UPDATE's or DELETE's WHERE is true."},
      {"where.tautology", Type::flag, false, none, "Some WHERE has an OR arm that is always true."},
      {"limit.kind", Type::word, false, names(sql::LimitKind::expression),
       "What LIMIT is; LIMIT ALL is none."},
      {"limit.above", Type::number, false, none, "LIMIT is a number above this."},
      {"star", Type::flag, false, none, "The statement selects *."},
      {"locking", Type::flag, false, none, "FOR UPDATE and kin."},
      {"returning", Type::flag, false, none, "RETURNING."},
      {"joins.above", Type::number, false, none, "More joins than this."},
      {"depth.above", Type::number, false, none, "Sub-selects nested deeper than this."},
      {"dynamic_sql", Type::flag, false, none, "The statement runs SQL that is not constant."},
      {"security_definer", Type::flag, false, none, "A function is made SECURITY DEFINER."},
  };
}

std::vector<Matcher> about_sessions() {
  const Words none;
  return {
      {"user", Type::text, true, none, "The user that the session logged in as."},
      {"database", Type::text, true, none, "The database."},
      {"role", Type::text, true, none, "The role in effect (SET ROLE), else the user."},
      {"app", Type::any_text, true, none, "application_name: a hint, not proof."},
      {"client", Type::network, true, none, "The client's address."},
      {"tls", Type::flag, true, none, "The client's connection has TLS."},
      {"sni", Type::text, true, none, "The name that the client asked for in TLS."},
      {"certificate", Type::text, true, none,
       "The common name of the client's certificate, or one of its alternative names."},
      {"method", Type::text, true, none,
       "How the client has proved itself: \"scram-sha-256\", \"md5\", \"password\", \"cert\", "
       "\"trust\", "
       "\"pass-through\" (to the server); not known at connect."},
      {"tags", Type::text, true, none, "A tag that a rule gave the session."},
      {"transaction",
       Type::word,
       true,
       {"idle", "in_transaction", "failed"},
       "The state of the transaction before the statement."},
      {"time", Type::window, true, none,
       "Now is inside a weekly window: days (Mon, Mon-Fri, Sat,Sun, daily; left out: every day) "
       "and "
       "hours; past midnight it belongs to the day it starts on. UTC without a zone in front."},
      {"session.replication", Type::flag, true, none,
       "The session speaks the replication protocol."},
  };
}

// "t", "schema.t", "schema.*", "*.t", "*"; at most a catalog in front.
bool is_name(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || (part != "*" && part.find('*') != std::string_view::npos)) return false;
    if (++parts > 3) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

std::string check_regular(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 compiled(pattern, options);
  return compiled.ok() ? std::string() : "not a pattern of RE2: " + compiled.error();
}

std::string check_text(const Matcher& matcher, const std::string& text) {
  switch (matcher.type) {
    case Type::word:
    case Type::flag_or_word: {
      const auto& words = matcher.words;
      if (std::find(words.begin(), words.end(), text) != words.end()) return {};
      const std::string near = did_you_mean(text, words);
      if (!near.empty()) return "unknown value '" + text + "'" + near;
      return "unknown value '" + text + "'; expected " + one_of(words);
    }
    case Type::name:
    case Type::flag_or_name:
      if (is_name(text)) return {};
      return "'" + text +
             "' is no name; write \"table\", \"schema.table\", \"schema.*\" or \"*.table\"";
    case Type::network: {
      const auto network = parse_network(text);
      return network ? std::string() : network.error();
    }
    case Type::window: {
      const auto schedule = Schedule::parse(text);
      return schedule ? std::string() : schedule.error();
    }
    case Type::regular: return check_regular(text);
    case Type::any_text: return {};
    case Type::count:
      if (RE2::FullMatch(text, "[<>]=? ?[0-9]{1,9}|[0-9]{1,9}-[0-9]{1,9}")) return {};
      return "expected " + std::string(name_of(Type::count));
    case Type::hex:
      if (text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos) {
        return {};
      }
      return "expected 16 hexadecimal digits, in lower case";
    default: return text.empty() ? "expected a text that is not empty" : std::string();
  }
}

}  // namespace

std::span<const Matcher> matchers() {
  static const std::vector<Matcher> table = [] {
    std::vector<Matcher> all;
    for (auto part : {about_statements(), about_objects(), about_shape(), about_sessions()}) {
      std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    return all;
  }();
  return table;
}

const Matcher* find_matcher(std::string_view name) {
  const auto table = matchers();
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const Matcher& matcher) { return matcher.name == name; });
  return at == table.end() ? nullptr : &*at;
}

std::string_view name_of(Matcher::Type type) {
  switch (type) {
    case Type::flag: return "true or false";
    case Type::number: return "a whole number, 0 or more";
    case Type::count: return "a whole number, or one like \">3\" or \"2-5\"";
    case Type::word: return "one of its words";
    case Type::text:
    case Type::any_text: return "a text";
    case Type::name: return "a name or pattern";
    case Type::flag_or_name: return "true, false, or a name or pattern";
    case Type::flag_or_word: return "true, false, or one of its words";
    case Type::network: return "a network (CIDR)";
    case Type::window:
      return "a weekly window, \"Mon-Fri 08:00-18:00\" (UTC) or \"Europe/Berlin Mon-Fri "
             "08:00-18:00\"";
    case Type::regular: return "a pattern of RE2";
    case Type::hex: return "16 hexadecimal digits";
  }
  return "a text";
}

bool has_statement(Hook hook) {
  return hook == Hook::statement || hook == Hook::execute || hook == Hook::copy ||
         hook == Hook::complete;
}

std::span<const std::string_view> sign_names() { return kSigns; }

std::uint32_t sign_bit(std::string_view name) {
  const auto at = std::find(kSigns.begin(), kSigns.end(), name);
  return at == kSigns.end() ? 0 : 1u << (at - kSigns.begin());
}

std::string check_operand(const Matcher& matcher, const Operand& operand) {
  const bool flags = matcher.type == Type::flag || matcher.type == Type::flag_or_name ||
                     matcher.type == Type::flag_or_word;
  const std::string expected = "expected " + std::string(name_of(matcher.type));
  if (std::holds_alternative<bool>(operand)) return flags ? std::string() : expected;
  if (const auto* number = std::get_if<std::int64_t>(&operand)) {
    const bool numbers = matcher.type == Type::number || matcher.type == Type::count;
    return numbers && *number >= 0 ? std::string() : expected;
  }
  const auto* text = std::get_if<std::string>(&operand);
  if (text == nullptr || matcher.type == Type::flag || matcher.type == Type::number)
    return expected;
  return check_text(matcher, *text);
}

namespace {

std::string written(const Operand& operand) {
  if (const auto* flag = std::get_if<bool>(&operand)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&operand)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&operand)) return std::to_string(*real);
  return "\"" + std::get<std::string>(operand) + "\"";
}

}  // namespace

std::string written(const Match& match) {
  std::vector<std::string> parts;
  if (match.op == Match::Op::leaf) {
    for (const Operand& operand : match.operands) parts.push_back(written(operand));
  } else {
    for (const Match& part : match.parts) parts.push_back(written(part));
  }
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  switch (match.op) {
    case Match::Op::leaf: return match.key + " = [" + text + "]";
    case Match::Op::all: return "all { " + text + " }";
    case Match::Op::any: return "any { " + text + " }";
    case Match::Op::none: return "none { " + text + " }";
  }
  return text;
}

}  // namespace pgmoat::policy
