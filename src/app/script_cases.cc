// Lua tests: *_test.lua run in a sandbox of their own, in front of the policy under test.
//   test("name", function(t) t:expect(t:eval({ user = "app" }, "DELETE FROM t")):denies("rule") end)
#include "app/script_cases.h"

#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "policy/dates.h"

namespace pgmoat::app {

namespace {

using script::Caller;
using script::Table;
using script::Value;

// What a test sees. A failed expectation is an error, whose place is the test's own line.
constexpr std::string_view kPrelude = R"(
local expectation = {}
expectation.__index = expectation
local function has(decision, rule, action)
  if rule ~= nil then pgmoat.test.rule(rule) end
  if rule == nil then return action == nil and decision.verdict ~= "allow" or decision.verdict == action end
  for _, finding in ipairs(decision.findings) do
    if finding.rule == rule and (action == nil or finding.action == action) then return true end
  end
  return decision.rule == rule and (action == nil or decision.verdict == action)
end
local function described(decision)
  local text = decision.verdict
  if decision.rule ~= "" then text = text .. " by " .. decision.rule .. ": " .. decision.message end
  return text
end
local function check(ok, decision, what)
  if not ok then error("expected " .. what .. ", got " .. described(decision), 3) end
end
function expectation:denies(rule)
  check(has(self.decision, rule, "deny"), self.decision, "a refusal by " .. (rule or "any rule"))
  return self
end
function expectation:terminates(rule)
  check(has(self.decision, rule, "terminate"), self.decision, "an end of the session by " .. (rule or "any rule"))
  return self
end
function expectation:alerts(rule)
  check(has(self.decision, rule, "alert"), self.decision, "an alert by " .. (rule or "any rule"))
  return self
end
function expectation:rewrites(sql)
  check(self.decision.verdict == "rewrite", self.decision, "a rewrite")
  if sql ~= nil and self.decision.rewritten ~= sql then
    error("rewritten to: " .. self.decision.rewritten, 2)
  end
  return self
end
function expectation:passes(rule)
  check(not has(self.decision, rule), self.decision, "nothing from " .. (rule or "any rule"))
  return self
end
function expectation:allows()
  check(self.decision.verdict == "allow", self.decision, "allow")
  return self
end
function expectation:message(text)
  check(string.find(self.decision.message, text, 1, true) ~= nil, self.decision, "the words " .. text)
  return self
end
local trial = {}
trial.__index = trial
function trial:eval(session, sql, params) return pgmoat.test.eval(session or {}, sql, params or {}) end
function trial:expect(decision) return setmetatable({ decision = decision }, expectation) end
function trial:clock(text) pgmoat.test.clock(text) end
function trial:tick(seconds) pgmoat.test.tick(seconds) end
function test(name, run)
  pgmoat.test.case(name, function() run(setmetatable({}, trial)) end)
end
)";

Value text(std::string_view value) { return {std::string(value)}; }

void put(Table& table, std::string key, Value value) {
  table.fields.emplace_back(std::move(key), std::move(value));
}

Value shown(std::shared_ptr<Table> table) {
  std::sort(table->fields.begin(), table->fields.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return {std::move(table)};
}

Value decision_table(const policy::Ruling& ruling) {
  auto table = std::make_shared<Table>();
  put(*table, "verdict", text(word_of(ruling.action)));
  put(*table, "rule", text(ruling.refusal.rule));
  put(*table, "sqlstate", text(ruling.refusal.sqlstate));
  put(*table, "message", text(ruling.refusal.message));
  put(*table, "hint", text(ruling.refusal.hint));
  put(*table, "rewritten", text(ruling.rewrite.sql));
  auto findings = std::make_shared<Table>();
  for (const policy::Finding& finding : ruling.findings) {
    auto one = std::make_shared<Table>();
    put(*one, "rule", text(finding.rule));
    put(*one, "action", text(name_of(finding.action)));
    put(*one, "message", text(finding.refusal.message));
    findings->items.push_back(shown(std::move(one)));
  }
  put(*table, "findings", shown(std::move(findings)));
  return shown(std::move(table));
}

std::string add_to(Asker& asker, const std::string& key, const Value& value) {
  if (const auto* string = value.as<std::string>()) return describe(asker, key, *string);
  if (const auto* number = value.as<std::int64_t>()) {
    return describe(asker, key, std::to_string(*number));
  }
  const Table* table = value.table();
  if (table == nullptr) return "session." + key + " is text";
  if (key == "tags") {
    for (const Value& item : table->items) {
      if (const auto* tag = item.as<std::string>()) asker.tags.push_back(*tag);
    }
    return {};
  }
  if (key != "guc") return "session." + key + " is text";
  for (const auto& [name, inner] : table->fields) {
    if (std::string wrong = add_to(asker, "guc." + name, inner); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

ScriptCases::ScriptCases(Trial& trial, Watch watch)
    : trial_(trial),
      watch_(std::move(watch)),
      sandbox_(script::Budget{
          .instructions = 50'000'000, .wall = std::chrono::seconds(5), .memory = 64u << 20}) {
  sandbox_.define("test.case", [this](std::vector<Value>& given, const Caller& caller) {
    return add(given, caller);
  });
  sandbox_.define("test.eval",
                  [this](std::vector<Value>& given, const Caller&) { return evaluate(given); });
  sandbox_.define("test.clock",
                  [this](std::vector<Value>& given, const Caller&) { return set_clock(given); });
  sandbox_.define("test.rule",
                  [this](std::vector<Value>& given, const Caller&) { return find_rule(given); });
  sandbox_.define("test.tick",
                  [this](std::vector<Value>& given, const Caller&) { return tick(given); });
}

Result<Value, std::string> ScriptCases::add(std::vector<Value>& given, const Caller& caller) {
  const auto* name = given.size() == 2 ? given[0].as<std::string>() : nullptr;
  const auto* run = given.size() == 2 ? given[1].as<script::Function>() : nullptr;
  if (name == nullptr || run == nullptr) {
    return std::string("test takes a name and a function: test(\"name\", function(t) ... end)");
  }
  const policy::Place place{file_, caller.line, 1};
  cases_.push_back({*name, place, [this, run = *run, place] { return outcome(run, place); }});
  return Value{};
}

ScriptCase::Outcome ScriptCases::outcome(script::Function run, const policy::Place& place) {
  now_ = 0;
  trial_.set_clock(0);
  const auto result = sandbox_.call(run, {});
  if (result) return {place, {}};
  const script::Trouble& trouble = result.error();
  if (trouble.file != place.file || trouble.line <= 0) return {place, trouble.message};
  const std::string front = trouble.file + ":" + std::to_string(trouble.line) + ": ";
  const bool told = trouble.message.starts_with(front);
  return {{place.file, trouble.line, 1},
          told ? trouble.message.substr(front.size()) : trouble.message};
}

Result<Value, std::string> ScriptCases::evaluate(std::vector<Value>& given) {
  const Table* session = given.empty() ? nullptr : given[0].table();
  const auto* sql = given.size() > 1 ? given[1].as<std::string>() : nullptr;
  if (session == nullptr || sql == nullptr) {
    return std::string(
        "eval takes a session and a statement: t:eval({ user = \"app\" }, \"SELECT 1\")");
  }
  Asker asker;
  for (const auto& [key, value] : session->fields) {
    if (std::string wrong = add_to(asker, key, value); !wrong.empty()) return wrong;
  }
  std::vector<std::string> parameters;
  if (const Table* list = given.size() > 2 ? given[2].table() : nullptr) {
    for (const Value& item : list->items) {
      if (const auto* string = item.as<std::string>()) parameters.push_back(*string);
      else if (const auto* number = item.as<std::int64_t>())
        parameters.push_back(std::to_string(*number));
      else return std::string("parameters are text or whole numbers");
    }
  }
  const policy::Judged ruling = trial_.ask(asker, *sql, parameters);
  watch_(asker, *sql, *ruling);
  return decision_table(*ruling);
}

Result<Value, std::string> ScriptCases::set_clock(std::vector<Value>& given) {
  const auto* when = given.size() == 1 ? given[0].as<std::string>() : nullptr;
  const auto seconds = when == nullptr ? std::nullopt : policy::parse_moment(*when);
  if (!seconds) return std::string("clock takes an instant such as \"2026-12-01T03:00Z\"");
  now_ = *seconds;
  trial_.set_clock(now_);
  return Value{};
}

// A name that is misspelt would pass every `passes`.
Result<Value, std::string> ScriptCases::find_rule(std::vector<Value>& given) {
  const auto* id = given.size() == 1 ? given[0].as<std::string>() : nullptr;
  if (id == nullptr) return std::string("a rule is named by its id, a text");
  const policy::Bundle& bundle = trial_.judge().bundle();
  if (bundle.find(*id) != nullptr) return Value{};
  std::vector<std::string_view> known;
  for (const policy::CompiledRule& rule : bundle.rules()) known.push_back(rule.written->id);
  return "no rule has the id '" + *id + "'" + did_you_mean(*id, known);
}

Result<Value, std::string> ScriptCases::tick(std::vector<Value>& given) {
  const auto* seconds = given.size() == 1 ? given[0].as<std::int64_t>() : nullptr;
  if (seconds == nullptr || now_ == 0) {
    return std::string("tick takes seconds, after t:clock has set an instant");
  }
  now_ += *seconds;
  trial_.set_clock(now_);
  return Value{};
}

std::string ScriptCases::load(const std::string& source, const std::string& file) {
  file_ = file;
  if (!prelude_) {
    const auto done = sandbox_.run(kPrelude, std::string(script::kOwnChunk));
    if (const auto* trouble = std::get_if<script::Trouble>(&done)) return trouble->message;
    prelude_ = true;
  }
  const auto done = sandbox_.run(source, file);
  const auto* trouble = std::get_if<script::Trouble>(&done);
  return trouble == nullptr ? std::string() : trouble->message;
}

}  // namespace pgmoat::app
