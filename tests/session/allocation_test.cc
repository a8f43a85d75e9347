// In steady state a released frame costs no heap allocation: not in the frame buffers, the ledger,
// the tables or the outbox, enforcing or monitoring. This program replaces operator new to count.
// The engine is driven as net does it: reads into its own room, one outbox for all calls, flushed
// when what was released has left.
#include <cstring>
#include <new>

#include "support/conversation.h"
#include "support/fake_analysis.h"

namespace {

std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// Not inlined: g++ 12 would take malloc() and operator delete, or the other two, for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return counted(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace pgmoat::test {
namespace {

using session::Mode;
using wire::Side;

// One ruling with facts for every text, as a cache gives it: the session keeps it, and copies nothing.
// Everything is wanted, so every hook is asked.
class CachedJudge final : public policy::Judge {
 public:
  CachedJudge() {
    auto ruling = std::make_shared<policy::Ruling>();
    ruling->analysis = analysis_of("select x from t");
    ruling_ = std::move(ruling);
  }
  policy::Judged judge(const policy::Subject&) override { return ruling_; }
  bool wants(policy::Subject::Kind) const override { return true; }
  std::uint64_t epoch() const override { return 0; }

 private:
  policy::Judged ruling_;
};

// A session after login, as a worker holds it.
class Flow {
 public:
  explicit Flow(Mode mode, bool cached = false)
      : setup_(setup(mode)),
        engine_(setup_,
                cached ? static_cast<policy::Judge&>(cached_)
                       : static_cast<policy::Judge&>(allows_all_),
                pool_, origin("test", Instant{})) {
    say(Side::client, startup());
    engine_.on_transport(session::Connected{}, Instant{}, out_);
    carry_out();
    say(Side::server, authentication_ok() + ready('I'));
    EXPECT_EQ(engine_.phase_name(), "ready");
  }

