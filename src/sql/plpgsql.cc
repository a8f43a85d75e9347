// A reader of just enough JSON: strings, and whether one is a key.
#include "sql/plpgsql.h"

#include <cstdlib>

#include "sql/postgres.h"
#include "sql/tree.h"

#if defined(__SANITIZE_ADDRESS__)
#define PGMOAT_LEAKS_ARE_SOUGHT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PGMOAT_LEAKS_ARE_SOUGHT 1
#endif
#endif
#ifdef PGMOAT_LEAKS_ARE_SOUGHT
// pg_query_parse_plpgsql forgets an empty string of pg_query_raw_parse's where it refuses a body.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:pg_query_raw_parse\n"; }
#endif

namespace pgmoat::sql {
namespace {

unsigned hex(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

// The string that starts behind `at`, which moves behind its closing quote.
std::string take_string(std::string_view json, std::size_t& at) {
  std::string text;
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] != '\\' || at + 1 == json.size()) {
      text += json[at];
      continue;
    }
    switch (const char c = json[++at]) {
      case 'b': text += '\b'; break;
      case 'f': text += '\f'; break;
      case 'n': text += '\n'; break;
      case 'r': text += '\r'; break;
      case 't': text += '\t'; break;
      case 'u':  // libpg_query writes only control characters so
        if (at + 4 < json.size())
          text += static_cast<char>(hex(json[at + 3]) * 16 + hex(json[at + 4]));
        at += 4;
        break;
      default: text += c; break;
    }
  }
  ++at;
  return text;
}

// An object and the key that it stands behind: "query" of EXECUTE is a text to be run, of RETURN
// QUERY a statement.
struct Open {
  bool executes = false;  // EXECUTE, FOR ... IN EXECUTE
  bool executed = false;  // an expression whose value is run
};

void read(std::string_view json, std::vector<BodyText>& texts) {
  std::string key;
  std::vector<Open> open;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '{') {
      const bool executes = key == "PLpgSQL_stmt_dynexecute" || key == "PLpgSQL_stmt_dynfors";
      const Open outer = open.empty() ? Open{} : open.back();
      const bool executed = key == "dynquery" || (key == "query" && outer.executes) ||
                            (key == "PLpgSQL_expr" && outer.executed);
      open.push_back({executes, executed});
    } else if (c == '}' && !open.empty()) {
      open.pop_back();
    }
    if (c != '"') {
      // A key whose value is no string: an object, a number.
      if (c == '{' || c == '[') key.clear();
      ++at;
      continue;
    }
    std::string text = take_string(json, at);
    if (at < json.size() && json[at] == ':') {
      key = std::move(text);
    } else if (key == "query") {
      texts.push_back({std::move(text), !open.empty() && open.back().executed});
    }
  }
}

}  // namespace

bool parse_plpgsql(const char* statement, bool conforming_strings, std::vector<BodyText>& texts) {
  const Reading reading(conforming_strings);
  const PgQueryPlpgsqlParseResult result = pg_query_parse_plpgsql(statement);
  // Without an action the body was not read: the language was not taken for PL/pgSQL.
  const bool parsed =
      !result.error && result.plpgsql_funcs &&
      std::string_view(result.plpgsql_funcs).find("\"action\":{") != std::string_view::npos;
  if (parsed) read(result.plpgsql_funcs, texts);
  pg_query_free_plpgsql_parse_result(result);
  return parsed;
}

std::string assignment_as_list(std::string_view assignment) {
  std::string list(assignment);
  int depth = 0;
  for (std::size_t at = 0; at < list.size(); ++at) {
    const char c = list[at];
    if (c == '\'' || c == '"') {
      at = list.find(c, at + 1);
      if (at == std::string::npos) break;
    }
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c != '=' || depth != 0) continue;
    list[at] = ' ';
    list[at > 0 && list[at - 1] == ':' ? at - 1 : at] = ',';
    break;
  }
  return list;
}

}  // namespace pgmoat::sql
