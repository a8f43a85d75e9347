// Every recorded conversation of corpus/sessions, judged by the shipped packs: monitoring all of them, not one
// byte differs; enforcing the core pack, not one statement of an ordinary program is denied. What is denied of
// the recordings that our own tool made (wire.*) is named.
#include <map>
#include <set>

#include "app/policy_hub.h"
#include "support/player.h"

namespace pgmoat::test {
namespace {

using session::Mode;

const std::vector<std::string> kPacks = {
    "core", "injection", "humans", "agents", "change-control", "multitenant", "virtual-patches"};

std::unique_ptr<policy::Judge> judge_of(const app::PolicyConfig& config, policy::Mode ceiling) {
  app::PolicyHub hub({});
  const app::ConfigErrors errors = hub.load(config, ceiling);
  EXPECT_TRUE(errors.empty());
  return hub.make_judge();
}

// What the judge would have done, by rule; and how many sessions there were.
struct Seen {
  std::map<std::string, int> rules;
  std::size_t sessions = 0;
};

// `denied`: recordings whose bytes are not compared.
Seen play_all(policy::Judge& judge, Mode mode, std::size_t chunk,
              const std::set<std::string>& denied = {}) {
  Seen seen;
  for (const Recording& recording : recordings()) {
    SCOPED_TRACE(recording.name);
    const Script script(recording, kOurKey);
    // Two recordings are no legal traffic: see session/recorded_test.cc.
    if (script.kind != Script::Kind::session || recording.name == "psql-meta.0043" ||
        recording.name == "suricata/events.1") {
      continue;
    }
    ++seen.sessions;
    Player player(mode, chunk, judge);
    const Script::Output& want = mode == Mode::enforce ? script.enforce : script.monitor;
    player.play(script.turns, want.turns);
    if (!denied.contains(recording.name)) {
      expect_bytes(player.to_server, want.to_server, "to the server");
      expect_bytes(player.to_client, want.to_client, "to the client");
    }
    for (const session::Event& event : player.talk().events) {
      if (const auto* one = std::get_if<session::StatementJudged>(&event)) ++seen.rules[one->rule];
    }
  }
  return seen;
}

TEST(RecordedUnderPolicy, MonitoringEveryPackNoByteDiffers) {
  app::PolicyConfig config;
  config.packs = kPacks;
  for (const std::string& pack : kPacks) config.levels[pack] = 4;
  const auto judge = judge_of(config, policy::Mode::monitor);
  for (const std::size_t chunk : {kWhole, std::size_t{7}, kRandom}) {
    const Seen seen = play_all(*judge, Mode::monitor, chunk);
    EXPECT_EQ(seen.sessions, 132u);
    // That they were judged is seen from what would have happened.
    EXPECT_GT(seen.rules.at("humans.cap-limit"), 100);
    EXPECT_GT(seen.rules.size(), 10u);
  }
}

TEST(RecordedUnderPolicy, EnforcingCoreNothingIsDenied) {
  app::PolicyConfig config;
  config.packs = {"core"};
  const auto judge = judge_of(config, policy::Mode::enforce);
  for (const std::size_t chunk : {kWhole, std::size_t{7}, kRandom}) {
    // The third is not denied: a text that is read is known to be no COPY, and no Flush is added.
    const Seen seen = play_all(*judge, Mode::enforce, chunk,
                               {"wire.skipped", "wire.terminated", "wire.copy_extended"});
    EXPECT_EQ(seen.sessions, 132u);
    EXPECT_EQ(seen.rules, (std::map<std::string, int>{
                              {"core.signal-sessions", 1},      // pg_terminate_backend(), on itself
                              {"sql.opaque.unparsable", 1}}));  // SELEC
  }
}

}  // namespace
}  // namespace pgmoat::test
