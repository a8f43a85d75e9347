// The limits themselves: at each and one past it, what is counted, and what is not.
#include <stdexcept>
#include <thread>

#include "script/lua.h"
#include "script/meter.h"
#include "script/sandbox_fixture.h"

namespace pgmoat::script {
namespace {

using Kind = Trouble::Kind;

class Limits : public SandboxTest {};

// Lua passes the kind of object where a limiter might expect the old size: counting it drifts.
TEST(Meter, CountsBytesAndNotKinds) {
  const Budget budget;
  Meter meter(budget);
  void* kinds[9];
  for (std::size_t kind = 0; kind < 9; ++kind) {
    kinds[kind] = Meter::allocate(&meter, nullptr, kind, 100);
    EXPECT_EQ(meter.memory(), 100 * (kind + 1));
  }
  for (std::size_t kind = 0; kind < 9; ++kind) {
    kinds[kind] = Meter::allocate(&meter, kinds[kind], 100, 300);
    kinds[kind] = Meter::allocate(&meter, kinds[kind], 300, 40);
  }
  EXPECT_EQ(meter.memory(), 9u * 40);
  for (void* block : kinds) Meter::allocate(&meter, block, 40, 0);
  EXPECT_EQ(meter.memory(), 0u);
}

// The state's own account, which no limiter of ours touches, says the same.
TEST(Meter, AgreesWithLua) {
  const Budget budget;
  Meter meter(budget);
  lua_State* L = lua_newstate(Meter::allocate, &meter);
  luaL_openlibs(L);
  ASSERT_EQ(luaL_dostring(L,
                          "local t = {} for i = 1, 50000 do t[i] = { i .. 'x', function() "
                          "return i end } end t = nil for i = 1, 1000 do ('x'):rep(i) end"),
            LUA_OK);
  const auto by_lua = static_cast<std::size_t>(lua_gc(L, LUA_GCCOUNT, 0)) * 1024 +
                      static_cast<std::size_t>(lua_gc(L, LUA_GCCOUNTB, 0));
  EXPECT_EQ(meter.memory(), by_lua);
  lua_close(L);
  EXPECT_EQ(meter.memory(), 0u);
}

TEST_F(Limits, MemoryIsUsedUpToTheLimitAndComesBack) {
  ASSERT_EQ(load_rule("local t = {} for i = 1, math.huge do t[i] = { i } end").message, "");
  std::size_t peak = 0;
  for (int i = 0; i < 5; ++i) {
    const auto answer = call();
    ASSERT_FALSE(answer);
    peak = std::max(peak, sandbox.memory_used());
    expect_works();
  }
  sandbox.collect();
  EXPECT_LT(sandbox.memory_used(), 100u << 10);
}

TEST(LimitsOf, Memory) {
  for (const std::size_t memory : {256u << 10, 1u << 20, 64u << 20}) {
    Budget budget{.instructions = UINT64_MAX, .wall = std::chrono::seconds(60), .memory = memory};
    Sandbox sandbox(budget);
    const auto bomb = sandbox.compile(
        "(function() local t = {} for i = 1, math.huge do t = { t } end end)()", {}, "x", 3);
    const auto result = sandbox.call(*bomb, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::memory);
    EXPECT_EQ(result.error().message.rfind("x:3: not enough memory: the limit is ", 0), 0u)
        << result.error().message;
    EXPECT_LE(sandbox.memory_used(), memory);
    const auto works = sandbox.compile("1 + 1", {}, "x", 1);
    ASSERT_TRUE(works);
    EXPECT_TRUE(sandbox.call(*works, {}));
  }
}

TEST(LimitsOf, Instructions) {
  Budget budget{.instructions = 10'000, .wall = std::chrono::seconds(60)};
  Sandbox sandbox(budget);
  const auto loop =
      sandbox.compile("(function() for i = 1, 9000 do end return true end)()", {}, "x", 1);
  EXPECT_TRUE(sandbox.call(*loop, {}));
  EXPECT_GE(sandbox.instructions_used(), 8'800u);
  EXPECT_LE(sandbox.instructions_used(), 9'200u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sandbox.call(*loop, {}));  // each call has its own
  const auto longer = sandbox.compile("(function() for i = 1, 11000 do end end)()", {}, "x", 1);
  const auto result = sandbox.call(*longer, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::instructions);
  EXPECT_EQ(result.error().message, "x:1: stopped after 10000 instructions");
  const auto none = sandbox.compile("1", {}, "x", 1);
  EXPECT_TRUE(sandbox.call(*none, {}));
  EXPECT_EQ(sandbox.instructions_used(), 0u);
}

TEST(LimitsOf, Time) {
  Budget budget{.instructions = UINT64_MAX, .wall = std::chrono::milliseconds(20)};
  Sandbox sandbox(budget);
  const auto loop = sandbox.compile("(function() while true do end end)()", {}, "x", 1);
  const auto started = std::chrono::steady_clock::now();
  const auto result = sandbox.call(*loop, {});
  const auto took = std::chrono::steady_clock::now() - started;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::time);
  EXPECT_EQ(result.error().message, "x:1: stopped after 20 ms");
  EXPECT_GE(took, std::chrono::milliseconds(20));
}

// Time in which the thread did not run is not the rule's fault, up to a point.
TEST(LimitsOf, TimeOfOthers) {
  Budget budget{.wall = std::chrono::milliseconds(10)};
  Sandbox sandbox(budget);
  std::chrono::milliseconds pause{30};
  sandbox.define("pause", [&](std::vector<Value>&, const Caller&) -> Result<Value, std::string> {
    std::this_thread::sleep_for(pause);
    return Value{};
  });
  const auto rule = sandbox.compile(
      "(function() for i = 1, 500 do end pgmoat.pause() for i = 1, 500 do end end)()", {}, "x", 1);
  EXPECT_TRUE(sandbox.call(*rule, {}));
  pause = std::chrono::milliseconds(100);
  const auto result = sandbox.call(*rule, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::time);
}

struct Text {
  const char* expression;
  bool fits;
};

TEST_F(Limits, TextThatIsMade) {
  const Text cases[] = {
      {"('x'):rep(65536)", true},
      {"('x'):rep(65537)", false},
      {"('x'):rep(32768, 'y')", true},
      {"('x'):rep(32769, 'y')", false},
      {"('x'):rep(-1)", true},
      {"(''):rep(1e15)", true},
      {"('x'):rep(65535) .. 'y'", true},
      {"('x'):rep(65536) .. 'y'", false},
      {"table.concat({ ('x'):rep(65535), 'y' })", true},
      {"table.concat({ ('x'):rep(65536), 'y' })", false},
      {"string.format('%s', ('x'):rep(65534))", true},
      {"string.format('%s', ('x'):rep(65535))", false},
      {"string.format('%5.1f %d %q %s %s %%', 1.5, 7, 'a', true, {})", true},
      {"q.text .. ''", true},
      {"q.text .. 'y'", false},
      {"q.text:upper():lower():reverse():sub(1, -1)", true},
  };
  statement.text.assign(100'000, 'x');
  for (const Text& c : cases) {
    const auto made = sandbox.compile(c.expression, {"q"}, "x", 1);
    ASSERT_TRUE(made) << made.error().message;
    const Lent lent{&statement_type(), &statement};
    const auto result = sandbox.call(*made, {&lent, 1});
    EXPECT_EQ(static_cast<bool>(result), c.fits) << c.expression;
  }
  const auto made = sandbox.compile("q.text .. 'y'", {"q"}, "x", 1);
  const Lent lent{&statement_type(), &statement};
  EXPECT_EQ(sandbox.call(*made, {&lent, 1}).error().message, "x:1: text of more than 65536 bytes");
}

struct Compiled {
  const char* expression;
  const char* message;  // null: true is its value
};

TEST_F(Limits, ExpressionsAreOneExpression) {
  const Compiled cases[] = {
      {"true", nullptr},
      {"not false -- comment", nullptr},
      {"(1 == 1)\n", nullptr},
      {"1 == 1 and (function() local t = {} return #t == 0 end)()", nullptr},
      {"", "rules/a.toml:12: one expression is expected, with one value"},
      {"1) or (1", "rules/a.toml:12: <eof> expected near ')'"},
      {"1 end, function() return 2", "rules/a.toml:12: <eof> expected near 'end'"},
      {"true; x = 1", "rules/a.toml:12: <eof> expected near 'x'"},
      {"1, 2", "rules/a.toml:12: one expression is expected, with one value"},
      {"x = 1", "rules/a.toml:12: <eof> expected near '='"},
      {"'", "rules/a.toml:12: unfinished string near <eof>"},
      {"\n\n q.", "rules/a.toml:14: <name> expected near <eof>"},
      {"_ENV ~= nil", "rules/a.toml:12: '_ENV' is not available in a policy"},
      {"\x1bLua", "rules/a.toml:12: unexpected symbol near '<\\27>'"},
  };
  for (const Compiled& c : cases) {
    const auto made = sandbox.compile(c.expression, {"s", "q"}, "rules/a.toml", 12);
    if (c.message == nullptr) {
      ASSERT_TRUE(made) << made.error().message;
      EXPECT_TRUE(*sandbox.test(*made, {})) << c.expression;
      continue;
    }
    ASSERT_FALSE(made) << c.expression;
    EXPECT_EQ(made.error().message, c.message);
    EXPECT_EQ(made.error().file, "rules/a.toml");
    EXPECT_EQ(made.error().kind, Kind::syntax);
  }
}

struct File {
  std::string source;
  Kind kind;
  std::string message;
};

TEST_F(Limits, FilesThatDoNotLoad) {
  std::string nested(1000, '('), blocks, labels;
  for (int i = 0; i < 300; ++i) blocks += "do ";
  const std::string dumped = "\x1bLua\x54";
  const File cases[] = {
      {dumped, Kind::syntax, "attempt to load a binary chunk (mode is 't')"},
      {"x = " + nested, Kind::syntax, "policy/10-safety.lua: C stack overflow"},
      {blocks, Kind::syntax, "policy/10-safety.lua: C stack overflow"},
      {"local x = \nend", Kind::syntax, "policy/10-safety.lua:2: unexpected symbol near 'end'"},
      {"\nlocal _ENV = {}", Kind::syntax,
       "policy/10-safety.lua:2: '_ENV' is not available in a policy"},
      {"-- MY_ENV and _ENVIRON are names like others\nerror('x')", Kind::error,
       "policy/10-safety.lua:2: x"},
      {std::string(1u << 20, ' ') + " ", Kind::syntax, "policy/10-safety.lua:1: more than 1 MiB"},
      {"\nlocal x = nil\nx.y = 1", Kind::error,
       "policy/10-safety.lua:3: attempt to index a nil value (local 'x')"},
      {"error({})", Kind::error, "policy/10-safety.lua:1: error with a value that is table"},
      {"error('plain', 0)", Kind::error, "policy/10-safety.lua:1: plain"},
  };
  for (const File& c : cases) {
    const Trouble trouble = load(c.source);
    EXPECT_EQ(trouble.kind, c.kind) << trouble.message;
    EXPECT_NE(trouble.message.find(c.message), std::string::npos) << trouble.message;
    EXPECT_EQ(trouble.file, "policy/10-safety.lua");
    expect_works();
  }
  EXPECT_EQ(load("local x = '" + std::string(200'000, 'x') + "'").message, "");
}

TEST_F(Limits, LongNamesOfFilesAreToldWhole) {
  const std::string name = std::string(100, 'd') + "/a.lua";
  const Trouble trouble = load("\n\nerror('x')", name);
  EXPECT_EQ(trouble.file, name);
  EXPECT_EQ(trouble.line, 3);
  EXPECT_EQ(trouble.message, name + ":3: x");
}

TEST_F(Limits, FunctionsOfTheLibraries) {
  const char* const body = R"(
    assert(("abcabc"):find("ca") == 3 and ("abc"):find("d") == nil)
    assert(select(2, ("abcabc"):find("bc", 3)) == 6 and ("a.c"):find(".", 1, true) == 2)
    assert(("abc"):find("", 10) == nil and ("abc"):find("") == 1 and ("abc"):find("c", -1) == 3)
    assert(("abc"):find("b", -100) == 2 and ("x\0y"):find("\0", 1, true) == 2)
    assert(("abc"):byte(2) == 98 and ("abc"):byte(-1) == 99 and string.char(97, 98) == "ab")
    assert(("abc"):sub(2) == "bc" and ("abc"):len() == 3 and ("ab"):rep(2, "-") == "ab-ab")
    assert(string.format("%s %d %5.1f %q", "a", 1, 2, "x") == "a 1   2.0 \"x\"")
    assert(string.format("%s %s %s", nil, true, {}) == "nil true table")
    assert(tostring(1) == "1" and tostring(1.5) == "1.5" and tostring(print_) == nil or true)
    assert(tostring(type) == "function" and tostring({}) == "table")
    local t = { 3, 1, 2 }
    table.sort(t); assert(table.concat(t) == "123")
    table.sort(t, function(a, b) return a > b end); assert(table.concat(t) == "321")
    table.insert(t, 9); table.insert(t, 1, 8); assert(table.concat(t) == "83219")
    assert(table.remove(t) == 9 and table.remove(t, 1) == 8 and #t == 3)
    assert(table.remove({}) == nil and table.pack(1, nil).n == 2)
    assert(select("#", table.unpack({ 1, 2 }, 1, 3)) == 3)
    assert(utf8.len("h\u{e9}") == 2 and utf8.codepoint("\u{e9}") == 233 and utf8.char(233) == "\u{e9}")
    assert(utf8.offset("h\u{e9}x", 3) == 4)
    assert(math.max(1, 2) == 2 and math.type(1) == "integer" and math.pi > 3)
    assert(tonumber("0x10") == 16 and tonumber("z", 36) == 35 and "10" + 1 == 11)
    return true)";
  ASSERT_EQ(load_rule(std::string(body)).message, "");
  const auto answer = test();
  EXPECT_FALSE(answer);  // print_ is no variable, and that is an error
  std::string fixed = body;
  fixed.erase(fixed.find(" and tostring(print_) == nil or true"), 36);
  ASSERT_EQ(load_rule(fixed).message, "");
  const auto again = test();
  ASSERT_TRUE(again) << again.error().message;
}

TEST_F(Limits, Volatile) {
  sandbox.define("now", [this](std::vector<Value>&, const Caller&) -> Result<Value, std::string> {
    sandbox.mark_volatile();
    return Value{std::int64_t{1}};
  });
  ASSERT_EQ(load_rule("return q.kind == 'now' and pgmoat.now() == 1").message, "");
  ASSERT_TRUE(test());
  EXPECT_FALSE(sandbox.was_volatile());
  statement.kind = "now";
  EXPECT_TRUE(*test());
  EXPECT_TRUE(sandbox.was_volatile());
  statement.kind = "select";
  ASSERT_TRUE(test());
  EXPECT_FALSE(sandbox.was_volatile());
}

TEST_F(Limits, ExceptionsOfTheHostAreErrors) {
  sandbox.define("throws", [](std::vector<Value>&, const Caller&) -> Result<Value, std::string> {
    throw std::runtime_error("broken");
  });
  ASSERT_EQ(load_rule("return pgmoat.throws()").message, "");
  EXPECT_EQ(test().error().message, "policy/10-safety.lua:2: pgmoat.throws: broken");
  expect_works();
}

}  // namespace
}  // namespace pgmoat::script
