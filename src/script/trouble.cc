// How a failed call is told: what, and in which file and line. Lua puts "file:12: " before most messages
// and shortens long names; where it does not, the place was noted when the error was raised.
#include <algorithm>
#include <cctype>

#include "script/core.h"

namespace pgmoat::script {
namespace {

constexpr std::size_t kLongestMessage = 2000;
constexpr std::size_t kShortName = 59;  // LUA_IDSIZE less its end

// How Lua shortens a file's name in its messages.
std::string shortened(const std::string& name) {
  if (name.size() <= kShortName) return name;
  return "..." + name.substr(name.size() - (kShortName - 3));
}

// Takes "file:12: " off the message where it begins so.
bool split_place(const Core& core, std::string& message, Trouble& trouble) {
  for (const std::string& chunk : core.chunks) {
    const std::string name = shortened(chunk) + ":";
    if (message.compare(0, name.size(), name) != 0) continue;
    std::size_t at = name.size();
    int line = 0;
    while (at < message.size() && std::isdigit(static_cast<unsigned char>(message[at])) != 0 &&
           line < 100'000'000)
      line = line * 10 + (message[at++] - '0');
    if (at == name.size() || message.compare(at, 1, ":") != 0) continue;
    trouble.file = chunk;
    trouble.line = line;
    message.erase(0, std::min(message.size(), at + 2));
    return true;
  }
  return false;
}

std::string stop_text(Trouble::Kind kind, std::uint64_t instructions,
                      std::chrono::microseconds wall) {
  if (kind == Trouble::Kind::instructions) {
    return "stopped after " + std::to_string(instructions) + " instructions";
  }
  return "stopped after " + std::to_string(wall.count() / 1000) + " ms";
}

std::string message_at_top(lua_State* L) {
  std::size_t size = 0;
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
      const char* bytes = lua_tolstring(L, -1, &size);
      return {bytes, std::min(size, kLongestMessage)};
    }
    case LUA_TNUMBER:
      return lua_isinteger(L, -1) != 0 ? std::to_string(lua_tointeger(L, -1))
                                       : std::to_string(lua_tonumber(L, -1));
    default: return std::string("error with a value that is ") + luaL_typename(L, -1);
  }
}

}  // namespace

std::string_view name_of(Trouble::Kind kind) {
  switch (kind) {
    case Trouble::Kind::error: return "error";
    case Trouble::Kind::instructions: return "instructions";
    case Trouble::Kind::time: return "time";
    case Trouble::Kind::memory: return "memory";
    case Trouble::Kind::syntax: return "syntax";
  }
  return "error";
}

std::string bytes_text(std::size_t bytes) {
  if (bytes >= 1u << 20 && bytes % (1u << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes) + " bytes";
}

void set_place(const Place& place, Trouble& trouble) {
  if (place.line <= 0 || place.source.empty()) return;
  trouble.file = place.source.substr(place.source.front() == '@' ? 1 : 0);
  trouble.line = place.line;
}

Trouble trouble_of(const Core& core, int status, std::uint64_t instructions,
                   std::chrono::microseconds wall) {
  const Meter& meter = core.meter;
  Trouble trouble;
  std::string message;
  if (meter.stopped()) {
    trouble.kind = meter.stop_kind();
    set_place(meter.place(), trouble);
    message = stop_text(trouble.kind, instructions, wall);
  } else if (status == LUA_ERRMEM) {
    trouble.kind = Trouble::Kind::memory;
    set_place(meter.place(), trouble);
    message = meter.refused_string()
                  ? "text of more than " + bytes_text(core.budget.string_bytes)
                  : "not enough memory: the limit is " + bytes_text(core.budget.memory);
  } else {
    trouble.kind = status == LUA_ERRSYNTAX ? Trouble::Kind::syntax : Trouble::Kind::error;
    message = message_at_top(core.L);
    if (!split_place(core, message, trouble)) set_place(core.raised, trouble);
  }
  if (trouble.line > 0) {
    message.insert(0, trouble.file + ":" + std::to_string(trouble.line) + ": ");
  }
  trouble.message = std::move(message);
  return trouble;
}

}  // namespace pgmoat::script
