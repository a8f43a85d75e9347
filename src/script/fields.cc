#include "script/fields.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "script/bytecode.h"
#include "script/known.h"

namespace pgmoat::script {
namespace {

// A policy is small; what is larger than these is not looked at any further.
constexpr std::size_t kMostVisits = 500, kMostStates = 1u << 19;

using Registers = std::vector<Known>;

struct Visit {
  std::size_t body = 0;
  std::vector<Known> arguments;
  bool operator==(const Visit&) const = default;
};

using Spot = std::pair<const Prototype*, std::size_t>;

// Whether it writes register A.
bool sets_a(const Instruction& step) {
  switch (step.code) {
    case kSetUpvalue:
    case kToBeClosed:
    case kClose:
    case kJump:
    case kSetList:
    case kEachPrepare:
    case kEachCall:
    case kVarargPrepare:
    case kExtra: return false;
    default: break;
  }
  const auto within = [&](Opcode first, Opcode last) {
    return step.code >= first && step.code <= last;
  };
  return !within(kSetTableUpvalue, kSetField) && !within(kBinaryEvent, kBinaryEventConstant) &&
         !within(kEqual, kTest) && !within(kReturn, kReturnOne);
}

class Walk {
 public:
  Walk(Core& core, std::span<const ObjectType* const> known) : L_(core.L), values_(core, known) {}

  std::vector<Misnamed> from(Function function, std::span<const ObjectType* const> parameters) {
    lua_rawgeti(L_, LUA_REGISTRYINDEX, function.ref);
    const Known first = values_.value_on_top();
    if (first.kind != Known::Kind::function) return {};
    Visit visit{first.number, {}};
    for (const ObjectType* type : parameters) visit.arguments.push_back(known_object(type));
    visits_.push_back(std::move(visit));
    for (at_ = 0; at_ < visits_.size(); ++at_) look();
    std::vector<Misnamed> told;
    for (auto& [place, one] : found_) {
      const bool known = std::find(told.begin(), told.end(), one) != told.end();
      if (good_.count(place) == 0 && !known) told.push_back(std::move(one));
    }
    return told;
  }

 private:
  // One function with the types of its arguments: first what holds at each instruction, whichever way
  // it is reached; then, when that is settled, what is wrong there.
  void look() {
    body_ = &values_.body(visits_[at_].body);
    code_ = body_->code;
    if (code_->code.size() * code_->registers > kMostStates) return;
    Registers start(code_->registers);
    const std::vector<Known>& arguments = visits_[at_].arguments;
    std::copy_n(arguments.begin(), std::min(code_->parameters, arguments.size()), start.begin());
    states_.assign(code_->code.size(), std::nullopt);
    settled_ = false;
    reach(0, start);
    while (!pending_.empty()) {
      const std::size_t pc = pending_.back();
      pending_.pop_back();
      step(pc, *states_[pc]);
    }
    settled_ = true;
    for (pc_ = 0; pc_ < states_.size(); ++pc_) {
      if (states_[pc_]) step(pc_, *states_[pc_]);
    }
  }

  void reach(std::size_t pc, const Registers& registers) {
    if (settled_ || pc >= states_.size()) return;
    std::optional<Registers>& state = states_[pc];
    bool changed = !state.has_value();
    if (changed) {
      state = registers;
    } else {
      for (std::size_t i = 0; i < registers.size(); ++i) {
        if ((*state)[i] == registers[i] || (*state)[i] == Known{}) continue;
        (*state)[i] = {};
        changed = true;
      }
    }
    if (changed) pending_.push_back(pc);
  }

  void step(std::size_t pc, Registers registers) {
    const Instruction one(code_->code[pc]);
    const auto to = [](std::size_t from, std::size_t by) { return from + 1 + by; };
    const auto back = [](std::size_t from, std::size_t by) {
      return by > from + 1 ? SIZE_MAX : from + 1 - by;
    };
    if (one.code >= kReturn && one.code <= kReturnOne) return;
    if (one.code == kTestSet) {  // where it does not hold, nothing is set and the jump is skipped
      reach(pc + 2, registers);
      set(registers, one.a, get(registers, one.b));
      return reach(pc + 1, registers);
    }
    act(one, registers);
    switch (one.code) {
      case kJump: return reach(pc + 1 + static_cast<std::size_t>(one.jump), registers);
      case kLoadFalseSkip: return reach(pc + 2, registers);
      case kForPrepare: reach(to(pc, one.bx) + 1, registers); break;
      case kEachPrepare: return reach(to(pc, one.bx), registers);
      case kForLoop:
      case kEachLoop: reach(back(pc, one.bx), registers); break;
      default: break;
    }
    if (one.code >= kEqual && one.code <= kTest) reach(pc + 2, registers);
    reach(pc + 1, registers);
  }

  static Known get(const Registers& registers, std::size_t at) {
    return at < registers.size() ? registers[at] : Known{};
  }
  static void set(Registers& registers, std::size_t at, const Known& value) {
    if (at < registers.size()) registers[at] = value;
  }
  static void clear_from(Registers& registers, std::size_t first) {
    for (std::size_t i = first; i < registers.size(); ++i) registers[i] = {};
  }
  Known upvalue(std::size_t at) const {
    const std::vector<Known>& all = body_->upvalues;
    return at < all.size() ? all[at] : Known{};
  }
  std::string_view constant(std::size_t at) const {
    return at < code_->constants.size() ? code_->constants[at] : std::string_view{};
  }

