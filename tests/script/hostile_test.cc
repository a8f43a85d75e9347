// Programs that mean harm, as a rule and as a file: each is stopped within its budget, says where, and
// leaves a sandbox that works and whose memory comes back.
#include <ctime>

#include "script/sandbox_fixture.h"

namespace pgmoat::script {
namespace {

using Kind = Trouble::Kind;

struct Attack {
  const char* name;
  const char* body;
  std::vector<Kind> kinds;  // any of them
  const char* message = "";
};
void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

const std::vector<Kind> kStopped{Kind::instructions, Kind::time};
const std::vector<Kind> kFull{Kind::memory, Kind::instructions, Kind::time};
const std::vector<Kind> kError{Kind::error};
const std::vector<Kind> kAny{Kind::error, Kind::memory, Kind::instructions, Kind::time};

// Names that the bodies use.
const char* const kPrelude = R"(
local long = ("x"):rep(65000)
local function nest(f) return setmetatable({}, { __index = f }) end
)";

const Attack kAttacks[] = {
    {"endless while", "while true do end", kStopped, "stopped after"},
    {"endless goto", "::again:: goto again", kStopped},
    {"endless repeat", "repeat until false", kStopped},
    {"endless for", "for i = 1, math.huge do end", kStopped},
    {"endless for of integers", "for i = 1, math.maxinteger do end", kStopped},
    {"endless generic for", "for _ in function() return 1 end do end", kStopped},
    {"endless generic for in C", "for _ in next, { 1 }, nil do for _ in rawequal, 1, 1 do end end",
     kAny},
    {"endless tail calls", "local function f() return f() end f()", kStopped},
    {"endless mutual calls", "local g; local function f() return g() end; g = f; f()", kStopped},
    {"nested pcall", "while true do pcall(function() while true do end end) end", kError,
     "pcall is not"},
    {"xpcall handler", "xpcall(function() while true do end end, function() while true do end end)",
     kError},
    {"coroutine", "coroutine.wrap(function() while true do end end)()", kError, "coroutine is not"},
    {"coroutine in coroutine", "return coroutine.create(error)", kError},
    {"deep recursion", "local function f() return 1 + f() end f()", kAny},
    {"deep recursion with arguments", "local function f(...) return 1 + f(1, ...) end f()", kAny},
    {"varargs that grow",
     "local function f(...) return "
     "f(nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,"
     "nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,"
     "nil,nil,nil,...) end f()",
     kFull},
    {"varargs that stay",
     "local function g(n, ...) if n == 0 then while true do select('#', ...) end end return g(n - "
     "1, "
     "nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,nil,"
     "nil, ...) end g(4000)",
     kFull},
    {"recursion by __index", "local t; t = nest(function(_, k) return t[k + 1] end) return t[1]",
     kError, "C stack overflow"},
    {"recursion by __newindex",
     "local t; t = setmetatable({}, { __newindex = function(_, k) t[k + 1] = 1 end }) t[1] = 1",
     kError},
    {"recursion by __call",
     "local t = setmetatable({}, { __call = function(self) return 1 + self() end }) t()", kAny},
    {"recursion by __tostring",
     "local t; t = setmetatable({}, { __tostring = function() return tostring(t) .. 'x' end }) "
     "return tostring(t)",
     kError},
    {"recursion by __eq",
     "local m = {}; m.__eq = function(a, b) return setmetatable({}, m) == b end; local a = "
     "setmetatable({}, m); return a == setmetatable({}, m)",
     kAny},
    {"recursion by __concat",
     "local m = {}; local a; m.__concat = function() return a .. a end; a = setmetatable({}, m) "
     "return a .. a",
     kAny},
    {"recursion by __len",
     "local a; a = setmetatable({}, { __len = function() return #a end }) return #a", kAny},
    {"chain of __index",
     "local t = {}; for i = 1, 5000 do t = setmetatable({}, { __index = t }) end while true do "
     "local x = t.x end",
     kAny},
    {"circle of __index",
     "local m = {}; local t = setmetatable({}, m); m.__index = t; setmetatable(t, m) return t.x",
     kError, "loop"},
    {"error in __index", "return nest(function() error('in __index') end).x", kError, "in __index"},
    {"error in __tostring",
     "return string.format('%s', setmetatable({}, { __tostring = function() error('gone') end }))",
     kError, "gone"},
    {"error in __lt", "return setmetatable({}, { __lt = function() error('lt') end }) < 1", kError,
     "lt"},
    {"endless __index", "return nest(function() while true do end end).x", kStopped},
    {"endless __tostring",
     "return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
     kStopped},
    {"__tostring gives a table",
     "return tostring(setmetatable({}, { __tostring = function() return {} end }))", kError},
    {"__gc", "setmetatable({}, { __gc = function() while true do end end })", kError,
     "'__gc' is not"},
    {"__gc later",
     "local m = {}; for i = 1, 1e5 do setmetatable({}, m) end m.__gc = function() while true do "
     "end end return setmetatable({}, m)",
     kAny},
    {"__close",
     "local x <close> = setmetatable({}, { __close = function() while true do end end }) "
     "error('x')",
     kError, "'__close' is not"},
    {"__close later",
     "local m = {}; local t = setmetatable({}, m); m.__close = function() while true do end end "
     "local x <close> = t",
     kError, "non-closable"},
    {"__close by for", "for _ in error, 1, 2, setmetatable({}, {}) do end", kError, "non-closable"},
    {"__mode", "setmetatable({}, { __mode = 'k' })", kError},
    {"__metatable", "setmetatable({}, { __metatable = 1 })", kError},
    {"__pairs", "setmetatable({}, { __pairs = function() while true do end end })", kError},
    {"metatable of strings", "getmetatable('').__index = nil", kError, "getmetatable is not"},
    {"metatable of strings set", "setmetatable('', {})", kError},
    {"memory by tables", "local t = {} while true do t = { t } end", kFull},
    {"memory by one table", "local t = {} for i = 1, math.huge do t[i] = i end", kFull},
    {"memory by keys", "local t = {} for i = 1, math.huge do t['k' .. i] = true end", kFull},
    {"memory by strings", "local t = {} for i = 1, math.huge do t[i] = long .. i end", kFull, ""},
    {"memory by doubling",
     "local s = 'x' while true do s = s .. s end",
     {Kind::memory},
     "text of more than"},
    {"memory by closures",
     "local t for i = 1, math.huge do local u = t; t = function() return u end end", kFull},
    {"memory by format", "while true do local s = string.format('%s%s', long, long) end", kError,
     "longer than 65536"},
    {"memory by varargs",
     "local t = {} for i = 1, 1e9 do t[i] = table.pack(table.unpack({}, 1, 1000)) end", kFull},
    {"memory by upvalues",
     "local t = {} for i = 1, 1e9 do local a, b, c = i, i, i; t[i] = function() return a, b, c end "
     "end",
     kFull},
    {"garbage", "while true do local s = long .. 'x' end", kStopped},
    {"garbage of tables", "while true do local t = { {}, {}, {} } end", kStopped},
    {"churn in a full table",
     "local t = {} for i = 1, 32767 do t['k' .. i] = 1 end local i = 1 while true do t['k' .. i] = "
     "nil; t['k' .. (i + 32767)] = 1; i = i + 1 end",
     kFull},
    {"next over nothing",
     "local t = {} for i = 1, 30000 do t['k' .. i] = 1 end for i = 1, 30000 do t['k' .. i] = nil "
     "end while true do next(t) end",
     kFull},
    {"string.rep", "return ('x'):rep(1e9)", kError,
     "string.rep: the result would be longer than 65536 bytes"},
    {"string.rep of nothing", "while true do (''):rep(math.maxinteger) end", kStopped},
    {"string.rep with a separator", "return (''):rep(1e9, 'x')", kError, "longer"},
    {"string.rep overflow", "return long:rep(math.maxinteger, long)", kError, "longer"},
    {"string.rep in a loop", "while true do local s = ('x'):rep(65000) end", kStopped},
    {"pattern bomb", "return ('a'):rep(26):find(('a*'):rep(8) .. 'b')", kError,
     "string.find takes plain text only"},
    {"pattern bomb by match", "return ('a'):rep(26):match(('a*'):rep(8) .. 'b')", kError,
     "use pgmoat.re"},
    {"pattern bomb by gsub", "return string.gsub(long, '.-b', '')", kError, "use pgmoat.re"},
    {"pattern nesting", "return string.find('x', ('('):rep(1e4))", kError},
    {"plain find",
     "local w = ('a'):rep(30000) .. 'b' local t = ('a'):rep(65000) while true do t:find(w, 1, "
     "true) end",
     kStopped},
    {"plain find of periods",
     "local w = ('ab'):rep(100) .. 'b' local t = ('ab'):rep(32000) while true do t:find(w, 1, "
     "true) end",
     kStopped},
    {"string.format width", "return string.format('%1000d', 1)", kError},
    {"string.format many",
     "return string.format(('%99.99f'):rep(900), table.unpack(table.pack(1e300, 1e300), 1, 900))",
     kAny},
    {"string.format address", "return string.format('%p', {})", kError},
    {"string.byte", "return long:byte(1, -1)", kError, "at most 1000"},
    {"string.byte range", "return ('x'):byte(math.mininteger, math.maxinteger), error('fine')",
     kError, "fine"},
    {"string.char", "while true do string.char(table.unpack({ 65 }, 1, 1)) end", kStopped},
    {"string.dump", "return string.dump(function() end)", kError, "string.dump is not"},
    {"string.upper", "while true do local s = long:upper():lower():reverse() end", kStopped},
    {"comparing", "local a, b = long .. 'a', long .. 'b' while true do local x = a < b end",
     kStopped},
    {"comparing equal",
     "local a, b = long .. 'a', ('x'):rep(65000) .. 'b' while true do local x = a == b end",
     kStopped},
    {"number of a long text", "local n = ('1'):rep(65000) while true do local x = n + 1 end",
     kStopped},
    {"tonumber with a base", "local n = ('1'):rep(65000) while true do tonumber(n, 36) end",
     kStopped},
    {"concat", "return table.concat({ long, long })", kError,
     "table.concat: the result would be longer"},
    {"concat range", "return table.concat({}, '', 1, math.maxinteger)", kError, "is nil"},
    {"concat that lies",
     "return table.concat(setmetatable({}, { __len = function() return 1e9 end, __index = "
     "function() return '' end }))",
     kError, "without a metatable"},
    {"concat of nothing",
     "local t = {} for i = 1, 1000 do t[i] = '' end while true do table.concat(t) end", kStopped},
    {"unpack range", "return table.unpack({}, 1, 1e8)", kError, "at most 1000"},
    {"unpack whole range", "return table.unpack({}, math.mininteger, math.maxinteger)", kError,
     "at most 1000"},
    {"insert that lies",
     "table.insert(setmetatable({}, { __len = function() return 1e15 end }), 1, 1)", kError,
     "without a metatable"},
    {"insert at the front", "local t = {} while true do table.insert(t, 1, 1) end", kFull},
    {"insert outside", "table.insert({}, -5, 1)", kError, "out of bounds"},
    {"remove at the front",
     "local t = {} for i = 1, 60000 do t[i] = i end while true do table.remove(t, 1) end", kFull},
    {"move range", "table.move({}, 1, math.maxinteger - 1, 2)", kStopped},
    {"move that lies", "table.move(nest(function() return 1 end), 1, 1e9, 1, {})", kError},
    {"sort without order",
     "local t = {} for i = 1, 1000 do t[i] = i % 7 end while true do table.sort(t, function() "
     "return true end) end",
     kAny},
    {"sort that never ends", "table.sort({ 3, 2, 1 }, function() while true do end end)", kStopped},
    {"sort of long texts",
     "local t = {} for i = 1, 1000 do t[i] = long end while true do table.sort(t) end", kStopped},
    {"sort of many",
     "local t = {} for i = 1, 1e5 do t[i] = (i * 7919) % 1e5 end while true do table.sort(t) end",
     kFull},
    {"sort by a rule that fails", "table.sort({ 3, 2, 1 }, function() error('no order') end)",
     kError, "no order"},
    {"sort of what has no order", "table.sort({ 1, {}, 'x' })", kError, "attempt to compare"},
    {"sort that lies", "table.sort(setmetatable({}, { __len = function() return 1e9 end }))",
     kError},
    {"select from the end",
     "local function f(...) while true do local x = select(-1, ...) end end f(table.unpack({}, 1, "
     "1000))",
     kStopped},
    {"utf8 of continuations", "local s = ('\\x80'):rep(65000) while true do utf8.len(s, 1, -1) end",
     kStopped},
    {"utf8.offset", "local s = ('\\x80'):rep(65000) while true do utf8.offset(s, 0, 65000) end",
     kStopped},
    {"utf8.codepoint", "return utf8.codepoint(long, 1, -1)", kError, "at most 1000"},
    {"utf8.codes", "return utf8.codes('x')", kError, "utf8.codes is not"},
    {"io", "io.open('/etc/passwd')", kError, "io is not available"},
    {"os", "os.execute('true')", kError, "os is not available"},
    {"require", "require('os')", kError, "require is not available"},
    {"load", "load('return 1')()", kError, "load is not available"},
    {"loadstring", "loadstring('return 1')()", kError},
    {"dofile", "dofile('/etc/passwd')", kError},
    {"debug", "debug.sethook()", kError, "debug is not available"},
    {"collectgarbage", "while true do collectgarbage() end", kError},
    {"print", "print('x')", kError, "print is not available"},
    {"math.random", "return math.random()", kError, "workers would disagree"},
    {"rawset", "rawset(string, 'rep', nil)", kError, "rawset is not available"},
    {"a library's member", "string.rep = nil", kError, "a library is read-only"},
    {"a method of pgmoat", "pgmoat.rule = nil", kError, "a library is read-only"},
    {"a nested method of pgmoat", "pgmoat.edit.fail = function() end", kError,
     "a library is read-only"},
    {"the libraries' members", "for k in pairs(pgmoat) do pgmoat[k] = nil end", kError,
     "a library is read-only"},
    {"a library's name", "string = nil", kError, "'string' "},
    {"a library's metatable", "setmetatable(string, nil)", kError, "read-only"},
    {"insert into a library", "table.insert(string, 1)", kError, "read-only"},
    {"move into a library", "table.move({ 1 }, 1, 1, 1, string)", kError, "read-only"},
    {"move within a library", "table.move(string, 1, 0, 1)", kError, "read-only"},
    {"sort a library", "table.sort(string)", kError, "read-only"},
    {"_G", "_G.string = nil", kError, "_G is not available"},
    {"an error that is a table", "error({ code = 1 })", kError, "error with a value that is table"},
    {"an error that is nil", "error(nil)", kError, "error with a value that is nil"},
    {"an error that is an object", "error(pgmoat)", kError, "table"},
    {"an error that fails to be text",
     "error(setmetatable({}, { __tostring = function() while true do end end }))", kError},
    {"an error that lies about its place", "error('/etc/passwd:1: gone', 0)", kError,
     "/etc/passwd:1: gone"},
    {"a far level", "error('far', 1e9)", kError, "far"},
    {"a long error", "error(long .. long)", kAny},
    {"host with a deep table", "local t = {} for i = 1, 1e5 do t = { t } end pgmoat.echo(t)", kAny},
    {"host with a wide table",
     "local t = {} for i = 1, 60000 do t[i] = i end while true do pgmoat.echo(t) end", kFull},
    {"host with itself", "local t = {} t[1] = t pgmoat.echo(t)", kError, "contains itself"},
    {"host with a tree of itself", "local t = {} for i = 1, 30 do t = { t, t } end pgmoat.echo(t)",
     kFull},
    {"host with long texts", "while true do pgmoat.echo({ long, long, long }) end", kFull},
    {"host in a loop", "while true do pgmoat.echo(1) end", kStopped},
};

std::chrono::microseconds processor_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::microseconds(now.tv_nsec / 1000);
}

