// A Lua 5.4 state that cannot hurt: bounded memory, instructions, wall time and string sizes, no
// io, os, load, require, debug, coroutine, string.dump, and no C function whose time grows with its
// input beyond the bound. Lua patterns are replaced by RE2 (pgmoat.re) and plain string.find. It
// knows nothing of PostgreSQL or of policies. One sandbox belongs to one thread.
//
// Life: define() host functions, run() the files (they register things through host functions), then
// freeze(): from there on writing a global or a table made while loading raises, so that workers
// cannot come to disagree. call() may run at any time.
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
  std::uint64_t instructions = 200'000;          // of one call
  std::chrono::microseconds wall{5'000};         // of one call
  std::size_t memory = 16u << 20;                // of the state
  std::size_t string_bytes = 64u << 10;          // of one string made by rep, concat, format, ..
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

// Where a host function was called from.
struct Caller {
  std::string file;
  int line = 0;
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
  // caller's file and line in front.
  using Host =
      std::function<Result<Value, std::string>(std::vector<Value>& arguments, const Caller&)>;
  void define(std::string_view name, Host host);

  // As define(), for values that keep behaviour: an object whose methods run in C++ (pgmoat.cidrs).
  // `self` must outlive the sandbox. The object is not lent: it may be kept by closures.
  using MakeObject =
      std::function<Result<Lent, std::string>(std::vector<Value>& arguments, const Caller&)>;
  void define_object(std::string_view name, MakeObject make);

  // Text chunks only. `chunk` is the file's name in messages.
  std::variant<std::monostate, Trouble> run(std::string_view source, const std::string& chunk);
  // One expression over the given parameter names: `not q.where.present` with {"s", "q"}.
  Result<Function, Trouble> compile(std::string_view expression,
                                    const std::vector<std::string>& parameters,
                                    const std::string& chunk, int line);
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
