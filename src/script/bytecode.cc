#include "script/bytecode.h"

#include <cstring>

#include "base/check.h"

namespace pgmoat::script {
namespace {

// Of Lua 5.4 (ldump.c). The sandbox checks at start-up that they hold.
constexpr std::size_t kHeader = 4 + 1 + 1 + 6 + 3 + sizeof(lua_Integer) + sizeof(lua_Number);
constexpr std::uint8_t kFloat = 0x13, kInteger = 0x03, kShort = 0x04, kLong = 0x14;
constexpr int kAbsoluteLine = -0x80;

// Reads one dump from its beginning; the input comes from Lua itself, so a surprise is a bug.
class Dump {
 public:
  explicit Dump(std::string_view bytes) : rest_(bytes) {}

  Prototype read() {
    skip(kHeader);
    byte();  // upvalues
    Prototype outer = function();
    PGMOAT_CHECK(rest_.empty());
    return outer;
  }

 private:
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

  Prototype function() {
    Prototype made;
    text();  // source
    const int first_line = static_cast<int>(number());
    number();  // last line
    made.parameters = byte();
    skip(1);  // vararg
    made.registers = byte();
    made.code.resize(number());
    const std::string_view code = take(made.code.size() * sizeof(std::uint32_t));
    if (!code.empty()) std::memcpy(made.code.data(), code.data(), code.size());
    constants(made);
    for (std::size_t n = number(); n > 0; --n) {
      const bool local = byte() != 0;
      made.upvalues.push_back({local, byte(), {}});
      skip(1);  // kind
    }
    for (std::size_t n = number(); n > 0; --n) made.inner.push_back(function());
    debug(made, first_line);
    return made;
  }

  void constants(Prototype& into) {
    for (std::size_t n = number(); n > 0; --n) {
      std::string_view written;
      switch (byte()) {
        case kFloat: skip(sizeof(lua_Number)); break;
        case kInteger: skip(sizeof(lua_Integer)); break;
        case kShort:
        case kLong: written = text(); break;
        default: break;  // nil, false, true
      }
      into.constants.push_back(written);
    }
  }

  void debug(Prototype& into, int line) {
    const std::string_view steps = take(number());
    std::vector<int> absolute;
    for (std::size_t n = number(); n > 0; --n) {
      number();  // its instruction
      absolute.push_back(static_cast<int>(number()));
    }
    auto next = absolute.begin();
    for (const char byte : steps) {
      const int step = static_cast<signed char>(byte);
      if (step != kAbsoluteLine) line += step;
      else if (next != absolute.end()) line = *next++;
      into.lines.push_back(line);
    }
    into.lines.resize(into.code.size(), line);
    for (std::size_t n = number(); n > 0; --n) {  // locals
      text();
      number();
      number();
    }
    for (std::size_t at = 0, n = number(); at < n; ++at) {
      const std::string_view name = text();
      if (at < into.upvalues.size()) into.upvalues[at].name = name;
    }
  }

  std::string_view rest_;
};

// `outside[i]`: upvalue i of the function lives outside the function that is asked about.
void find_store(const Prototype& function, const std::vector<bool>& outside,
                std::optional<Store>& found) {
  for (std::size_t pc = 0; pc < function.code.size(); ++pc) {
    const Instruction step(function.code[pc]);
    if (step.code != kSetUpvalue || step.b >= outside.size() || !outside[step.b]) continue;
    if (!found || function.lines[pc] < found->line) {
      const std::string_view name = function.upvalues[step.b].name;
      found = Store{name.empty() ? "?" : std::string(name), function.lines[pc]};
    }
    break;
  }
  for (const Prototype& inner : function.inner) {
    std::vector<bool> of_inner;
    for (const Upvalue& one : inner.upvalues) {
      of_inner.push_back(!one.of_parents_locals && one.index < outside.size() &&
                         outside[one.index]);
    }
    find_store(inner, of_inner, found);
  }
}

int append(lua_State*, const void* bytes, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return 0;
}

}  // namespace

std::unique_ptr<const Compiled> read_code(lua_State* L, int index) {
  auto made = std::make_unique<Compiled>();
  lua_pushvalue(L, index);
  lua_dump(L, append, &made->bytes, 0);
  lua_pop(L, 1);
  made->outer = Dump(made->bytes).read();
  return made;
}

std::optional<Store> stores_outside(const Prototype& function) {
  std::optional<Store> found;
  find_store(function, std::vector<bool>(function.upvalues.size(), true), found);
  return found;
}

std::optional<Store> stores_outside(lua_State* L, int index) {
  return stores_outside(read_code(L, index)->outer);
}

}  // namespace pgmoat::script
