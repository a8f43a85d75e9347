// A Lua 5.4 state that cannot hurt: bounded memory, instructions, time and string sizes, and no C
// function whose time grows with its input beyond the bound (library.cc and its kin give the reason
// for each). It knows nothing of PostgreSQL or of policies. One sandbox belongs to one thread.
//
// Not there: io, os, package, require, load*, dofile, debug, coroutine, collectgarbage, string.dump,
// print, random numbers, getmetatable, rawget/rawset, _G and _ENV; pcall and xpcall, so that nothing
// catches a stop (an error ends the rule); Lua patterns (plain string.find stays, pgmoat.re is RE2).
// setmetatable copies the events it is given and refuses __gc, __close, __mode, __pairs and
// __metatable. Reading an unknown name raises. Only text is loaded, no bytecode.
//
// Life: define() host functions, run() the files (they register things through host functions), then
// freeze(), so that workers cannot come to disagree. call() may run at any time.
//
// freeze() makes read-only every table that the globals or the registered functions can reach, also
// through locals, metatables and keys: writing one, or a global, raises. It fails when a reachable
// function, or one inside it, assigns a local that lives outside it (`n = n + 1` with `n` of the
// file); locals of the call itself are free. It fails too when that takes more than the memory, or
// leaves too little of it for calls; a sandbox whose freezing failed is of no use. Afterwards no function can be handed to C++. So nothing
// that Lua does in one call is seen by the next. Not caught: what the order of pairs() is, which
// differs between workers, and what host functions and kept objects remember.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "script/object.h"
#include "script/value.h"

namespace pgmoat::script {

struct Budget {
  std::uint64_t instructions = 200'000;  // of one call
  // Of one call, on the thread's own clock: a loaded machine may keep it from running, which is not
  // the rule's fault. Eight times as much ends the call in any case.
  std::chrono::microseconds wall{5'000};
  std::size_t memory = 16u << 20;  // of the state
  // Of one string that Lua makes: rep, concat, format, `..`. What C++ hands in may be longer, and its
  // lower, upper, reverse and sub as well.
  std::size_t string_bytes = 64u << 10;
  std::uint64_t load_instructions = 10'000'000;  // of running a file
  std::chrono::microseconds load_wall{1'000'000};
};

struct Trouble {
  enum class Kind : std::uint8_t { error, instructions, time, memory, syntax };
  Kind kind = Kind::error;
  std::string message;  // "policy/10-safety.lua:14: statement has no field ..."; for syntax also
  std::string file;     // file and line apart, where known
  int line = 0;
};
std::string_view name_of(Trouble::Kind kind);

// A chunk named so is the program's own Lua: it is no caller, but those who call it are.
inline constexpr std::string_view kOwnChunk = "(pgmoat)";

// Where a host function was called from.
struct Caller {
  std::string file;
  int line = 0;
};

// A name in a function that does not exist; the message says so without its place.
struct Misnamed {
  std::string file;
  int line = 0;
  std::string name, message;
  bool operator==(const Misnamed&) const = default;
};

struct Lent {  // an argument of call()
  const ObjectType* type = nullptr;
  const void* self = nullptr;
};

class Sandbox {
 public:
  explicit Sandbox(const Budget& budget = {});
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // pgmoat.<name>(...) in Lua; dots nest ("edit.add_filter"). The error becomes a Lua error with the
  // caller's file and line in front. A host function may not use the sandbox, but mark_volatile().
  using Host =
      std::function<Result<Value, std::string>(std::vector<Value>& arguments, const Caller&)>;
  void define(std::string_view name, Host host);

  // As define(), for values that keep behaviour: an object whose methods run in C++ (pgmoat.cidrs).
  // `self` must outlive the sandbox. The object is not lent: it may be kept by closures.
  using MakeObject =
      std::function<Result<Lent, std::string>(std::vector<Value>& arguments, const Caller&)>;
  void define_object(std::string_view name, MakeObject make);

  // At most 1 MiB of text. `chunk` is the file's name in messages. What a chunk made before its trouble stays:
  // after Kind::memory there may be room for nothing else.
  std::variant<std::monostate, Trouble> run(std::string_view source, const std::string& chunk);
  // One expression over the given parameter names: `not q.where.present` with {"s", "q"}.
  Result<Function, Trouble> compile(std::string_view expression,
                                    const std::vector<std::string>& parameters,
                                    const std::string& chunk, int line);
  // Fields, members of libraries and variables that do not exist, in every branch of a function that
  // will be called with objects of these types; nothing runs. `known`: all types that fields speak
  // of. After the last file, before freeze().
  std::vector<Misnamed> misnamed(Function function, std::span<const ObjectType* const> parameters,
                                 std::span<const ObjectType* const> known);
  // After trouble nothing is frozen, and the sandbox is good for nothing but its message.
  std::variant<std::monostate, Trouble> freeze();

  Result<Value, Trouble> call(Function function, std::span<const Lent> arguments);
  // The ordinary case of a predicate: Lua truth, nothing is converted.
  Result<bool, Trouble> test(Function function, std::span<const Lent> arguments);

  // What the last call read that is not a pure function of its arguments (pgmoat.now): uncacheable.
  void mark_volatile();
  bool was_volatile() const;
  std::uint64_t instructions_used() const;  // by the last call, in steps of the hook
  std::size_t memory_used() const;
  void
  collect();  // frees what nothing can reach any more, which happens by itself little by little

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgmoat::script
