// What one Lua state may use, and the one place that stops it: a counting allocator, a hook every
// few hundred instructions, and charge() for C functions, whose work is counted as if it were
// instructions. A stop is an ordinary Lua error for the VM, but nothing in the sandbox can catch
// one; once stopped, every further growth is refused, so that it cannot be outrun either.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "script/lua.h"
#include "script/sandbox.h"

namespace pgmoat::script {

// A place in a Lua file. `source` as Lua keeps it: "@" and the file's name; empty where unknown.
struct Place {
  std::string source;
  int line = 0;
};

// The innermost Lua function that runs now. Allocates nothing in Lua.
void find_place(lua_State* L, Place& place);

class Meter {
 public:
  explicit Meter(const Budget& budget) : budget_(budget), string_limit_(budget.string_bytes) {}

  static void* allocate(void* self, void* block, std::size_t tag_or_size, std::size_t size);
  static void hook(lua_State* L, lua_Debug*);

  // Between begin() and end() limits hold. Outside only C++ runs, which is trusted.
  void begin(lua_State* L, std::uint64_t instructions, std::chrono::microseconds wall);
  void end() { active_ = false; }

  // Work of a C function, in units of about one instruction. May raise a stop.
  void charge(lua_State* L, std::uint64_t units) {
    used_ = units > UINT64_MAX - used_ ? UINT64_MAX : used_ + units;
    unchecked_ = units > UINT64_MAX - unchecked_ ? UINT64_MAX : unchecked_ + units;
    if (unchecked_ >= kStep) check(L);
  }

  // Are the instructions or the time used up? May raise a stop.
  void check(lua_State* L);

  std::uint64_t used() const { return used_; }
  std::size_t memory() const { return memory_; }
  std::size_t string_limit() const { return string_limit_; }

  // What ended the call, if the meter did.
  bool stopped() const { return stopped_; }
  Trouble::Kind stop_kind() const { return stop_kind_; }
  bool refused_string() const { return refused_string_; }
  const Place& place() const { return place_; }  // of the stop, or of the last refused allocation

  // Strings that C++ hands in, or that are no longer than one that exists, may be longer.
  class LongStrings {
   public:
    explicit LongStrings(Meter& meter) : meter_(meter), before_(meter.string_limit_) {
      meter.string_limit_ = SIZE_MAX;
    }
    ~LongStrings() { meter_.string_limit_ = before_; }
    LongStrings(const LongStrings&) = delete;
    LongStrings& operator=(const LongStrings&) = delete;

   private:
    Meter& meter_;
    std::size_t before_;
  };

  static constexpr std::uint64_t kStep = 200;

 private:
  bool refuses(const void* block, std::size_t tag_or_size, std::size_t size);
  bool late();
  [[noreturn]] void stop(lua_State* L, Trouble::Kind kind);

  const Budget& budget_;
  lua_State* lua_ = nullptr;
  std::size_t memory_ = 0, string_limit_;
  std::uint64_t used_ = 0, unchecked_ = 0, limit_ = 0;
  std::size_t churn_ = 0;  // bytes asked for since the clock was last read
  std::chrono::nanoseconds wall_{0}, started_{0}, cpu_started_{0};
  bool active_ = false, timed_ = false, stopped_ = false, refused_string_ = false;
  Trouble::Kind stop_kind_ = Trouble::Kind::error;
  Place place_;
};

}  // namespace pgmoat::script
