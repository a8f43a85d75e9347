#include "script/sandbox.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/check.h"
#include "script/bytecode.h"
#include "script/core.h"
#include "script/fields.h"

namespace pgmoat::script {
namespace {

constexpr int kHandler = 1;  // the error handler is always at the bottom of the stack
constexpr std::size_t kLongestMessage = 1000;
constexpr std::size_t kLongestSource = 1u << 20;

// Called where an error is raised, while the failed functions are still there to be asked.
int note_place(lua_State* L) {
  Core& core = core_of(L);
  if (!core.meter.stopped()) find_place(L, core.raised);
  return 1;
}

// Whether `_ENV` is written anywhere: with it, a policy could put another table in the place of the
// globals. Gives its line, or 0.
int line_of_env(std::string_view source) {
  const auto part_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  constexpr std::string_view kName = "_ENV";
  for (auto at = source.find(kName); at != std::string_view::npos;
       at = source.find(kName, at + 1)) {
    const auto end = at + kName.size();
    if (at > 0 && part_of_name(source[at - 1])) continue;
    if (end < source.size() && part_of_name(source[end])) continue;
    return 1 + static_cast<int>(std::count(source.begin(), source.begin() + at, '\n'));
  }
  return 0;
}

Trouble syntax_trouble(const std::string& file, int line, const std::string& message) {
  return {Trouble::Kind::syntax, file + ":" + std::to_string(line) + ": " + message, file, line};
}

// The call of a rule whose answer is wanted: it and the conversion run under the same limits.
int call_and_convert(lua_State* L) {
  lua_call(L, lua_gettop(L) - 1, 1);
  core_of(L).result = to_value(L, -1);
  return 0;
}

// The instruction that bytecode.cc looks for is the one that this Lua compiles.
void check_bytecode(lua_State* L) {
  constexpr std::string_view kStores =
      "local a, b = 1\nlocal function f()\n  return function()\n    b = a end end return f";
  constexpr std::string_view kNot = "local a\nreturn function() local b b = a end";
  luaL_loadbufferx(L, kStores.data(), kStores.size(), "=check", "t");
  lua_call(L, 0, 1);
  const auto store = stores_outside(L, -1);
  PGMOAT_CHECK(store && store->variable == "b" && store->line == 4);
  luaL_loadbufferx(L, kNot.data(), kNot.size(), "=check", "t");
  lua_call(L, 0, 1);
  PGMOAT_CHECK(!stores_outside(L, -1));
  lua_pop(L, 2);
}

}  // namespace

void collect_all(Core& core) {
  for (std::size_t before = SIZE_MAX; core.meter.memory() < before - before / 32;) {
    before = core.meter.memory();
    lua_gc(core.L, LUA_GCCOLLECT, 0);
  }
}

int calling_level(lua_State* L) {
  lua_Debug frame;
  int level = 1;
  for (; lua_getstack(L, level, &frame) != 0; ++level) {
    lua_getinfo(L, "S", &frame);
    const std::string_view source(frame.source, frame.srclen);
    if (source.substr(source.starts_with('@') ? 1 : 0) != kOwnChunk) return level;
  }
  return 1;
}

void raise(lua_State* L, const std::string& message) {
  luaL_where(L, calling_level(L));
  lua_pushlstring(L, message.data(), std::min(message.size(), kLongestMessage));
  lua_concat(L, 2);
  lua_error(L);
  std::abort();
}

struct Sandbox::State : Core {
  explicit State(const Budget& wanted) : Core(wanted) {
    L = lua_newstate(Meter::allocate, &meter);
    PGMOAT_CHECK(L != nullptr);
    *static_cast<Core**>(lua_getextraspace(L)) = this;
    check_bytecode(L);
    open_libraries(*this);
    open_objects(*this);
    lua_newtable(L);
    functions = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, note_place);
    lua_gc(L, LUA_GCCOLLECT, 0);
  }
  ~State() { lua_close(L); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void begin(std::uint64_t instructions, std::chrono::microseconds wall) {
    PGMOAT_CHECK(!running);  // a host function does not call back
    running = true;
    is_volatile = false;
    raised.line = 0;
    meter.begin(L, instructions, wall);
  }

  // The trouble of the call that ended so, taken off the stack with whatever it left.
  std::optional<Trouble> end(int status, std::uint64_t instructions,
                             std::chrono::microseconds wall) {
    meter.end();
    running = false;
    ++generation;
    if (status == LUA_OK) return {};
    Trouble trouble = trouble_of(*this, status, instructions, wall);
    lua_settop(L, kHandler);
    // An error is cheap to cause again and again; a collection is not.
    if (trouble.kind != Trouble::Kind::error && meter.memory() > budget.memory / 2)
      collect_all(*this);
    return trouble;
  }

  // What has no place of its own happened to the function: its result could not be handed over.
  Trouble placed(Trouble trouble, Function function) {
    if (trouble.line > 0 || lua_rawgeti(L, LUA_REGISTRYINDEX, function.ref) != LUA_TFUNCTION) {
      return trouble;
    }
    lua_Debug about;
    lua_getinfo(L, ">S", &about);
    set_place({{about.source, about.srclen}, about.linedefined}, trouble);
    if (trouble.line > 0) {
      trouble.message.insert(0, trouble.file + ":" + std::to_string(trouble.line) + ": ");
    }
    return trouble;
  }

  static Trouble in_file(Trouble trouble, const std::string& chunk) {
    if (trouble.file.empty()) {
      trouble.file = chunk;
      trouble.message.insert(0, chunk + ": ");
    }
    return trouble;
  }

  void know(const std::string& chunk) {
    if (std::find(chunks.begin(), chunks.end(), chunk) == chunks.end()) chunks.push_back(chunk);
  }

  // Leaves the compiled text on the stack. The parser is bounded by the size of the text.
  std::optional<Trouble> load(std::string_view source, const std::string& chunk, int first_line) {
    know(chunk);
    if (source.size() > kLongestSource) {
      return syntax_trouble(chunk, 1, "more than " + bytes_text(kLongestSource) + " of Lua");
    }
    if (const int line = line_of_env(source)) {
      return syntax_trouble(chunk, first_line - 1 + line, "'_ENV' is not available in a policy");
    }
    std::string text(static_cast<std::size_t>(first_line - 1), '\n');
    text.append(source);
    const Meter::LongStrings lifted(meter);  // a text in a file may be as long as the file
    const int status = luaL_loadbufferx(L, text.data(), text.size(), ("@" + chunk).c_str(), "t");
    if (status == LUA_OK) return {};
    auto trouble = end(status, 0, {});
    if (trouble->kind == Trouble::Kind::error) trouble->kind = Trouble::Kind::syntax;  // nesting
    return in_file(*std::move(trouble), chunk);
  }

  bool push_arguments(Function function, std::span<const Lent> arguments) {
    if (lua_rawgeti(L, LUA_REGISTRYINDEX, function.ref) != LUA_TFUNCTION) return false;
    luaL_checkstack(L, static_cast<int>(arguments.size()) + 8, nullptr);
    for (const Lent& lent : arguments) push_object(*this, *lent.type, lent.self);
    return true;
  }
};

Sandbox::Sandbox(const Budget& budget) : state_(std::make_unique<State>(budget)) {}
Sandbox::~Sandbox() = default;

namespace {

// pgmoat.a.b: makes a and gives b's place. Before any file runs, so nothing limits it.
void define_function(Core& core, std::string_view name, HostFunction function) {
  PGMOAT_CHECK(!core.frozen && !core.running);
  lua_State* L = core.L;
  const int base = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, core.builtins);
  std::string path = "pgmoat";
  lua_pushlstring(L, path.data(), path.size());
  lua_rawget(L, -2);
  PGMOAT_CHECK(resolve(L, -1));
  for (std::size_t dot = 0; (dot = name.find('.')) != std::string_view::npos;) {
    const std::string part(name.substr(0, dot));
    name.remove_prefix(dot + 1);
    path += "." + part;
    lua_pushlstring(L, part.data(), part.size());
    if (lua_rawget(L, -2) == LUA_TNIL) {
      lua_pop(L, 1);
      push_sealed_library(L, path);  // members, library
      lua_pushlstring(L, part.data(), part.size());
      lua_insert(L, -2);
      lua_rawset(L, -4);
    } else {
      PGMOAT_CHECK(resolve(L, -1));
    }
  }
  core.hosts.push_back(std::move(function));
  core.hosts.back().name = path + "." + std::string(name);
  lua_pushlstring(L, name.data(), name.size());
  lua_pushlightuserdata(L, &core.hosts.back());
  lua_pushcclosure(L, call_host, 1);
  lua_rawset(L, -3);
  lua_settop(L, base);
}

}  // namespace

