// Whole sessions from seeds. A clean script through an enforcing engine must look to its client
// like the same script spoken to a server directly with each refused message replaced by one that
// fails there; through a monitoring engine not a byte may differ, whatever happens; with troubles
// nobody hangs and everybody who can be told is told. PGMOAT_SIM_SEEDS=N runs N seeds of each test
// (default: what fits a few seconds), PGMOAT_SIM_FIRST the first of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "sim/script.h"
#include "sim/world.h"
#include "wire/backend.h"

namespace pgmoat::sim {
namespace {

using session::Mode;

constexpr std::uint32_t kQueryLimit = 800;  // more than a clean script says
constexpr std::uint32_t kPipelineLimit = session::Limits{}.pipeline;
constexpr std::uint64_t kCleanSeeds = 4'000, kTroubleSeeds = 8'000, kWildSeeds = 4'000;

session::Setup setup_of(Mode mode) {
  session::Setup setup;
  setup.mode = mode;
  setup.on_fault = session::default_matrix(mode);
  setup.startup_parameters = session::default_startup_parameters();
  setup.frame_limits.gather_copy_data = true;
  setup.frame_limits.query = kQueryLimit;
  setup.limits.pipeline = kPipelineLimit;
  setup.prepare();
  return setup;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Each seed in turn until one fails; `play` gives the complaint. One line repeats it.
template <class F>
void for_seeds(std::uint64_t count, Script (*author)(Dice&), F play) {
  const std::uint64_t first = from_environment("PGMOAT_SIM_FIRST", 1);
  count = from_environment("PGMOAT_SIM_SEEDS", count);
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::string complaint = play(seed);
    Dice dice(seed);
    const std::string said = complaint.empty() ? "" : "\nthe client:" + in_short(author(dice));
    ASSERT_EQ(complaint, "") << "repeat: PGMOAT_SIM_FIRST=" << seed
                             << " PGMOAT_SIM_SEEDS=1 test_sim --gtest_filter="
                             << info->test_suite_name() << "." << info->name() << said;
  }
}

std::string short_of(const std::vector<std::string>& units, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < std::min(units.size(), from + 6); ++i) {
    out += testing::PrintToString(units[i].substr(0, 120)) + " ";
  }
  return out;
}

bool is_error(const std::string& unit, std::string_view text) {
  return unit.size() > 5 && unit[0] == 'E' && unit.find(text) != std::string::npos;
}
bool is_fatal(const std::string& unit) { return is_error(unit, std::string_view("VFATAL\0", 7)); }

// Errors of refusals, ours and the oracle's, become one word; the cancel key becomes the server's.
std::vector<std::string> canonical(const std::vector<std::string>& units) {
  std::vector<std::string> out;
  for (const std::string& unit : units) {
    if (!unit.empty() && unit[0] == 'N' && unit.find(test::kWarned) != std::string::npos) continue;
    if (is_error(unit, "does not exist") &&
        (is_error(unit, "C26000") || is_error(unit, "C34000"))) {
      out.push_back("UNKNOWN");  // ours name what they mean
      continue;
    }
    const bool refusal = is_error(unit, kToken) || is_error(unit, "statement refused by pgmoat") ||
                         is_error(unit, "function call by OID is not permitted") ||
                         is_error(unit, "(function with OID 0)");
    out.push_back(refusal ? "REFUSED" : !unit.empty() && unit[0] == 'K' ? "KEY" : unit);
  }
  return out;
}

// Errors that may be another's: an unknown name is found before a word in it, and in a failed
// transaction what is set before a message fails before the message's own faults are looked at.
std::vector<std::string> settled(std::vector<std::string> got,
                                 const std::vector<std::string>& wanted) {
  for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
    const bool named = got[i] == "UNKNOWN" && wanted[i] == "REFUSED";
    const bool earlier =
        is_error(got[i], "C25P02") && (wanted[i] == "UNKNOWN" || is_error(wanted[i], "C08P01"));
    if (named || earlier) got[i] = wanted[i];
  }
  return got;
}

std::vector<std::string> canonical_of(std::string_view told, const Script& script) {
  return canonical(view_of(told, script.encryption_requests).units);
}