  // Read as it comes from a socket: into the engine's room, `at_most` bytes a read.
  void say(Side side, std::string_view bytes, std::size_t at_most = 1 << 20) {
    while (!bytes.empty()) {
      const auto room = engine_.room(side);
      const std::size_t size = std::min({room.size(), bytes.size(), at_most});
      std::memcpy(room.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      engine_.on_read(side, size, Instant{}, out_);
      carry_out();
    }
  }
  std::uint64_t to_client = 0, to_server = 0;
  const session::Engine& engine() const { return engine_; }

 private:
  static session::Setup setup(Mode mode) {
    session::Setup setup = setup_for(mode);
    setup.frame_limits.gather_copy_data = false;  // as without words to refuse
    setup.prepare();
    return setup;
  }
  void carry_out() {
    for (const auto& part : out_.to_client.parts()) to_client += part.size;
    for (const auto& part : out_.to_server.parts()) to_server += part.size;
    out_.clear();
    engine_.flushed(Side::client);
    engine_.flushed(Side::server);
  }

  session::Setup setup_;
  policy::AllowAll allows_all_;
  CachedJudge cached_;
  wire::BufferPool pool_;
  session::Outbox out_;
  session::Engine engine_;
};

struct Exchange {
  Side side;
  std::string bytes;
};

struct Case {
  const char* name;
  std::vector<Exchange> cycle;
  int frames;                   // of one cycle, for the message
  std::vector<Exchange> first;  // once, before the cycles
  std::vector<Exchange> last;
};
void PrintTo(const Case& one, std::ostream* to) { *to << one.name; }

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<Case> cases() {
  const std::string rows = bytes(wire::RowDescription{});
  const std::string row = frame('D', "\0\2\0\0\0\5hello\377\377\377\377"s);
  const std::string large_row = frame('D', "\0\1\0\0\x9c\x40"s + std::string(40000, 'v'));
  const std::string done = complete("SELECT 100"), data = frame('d', "1\tone\n");
  const std::string status = bytes(wire::ParameterStatus{"TimeZone", "Europe/Vienna"});
  const std::string notice = frame('N', "SNOTICE\0VNOTICE\0C00000\0Mmessage\0\0"s);
  const std::string described = frame('t', "\0\0"s) + rows;
  const std::vector<Exchange> prepare = {
      {Side::client, parse("select 1", "s1") + describe('S', "s1") + kSync},
      {Side::server, kParsed + described + ready('I')}};
  const std::string portals = bind("p", "s1") + describe('P', "p") + execute("p");
  std::vector<Case> all;
  all.push_back({"simple",
                 {{Side::client, query("select * from a_table where id = 1234567890123456789")},
                  {Side::server, rows + row + done + ready('I')}},
                 5,
                 {},
                 {}});
  all.push_back({"simple_many_rows",
                 {{Side::client, query("select 1")},
                  {Side::server, rows + repeated(row, 1000) + done + ready('I')}},
                 1004,
                 {},
                 {}});
  all.push_back({"large_rows",
                 {{Side::client, query("select 1")},
                  {Side::server, rows + repeated(large_row, 20) + done + ready('I')}},
                 24,
                 {},
                 {}});
  all.push_back({"transaction",
                 {{Side::client, query("begin")},
                  {Side::server, complete("BEGIN") + ready('T')},
                  {Side::client, query("commit")},
                  {Side::server, complete("COMMIT") + ready('I')}},
                 6,
                 {},
                 {}});
  all.push_back({"prepared",
                 {{Side::client, bind("", "s1") + describe('P') + execute() + kSync},
                  {Side::server, kBound + rows + row + done + ready('I')}},
                 9,
                 prepare,
                 {}});
  all.push_back({"prepared_portal_by_name",
                 {{Side::client, bind("p", "s1") + execute("p") + close('P', "p") + kSync},
                  {Side::server, kBound + row + done + frame('3') + ready('I')}},
                 9,
                 prepare,
                 {}});
  all.push_back({"parse_each_time",
                 {{Side::client, parse("select 1") + bind() + describe('P') + execute() + kSync},
                  {Side::server, kParsed + kBound + rows + row + done + ready('I')}},
                 11,
                 {},
                 {}});
  all.push_back({"pipeline",
                 {{Side::client, repeated(bind("", "s1") + describe('P') + execute() + kSync, 50)},
                  {Side::server, repeated(kBound + rows + row + done + ready('I'), 50)}},
                 450,
                 prepare,
                 {}});
  all.push_back({"copy_in",
                 {{Side::client, repeated(data, 100)}},
                 100,
                 {{Side::client, query("copy t from stdin")},
                  {Side::server, bytes(wire::CopyResponse{'G', 0, {}})}},
                 {{Side::client, frame('c')}, {Side::server, complete("COPY 1") + ready('I')}}});
  all.push_back({"copy_in_whole",
                 {{Side::client, query("copy t from stdin")},
                  {Side::server, bytes(wire::CopyResponse{'G', 0, {}})},
                  {Side::client, repeated(data, 100) + frame('c')},
                  {Side::server, complete("COPY 100") + ready('I')}},
                 105,
                 {},
                 {}});
  all.push_back({"copy_in_prepared",
                 {{Side::client, parse("copy t from stdin") + bind() + execute()},
                  {Side::server, kParsed + kBound + bytes(wire::CopyResponse{'G', 0, {}})},
                  {Side::client, repeated(data, 100) + frame('c') + kSync},
                  {Side::server, complete("COPY 100") + ready('I')}},
                 110,
                 {},
                 {}});
  all.push_back({"copy_out",
                 {{Side::client, query("copy t to stdout")},
                  {Side::server, bytes(wire::CopyResponse{'H', 0, {}}) + repeated(data, 1000) +
                                     frame('c') + complete("COPY 1000") + ready('I')}},
                 1005,
                 {},
                 {}});
  all.push_back({"notices",
                 {{Side::client, query("select 1")},
                  {Side::server, notice + status + rows + done + ready('I')}},
                 6,
                 {},
                 {}});
  all.push_back(
      {"errors",
       {{Side::client, query("bad")}, {Side::server, error("42601", "syntax error") + ready('I')}},
       3,
       {},
       {}});
  wire::FunctionCall call;
  call.function = 952;
  all.push_back(
      {"function",
       {{Side::client, bytes(call)}, {Side::server, frame('V', "\0\0\0\1x"s) + ready('I')}},
       3,
       {},
       {}});
  return all;
}

class Allocations : public testing::TestWithParam<Case> {
 protected:
  void expect_none(Mode mode, std::size_t at_most, bool cached = false) {
    Flow flow(mode, cached);
    for (const Exchange& each : GetParam().first) flow.say(each.side, each.bytes);
    const auto cycles = [&](int times) {
      for (int i = 0; i < times; ++i) {
        for (const Exchange& each : GetParam().cycle) flow.say(each.side, each.bytes, at_most);
      }
    };
    cycles(20);  // buffers, rings and vectors find their sizes
    const std::uint64_t client = flow.to_client, server = flow.to_server;
    const std::size_t before = allocations;
    cycles(100);
    const std::size_t counted = allocations - before;
    EXPECT_EQ(counted, 0u) << 100 * GetParam().frames << " frames, " << at_most << " bytes a read";
    EXPECT_GT(flow.to_client + flow.to_server, client + server);
    for (const Exchange& each : GetParam().last) flow.say(each.side, each.bytes);
    EXPECT_EQ(flow.engine().phase_name(), "ready");
    EXPECT_EQ(flow.engine().owed(), 0u);
  }
};
INSTANTIATE_TEST_SUITE_P(Steady, Allocations, testing::ValuesIn(cases()),
                         [](const auto& row) { return row.param.name; });

TEST_P(Allocations, NoneWhenEnforcing) {
  for (const std::size_t at_most : {1 << 20, 100, 7}) expect_none(Mode::enforce, at_most);
}
TEST_P(Allocations, NoneWhenMonitoring) {
  for (const std::size_t at_most : {1 << 20, 100, 7}) expect_none(Mode::monitor, at_most);
}

TEST_P(Allocations, NoneWithCachedRulings) {
  for (const std::size_t at_most : {1 << 20, 100, 7}) {
    if (std::string_view(GetParam().name).starts_with("copy_in")) continue;  // its text is a SELECT
    expect_none(Mode::enforce, at_most, true);
    expect_none(Mode::monitor, at_most, true);
  }
}

// The counter counts: logging in allocates.
TEST(AllocationCount, IsNotZeroForALogin) {
  const std::size_t before = allocations;
  Flow flow(Mode::enforce);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace pgmoat::test
