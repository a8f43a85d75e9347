// The tables; what is made from them is in schema_output.cc. See facts_schema.h.
#include "policy/facts_schema.h"

#include "base/check.h"
#include "policy/lua_made.h"
#include "policy/lua_objects.h"

namespace pgmoat::policy {

namespace {

constexpr std::string_view kText = R"({"type": "string"})";
constexpr std::string_view kWords = R"({"type": ["string", "array"], "items": {"type": "string"}})";
constexpr std::string_view kMode = R"({"enum": ["off", "monitor", "warn", "enforce"]})";
constexpr std::string_view kDay =
    R"({"description": "A date, 2027-03-31, or a moment, 2027-03-31T12:00:00Z."})";
constexpr std::string_view kSettings =
    R"({"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean", "object", "array"]}})";

std::vector<WrittenKey> rule_keys() {
  return {
      {"id", "string", kText, "Stable and unique; it appears in errors, logs and metrics."},
      {"on",
       "\"connect\"|\"auth\"|\"statement\"|\"execute\"|\"copy\"|\"complete\"|\"disconnect\"|nil",
       R"({"enum": ["connect", "auth", "statement", "execute", "copy", "complete", "disconnect"]})",
       "The hook; \"statement\" is the default."},
      {"description", "string?", kText, "What the rule is for, in a sentence."},
      {"severity", "\"info\"|\"low\"|\"medium\"|\"high\"|\"critical\"|nil",
       R"({"enum": ["info", "low", "medium", "high", "critical"]})",
       "Of several denials the most severe speaks; \"medium\" is the default."},
      {"owner", "string?", kText, "Whom to ask for an exception."},
      {"tags", "string|string[]|nil", kWords, "Words that overrides can name."},
      {"url", "string?", kText, "Where to read more."},
      {"mode", "pgmoat.Mode?", kMode, "The rule's own mode; ceilings and overrides may lower it."},
      {"level", "integer?", R"({"type": "integer", "minimum": 1, "maximum": 4})",
       "1 everyone to 4 strict; rules above the pack's level are off. 1 is the default."},
      {"order", "integer?", R"({"type": "integer", "minimum": 0})",
       "Of rewrites: lower ones first; 100 is the default."},
      {"enforce_percent", "integer?", R"({"type": "integer", "minimum": 0, "maximum": 100})",
       "So many sessions in a hundred see `enforce`; the others see `monitor`."},
      {"on_error", "\"deny\"|\"allow\"|nil", R"({"enum": ["deny", "allow"]})",
       "What an error of the rule's Lua means; by default it denies where the rule enforces."},
      {"match", "pgmoat.Match?", R"({"$ref": "#/definitions/match"})",
       "Conditions on facts, compiled; all must hold."},
      {"when", "(fun(s: pgmoat.Session, q: pgmoat.Statement, x: any): any)|string|nil", kText,
       "A predicate of Lua, asked where `match` holds; in TOML an expression over s and q."},
      {"decide",
       "(fun(s: pgmoat.Session, q: pgmoat.Statement, x: any): pgmoat.Verdict?)|string|nil",
       R"({"type": "string", "pattern": "^lua:."})",
       "A function that returns a verdict or nil; in TOML \"lua:name\" of pgmoat.export."},
      {"verdict", "pgmoat.Verdict?", "",
       "What pgmoat.deny{...} and the like make. In TOML a table named deny, rewrite, ..."},
      {"exceptions", "pgmoat.Exception[]?", "",
       "Where the rule does not hold. In TOML [[rule.exception]]."},
      {"exception", "", R"({"type": "array", "items": {"$ref": "#/definitions/exception"}})",
       "Where the rule does not hold."},
      {"tests", "pgmoat.Test[]?", "",
       "Statements and what becomes of them. In TOML [[rule.test]]."},
      {"test", "", R"({"type": "array", "items": {"$ref": "#/definitions/test"}})",
       "Statements and what becomes of them."},
  };
}

std::vector<WrittenTable> verdict_tables() {
  const WrittenKey message = {"message", "string?", kText,
                              "What the client is told: one line. {command}, {kind}, {relation}, "
                              "{function} and {user} are filled in."};
  const WrittenKey hint = {"hint", "string?", kText, "HINT: what to do about it."};
  const WrittenKey detail = {"detail", "string?", kText, "DETAIL, in place of the ordinary one."};
  return {
      {"deny",
       "pgmoat.Deny",
       "The statement is refused as PostgreSQL would refuse it.",
       {message,
        {"sqlstate", "string?", R"({"type": "string", "pattern": "^[0-9A-Z]{5}$"})",
         "42501 is the default."},
        hint,
        detail}},
      {"terminate", "pgmoat.Terminate", "The session ends with FATAL.", {message, hint, detail}},
      {"alert",
       "pgmoat.Alert",
       "An event is logged; nothing is kept from the server.",
       {message,
        {"capture", "\"normalized\"|\"raw\"|\"none\"|nil",
         R"({"enum": ["normalized", "raw", "none"]})", "How the statement is logged."}}},
      {"allow",
       "pgmoat.Allow",
       "Needed only in scopes that deny by default; cancels no deny.",
       {{"reason", "string?", kText, "Why it is allowed."}}},
  };
}

std::vector<WrittenTable> edit_tables() {
  return {
      {"add_filter",
       "pgmoat.AddFilter",
       "Every reference to one of the relations sees only rows with column = equals.",
       {{"relations", "string|string[]", kWords, "\"schema.table\", or \"table\" unqualified."},
        {"column", "string", kText, "The column."},
        {"equals", "string|integer|boolean", R"({"type": ["string", "integer", "boolean"]})",
         "The value, placed as a literal."}}},
      {"replace_relation",
       "pgmoat.ReplaceRelation",
       "One relation is named in place of another.",
       {{"from", "string", kText, "The relation named."},
        {"to", "string", kText, "The relation used."}}},
  };
}

std::vector<WrittenTable> other_tables() {
  return {
      {"exception",
       "pgmoat.Exception",
       "Where a rule does not hold; any matcher may stand in it.",
       {{"name", "string?", kText, "For logs."},
        {"reason", "string?", kText, "Why: a ticket."},
        {"expires", "string?", kDay, "The exception ends with this day, UTC."}}},
      {"test",
       "pgmoat.Test",
       "A statement and what becomes of it.",
       {{"name", "string?", kText, "For reports."},
        {"sql", "string?", kText, "The statement."},
        {"expect", "string",
         R"({"enum": ["pass", "deny", "terminate", "rewrite", "alert", "tag", "set", "score", "allow"]})",
         "What the rule does; \"pass\": nothing."},
        {"rewritten", "string?", kText, "The text that a rewrite makes."},
        {"session", "table?", kSettings,
         "user, database, app, client, role, transaction, protocol, guc, tags, tls, sni, "
         "certificate, "
         "method."},
        {"params", "(string|integer|boolean)[]?", R"({"type": "array"})", "Values of $1, $2, ..."},
        {"parameters", "(string|integer|boolean)[]?", R"({"type": "array"})",
         "The same by its older name."}}},
      {"pack",
       "",
       "What a file of TOML says of itself.",
       {{"id", "", kText, "The pack's name."},
        {"version", "", kText, "The pack's version."},
        {"description", "", kText, "What the pack is for."},
        {"requires_api", "", R"({"const": 1})", "The version of this format: 1."},
        {"ceiling", "", kMode, "No rule of the pack has a mode above this."},
        {"level", "", R"({"type": "integer", "minimum": 1, "maximum": 4})",
         "Rules of a higher level are off."}}},
      {"override",
       "",
       "A rule's mode, for some or all, until a time.",
       {{"rule", "", kText, "A rule's id, or \"pack.*\"."},
        {"tag", "", kText, "In place of a rule: all rules with this tag."},
        {"mode", "", kMode, "The mode they have."},
        {"users", "", kWords, "For these users only."},
        {"user", "", kWords, "The same."},
        {"until", "", kDay, "Then the override ends by itself."},
        {"reason", "", kText, "Why: a ticket."},
        {"enforce_percent", "", R"({"type": "integer", "minimum": 0, "maximum": 100})",
         "Of sessions that see `enforce`."}}},
      {"scope",
       "",
       "Whose statements need an `allow`; any matcher may stand in it.",
       {{"default", "", R"({"enum": ["deny", "allow"]})", "What holds without one."},
        {"users", "", kWords, "The matcher `user`."},
        {"databases", "", kWords, "The matcher `database`."}}},
  };
}

}  // namespace

std::span<const WrittenTable> written_tables() {
  static const std::vector<WrittenTable> tables = [] {
    std::vector<WrittenTable> all = {{"rule", "pgmoat.Rule", "A rule.", rule_keys()}};
    for (const auto& part : {verdict_tables(), edit_tables(), other_tables()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return tables;
}

const WrittenTable& written_table(std::string_view name) {
  for (const WrittenTable& table : written_tables()) {
    if (table.name == name) return table;
  }
  PGMOAT_CHECK(false);
  return written_tables().front();
}

std::span<const LuaFunction> lua_functions() {
  static const std::vector<LuaFunction> functions = {
      {"api", "version: 1", "", "The first call of every file."},
      {"rule", "rule: pgmoat.Rule", "", "Registers a rule."},
      {"deny", "verdict: pgmoat.Deny", "pgmoat.Verdict", "Refuses the statement."},
      {"terminate", "verdict: pgmoat.Terminate", "pgmoat.Verdict", "Ends the session."},
      {"rewrite", "edits: pgmoat.Edit[]|pgmoat.Edit", "pgmoat.Verdict",
       "Edits the statement; the result is parsed and judged again."},
      {"alert", "verdict: pgmoat.Alert", "pgmoat.Verdict", "Logs an event."},
      {"tag", "tags: string[]|string", "pgmoat.Verdict", "Tags the session: s.tags:has(...)."},
      {"settings", "settings: table<string, string|integer|boolean>", "pgmoat.Verdict",
       "Sets parameters of the server's session, on \"auth\". In TOML `set`."},
      {"score", "points: integer", "pgmoat.Verdict", "Adds to the statement's score."},
      {"allow", "verdict: pgmoat.Allow", "pgmoat.Verdict", "Allows, where a scope denies."},
      {"edit.add_filter", "edit: pgmoat.AddFilter", "pgmoat.Edit",
       "Narrows every reference to some relations."},
      {"edit.cap_limit", "rows: integer", "pgmoat.Edit", "LIMIT is at most this."},
      {"edit.set_local", "settings: table<string, string|integer|boolean>", "pgmoat.Edit",
       "Settings for the statement's transaction."},
      {"edit.force_read_only", "", "pgmoat.Edit", "The statement runs in a read-only transaction."},
      {"edit.replace_relation", "edit: pgmoat.ReplaceRelation", "pgmoat.Edit",
       "Names one relation in place of another."},
      {"edit.add_comment", "pairs: table<string, string>", "pgmoat.Edit",
       "Adds a comment as sqlcommenter writes them."},
      {"edit.replace", "sql: string", "pgmoat.Edit",
       "Another statement of the same kind in place of this one."},
      {"export", "functions: table<string, function>", "",
       "Names functions for `decide = \"lua:name\"` in TOML."},
      {"list", "name: string, values: string[]", "string[]",
       "Names a list for matchers: \"@name\". Returns the list."},
      {"set", "words: string[]", "pgmoat.Set", "A set of words."},
      {"cidrs", "networks: string[]", "pgmoat.Networks", "A set of networks."},
      {"schedule", "windows: table", "pgmoat.Schedule",
       "Weekly windows: { tz = \"UTC\", \"Tue 02:00-04:00\" }. Zones are UTC, offsets, or "
       "tzdata's."},
      {"map", "where: { file: string }", "pgmoat.Map",
       "A file of lines \"key value\", read when the policy is loaded."},
      {"re", "pattern: string", "pgmoat.Pattern", "A pattern of RE2: linear in the text."},
      {"params", "name: string", "table", "Parameters that the configuration gives by this name."},
      {"now", "", "integer", "Unix seconds. A rule that asks is asked for every statement."},
  };
  return functions;
}

std::vector<const script::ObjectType*> all_object_types() {
  std::vector<const script::ObjectType*> all = object_types();
  for (const script::ObjectType* type : made_types()) all.push_back(type);
  return all;
}

}  // namespace pgmoat::policy