void Sandbox::define(std::string_view name, Host host) {
  define_function(*state_, name, {{}, std::move(host), {}});
}

void Sandbox::define_object(std::string_view name, MakeObject make) {
  define_function(*state_, name, {{}, {}, std::move(make)});
}

std::variant<std::monostate, Trouble> Sandbox::run(std::string_view source,
                                                   const std::string& chunk) {
  State& state = *state_;
  PGMOAT_CHECK(!state.frozen);
  const Budget& budget = state.budget;
  state.begin(budget.load_instructions, budget.load_wall);
  if (auto trouble = state.load(source, chunk, 1)) {
    state.end(LUA_OK, 0, {});
    return *std::move(trouble);
  }
  const int status = lua_pcall(state.L, 0, 0, kHandler);
  if (auto trouble = state.end(status, budget.load_instructions, budget.load_wall)) {
    return State::in_file(*std::move(trouble), chunk);
  }
  return std::monostate{};
}

Result<Function, Trouble> Sandbox::compile(std::string_view expression,
                                           const std::vector<std::string>& parameters,
                                           const std::string& chunk, int line) {
  State& state = *state_;
  lua_State* L = state.L;
  line = std::max(line, 1);
  // First alone, so that it cannot close what is put around it.
  std::string text = "return " + std::string(expression);
  state.begin(state.budget.load_instructions, state.budget.load_wall);
  auto trouble = state.load(text, chunk, line);
  if (!trouble) {
    text = "return function(";
    for (std::size_t i = 0; i < parameters.size(); ++i) text += (i ? ", " : "") + parameters[i];
    text += ") return (" + std::string(expression) + "\n) end";
    if (state.load(text, chunk, line)) {
      trouble = syntax_trouble(chunk, line, "one expression is expected, with one value");
    }
  }
  int status = LUA_OK;
  if (!trouble) status = lua_pcall(L, 0, 1, kHandler);
  if (auto failure = state.end(status, state.budget.load_instructions, state.budget.load_wall);
      failure && !trouble)
    trouble = std::move(failure);
  if (trouble) {
    lua_settop(L, kHandler);
    return State::in_file(*std::move(trouble), chunk);
  }
  const Function made{luaL_ref(L, LUA_REGISTRYINDEX)};
  lua_settop(L, kHandler);
  return made;
}

