// After freeze(): what was made while loading reads as before and refuses to change, and functions
// that would keep state outside tables are not accepted.
#include "script/sandbox_fixture.h"

namespace pgmoat::script {
namespace {

class Freeze : public SandboxTest {};

// What the rules below work with.
constexpr const char* kFile = R"(
list = { 10, 20, 30, name = "list", inner = { deep = { 1 } } }
local upvalue = { a = 1, b = { c = 2 } }
local Class = {}
Class.__index = Class
function Class:size() return self.n end
local with_default = setmetatable({ own = 1 }, { __index = function(t, k) return k .. "!" end,
  __len = function() return 42 end, __call = function(self, x) return x + self.own end })
local memo = setmetatable({}, { __index = function(t, k) t[k] = k; return k end })
local object = setmetatable({ n = 7 }, Class)
local by_table = setmetatable({}, { __index = { x = 1 } })
local circle = {}; circle.self = circle
local keyed = { [list] = "by identity", [1.5] = 2, [true] = 3 }
local function helper(t) t.count = (t.count or 0) + 1 return t.count end
)";

TEST_F(Freeze, WhatWasLoadedReadsAsBefore) {
  const char* const body = R"(pgmoat.rule(function(q)
    assert(list[1] == 10 and list.name == "list" and list.inner.deep[1] == 1 and #list == 3)
    assert(rawlen(list) == 3 and list[4] == nil)
    local n, sum = 0, 0
    for i, v in ipairs(list) do sum = sum + v end
    for k, v in pairs(list) do n = n + 1 end
    assert(sum == 60 and n == 5)
    for k in next, list do n = n + 1 end
    assert(n == 10 and next({}) == nil)
    assert(table.concat(list, ",") == "10,20,30" and select("#", table.unpack(list)) == 3)
    local copy = table.move(list, 1, 3, 1, {})
    assert(#copy == 3 and copy[3] == 30)
    assert(upvalue.a == 1 and upvalue.b.c == 2)
    assert(object:size() == 7 and object.n == 7)
    assert(with_default.own == 1 and with_default.other == "other!" and #with_default == 42)
    assert(with_default(4) == 5)
    assert(by_table.x == 1 and by_table.y == nil)
    assert(circle.self == circle and circle.self.self == circle)
    assert(keyed[list] == "by identity" and keyed[1.5] == 2 and keyed[true] == 3)
    assert(pgmoat.echo(list).inner.deep[1] == 1)
    local t = setmetatable({}, { __index = list })
    assert(t[1] == 10)
    t.x = 1
    assert(helper(t) == 1 and helper(t) == 2)
    return true
  end))";
  ASSERT_EQ(load(std::string(kFile) + body).message, "");
  for (int round = 0; round < 3; ++round) {
    const auto answer = test();
    ASSERT_TRUE(answer) << answer.error().message;
    if (round == 1) {
      ASSERT_EQ(freeze().message, "");
    }
  }
}

TEST_F(Freeze, EveryWriteIsRefused) {
  const char* const writes[] = {
      "list[1] = 2",
      "list[4] = 2",
      "list.name = 'x'",
      "list.name = nil",
      "list.inner = nil",
      "list.inner.deep[1] = 2",
      "list.new = 1",
      "list = nil",
      "list = {}",
      "global = 1",
      "function global() end",
      "upvalue.a = 2",
      "upvalue.b.c = 3",
      "Class.size = nil",
      "Class.other = 1",
      "object.n = 8",
      "object.other = 8",
      "with_default.own = 2",
      "with_default.other = 2",
      "return memo.x",
      "by_table.x = 2",
      "circle.self = nil",
      "keyed[list] = nil",
      "keyed[{}] = 1",
      "table.insert(list, 1)",
      "table.remove(list)",
      "table.sort(list, function(a, b) return a > b end)",
      "table.move({ 1 }, 1, 1, 1, list)",
      "setmetatable(list, {})",
      "setmetatable(list, nil)",
      "setmetatable(object, nil)",
      "helper(upvalue)",
      "for k in pairs(list) do list[k] = nil end",
      "local f, t, k = pairs(list) t.name = 1",
      "local f, t, k = ipairs(list) t[1] = 1",
      "setmetatable({}, { __newindex = list }).name = 'y'",
      "return setmetatable({}, { __index = function(_, k) list[k] = 1 end }).x",
      "pgmoat.rule(function() end)",
      "pgmoat.echo(function() end)",
      "return function() end",
  };
  std::string source = kFile;
  for (const char* write : writes) {
    source += "pgmoat.rule(function(q) " + std::string(write) + " end)\n";
  }
  source +=
      "pgmoat.rule(function() return list[1] == 10 and #list == 3 and list.name == 'list' "
      "and upvalue.a == 1 and object.n == 7 and with_default.other == 'other!' and "
      "circle.self == circle and list.new == nil end)";
  ASSERT_EQ(load(source).message, "");
  ASSERT_EQ(freeze().message, "");
  const std::vector<Function> all = rules;
  for (std::size_t i = 0; i < std::size(writes); ++i) {
    rules = {all[i]};
    const auto answer = call();
    EXPECT_FALSE(answer) << writes[i];
    EXPECT_TRUE(answer || answer.error().kind == Trouble::Kind::error) << writes[i];
    rules = {all.back()};
    const auto same = test();
    ASSERT_TRUE(same && *same) << "after " << writes[i];
  }
}

struct Kept {
  const char* source;
  const char* variable;  // null: accepted
  int line;
};

TEST(FreezeAlone, FunctionsThatAssignALocalOfTheFileAreRefused) {
  const Kept cases[] = {
      {"local n = 0\npgmoat.rule(function()\n  n = n + 1\n  return n\nend)", "n", 3},
      {"local last\npgmoat.rule(function(q)\n last = q.kind end)", "last", 3},
      {"local n = 0\nlocal function add() n = n + 1 end\npgmoat.rule(function() add() end)", "n",
       2},
      {"local n = 0\npgmoat.rule(function()\n return function()\n n = 1 end end)", "n", 4},
      {"local n = 0\nt = { deep = { f = function() n = 1 end } }", "n", 2},
      {"local n = 0\nfunction f() n = 1 end", "n", 2},
      {"local n = 0\npgmoat.rule(setmetatable({}, { __index = function() n = 1 end }) and "
       "function() end)",
       nullptr, 0},
      {"local n = 0\nlocal t = setmetatable({}, { __index = function() n = 1 end })\n"
       "pgmoat.rule(function() return t.x end)",
       "n", 2},
      {"local function make()\n local n = 0\n return function() n = n + 1 return n end\nend\n"
       "pgmoat.rule(make())",
       "n", 3},
      {"local a, b, c, d = 1, 2, 3, 4\npgmoat.rule(function() local x = a + b + c\n\n\n d = x end)",
       "d", 5},
      // Locals of the call itself are no state, nor is what only loading does.
      {"pgmoat.rule(function(q)\n local n = 0\n local function add() n = n + 1 end\n add()\n "
       "return n end)",
       nullptr, 0},
      {"local n = 0\nlocal function add() n = n + 1 return n end\nadd()\nlocal m = n\n"
       "pgmoat.rule(function() return m end)",
       nullptr, 0},
      {"local f\nf = function(n) return n == 0 and 0 or f(n - 1) end\n"
       "pgmoat.rule(function() return f(3) end)",
       nullptr, 0},
      {"local t = {}\nfor i = 1, 3 do t[i] = function() return i end end\n"
       "pgmoat.rule(function() return t[1]() end)",
       nullptr, 0},
  };
  for (const Kept& c : cases) {
    Sandbox fresh;
    fresh.define("rule",
                 [&](std::vector<Value>& arguments, const Caller&) -> Result<Value, std::string> {
                   return arguments.empty() ? Value{} : arguments[0];
                 });
    const auto ran = fresh.run(c.source, "policy/state.lua");
    ASSERT_EQ(std::get_if<Trouble>(&ran), nullptr) << c.source << std::get<Trouble>(ran).message;
    const auto frozen = fresh.freeze();
    const auto* trouble = std::get_if<Trouble>(&frozen);
    if (c.variable == nullptr) {
      EXPECT_EQ(trouble, nullptr) << c.source;
      continue;
    }
    ASSERT_NE(trouble, nullptr) << c.source;
    EXPECT_EQ(trouble->message.rfind("policy/state.lua:" + std::to_string(c.line) + ": '" +
                                         c.variable + "' is assigned by a function",
                                     0),
              0u)
        << trouble->message;
    EXPECT_EQ(trouble->file, "policy/state.lua");
    EXPECT_EQ(trouble->line, c.line);
  }
}

TEST_F(Freeze, AFunctionOfManyLinesIsReadToItsEnd) {
  std::string source = "local n = 0\npgmoat.rule(function()\n";
  for (int i = 0; i < 300; ++i)
    source += "do local x = { 'a" + std::to_string(i) + "', 1.5 } end\n";
  source += "\n\n\nn = 1\nend)";
  ASSERT_EQ(load(source).message, "");
  const Trouble trouble = freeze();
  EXPECT_EQ(trouble.line, 306) << trouble.message;
}

TEST_F(Freeze, CompiledExpressionsAreFrozenToo) {
  ASSERT_EQ(load("list = { 1 }").message, "");
  const auto before = sandbox.compile("(function() list[1] = list[1] + 1 return list[1] end)()", {},
                                      "rules/x.toml", 7);
  ASSERT_TRUE(before);
  ASSERT_TRUE(sandbox.call(*before, {}));
  ASSERT_EQ(freeze().message, "");
  const auto after = sandbox.compile("list[1] == 2", {}, "rules/x.toml", 9);
  ASSERT_TRUE(after);
  EXPECT_TRUE(*sandbox.test(*after, {}));
  const auto refused = sandbox.call(*before, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().line, 7);
}

// 16,384 tables take 1.2 MB as they are made, and three times that once they are read-only.
TEST(FreezeMemory, WhatMakingItReadOnlyTakesIsHeldToTheLimit) {
  const std::string tables = "t = {} for i = 1, 16384 do t[i] = { i } end";
  Budget budget;
  budget.load_instructions = 10'000'000;
  budget.load_wall = std::chrono::seconds(30);
  for (const auto& [memory, trouble] : std::vector<std::pair<std::size_t, std::string>>{
           {3u << 20, "making what was loaded read-only: not enough memory: the limit is 3 MiB"},
           {16u << 20, ""}}) {
    budget.memory = memory;
    Sandbox sandbox(budget);
    ASSERT_TRUE(std::holds_alternative<std::monostate>(sandbox.run(tables, "t.lua")));
    const auto frozen = sandbox.freeze();
    const auto* told = std::get_if<Trouble>(&frozen);
    EXPECT_EQ(told == nullptr ? "" : told->message, trouble);
    EXPECT_LE(sandbox.memory_used(), memory);
  }
}

TEST(FreezeMemory, AQuarterIsLeftForCalls) {
  Budget budget;
  budget.memory = 2u << 20;
  const auto told = [&](int texts) {
    Sandbox sandbox(budget);
    const auto loaded = sandbox.run("t = {} for i = 1, " + std::to_string(texts) +
                                        " do t[i] = string.rep(tostring(i % 10), 8192) .. i end",
                                    "t.lua");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(loaded)) << texts;
    const auto frozen = sandbox.freeze();
    const auto* trouble = std::get_if<Trouble>(&frozen);
    return trouble == nullptr ? "" : trouble->message;
  };
  EXPECT_EQ(told(160), "");
  const std::string refused = told(210);
  EXPECT_NE(refused.find("of the 2 MiB there are, and leaves too little for calls"),
            std::string::npos)
      << refused;
}

TEST_F(Freeze, CallsLeaveNothingBehind) {
  ASSERT_EQ(
      load("list = { 1, { 2 } } pgmoat.rule(function(q) return { q.text, list[2] } end)").message,
      "");
  ASSERT_EQ(freeze().message, "");
  ASSERT_TRUE(call());
  sandbox.collect();
  const std::size_t memory = sandbox.memory_used();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(call());
  sandbox.collect();
  EXPECT_LE(sandbox.memory_used(), memory);
}

}  // namespace
}  // namespace pgmoat::script