// A file gets no more than a rule here, so that the tests end soon.
constexpr Budget kBudget{.load_instructions = Budget{}.instructions, .load_wall = Budget{}.wall};

class Hostile : public SandboxTest, public ::testing::WithParamInterface<Attack> {
 protected:
  Hostile() : SandboxTest(kBudget) {}

  void expect_told(const Trouble& trouble) {
    const Attack& attack = GetParam();
    EXPECT_NE(std::find(attack.kinds.begin(), attack.kinds.end(), trouble.kind), attack.kinds.end())
        << name_of(trouble.kind) << ": " << trouble.message;
    EXPECT_NE(trouble.message.find(attack.message), std::string::npos) << trouble.message;
    EXPECT_EQ(trouble.file, "policy/10-safety.lua") << trouble.message;
    EXPECT_GT(trouble.line, 0) << trouble.message;
    EXPECT_EQ(trouble.message.rfind("policy/10-safety.lua:", 0), 0u) << trouble.message;
  }
  std::string rule() {
    return std::string(kPrelude) + "pgmoat.rule(function(q) " + GetParam().body + "\nend)";
  }
};

TEST_P(Hostile, AsARuleBeforeAndAfterFreezing) {
  ASSERT_EQ(load(rule()).message, "");
  std::size_t settled = 0;
  for (int round = 0; round < 6; ++round) {
    if (round == 3) {
      ASSERT_EQ(freeze().message, "");
    }
    const auto before = processor_time();
    const auto answer = call();
    const auto took = processor_time() - before;
    ASSERT_FALSE(answer);
    expect_told(answer.error());
    EXPECT_LT(took.count(), 10 * kBudget.wall.count());
    RecordProperty("microseconds", static_cast<int>(took.count()));
    EXPECT_LE(sandbox.memory_used(), kBudget.memory + (64u << 10));
    expect_works();
    sandbox.collect();
    if (round == 3) settled = sandbox.memory_used();
    EXPECT_LE(round < 3 ? 0 : sandbox.memory_used(), settled + (8u << 10));
  }
}

TEST_P(Hostile, AsAFile) {
  const auto before = processor_time();
  const Trouble trouble = load(std::string(kPrelude) + "do " + GetParam().body + "\nend");
  EXPECT_LT((processor_time() - before).count(), 10 * kBudget.wall.count());
  expect_told(trouble);
  expect_works();
  EXPECT_EQ(load("pgmoat.rule(function() return true end)", "b.lua").message, "");
  EXPECT_TRUE(*test());
}

INSTANTIATE_TEST_SUITE_P(All, Hostile, ::testing::ValuesIn(kAttacks), [](const auto& attack) {
  std::string name = attack.param.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name + "_" + std::to_string(attack.index);
});

}  // namespace
}  // namespace pgmoat::script
