// Every recorded conversation of corpus/sessions through the engine: nothing of it is a fault, and
// the bytes that come out are the bytes that went in, in chunks of any size. Enforce mode changes
// what it must, and that is worked out independently (support/recording.h).
#include <algorithm>

#include "support/player.h"

namespace pgmoat::test {
namespace {

using session::Mode;
using wire::Side;

const std::vector<Recording>& corpus() {
  static const std::vector<Recording> all = recordings();
  return all;
}

std::string fault_of(Conversation& talk) {
  for (const auto& event : talk.events) {
    if (const auto* fault = std::get_if<session::ProtocolFault>(&event)) {
      return fault->message + ": " + fault->what;
    }
    if (const auto* judged = std::get_if<session::StatementJudged>(&event)) return judged->reason;
  }
  return {};
}

void expect_output(Player& player, const Script& script, Mode mode) {
  const Script::Output& want = mode == Mode::enforce ? script.enforce : script.monitor;
  EXPECT_EQ(fault_of(player.talk()), "");
  EXPECT_EQ(player.talk().count_events<session::TurnedOpaque>(), 0);
  expect_bytes(player.to_server, want.to_server, "to the server");
  expect_bytes(player.to_client, want.to_client, "to the client");
  if (script.complete) {
    EXPECT_EQ(player.talk().engine().owed(), 0u);
  }
}

using Row = std::tuple<Mode, std::size_t>;

class Recorded : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Chunks, Recorded,
                         testing::Combine(testing::Values(Mode::monitor, Mode::enforce),
                                          testing::Values(kWhole, 1, 2, 3, 7, 64, 1000, kRandom)),
                         [](const testing::TestParamInfo<Row>& row) {
                           const std::size_t chunk = std::get<1>(row.param);
                           return std::string(std::get<0>(row.param) == Mode::monitor
                                                  ? "monitor_"
                                                  : "enforce_") +
                                  (chunk == kWhole    ? "whole"
                                   : chunk == kRandom ? "random"
                                                      : std::to_string(chunk));
                         });

// Of what Script cannot put in turn, or what is no legal traffic, each is named here with what must
// become of it; the tests below leave out these and nothing else.
struct Malformed {
  const char* name;
  const char* fault;  // what is reported
  const char* why;    // what monitoring says when it stops reading
  std::string fatal;  // what enforcing says to the client
};
const std::vector<Malformed> kMalformed = {
    // The recorder's own tool, which blanked out a path, wrote over the tags of five DataRows.
    {"psql-meta.0043", "unknown: unknown or misplaced message type",
     "server message unknown: unknown or misplaced message type",
     "C08P01\0Mpgmoat: server message unknown: unknown or misplaced message type\0"s},
    // Eight bytes of a generator: a startup packet of protocol 255.255.
    {"suricata/events.1", "", "startup packet: protocol 255.255",
     "C0A000\0Munsupported frontend protocol 255.255: server supports 3.0 to 3.2\0"s},
};
bool malformed(const Recording& recording) {
  return std::any_of(kMalformed.begin(), kMalformed.end(),
                     [&](const Malformed& row) { return row.name == recording.name; });
}
bool legal(const Recording& recording, const Script& script) {
  return script.kind == Script::Kind::session && !malformed(recording);
}

TEST(Corpus, IsAllThereAndEachConversationIsAccountedFor) {
  std::map<Script::Kind, std::vector<std::string>> kinds;
  std::vector<std::string> unfinished;
  std::map<std::string, int> changes;
  for (const Recording& recording : corpus()) {
    const Script script(recording, kOurKey);
    kinds[script.kind].push_back(recording.name);
    if (legal(recording, script) && !script.complete && !recording.truncated) {
      unfinished.push_back(recording.name);
    }
    for (const auto& [name, count] : script.changes) changes[name] += count;
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(kinds[Script::Kind::session].size(), 134u);
  EXPECT_EQ(kinds[Script::Kind::tls], Names{"suricata/upgrade-tls.1"});
  EXPECT_EQ(kinds[Script::Kind::cancel], Names{"suricata/cancel-request.2"});
  EXPECT_EQ(kinds[Script::Kind::no_client], Names{"suricata/bug-6080-probe-test-01.1"});
  // Their ends were not recorded: replication streams cut off by their clients' end; a session
  // that was terminated from within, so that its Terminate was sent to nobody.
  EXPECT_EQ(unfinished, (Names{"pg_receivewal.0099", "pg_recvlogical.0101", "wire.terminated"}));
  EXPECT_EQ(changes, (std::map<std::string, int>{{"BackendKeyData", 130},
                                                 {"Flush added", 6},
                                                 {"Flush swallowed", 4},
                                                 {"Sync swallowed", 5},
                                                 {"discarded before Sync", 4}}));
}

TEST_P(Recorded, ComesOutAsItWentIn) {
  const auto [mode, chunk] = GetParam();
  for (const Recording& recording : corpus()) {
    SCOPED_TRACE(recording.name);
    const Script script(recording, kOurKey);
    if (!legal(recording, script)) continue;
    Player player(mode, chunk);
    player.play(script.turns, (mode == Mode::enforce ? script.enforce : script.monitor).turns);
    expect_output(player, script, mode);
  }
}

TEST_P(Recorded, AnErrorMayComeWhileCopyDataIsSent) {
  const auto [mode, chunk] = GetParam();
  std::map<std::string, int> changes;
  for (const Recording& recording : corpus()) {
    SCOPED_TRACE(recording.name);
    const Script script(recording, kOurKey, Script::Errors::early);
    if (!script.changes.contains("Sync swallowed")) continue;
    for (const auto& [name, count] : script.changes) changes[name] += count;
    Player player(mode, chunk);
    player.play(script.turns, (mode == Mode::enforce ? script.enforce : script.monitor).turns);
    expect_output(player, script, mode);
  }
  EXPECT_GT(changes["COPY data behind its error"], 0);
  EXPECT_GT(changes["discarded before Sync"], 0);
}

// The client says everything before the server answers any of it. In turns, since what enforce mode
// holds back has no answer yet.
TEST_P(Recorded, AClientMayWaitForNothing) {
  const auto [mode, chunk] = GetParam();
  int played = 0;
  for (const Recording& recording : corpus()) {
    SCOPED_TRACE(recording.name);
    const Script script(recording, kOurKey);
    if (!legal(recording, script) || !script.complete || script.copy_both) continue;
    // What is discarded before a Sync depends on when its error comes.
    if (mode == Mode::enforce && script.changes.contains("discarded before Sync")) continue;
    Player player(mode, chunk);
    player.play(script.turns, script.login_turns);
    for (const Side side : {Side::client, Side::server}) {
      for (std::size_t i = script.login_turns; i < script.turns.size(); ++i) {
        if (script.turns[i].side == side) player.say(side, script.turns[i].bytes);
      }
    }
    expect_output(player, script, mode);
    ++played;
  }
  EXPECT_EQ(played, mode == Mode::enforce ? 113 : 114);
}

bool turned_opaque(Conversation& talk, std::string_view why) {
  return std::any_of(talk.events.begin(), talk.events.end(), [&](const session::Event& event) {
    const auto* opaque = std::get_if<session::TurnedOpaque>(&event);
    return opaque != nullptr && opaque->why == why;
  });
}

TEST_P(Recorded, WhatIsNoLegalTrafficIsRefusedWithItsFault) {
  const auto [mode, chunk] = GetParam();
  for (const Malformed& row : kMalformed) {
    SCOPED_TRACE(row.name);
    const auto found = std::find_if(corpus().begin(), corpus().end(),
                                    [&](const Recording& one) { return one.name == row.name; });
    ASSERT_NE(found, corpus().end());
    const Script script(*found, kOurKey);
    Player player(mode, chunk);
    player.play(script.turns, script.turns.size());
    EXPECT_EQ(fault_of(player.talk()), row.fault);
    if (mode == Mode::monitor) {
      player.talk().phase("opaque");
      EXPECT_TRUE(turned_opaque(player.talk(), row.why));
      expect_bytes(player.to_server, script.monitor.to_server, "to the server");
      expect_bytes(player.to_client, script.monitor.to_client, "to the client");
      continue;
    }
    player.talk().phase("closed");
    const std::size_t ours = player.to_client.rfind("SFATAL");
    ASSERT_NE(ours, std::string::npos);
    EXPECT_NE(player.to_client.find(row.fatal), std::string::npos);
    EXPECT_TRUE(script.enforce.to_client.starts_with(player.to_client.substr(0, ours - 5)));
    EXPECT_TRUE(script.enforce.to_server.starts_with(player.to_server));
  }
}

TEST(Corpus, ACancelRequestIsACommand) {
  for (const Recording& recording : corpus()) {
    const Script script(recording, kOurKey);
    if (script.kind != Script::Kind::cancel) continue;
    for (const std::size_t chunk : {kWhole, std::size_t{1}}) {
      Player player(Mode::enforce, chunk);
      player.play(script.turns, script.turns.size());
      player.talk().phase("closed");
      EXPECT_EQ(player.talk().count_commands<session::ForwardCancel>(), 1);
      EXPECT_EQ(player.to_server + player.to_client, "");
    }
  }
}

// The first request of each session, damaged: what must be refused, and what the fault is called.
struct Damage {
  const char* what;
  std::string (*done)(std::string frame);
};
void set_length(std::string& frame, std::uint32_t length) {
  for (int i = 0; i < 4; ++i) frame[1 + i] = static_cast<char>(length >> (24 - 8 * i));
}
const std::vector<Damage> kDamages = {
    {"unknown or misplaced message type",
     [](std::string frame) {
       frame[0] = 'y';
       return frame;
     }},
    {"unknown or misplaced message type",
     [](std::string frame) {
       frame[0] = 'p';
       return frame;
     }},
    {"invalid message length",
     [](std::string frame) {
       set_length(frame, 3);
       return frame;
     }},
    {"invalid message length",
     [](std::string frame) {
       set_length(frame, 0);
       return frame;
     }},
    {"invalid message length",
     [](std::string frame) {
       set_length(frame, ~0u);
       return frame;
     }},
    {"",
     [](std::string frame) {  // a byte too many: each message has its own sentence
       set_length(frame, word_at(frame, 1) + 1);
       return frame + "x";
     }},
};

TEST_P(Recorded, DamageToTheFirstRequestIsFound) {
  const auto [mode, chunk] = GetParam();
  int played = 0;
  for (const Recording& recording : corpus()) {
    SCOPED_TRACE(recording.name);
    const Script script(recording, kOurKey);
    const std::size_t at = script.login_turns;
    if (!legal(recording, script) || !script.logged_in || at >= script.turns.size()) continue;
    if (script.turns[at].side != Side::client) continue;
    for (const Damage& damage : kDamages) {
      Player player(mode, chunk);
      player.play(script.turns, at);
      const std::string before = player.to_server;
      const std::string frame = damage.done(std::string(script.turns[at].bytes));
      player.say(Side::client, frame);
      const std::string fault = fault_of(player.talk());
      EXPECT_NE(fault, "");
      EXPECT_NE(fault.find(damage.what), std::string::npos) << fault;
      EXPECT_EQ(player.to_server, mode == Mode::enforce ? before : before + frame);
      EXPECT_EQ(player.to_client.find("C08P01") != std::string::npos, mode == Mode::enforce);
      ++played;
    }
  }
  EXPECT_EQ(played, 774);  // 129 sessions
}

}  // namespace
}  // namespace pgmoat::test
