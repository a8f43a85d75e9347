// Lua's compiled code as data. Two questions are asked of it that no hook answers: does a function keep
// state in a local of the file (`counter = counter + 1` with `counter` outside the function), and
// does it name a field that does not exist (fields.h). What lua_dump() writes is the only public view.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "script/lua.h"

namespace pgmoat::script {

struct Upvalue {
  bool of_parents_locals = false;  // else of the parent's upvalues
  std::size_t index = 0;
  std::string_view name;
};

struct Prototype {
  std::size_t parameters = 0, registers = 0;
  std::vector<std::uint32_t> code;
  std::vector<int> lines;                   // of each instruction
  std::vector<std::string_view> constants;  // texts; "" of other constants
  std::vector<Upvalue> upvalues;
  std::vector<Prototype> inner;
};

struct Compiled {
  std::string bytes;  // what the views of `outer` point into
  Prototype outer;
};
// Of the Lua function at `index`.
std::unique_ptr<const Compiled> read_code(lua_State* L, int index);

struct Store {
  std::string variable;
  int line = 0;
};

// The first store of a function, or of a function inside it, to a variable that exists outside it.
std::optional<Store> stores_outside(const Prototype& function);
std::optional<Store> stores_outside(lua_State* L, int index);

// Of Lua 5.4 (lopcodes.h). The sandbox checks at start-up that those which matter hold.
enum Opcode : std::uint32_t {
  kMove = 0,
  kLoadFalseSkip = 6,
  kLoadNil = 8,
  kGetUpvalue = 9,
  kSetUpvalue = 10,
  kGetTableUpvalue = 11,
  kGetTable = 12,
  kGetInteger = 13,
  kGetField = 14,
  kSetTableUpvalue = 15,
  kSetField = 18,
  kSelf = 20,
  kBinaryEvent = 46,  // OP_MMBIN, OP_MMBINI, OP_MMBINK
  kBinaryEventConstant = 48,
  kClose = 54,
  kToBeClosed = 55,
  kJump = 56,
  kEqual = 57,  // up to kTest: the next instruction is skipped, or not
  kTest = 66,
  kTestSet = 67,
  kCall = 68,
  kTailCall = 69,
  kReturn = 70,
  kReturnOne = 72,
  kForLoop = 73,
  kForPrepare = 74,
  kEachPrepare = 75,
  kEachCall = 76,
  kEachLoop = 77,
  kSetList = 78,
  kClosure = 79,
  kVararg = 80,
  kVarargPrepare = 81,
  kExtra = 82,
};

// One instruction's parts.
struct Instruction {
  explicit Instruction(std::uint32_t word)
      : code(word & 0x7f),
        a(word >> 7 & 0xff),
        b(word >> 16 & 0xff),
        c(word >> 24),
        bx(word >> 15),
        k((word >> 15 & 1) != 0),
        jump(static_cast<int>(word >> 7) - 0xffffff) {}
  std::uint32_t code;
  std::size_t a, b, c, bx;
  bool k;
  int jump;  // of kJump
};

}  // namespace pgmoat::script