std::string differ(const std::vector<std::string>& got, const std::vector<std::string>& wanted) {
  const auto at = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
  const auto from = static_cast<std::size_t>(at.first - got.begin());
  return "the client's view differs from unit " + std::to_string(from) + ": got " +
         short_of(got, from) + "wanted " + short_of(wanted, from);
}

bool contains_word(std::string_view heard) {
  std::string text(heard);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return text.find(kWord) != std::string::npos;
}

Plan random_plan(Dice& dice) {
  constexpr std::size_t kReads[] = {0, 0, 1, 3, 10, 50, 300, 5000};
  Plan plan;
  plan.largest_read = dice.pick(kReads);
  return plan;
}

Plan troubled_plan(Dice& dice) {
  Plan plan = random_plan(dice);
  const std::size_t longest = dice.chance(50) ? 40 : 400;
  for (std::size_t i = dice.between(1, 3); i > 0; --i) {
    plan.troubles.push_back({static_cast<Trouble>(dice.below(kTroubles)), dice.below(longest)});
  }
  std::sort(plan.troubles.begin(), plan.troubles.end(),
            [](const auto& a, const auto& b) { return a.at < b.at; });
  return plan;
}

// Both peers of a clean script are honest: nothing of theirs may be called a fault, except what is
// late or slow.
std::string suspicion(const World& world) {
  for (const session::Event& event : world.events) {
    if (const auto* opaque = std::get_if<session::TurnedOpaque>(&event))
      return "opaque: " + opaque->why;
    const auto* fault = std::get_if<session::ProtocolFault>(&event);
    if (fault == nullptr || fault->what == "a message was not completed in time") continue;
    if (fault->message != "CopyData") return "fault: " + fault->what;
  }
  return "";
}

// At rest after a clean script.
std::string at_rest(const World& world, const Script& script) {
  if (!world.complaint.empty()) return world.complaint;
  if (world.engine().closed()) return "";
  if (!world.all_said)
    return "hangs: the client still waits to speak, phase " +
           std::string(world.engine().phase_name());
  if (script.half_close || script.terminates) return "not closed after the client's end";
  if (world.engine().phase_name() != "ready")
    return "phase " + std::string(world.engine().phase_name());
  if (world.engine().owed() != 0)
    return "owed " + std::to_string(world.engine().owed()) + " at the end";
  if (world.borrowed() != 0) return "an idle session holds buffers";
  return "";
}

std::string end_of(World& world) {
  world.settle();
  if (!world.complaint.empty()) return world.complaint;
  world.destroy_engine();
  return world.borrowed() == 0 ? "" : "buffers were not returned";
}

// ---- enforce ------------------------------------------------------------------------------------

std::string enforced(const session::Setup& setup, const Script& script, const Direct& direct,
                     Plan plan, std::uint64_t seed, std::string& told, std::string& received) {
  World world(setup, script, direct, std::move(plan), Dice(seed));
  world.run();
  told = world.told;
  received = world.server.received();
  if (contains_word(world.server.heard())) return "a refused word reached the server";
  const auto wanted = canonical_of(direct.told, script);
  const auto got = settled(canonical_of(world.told, script), wanted);
  if (std::string complaint = suspicion(world); !complaint.empty())
    return complaint + "; " + differ(got, wanted);
  if (std::string rest = at_rest(world, script); !rest.empty())
    return rest + "; " + differ(got, wanted);
  if (got != wanted) return differ(got, wanted);
  if (world.server.table() != direct.table) return "the table's contents differ";
  return end_of(world);
}

TEST(Simulation, EnforceIsADirectSessionWithErrorsInPlaceOfRefusals) {
  const session::Setup setup = setup_of(Mode::enforce);
  for_seeds(kCleanSeeds, clean_script, [&](std::uint64_t seed) -> std::string {
    Dice dice(seed);
    const Script script = clean_script(dice);
    const Direct direct(script, true);
    std::string told, received;
    std::vector<std::string> first;
    for (int chunking = 0; chunking < 3; ++chunking) {
      const Plan plan = random_plan(dice);
      const std::string complaint = enforced(
          setup, script, direct, plan, seed * 8 + static_cast<unsigned>(chunking), told, received);
      if (!complaint.empty()) return complaint;
      // Whose words an unknown name gets depends on what was answered by then.
      const auto units = settled(canonical_of(told, script), canonical_of(direct.told, script));
      if (chunking == 0) first = units;
      if (units != first) return "chunking changed what the client was told";
    }
    return "";
  });
}

