// The configuration file: every key with good values, at both ends of its range and one past each,
// and every way to get a file wrong, with the place that the user is told.
#include "app/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

namespace pgmoat::test {
namespace {

using namespace std::chrono_literals;
using app::Config;
using app::ConfigErrors;

Result<Config, ConfigErrors> read(const std::string& text) {
  return app::read_config_text(text, "f.toml");
}
Config good(const std::string& text) {
  const auto config = read(text);
  if (config) return *config;
  ADD_FAILURE() << text << ": " << config.error().front();
  return app::default_config();
}
ConfigErrors bad(const std::string& text) {
  const auto config = read(text);
  if (!config) return config.error();
  ADD_FAILURE() << "accepted: " << text;
  return {};
}
// A file of this one key. Section "": a key of the top.
std::string line(const std::string& section, const std::string& key, const std::string& value) {
  return (section.empty() ? "\n" : "[" + section + "]\n") + key + " = " + value + "\n";
}

// A key whose value lies between two ends. The values are written as in the file.
struct Range {
  const char* section;
  const char* key;
  std::string below, low, high, above;
  std::uint64_t low_value, high_value;
  std::uint64_t (*value)(const Config&);
  std::string complaint;
};

std::uint64_t ms(Duration duration) { return static_cast<std::uint64_t>(duration / 1ms); }
Range size_key(const char* key, std::uint64_t low, std::uint64_t high,
               std::uint64_t (*value)(const Config&)) {
  const auto text = [](std::uint64_t bytes) { return "\"" + std::to_string(bytes) + "B\""; };
  return {"limits",      key,
          text(low - 1), text(low),
          text(high),    text(high + 1),
          low,           high,
          value,         "expected " + std::to_string(low) + "B to " + std::to_string(high) + "B"};
}
Range number_key(const char* section, const char* key, std::int64_t low, std::int64_t high,
                 std::uint64_t (*value)(const Config&)) {
  return {section,
          key,
          std::to_string(low - 1),
          std::to_string(low),
          std::to_string(high),
          std::to_string(high + 1),
          std::uint64_t(low),
          std::uint64_t(high),
          value,
          "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high)};
}
Range duration_key(const char* section, const char* key, std::uint64_t (*value)(const Config&)) {
  return {section,          key, "\"99ms\"", "\"100ms\"", "\"24h\"",
          "\"86400001ms\"", 100, 86'400'000, value,       "expected 100ms to 24h"};
}

class Keys : public testing::TestWithParam<Range> {};
INSTANTIATE_TEST_SUITE_P(
    All, Keys,
    testing::Values(
        number_key("", "workers", 0, 256,
                   [](const Config& c) { return std::uint64_t{c.server.workers}; }),
        duration_key("", "drain", [](const Config& c) { return ms(c.server.drain); }),
        size_key("query", 1024, 0x3ffffffb,
                 [](const Config& c) {
                   return std::uint64_t{c.server.session.frame_limits.query};
                 }),
        size_key("bind", 1024, 0x3ffffffb,
                 [](const Config& c) { return std::uint64_t{c.server.session.frame_limits.bind}; }),
        size_key("function_call", 1024, 0x3ffffffb,
                 [](const Config& c) {
                   return std::uint64_t{c.server.session.frame_limits.function_call};
                 }),
        size_key("password", 256, 65535,
                 [](const Config& c) {
                   return std::uint64_t{c.server.session.frame_limits.password};
                 }),
        size_key("server_message", 65536, 0x3ffffffb,
                 [](const Config& c) {
                   return std::uint64_t{c.server.session.frame_limits.server_message};
                 }),
        size_key("segment", 1 << 20, 1ull << 36,
                 [](const Config& c) { return c.server.session.limits.segment_bytes; }),
        number_key("limits", "statements", 1, 1'000'000,
                   [](const Config& c) {
                     return std::uint64_t{c.server.session.limits.statements};
                   }),
        number_key("limits", "portals", 1, 1'000'000,
                   [](const Config& c) { return std::uint64_t{c.server.session.limits.portals}; }),
        number_key("limits", "pipeline", 4096, 1'000'000,
                   [](const Config& c) { return std::uint64_t{c.server.session.limits.pipeline}; }),
        size_key("unanswered", 1 << 20, 1ull << 36,
                 [](const Config& c) { return c.server.session.limits.unanswered_bytes; }),
        number_key("limits", "refusals", 1, 100'000,
                   [](const Config& c) { return std::uint64_t{c.server.session.limits.refusals}; }),
        number_key("limits", "sessions", 1, 1'000'000,
                   [](const Config& c) { return std::uint64_t{c.server.sessions}; }),
        duration_key("timeouts", "handshake",
                     [](const Config& c) { return ms(c.server.session.timeouts.handshake); }),
        duration_key("timeouts", "connect",
                     [](const Config& c) { return ms(c.server.session.timeouts.connect); }),
        duration_key("timeouts", "message",
                     [](const Config& c) { return ms(c.server.session.timeouts.message); })),
    [](const auto& row) { return std::string(row.param.section) + "_" + row.param.key; });

TEST(Unacknowledged, IsADurationOrOff) {
  EXPECT_EQ(good("").server.unacknowledged, Duration{});
  EXPECT_EQ(ms(good(line("timeouts", "unacknowledged", "\"90s\"")).server.unacknowledged), 90'000u);
  EXPECT_EQ(good(line("timeouts", "unacknowledged", "\"off\"")).server.unacknowledged, Duration{});
  EXPECT_EQ(bad(line("timeouts", "unacknowledged", "\"99ms\"")),
            (ConfigErrors{"f.toml:2:18: unacknowledged: expected 100ms to 24h, or \"off\""}));
}

TEST_P(Keys, TakeBothEnds) {
  const Range& key = GetParam();
  EXPECT_EQ(key.value(good(line(key.section, key.key, key.low))), key.low_value);
  EXPECT_EQ(key.value(good(line(key.section, key.key, key.high))), key.high_value);
}

TEST_P(Keys, RefuseOnePastEachEnd) {
  const Range& key = GetParam();
  const std::string at = "f.toml:2:" + std::to_string(std::string(key.key).size() + 4) + ": ";
  for (const std::string& value : {key.below, key.above}) {
    EXPECT_EQ(bad(line(key.section, key.key, value)),
              ConfigErrors{at + key.key + ": " + key.complaint})
        << value;
  }
}

TEST_P(Keys, RefuseOtherTypes) {
  const Range& key = GetParam();
  for (const std::string value : {"true", "1.5", "[]", "[1]", "{}", "\"\"", "\"x\"", "1979-05-27",
                                  "\"9999999999999999999999B\"", "\" 1s\"", "-1", "\"-1B\""}) {
    const auto errors = bad(line(key.section, key.key, value));
    ASSERT_EQ(errors.size(), 1u) << value;
    EXPECT_NE(errors[0].find(std::string(": ") + key.key + ": "), std::string::npos) << errors[0];
  }
}

TEST(Config, DefaultsAreTheDocumentedOnes) {
  const Config config = good("");
  EXPECT_EQ(net::to_string(config.server.listen.at(0)), "127.0.0.1:6432");
  EXPECT_EQ(net::to_string(config.server.backend), "127.0.0.1:5432");
  EXPECT_EQ(config.server.session.mode, session::Mode::monitor);
  EXPECT_EQ(config.server.session.startup_parameters, session::default_startup_parameters());
  EXPECT_FALSE(config.server.session.allow_replication);
  EXPECT_TRUE(config.refuse_words.empty());
}

TEST(Config, ReadsWords) {
  EXPECT_EQ(good("mode = 'enforce'").server.session.mode, session::Mode::enforce);
  EXPECT_EQ(good("mode = 'monitor'").server.session.mode, session::Mode::monitor);
  using session::FunctionCalls;
  const auto calls = [](const char* value) {
    return good(line("protocol", "function_call", value)).server.session.function_calls;
  };
  EXPECT_EQ(calls("'allow'"), FunctionCalls::allow);
  EXPECT_EQ(calls("'deny'"), FunctionCalls::deny);
  EXPECT_EQ(calls("'large_objects'"), FunctionCalls::large_objects);
  EXPECT_TRUE(good(line("protocol", "replication", "'allow'")).server.session.allow_replication);
  EXPECT_FALSE(good(line("protocol", "replication", "'deny'")).server.session.allow_replication);
  EXPECT_EQ(good(line("refuse", "words", "['a', 'B c']")).refuse_words,
            (std::vector<std::string>{"a", "B c"}));
  EXPECT_EQ(good(line("protocol", "startup_parameters", "[]")).server.session.startup_parameters,
            std::vector<std::string>{});
}

TEST(Config, RefusesOtherWords) {
  EXPECT_EQ(bad("mode = 'observe'"),
            ConfigErrors{"f.toml:1:8: mode: expected 'monitor' or 'enforce'"});
  EXPECT_EQ(bad("mode = 'Enforce'"),
            ConfigErrors{"f.toml:1:8: mode: expected 'monitor' or 'enforce'"});
  EXPECT_EQ(bad("mode = true").size(), 1u);
  EXPECT_EQ(
      bad(line("protocol", "function_call", "'lo'")),
      ConfigErrors{"f.toml:2:17: function_call: expected 'large_objects' or 'deny' or 'allow'"});
  EXPECT_EQ(bad(line("protocol", "replication", "true")),
            ConfigErrors{"f.toml:2:15: replication: expected 'deny' or 'allow'"});
  EXPECT_EQ(bad(line("on_failure", "oversize", "'drop'")),
            ConfigErrors{"f.toml:2:12: oversize: expected 'close' or 'pass'"});
  for (const char* value : {"'a'", "1", "['a', 1]", "[['a']]", "[true]", "{a = 'b'}"}) {
    EXPECT_EQ(bad(line("refuse", "words", value)),
              ConfigErrors{"f.toml:2:9: words: expected an array of strings"});
    EXPECT_EQ(bad(line("protocol", "startup_parameters", value)),
              ConfigErrors{"f.toml:2:22: startup_parameters: expected an array of strings"});
  }
}

TEST(Config, NamesUnknownKeysAndTheirNeighbours) {
  EXPECT_EQ(bad("lissten = ':1'"),
            ConfigErrors{"f.toml:1:1: unknown key 'lissten', did you mean 'listen'?"});
  EXPECT_EQ(bad("\n\n  limit = 1"),
            ConfigErrors{"f.toml:3:3: unknown key 'limit', did you mean 'limits'?"});
  EXPECT_EQ(bad("[limits]\nqerry = '1KiB'"),
            ConfigErrors{"f.toml:2:1: unknown key 'qerry' in [limits], did you mean 'query'?"});
  EXPECT_EQ(bad("[limits]\nabcdef = 1"),
            ConfigErrors{"f.toml:2:1: unknown key 'abcdef' in [limits]"});
  EXPECT_EQ(bad("[nonsense]\nx = 1"), ConfigErrors{"f.toml:1:2: unknown key 'nonsense'"});
  EXPECT_EQ(bad("Mode = 'enforce'"),
            ConfigErrors{"f.toml:1:1: unknown key 'Mode', did you mean 'mode'?"});
  EXPECT_EQ(bad("bind = '1KiB'"),
            ConfigErrors{"f.toml:1:1: unknown key 'bind'; it belongs in [limits]"});
  EXPECT_EQ(bad("limits = 1"), ConfigErrors{"f.toml:1:10: 'limits' is a section"});
  EXPECT_EQ(bad("[[limits]]\nquery = '1KiB'").size(), 1u);
}

TEST(Config, ReportsEveryMistakeOfAFile) {
  auto errors =
      bad("mode = 'x'\nworkers = -1\nzzz = 1\nlisten = 'nowhere'\n"
          "[limits]\nquery = 5\nportals = 0\n[timeouts]\nmessage = '1d'\n[refuse]\nwords = 'a'\n");
  std::set<std::string> lines;
  for (const std::string& error : errors) lines.insert(error.substr(0, error.find(':', 7)));
  EXPECT_EQ(errors.size(), 8u);
  EXPECT_EQ(lines, (std::set<std::string>{"f.toml:1", "f.toml:2", "f.toml:3", "f.toml:4",
                                          "f.toml:6", "f.toml:7", "f.toml:9", "f.toml:11"}));
}

TEST(Config, RefusesBrokenToml) {
  for (const std::string text :
       {"mode", "mode =", "mode = enforce", "mode = 'enforce", "[limits", "a = 1 b = 2", "= 1",
        "mode = 'enforce'\nmode = 'enforce'", "[limits]\n[limits]",
        "[limits]\nquery='1KiB'\nquery='1KiB'", "mode = \"\\q\"", "\xff = 1",
        "workers = 99999999999999999999", "workers = 08", "a.b = 1\na = 2"}) {
    const auto errors = bad(text);
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_TRUE(errors[0].starts_with("f.toml:")) << errors[0];
    EXPECT_NE(errors[0].find_first_of("0123456789"), std::string::npos) << errors[0];
  }
  EXPECT_TRUE(bad("mode = 'enforce'\nmode = 'monitor'")[0].starts_with("f.toml:2:"));
}

TEST(Config, TellsWhenAFileCannotBeRead) {
  const auto config = app::read_config("/nonexistent/pgmoat.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error(), ConfigErrors{"/nonexistent/pgmoat.toml: cannot be read; check that it "
                                         "exists and its permissions"});
  const auto folder = app::read_config("/");
  EXPECT_FALSE(folder) << "a folder is no configuration";
}

TEST(Address, ReadsNamesAndNumbers) {
  const std::vector<std::pair<std::string, net::Address>> rows = {
      {"127.0.0.1:6432", {"127.0.0.1", 6432}},
      {"db.example:5432", {"db.example", 5432}},
      {"[::1]:6432", {"::1", 6432}},
      {"[fe80::1%eth0]:1", {"fe80::1%eth0", 1}},
      {"0.0.0.0:0", {"0.0.0.0", 0}},
      {"localhost:65535", {"localhost", 65535}},
      {"a:00080", {"a", 80}}};
  for (const auto& [text, expected] : rows) {
    const auto address = app::parse_address(text);
    ASSERT_TRUE(address) << text << ": " << address.error();
    EXPECT_EQ(address->host, expected.host);
    EXPECT_EQ(address->port, expected.port);
  }
}

TEST(Address, RefusesTheRestAndSaysHowToWriteIt) {
  for (const std::string text : {"",
                                 ":",
                                 ":6432",
                                 "localhost",
                                 "localhost:",
                                 "127.0.0.1:65536",
                                 "127.0.0.1:99999999999999999999",
                                 "127.0.0.1:-1",
                                 "127.0.0.1:+1",
                                 "127.0.0.1: 1",
                                 "127.0.0.1:1 ",
                                 "127.0.0.1:5432x",
                                 "::1:6432",
                                 "::1",
                                 "[::1]",
                                 "[::1]6432",
                                 "[::1:6432",
                                 "::1]:6432",
                                 "[]:6432",
                                 "[:6432",
                                 "]:6432",
                                 " :1",
                                 " a:1",
                                 "a b:1",
                                 "[a]b:1",
                                 "a\n:1"}) {
    const auto address = app::parse_address(text);
    ASSERT_FALSE(address) << text << " is " << net::to_string(*address);
    EXPECT_EQ(address.error(), "'" + text + "' is no address; write HOST:PORT or [IPV6]:PORT");
  }
}

TEST(Address, OneOrSeveralToListenOnOneBackend) {
  EXPECT_EQ(good("listen = '[::1]:1'").server.listen.size(), 1u);
  const Config two = good("listen = ['127.0.0.1:1', '[::1]:2']\nbackend = 'db:5433'");
  ASSERT_EQ(two.server.listen.size(), 2u);
  EXPECT_EQ(net::to_string(two.server.listen[1]), "[::1]:2");
  EXPECT_EQ(net::to_string(two.server.backend), "db:5433");
  for (const char* value : {"[]", "['a:1', 'b']", "['a:1', 1]", "1", "''", "'a:65536'"}) {
    const auto errors = bad(std::string("listen = ") + value);
    ASSERT_EQ(errors.size(), 1u) << value;
    EXPECT_TRUE(errors[0].starts_with("f.toml:1:10: listen: ")) << errors[0];
  }
  EXPECT_EQ(bad("backend = ['a:1']"), ConfigErrors{"f.toml:1:11: backend: expected \"HOST:PORT\""});
}

// Built-in default < file: what the file does not say about faults follows the mode.
TEST(Settle, FaultsFollowTheModeUnlessGiven) {
  using session::OnFault;
  const auto settled = [](const std::string& text) {
    Config config = good(text);
    app::settle(config);
    return config.server.session.on_fault;
  };
  EXPECT_EQ(settled("mode = 'enforce'").bad_frame, OnFault::close);
  EXPECT_EQ(settled("mode = 'enforce'").oversize, OnFault::close);
  EXPECT_EQ(settled("mode = 'monitor'").bad_frame, OnFault::pass);
  EXPECT_EQ(settled("mode = 'monitor'").oversize, OnFault::pass);
  EXPECT_EQ(settled("mode = 'monitor'\n[on_failure]\nbad_frame = 'close'").bad_frame,
            OnFault::close);
  EXPECT_EQ(settled("mode = 'monitor'\n[on_failure]\nbad_frame = 'close'").oversize, OnFault::pass);
  EXPECT_EQ(settled("mode = 'enforce'\n[on_failure]\noversize = 'pass'").oversize, OnFault::pass);
  EXPECT_EQ(settled("mode = 'enforce'\n[on_failure]\noversize = 'pass'").bad_frame, OnFault::close);
}

TEST(Settle, PreparesTheSession) {
  Config config =
      good("[protocol]\nstartup_parameters = ['DateStyle', 'X.Y']\n[limits]\nquery = '2KiB'");
  app::settle(config);
  const session::Setup& session = config.server.session;
  EXPECT_EQ(session.startup_parameters, (std::vector<std::string>{"datestyle", "x.y"}));
  EXPECT_FALSE(session.frame_limits.gather_copy_data);
  EXPECT_EQ(session.client_ready['Q'].body_max, 2048u);
  Config words = good(line("refuse", "words", "['a']"));
  app::settle(words);
  EXPECT_TRUE(words.server.session.frame_limits.gather_copy_data);
}

}  // namespace
}  // namespace pgmoat::test