std::vector<Misnamed> Sandbox::misnamed(Function function,
                                        std::span<const ObjectType* const> parameters,
                                        std::span<const ObjectType* const> known) {
  PGMOAT_CHECK(!state_->frozen && !state_->running);
  return misnamed_in(*state_, function, parameters, known);
}

std::variant<std::monostate, Trouble> Sandbox::freeze() {
  PGMOAT_CHECK(!state_->frozen && !state_->running);
  return freeze_all(*state_);
}

Result<Value, Trouble> Sandbox::call(Function function, std::span<const Lent> arguments) {
  State& state = *state_;
  const Budget& budget = state.budget;
  lua_pushcfunction(state.L, call_and_convert);
  PGMOAT_CHECK(state.push_arguments(function, arguments));
  state.begin(budget.instructions, budget.wall);
  const int status = lua_pcall(state.L, static_cast<int>(arguments.size()) + 1, 0, kHandler);
  auto trouble = state.end(status, budget.instructions, budget.wall);
  Value result = std::exchange(state.result, {});
  if (trouble) return state.placed(*std::move(trouble), function);
  return result;
}

Result<bool, Trouble> Sandbox::test(Function function, std::span<const Lent> arguments) {
  State& state = *state_;
  const Budget& budget = state.budget;
  PGMOAT_CHECK(state.push_arguments(function, arguments));
  state.begin(budget.instructions, budget.wall);
  const int status = lua_pcall(state.L, static_cast<int>(arguments.size()), 1, kHandler);
  if (auto trouble = state.end(status, budget.instructions, budget.wall)) {
    return state.placed(*std::move(trouble), function);
  }
  const bool truth = lua_toboolean(state.L, -1) != 0;
  lua_settop(state.L, kHandler);
  return truth;
}

void Sandbox::mark_volatile() { state_->is_volatile = true; }
bool Sandbox::was_volatile() const { return state_->is_volatile; }
std::uint64_t Sandbox::instructions_used() const { return state_->meter.used(); }
std::size_t Sandbox::memory_used() const { return state_->meter.memory(); }
void Sandbox::collect() { collect_all(*state_); }

}  // namespace pgmoat::script
