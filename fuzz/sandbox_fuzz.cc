// Arbitrary Lua text as a file of a policy: it ends in time, within its memory, says what went wrong
// in which file, and leaves a sandbox that works, unless it has filled it. What it registers is
// called, before and after freezing, and must answer the same both times it is asked after freezing.
// The words of Lua are in lua.dict (-dict=fuzz/lua.dict).
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "script/sandbox.h"

using namespace pgmoat;
using namespace pgmoat::script;

namespace {

constexpr Budget kBudget{.instructions = 20'000,
                         .wall = std::chrono::milliseconds(10),
                         .memory = 2u << 20,
                         .string_bytes = 4096,
                         .load_instructions = 50'000,
                         .load_wall = std::chrono::milliseconds(20)};

struct Statement {
  std::string kind = "select";
  std::vector<std::string> relations{"a", "b"};
};
const Statement& of(const void* self) { return *static_cast<const Statement*>(self); }

const ObjectType kStatement{
    "statement",
    "pgmoat.Statement",
    {{"kind", "string", "", [](const void* s, Push& p) { p.text(of(s).kind); }},
     {"self", "pgmoat.Statement", "", [](const void* s, Push& p) { p.object(kStatement, s); }},
     {"relations", "string[]", "",
      [](const void* s, Push& p) {
        p.list(s, of(s).relations.size(), [](const void* self, std::size_t i, Push& push) {
          push.text(of(self).relations[i]);
        });
      }}},
    {{"reads", "fun(self, name: string): boolean", "",
      [](const void*, const std::vector<std::string_view>& words, Push& push) {
        push.integer(static_cast<std::int64_t>(words.size()));
      }}},
    [](const void*, std::string_view key, Push& push) { push.text(key); }};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class Trial {
 public:
  Trial() : sandbox_(kBudget) {
    sandbox_.define(
        "rule",
        [this](std::vector<Value>& arguments, const Caller& caller) -> Result<Value, std::string> {
          PGMOAT_CHECK(caller.file.empty() || caller.file == "fuzz.lua");
          const auto* function = arguments.empty() ? nullptr : arguments[0].as<Function>();
          if (function == nullptr) return std::string("rule takes a function");
          if (rules_.size() < 4) rules_.push_back(*function);
          return Value{};
        });
    sandbox_.define("a.echo",
                    [](std::vector<Value>& arguments, const Caller&) -> Result<Value, std::string> {
                      return arguments.empty() ? Value{} : arguments[0];
                    });
    sandbox_.define_object("kept",
                           [this](std::vector<Value>&, const Caller&) -> Result<Lent, std::string> {
                             return Lent{&kStatement, &statement_};
                           });
  }

  void play(std::string_view source) {
    // Whoever loads takes another sandbox for the next file.
    if (timed([&] { return has_filled(sandbox_.run(source, "fuzz.lua"), true); })) return;
    timed([&] { return static_cast<bool>(sandbox_.compile(source, {"s", "q"}, "fuzz.lua", 3)); });
    expect_works();
    for (const Function rule : rules_) {
      const ObjectType* const types[] = {&kStatement, &kStatement};
      timed([&] { return sandbox_.misnamed(rule, types, types).empty(); });
    }
    for (const Function rule : rules_) call(rule);
    bool frozen = false;
    timed([&] {
      const auto answer = sandbox_.freeze();
      frozen = std::holds_alternative<std::monostate>(answer);
      return has_filled(answer, false);
    });
    if (!frozen) return;
    for (const Function rule : rules_) {
      const bool first = call(rule), second = call(rule);
      // Only limits, which count differently once memory is warm, may tell two calls apart.
      PGMOAT_CHECK(limited_ || first == second);
    }
    expect_works();
    sandbox_.collect();
    PGMOAT_CHECK(sandbox_.memory_used() <= kBudget.memory);
  }

 private:
  template <class Step>
  bool timed(Step step) {
    const double before = processor_seconds();
    const bool answer = step();
    PGMOAT_CHECK(processor_seconds() - before < 1.0);
    return answer;
  }

  // What fills the memory while all of it is made read-only is of no one place.
  bool has_filled(const std::variant<std::monostate, Trouble>& answer, bool has_place) {
    const auto* trouble = std::get_if<Trouble>(&answer);
    if (trouble == nullptr) return false;
    const bool filled = trouble->kind == Trouble::Kind::memory;
    PGMOAT_CHECK(!trouble->message.empty());
    PGMOAT_CHECK(trouble->file == "fuzz.lua" || (filled && !has_place));
    return filled;
  }

  bool call(Function rule) {
    const Lent lent[] = {{&kStatement, &statement_}, {&kStatement, &statement_}};
    bool fine = false;
    timed([&] {
      const auto answer = sandbox_.call(rule, lent);
      fine = static_cast<bool>(answer);
      if (!fine) {
        PGMOAT_CHECK(answer.error().message.rfind("fuzz.lua:", 0) == 0);
        limited_ = limited_ || answer.error().kind != Trouble::Kind::error;
      }
      return fine;
    });
    return fine;
  }

  void expect_works() {
    const auto made = sandbox_.compile("1 + 1", {}, "after.lua", 1);
    PGMOAT_CHECK(made);
    const auto answer = sandbox_.call(*made, {});
    PGMOAT_CHECK(answer && answer->as<std::int64_t>() != nullptr &&
                 *answer->as<std::int64_t>() == 2);
  }

  Statement statement_;
  std::vector<Function> rules_;
  Sandbox sandbox_;
  bool limited_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Trial().play({reinterpret_cast<const char*>(data), size});
  return 0;
}
