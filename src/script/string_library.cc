// Text functions. Those that make text are bounded by Budget::string_bytes before they begin, or
// make no more than they were given; each is charged for the bytes it looks at. Lua's patterns are
// not here: one of them can take hours.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "script/core.h"

namespace pgmoat::script {
namespace {

constexpr lua_Integer kValues = 1000;  // results of one call

std::size_t limit_of(lua_State* L) { return core_of(L).meter.string_limit(); }

[[noreturn]] void too_long(lua_State* L, const char* function) {
  raise(L, std::string(function) + ": the result would be longer than " +
               std::to_string(limit_of(L)) + " bytes");
}

std::size_t size_at(lua_State* L, int index) {
  std::size_t size = 0;
  luaL_checklstring(L, index, &size);
  return size;
}

// lower, upper, reverse, sub: the result is no longer than the text.
int same_size(lua_State* L) {
  charge(L, size_at(L, 1) / 32);
  const Meter::LongStrings lifted(core_of(L).meter);
  return call_stock(L);
}

int repeat(lua_State* L) {
  const std::size_t size = size_at(L, 1), separator = lua_isnoneornil(L, 3) ? 0 : size_at(L, 3);
  const lua_Integer times = luaL_checkinteger(L, 2);
  if (times > 0) {
    const std::size_t one = size + separator;
    if (one != 0 && static_cast<std::uint64_t>(times) > limit_of(L) / one + 1) {
      too_long(L, "string.rep");
    }
    const std::size_t all = one * static_cast<std::size_t>(times) - separator;
    if (one != 0 && all > limit_of(L)) too_long(L, "string.rep");
    if (one == 0) {  // Lua would still count
      lua_pushliteral(L, "");
      return 1;
    }
    charge(L, all / 64 + static_cast<std::uint64_t>(times) / 4);
  }
  return call_stock(L);
}

// A position as string.find and its kin take it, from 1; 0 where it is beyond the beginning.
lua_Integer position(lua_Integer written, std::size_t size) {
  if (written >= 0) return written;
  const auto from_end = static_cast<lua_Integer>(size) + written + 1;
  return std::max<lua_Integer>(from_end, 0);
}

int find_plain(lua_State* L) {
  std::size_t text_size = 0, word_size = 0;
  const char* text = luaL_checklstring(L, 1, &text_size);
  const char* word = luaL_checklstring(L, 2, &word_size);
  const bool plain = lua_toboolean(L, 4) != 0;
  if (!plain &&
      std::string_view(word, word_size).find_first_of("^$*+?.([%-") != std::string::npos) {
    raise(L,
          "string.find takes plain text only (a fourth argument 'true'); use pgmoat.re (RE2) for "
          "patterns");
  }
  const lua_Integer from =
      std::max<lua_Integer>(position(luaL_optinteger(L, 3, 1), text_size), 1) - 1;
  charge(L, (text_size + word_size) / 8);
  const auto start = static_cast<std::size_t>(from);
  if (start > text_size) return lua_pushnil(L), 1;
  // glibc's memmem is linear in the text whatever the word is.
  const void* at = memmem(text + start, text_size - start, word, word_size);
  if (at == nullptr) return lua_pushnil(L), 1;
  const lua_Integer found = static_cast<const char*>(at) - text + 1;
  lua_pushinteger(L, found);
  lua_pushinteger(L, found + static_cast<lua_Integer>(word_size) - 1);
  return 2;
}

// How many values byte or codepoint would give for their arguments i and j.
void bound_values(lua_State* L, const char* function) {
  const std::size_t size = size_at(L, 1);
  const lua_Integer written = luaL_optinteger(L, 2, 1);
  const lua_Integer from = std::max<lua_Integer>(position(written, size), 1);
  const lua_Integer to =
      std::min(position(luaL_optinteger(L, 3, written), size), static_cast<lua_Integer>(size));
  if (to >= from && to - from >= kValues) {
    raise(L, std::string(function) + " gives at most " + std::to_string(kValues) +
                 " values; ask for a part");
  }
  charge(L, to >= from ? static_cast<std::uint64_t>(to - from) : 0);
}

int bytes_of(lua_State* L) {
  bound_values(L, "string.byte");
  return call_stock(L);
}

int codepoints_of(lua_State* L) {
  bound_values(L, "utf8.codepoint");
  return call_stock(L);
}

int characters(lua_State* L) {
  charge(L, static_cast<std::uint64_t>(lua_gettop(L)));
  return call_stock(L);
}

int scanned(lua_State* L) {
  charge(L, size_at(L, 1) / 8);
  return call_stock(L);
}

// What %s and %q are given counts towards the size; addresses are not for policies.
int format(lua_State* L) {
  std::size_t size = 0;
  const std::string_view pattern = luaL_checklstring(L, 1, &size);
  std::size_t all = size;
  int argument = 1;
  for (const char* at = pattern.data(); at < pattern.data() + size; ++at) {
    if (*at != '%') continue;
    ++at;
    if (*at == '%') continue;
    at += std::strspn(at, "-+ #0123456789.");
    ++argument;
    if (*at == 'p') raise(L, "string.format: '%p' is not available in a policy");
    if (*at == 's' && argument <= lua_gettop(L)) {
      lua_pushcfunction(L, text_of);
      lua_pushvalue(L, argument);
      lua_call(L, 1, 1);
      lua_replace(L, argument);
    }
    if (argument <= lua_gettop(L) && lua_type(L, argument) == LUA_TSTRING) {
      const std::size_t bytes = lua_rawlen(L, argument);
      all += *at == 'q' ? bytes * 4 : bytes;
    }
    if (all > limit_of(L)) too_long(L, "string.format");
  }
  charge(L, all / 16);
  return call_stock(L);
}

constexpr Allowed kString[] = {
    {"byte", bytes_of, "at most 1,000 values"},
    {"char", characters, "its arguments are charged"},
    {"find", find_plain, "plain text, linear, charged"},
    {"format", format, "bounded by string_bytes, charged"},
    {"len", nullptr, "known"},
    {"lower", same_size, "the text is charged"},
    {"rep", repeat, "bounded by string_bytes, charged"},
    {"reverse", same_size, "the text is charged"},
    {"sub", same_size, "the text is charged"},
    {"upper", same_size, "the text is charged"},
};

constexpr Allowed kUtf8[] = {
    {"char", characters, "its arguments are charged"},
    {"codepoint", codepoints_of, "at most 1,000 values"},
    {"len", scanned, "the text is charged"},
    {"offset", scanned, "the text is charged"},
};

}  // namespace

void push_string_functions(lua_State* L) {
  push_allowed(L, luaopen_string, std::begin(kString), std::end(kString));
}

void push_utf8_functions(lua_State* L) {
  push_allowed(L, luaopen_utf8, std::begin(kUtf8), std::end(kUtf8));
}

}  // namespace pgmoat::script
