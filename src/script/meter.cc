#include "script/meter.h"

#include <cstdlib>
#include <ctime>

#include "script/core.h"

namespace pgmoat::script {
namespace {

// What Lua puts around the bytes of a string: its header and a NUL.
constexpr std::size_t kAroundString = 25;
// A block may be this part of the whole memory: the widest stack and table, and so the longest
// single instruction (copying varargs, rehashing).
constexpr std::size_t kBlockShare = 4;
constexpr std::size_t kChurn = 256u << 10;
// The clock alone stops a call that has been kept from running for this many times its time.
constexpr int kWallShare = 8;

std::chrono::nanoseconds clock_now(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

void find_place(lua_State* L, Place& place) {
  place.source.clear();
  place.line = 0;
  lua_Debug frame;
  for (int level = 0; level < 32 && lua_getstack(L, level, &frame) != 0; ++level) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    place.source.assign(frame.source, frame.srclen);
    place.line = frame.currentline;
    return;
  }
}

// Lua passes the old size only with an old block; without one it passes the kind of object. A
// limiter that takes that for a size drifts until it limits nothing.
void* Meter::allocate(void* self, void* block, std::size_t tag_or_size, std::size_t size) {
  Meter& meter = *static_cast<Meter*>(self);
  const std::size_t before = block != nullptr ? tag_or_size : 0;
  if (size == 0) {
    std::free(block);
    meter.memory_ -= before;
    return nullptr;
  }
  // Lua relies on shrinking never to fail.
  if (size > before && meter.active_ && meter.refuses(block, tag_or_size, size)) return nullptr;
  void* grown = std::realloc(block, size);
  if (grown == nullptr && size > before) return nullptr;
  meter.memory_ += size - before;
  return grown != nullptr ? grown : block;
}

bool Meter::refuses(const void* block, std::size_t tag_or_size, std::size_t size) {
  if (stopped_) return true;
  const bool host = string_limit_ == SIZE_MAX;
  const std::size_t before = block != nullptr ? tag_or_size : 0;
  const bool string = block == nullptr && (tag_or_size & 0x0f) == LUA_TSTRING;
  const bool too_long =
      string && !host && size > kAroundString && size - kAroundString > string_limit_;
  const bool too_big = !host && size > budget_.memory / kBlockShare;
  if (too_long || too_big || memory_ + (size - before) > budget_.memory) {
    refused_string_ = too_long;
    find_place(lua_, place_);
    return true;
  }
  churn_ += size - before;
  if (churn_ < kChurn) return false;
  churn_ = 0;
  if (!late()) return false;
  stopped_ = true;
  stop_kind_ = Trouble::Kind::time;
  find_place(lua_, place_);
  return true;
}

void Meter::begin(lua_State* L, std::uint64_t instructions, std::chrono::microseconds wall) {
  lua_ = L;
  used_ = unchecked_ = 0;
  churn_ = 0;
  limit_ = instructions;
  wall_ = wall;
  string_limit_ = budget_.string_bytes;
  timed_ = stopped_ = refused_string_ = false;
  active_ = true;
  lua_sethook(L, hook, LUA_MASKCOUNT, static_cast<int>(kStep));  // restarts the count
}

void Meter::hook(lua_State* L, lua_Debug*) {
  Meter& meter = core_of(L).meter;
  if (!meter.active_) return;
  meter.used_ += kStep;
  meter.check(L);
}

void Meter::check(lua_State* L) {
  unchecked_ = 0;
  if (!active_) return;
  if (used_ > limit_) stop(L, Trouble::Kind::instructions);
  if (late()) stop(L, Trouble::Kind::time);
}

// The clock is first read when a call has already done some work, so short calls never read it. A
// loaded machine may keep the thread from running, which is not the rule's fault: its own processor
// time counts, up to a point.
bool Meter::late() {
  const auto now = clock_now(CLOCK_MONOTONIC);
  if (!timed_) {
    timed_ = true;
    started_ = now;
    cpu_started_ = clock_now(CLOCK_THREAD_CPUTIME_ID);
    return false;
  }
  if (now - started_ <= wall_) return false;
  return now - started_ > wall_ * kWallShare ||
         clock_now(CLOCK_THREAD_CPUTIME_ID) - cpu_started_ > wall_;
}

void Meter::stop(lua_State* L, Trouble::Kind kind) {
  stopped_ = true;
  stop_kind_ = kind;
  find_place(L, place_);
  lua_pushlightuserdata(L, nullptr);
  lua_error(L);
  std::abort();
}

}  // namespace pgmoat::script
