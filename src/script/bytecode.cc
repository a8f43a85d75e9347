#include "script/bytecode.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace pgmoat::script {
namespace {

// Of Lua 5.4 (lopcodes.h, ldump.c). The sandbox checks at start-up that they hold.
constexpr std::uint32_t kOpcodeMask = 0x7f, kSetUpvalue = 10;
constexpr std::size_t kHeader = 4 + 1 + 1 + 6 + 3 + sizeof(lua_Integer) + sizeof(lua_Number);
constexpr std::uint8_t kFloat = 0x13, kInteger = 0x03, kShort = 0x04, kLong = 0x14;
constexpr int kAbsoluteLine = -0x80;

struct Upvalue {
  bool of_parents_locals = false;
  std::size_t index = 0;
};

// Reads one dump from its beginning; the input comes from Lua itself, so a surprise is a bug.
class Dump {
 public:
  explicit Dump(std::string_view bytes) : rest_(bytes) {}

  std::optional<Store> read() {
    skip(kHeader);
    const std::size_t outer = byte();
    function(std::vector<bool>(outer, true), true);
    PGMOAT_CHECK(rest_.empty());
    return found_;
  }

 private:
  struct Body {
    int first_line = 0;
    std::string_view code;
    std::vector<Upvalue> upvalues;
  };

  std::string_view take(std::size_t size) {
    PGMOAT_CHECK(size <= rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  void skip(std::size_t size) { take(size); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }
  std::size_t number() {
    std::size_t value = 0;
    for (;;) {
      const std::uint8_t next = byte();
      value = value << 7 | (next & 0x7fu);
      if ((next & 0x80u) != 0) return value;
    }
  }
  std::string_view text() {
    const std::size_t size = number();
    return size == 0 ? std::string_view() : take(size - 1);
  }

  void constants() {
    for (std::size_t n = number(); n > 0; --n) {
      switch (byte()) {
        case kFloat: skip(sizeof(lua_Number)); break;
        case kInteger: skip(sizeof(lua_Integer)); break;
        case kShort:
        case kLong: text(); break;
        default: break;  // nil, false, true
      }
    }
  }

  // `outside[i]`: upvalue i of the enclosing function lives outside the function that is asked about.
  void function(const std::vector<bool>& outside, bool outermost) {
    text();  // source
    Body body;
    body.first_line = static_cast<int>(number());
    number();  // last line
    skip(3);   // parameters, vararg, stack
    body.code = take(number() * sizeof(std::uint32_t));
    constants();
    std::vector<bool> mine;
    for (std::size_t n = number(); n > 0; --n) {
      const bool local = byte() != 0;
      const std::size_t index = byte();
      skip(1);  // kind
      mine.push_back(outermost || (!local && index < outside.size() && outside[index]));
    }
    for (std::size_t n = number(); n > 0; --n) function(mine, false);
    debug(body, mine);
  }

  void debug(const Body& body, const std::vector<bool>& outside) {
    const std::string_view lines = take(number());
    std::vector<std::pair<std::size_t, int>> absolute;
    for (std::size_t n = number(); n > 0; --n) {
      const std::size_t pc = number();
      absolute.emplace_back(pc, static_cast<int>(number()));
    }
    for (std::size_t n = number(); n > 0; --n) {  // locals
      text();
      number();
      number();
    }
    std::vector<std::string_view> names;
    for (std::size_t n = number(); n > 0; --n) names.push_back(text());
    find(body, outside, lines, absolute, names);
  }

  void find(const Body& body, const std::vector<bool>& outside, std::string_view lines,
            const std::vector<std::pair<std::size_t, int>>& absolute,
            const std::vector<std::string_view>& names) {
    int line = body.first_line;
    std::size_t next_absolute = 0;
    for (std::size_t pc = 0; pc * sizeof(std::uint32_t) < body.code.size(); ++pc) {
      if (pc < lines.size()) {
        const int step = static_cast<signed char>(lines[pc]);
        if (step != kAbsoluteLine) {
          line += step;
        } else if (next_absolute < absolute.size()) {
          line = absolute[next_absolute++].second;
        }
      }
      std::uint32_t code = 0;
      std::memcpy(&code, body.code.data() + pc * sizeof code, sizeof code);
      const std::size_t upvalue = code >> 16 & 0xff;
      if ((code & kOpcodeMask) != kSetUpvalue || upvalue >= outside.size() || !outside[upvalue])
        continue;
      if (!found_ || line < found_->line) {
        found_ = Store{upvalue < names.size() ? std::string(names[upvalue]) : "?", line};
      }
      return;
    }
  }

  std::string_view rest_;
  std::optional<Store> found_;
};

int append(lua_State*, const void* bytes, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return 0;
}

}  // namespace

std::optional<Store> stores_outside(lua_State* L, int index) {
  std::string bytes;
  lua_pushvalue(L, index);
  lua_dump(L, append, &bytes, 0);
  lua_pop(L, 1);
  return Dump(bytes).read();
}

}  // namespace pgmoat::script