  // What the instruction leaves in the registers.
  void act(const Instruction& one, Registers& registers) {
    switch (one.code) {
      case kMove: return set(registers, one.a, get(registers, one.b));
      case kGetUpvalue: return set(registers, one.a, upvalue(one.b));
      case kGetTableUpvalue: return set(registers, one.a, member(upvalue(one.b), constant(one.c)));
      case kGetTable:
      case kGetInteger: return set(registers, one.a, KnownValues::item(get(registers, one.b)));
      case kGetField: return set(registers, one.a, member(get(registers, one.b), constant(one.c)));
      case kSelf: {
        const Known self = get(registers, one.b);
        set(registers, one.a, one.k ? member(self, constant(one.c)) : Known{});
        return set(registers, one.a + 1, self);
      }
      case kCall:
      case kTailCall: return call(one, registers);
      case kEachCall: {
        const Known steps = get(registers, one.a);
        clear_from(registers, one.a + 4);
        if (steps.kind == Known::Kind::steps) set(registers, one.a + 5, known_object(steps.type));
        return;
      }
      case kEachLoop: return set(registers, one.a + 2, {});
      case kLoadNil:
        for (std::size_t i = 0; i <= one.b; ++i) set(registers, one.a + i, {});
        return;
      case kForLoop:
      case kForPrepare:
      case kVararg: return clear_from(registers, one.a);
      case kClosure: return set(registers, one.a, closure(one.bx));
      default:
        if (sets_a(one)) set(registers, one.a, {});
    }
  }

  Known member(const Known& of, std::string_view name) {
    std::string complaint;
    const Known found = values_.member(of, name, complaint);
    if (!settled_ || of == Known{}) return found;
    const Spot spot{code_, pc_};
    if (complaint.empty()) {
      good_.insert(spot);
    } else {
      found_.emplace_back(
          spot, Misnamed{body_->file, code_->lines[pc_], std::string(name), std::move(complaint)});
    }
    return found;
  }

  void call(const Instruction& one, Registers& registers) {
    const Known function = get(registers, one.a), first = get(registers, one.a + 1);
    if (function.kind == Known::Kind::function && settled_) {
      Visit visit{function.number, {}};
      for (std::size_t i = 1; i < one.b; ++i) {
        visit.arguments.push_back(get(registers, one.a + i));
      }
      add(std::move(visit));
    }
    const bool steps =
        one.b >= 2 && KnownValues::item(first) != Known{} && values_.walks_a_list(function);
    clear_from(registers, one.a);
    if (steps) set(registers, one.a, {Known::Kind::steps, first.type, 0});
  }

  void add(Visit visit) {
    const bool known = std::find(visits_.begin(), visits_.end(), visit) != visits_.end();
    if (!known && visits_.size() < kMostVisits) visits_.push_back(std::move(visit));
  }

  // A function that is made inside. Of the locals that it shares only parameters that nobody assigns
  // are known: other registers are used again and again.
  Known closure(std::size_t index) {
    if (index >= code_->inner.size()) return {};
    const auto [at, is_new] = closures_.try_emplace({at_, index}, values_.bodies());
    if (is_new) {
      Body body{&code_->inner[index], body_->file, {}};
      for (const Upvalue& shared : body.code->upvalues) {
        body.upvalues.push_back(shared.of_parents_locals ? parameter(shared.index)
                                                         : upvalue(shared.index));
      }
      values_.add_body(std::move(body));
    }
    if (settled_) add({at->second, {}});
    return {Known::Kind::function, nullptr, at->second};
  }

  Known parameter(std::size_t index) const {
    const std::vector<Known>& arguments = visits_[at_].arguments;
    if (index >= code_->parameters || index >= arguments.size()) return {};
    for (const std::uint32_t word : code_->code) {
      const Instruction one(word);
      if (one.a == index && sets_a(one)) return {};
    }
    const bool shared =
        std::any_of(code_->inner.begin(), code_->inner.end(),
                    [](const Prototype& inner) { return stores_outside(inner).has_value(); });
    return shared ? Known{} : arguments[index];
  }

  lua_State* L_;
  KnownValues values_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> closures_;  // visit, function inside
  std::deque<Visit> visits_;
  std::size_t at_ = 0;  // of the visit
  // An instruction that some caller's types make right is not wrong, whatever another's make of it:
  // what a helper is told with them may keep it from there.
  std::vector<std::pair<Spot, Misnamed>> found_;
  std::set<Spot> good_;

  // Of the function that is looked at.
  const Body* body_ = nullptr;
  const Prototype* code_ = nullptr;
  std::vector<std::optional<Registers>> states_;  // before each instruction
  std::vector<std::size_t> pending_;
  std::size_t pc_ = 0;
  bool settled_ = false;
};

struct Job {
  Core& core;
  Function function;
  std::span<const ObjectType*const> parameters, known;
  std::vector<Misnamed> found;
};

int walk_protected(lua_State* L) {
  Job& job = *static_cast<Job*>(lua_touserdata(L, 1));
  lua_settop(L, 0);
  luaL_checkstack(L, 64, nullptr);
  job.found = Walk(job.core, job.known).from(job.function, job.parameters);
  return 0;
}

}  // namespace

std::vector<Misnamed> misnamed_in(Core& core, Function function,
                                  std::span<const ObjectType* const> parameters,
                                  std::span<const ObjectType* const> known) {
  Job job{core, function, parameters, known, {}};
  lua_pushcfunction(core.L, walk_protected);
  lua_pushlightuserdata(core.L, &job);
  // Out of memory: freeze() will say so.
  if (lua_pcall(core.L, 1, 0, 0) != LUA_OK) lua_pop(core.L, 1);
  return std::move(job.found);
}

}  // namespace pgmoat::script