TEST(Simulation, ChunkingChangesNoByteInEitherDirection) {
  const session::Setup setup = setup_of(Mode::enforce);
  for_seeds(kCleanSeeds / 4, clean_script, [&](std::uint64_t seed) -> std::string {
    Dice dice(seed);
    const Script script = clean_script(dice);
    const Direct direct(script, true);
    std::string told, received, told_first, received_first;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
      Plan plan;
      plan.in_turns = true;
      plan.largest_read = size;
      const std::string complaint = enforced(setup, script, direct, plan, seed, told, received);
      if (!complaint.empty()) return complaint;
      if (size == 0) told_first = told, received_first = received;
      if (told != told_first)
        return "the client was told something else in reads of " + std::to_string(size);
      // A server that has ended the session reads no further; how far it had read is chance.
      if (direct.ended && received_first.starts_with(received)) continue;
      if (received != received_first) {
        const auto at = std::mismatch(received.begin(), received.end(), received_first.begin(),
                                      received_first.end());
        const auto from = static_cast<std::size_t>(at.first - received.begin());
        return "in reads of " + std::to_string(size) + " the server was told " +
               testing::PrintToString(received.substr(from, 60)) + " instead of " +
               testing::PrintToString(received_first.substr(from, 60)) + " after " +
               testing::PrintToString(received.substr(from - std::min<std::size_t>(from, 60), 60));
      }
    }
    return "";
  });
}

// ---- monitor ------------------------------------------------------------------------------------

std::string nothing_differs(const World& world) {
  if (world.made_for_server) return "monitoring said something to the server";
  if (world.client_said.size() < world.greeting_answers * 8) return "answered what was not asked";
  const std::string_view said =
      std::string_view(world.client_said).substr(world.greeting_answers * 8);
  const std::string& received = world.server.received();
  if (said.substr(0, received.size()) != received) {
    return "the server got other bytes: " + testing::PrintToString(received.substr(0, 60)) +
           " not " + testing::PrintToString(said.substr(0, 60));
  }
  const std::string& passed = world.passed_to_client;
  if (std::string_view(world.server_said).substr(0, passed.size()) != passed) {
    return "the client got other bytes";
  }
  const auto own =
      view_of(std::string_view(world.made_for_client).substr(world.greeting_answers), 0);
  if (own.units.size() > 1 || !own.cut.empty()) return "monitoring said more than a last word";
  if (!own.units.empty() && !is_fatal(own.units[0])) return "monitoring said something";
  if (!own.units.empty() && world.client_left == false && !world.told.ends_with(own.units[0])) {
    return "bytes behind the last word";
  }
  return "";
}

TEST(Simulation, MonitorChangesNothing) {
  const session::Setup setup = setup_of(Mode::monitor);
  for_seeds(kCleanSeeds, clean_script, [&](std::uint64_t seed) -> std::string {
    Dice dice(seed);
    const Script script = clean_script(dice);
    const Direct direct(script, false);
    const Plan plan = random_plan(dice);
    World world(setup, script, direct, plan, dice);
    world.run();
    if (std::string complaint = nothing_differs(world); !complaint.empty()) return complaint;
    if (world.told != direct.told) {
      return differ(view_of(world.told, script.encryption_requests).units,
                    view_of(direct.told, script.encryption_requests).units);
    }
    if (world.server.table() != direct.table) return "the table's contents differ";
    if (std::string complaint = suspicion(world); !complaint.empty()) return complaint;
    if (std::string complaint = at_rest(world, script); !complaint.empty()) return complaint;
    return end_of(world);
  });
}

// ---- trouble ------------------------------------------------------------------------------------

// The client knows how it ended: a last word, a frame cut in its middle (after which no word could
// be read), or it had left itself.
std::string somebody_told(const World& world, const Script& script) {
  if (world.client_left) return "";
  const View view = view_of(world.told, script.encryption_requests);
  if (!view.cut.empty() || (!view.units.empty() && is_fatal(view.units.back()))) return "";
  return "the client was told nothing: " +
         short_of(view.units, view.units.size() - std::min<std::size_t>(view.units.size(), 3));
}

// Whatever went wrong, what came before it is what a direct session would have shown.
std::string prefix_of_direct(const World& world, const Script& script, const Direct& direct) {
  const auto wanted = canonical_of(direct.told, script);
  auto got = settled(canonical_of(world.told, script), wanted);
  if (!got.empty() && is_fatal(got.back()) &&
      (got.size() > wanted.size() || got.back() != wanted[got.size() - 1])) {
    got.pop_back();
  }
  if (got.size() <= wanted.size() && std::equal(got.begin(), got.end(), wanted.begin())) return "";
  return differ(got, wanted);
}

std::string troubled_run(const session::Setup& setup, std::uint64_t seed, Plan& plan) {
  const bool enforcing = setup.mode == Mode::enforce;
  Dice dice(seed);
  const Script script = clean_script(dice);
  const Direct direct(script, enforcing);
  plan = troubled_plan(dice);
  World world(setup, script, direct, plan, dice);
  world.settle();
  if (!world.complaint.empty()) return world.complaint;
  if (enforcing && contains_word(world.server.heard())) return "a refused word reached the server";
  if (!enforcing) {
    if (std::string complaint = nothing_differs(world); !complaint.empty()) return complaint;
  }
  if (std::string complaint = suspicion(world); !complaint.empty()) return complaint;
  if (std::string complaint = prefix_of_direct(world, script, direct); !complaint.empty())
    return complaint;
  if (std::string complaint = somebody_told(world, script); !complaint.empty()) return complaint;
  world.destroy_engine();
  return world.borrowed() == 0 ? "" : "buffers were not returned";
}

std::string troubled(const session::Setup& setup, std::uint64_t seed) {
  Plan plan;
  const std::string complaint = troubled_run(setup, seed, plan);
  return complaint.empty() ? "" : complaint + "; " + in_short(plan);
}

TEST(Simulation, TroubleWhileEnforcingHangsNobody) {
  const session::Setup setup = setup_of(Mode::enforce);
  for_seeds(kTroubleSeeds, clean_script, [&](std::uint64_t seed) { return troubled(setup, seed); });
}

TEST(Simulation, TroubleWhileMonitoringHangsNobodyAndChangesNothing) {
  const session::Setup setup = setup_of(Mode::monitor);
  for_seeds(kTroubleSeeds, clean_script, [&](std::uint64_t seed) { return troubled(setup, seed); });
}

// ---- garbage ------------------------------------------------------------------------------------

std::string wild_run(const session::Setup& setup, std::uint64_t seed, Plan& plan) {
  Dice dice(seed);
  const Script script = wild_script(dice);
  Direct direct(script, false);
  plan = dice.chance(50) ? troubled_plan(dice) : random_plan(dice);
  World world(setup, script, direct, plan, dice);
  world.settle();
  if (!world.complaint.empty()) return world.complaint;
  if (setup.mode == Mode::enforce) {
    if (contains_word(world.server.heard())) return "a refused word reached the server";
  } else if (std::string complaint = nothing_differs(world); !complaint.empty()) {
    return complaint;
  }
  world.destroy_engine();
  return world.borrowed() == 0 ? "" : "buffers were not returned";
}

std::string wild(const session::Setup& setup, std::uint64_t seed) {
  Plan plan;
  const std::string complaint = wild_run(setup, seed, plan);
  return complaint.empty() ? "" : complaint + "; " + in_short(plan);
}

TEST(Simulation, GarbageWhileEnforcingBringsNoRefusedWordThrough) {
  const session::Setup setup = setup_of(Mode::enforce);
  for_seeds(kWildSeeds, wild_script, [&](std::uint64_t seed) { return wild(setup, seed); });
}

TEST(Simulation, GarbageWhileMonitoringPassesUnchanged) {
  const session::Setup setup = setup_of(Mode::monitor);
  for_seeds(kWildSeeds, wild_script, [&](std::uint64_t seed) { return wild(setup, seed); });
}

}  // namespace
}  // namespace pgmoat::sim
