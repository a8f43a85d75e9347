// Every script ended at every step, and in the middle of every step, in every way a session can
// end. Whatever happens: no crash, one last event, no borrowed memory, nothing said after the end,
// no refused text at the server, and the client is told why unless it left by itself, the server
// had told it, or it is in the middle of a row, where our words would be read as data.
#include <functional>
#include <ostream>

#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::Mode;
using wire::Side;

struct Step {
  enum class Kind : std::uint8_t { client, server, connected } kind;
  std::string enforce, monitor;  // what that side says, by mode

  Step(Kind the_kind, std::string same) : kind(the_kind), enforce(same), monitor(std::move(same)) {}
  Step(Kind the_kind, std::string enforcing, std::string monitoring)
      : kind(the_kind), enforce(std::move(enforcing)), monitor(std::move(monitoring)) {}
  const std::string& says(Mode mode) const { return mode == Mode::enforce ? enforce : monitor; }
  Side side() const { return kind == Kind::client ? Side::client : Side::server; }
};
using Steps = std::vector<Step>;

struct Script {
  const char* name;
  Steps steps;
};
void PrintTo(const Script& script, std::ostream* to) { *to << script.name; }

Step c(std::string said) { return {Step::Kind::client, std::move(said)}; }
Step s(std::string said) { return {Step::Kind::server, std::move(said)}; }
// What the server answers to a substitute, or else to the message itself.
Step s(std::string refusing, std::string answering) {
  return {Step::Kind::server, std::move(refusing), std::move(answering)};
}
Steps login() {
  return {c(startup()), {Step::Kind::connected, ""}, s(authentication_ok()), s(ready('I'))};
}
Steps logged_in(const Steps& then) {
  Steps all = login();
  all.insert(all.end(), then.begin(), then.end());
  return all;
}

const std::string kSsl = bytes(wire::SslRequest{});
const std::string kRows = bytes(wire::RowDescription{});
const std::string kRow = frame('D', "\0\1\0\0\0\5hello"s);
const std::string kNotice = frame('N', "SNOTICE\0VNOTICE\0C00000\0Mm\0\0"s);
const std::string kCopyIn = bytes(wire::CopyResponse{'G', 0, {}});
const std::string kCopyOut = bytes(wire::CopyResponse{'H', 0, {}});
const std::string kData = frame('d', "1\n");
const std::string kDone = frame('c');

std::string ask_for(wire::AuthenticationKind kind, std::string_view data = {}) {
  return bytes(wire::Authentication{kind, as_bytes(data)});
}
std::string key() {
  static const std::string secret = "abcd";
  return bytes(wire::BackendKeyData{42, as_bytes(secret)});
}

std::vector<Script> scripts() {
  using Kind = wire::AuthenticationKind;
  const std::string done = complete("SELECT 1");
  std::vector<Script> all;
  all.push_back({"trust", login()});
  all.push_back({"encryption_asked",
                 {c(kSsl),
                  c(startup()),
                  {Step::Kind::connected, ""},
                  s(authentication_ok() + key()),
                  s(ready('I'))}});
  all.push_back({"password",
                 {c(startup()),
                  {Step::Kind::connected, ""},
                  s(ask_for(Kind::md5, "salt")),
                  c(bytes(wire::PasswordMessage{"md5xyz"})),
                  s(authentication_ok()),
                  s(key()),
                  s(ready('I'))}});
  all.push_back({"wrong_password",
                 {c(startup()),
                  {Step::Kind::connected, ""},
                  s(ask_for(Kind::cleartext)),
                  c(bytes(wire::PasswordMessage{"x"})),
                  s(error("28P01", "no", "FATAL"))}});
  all.push_back({"early_query",
                 {c(startup() + query("select 1")),
                  {Step::Kind::connected, ""},
                  s(authentication_ok()),
                  s(ready('I')),
                  s(kRows + kRow + done + ready('I'))}});
  all.push_back({"simple", logged_in({c(query("select 1")), s(kRows), s(kNotice), s(kRow), s(kRow),
                                      s(done), s(ready('I')), c(query("begin")),
                                      s(complete("BEGIN")), s(ready('T'))})});
  all.push_back(
      {"extended",
       logged_in({c(parse("select 1", "a")), c(bind("p", "a")), c(describe('P', "p")),
                  c(execute("p")), c(kSync), s(kParsed), s(kBound), s(kRows), s(kRow + done),
                  s(ready('I')), c(close('S', "a") + kSync), s(frame('3') + ready('I'))})});
  all.push_back(
      {"pipeline", logged_in({c(parse("bad") + bind() + execute() + kSync + parse("ok") + kSync),
                              s(error("42601", "x")), s(ready('I')), s(kParsed + ready('I'))})});
  all.push_back({"skips", logged_in({c(parse("bad")), s(error("42601", "x")), c(bind() + execute()),
                                     c(kSync), s(ready('I'))})});
  all.push_back(
      {"refused_query", logged_in({c(query("select secrets")), s(poisoned(), kRows + kRow + done),
                                   s(ready('I')), c(query("select 1")), s(done + ready('I'))})});
  all.push_back(
      {"refused_parse",
       logged_in({c(parse("select secrets", "n")), c(bind("", "n")), c(execute()), c(kSync),
                  s(poisoned(), kParsed + kBound + kRow + done), s(ready('I'))})});
  all.push_back({"copy_in", logged_in({c(query("copy t from stdin")), s(kCopyIn), c(kData),
                                       c(kData), c(kDone), s(complete("COPY 2")), s(ready('I'))})});
  all.push_back(
      {"copy_in_extended",
       logged_in({c(parse("copy t from stdin") + bind() + execute()), s(kParsed), s(kBound),
                  s(kCopyIn), c(kData), c(kDone + kSync), s(complete("COPY 1")), s(ready('I'))})});
  all.push_back({"copy_fails", logged_in({c(query("copy t from stdin")), s(kCopyIn), c(kData),
                                          c(bytes(wire::CopyFail{"no"})), s(error("57014", "no")),
                                          s(ready('I'))})});
  all.push_back(
      {"copy_refused",
       logged_in({c(query("copy t from stdin")), s(kCopyIn), c(frame('d', "secrets\n")), c(kDone),
                  s(error("57014", "COPY from stdin failed: " + kToken), complete("COPY 1")),
                  s(ready('I'))})});
  all.push_back(
      {"copy_out", logged_in({c(query("copy t to stdout")), s(kCopyOut), s(kData), s(kData),
                              s(kDone), s(complete("COPY 2")), s(ready('I'))})});
  all.push_back(
      {"large_row", logged_in({c(query("select 1")), s(kRows),
                               s(frame('D', "\0\1\0\0\x9c\x40"s + std::string(40000, 'v'))),
                               s(done + ready('I'))})});
  wire::FunctionCall call;
  call.function = 952;
  all.push_back(
      {"function", logged_in({c(bytes(call)), s(frame('V', "\0\0\0\1x"s)), s(ready('I'))})});
  all.push_back({"goodbye", logged_in({c(query("select 1")), c(kTerminate), s(kRows + kRow),
                                       s(done + ready('I'))})});
  all.push_back({"server_ends_it",
                 logged_in({c(query("select 1")), s(error("57P01", "shutting down", "FATAL"))})});
  return all;
}

// Ways to end, and whether the client brought it about.
struct End {
  const char* name;
  std::function<void(Conversation&)> happens;
  bool by_client = false;
};

void tell(Conversation& talk, const session::TransportEvent& event, Duration at = {}) {
  talk.begin();
  talk.engine().on_transport(event, Instant{} + at, talk.outbox());
  talk.collect();
}

const std::vector<End>& ends() {
  static const std::string garbage = "\0\1\2\377garbage\377\377\377\377"s;
  static const std::vector<End> all = {
      {"client_eof", [](Conversation& talk) { tell(talk, session::Eof{Side::client}); }, true},
      {"client_failed",
       [](Conversation& talk) {
         tell(talk, session::Failed{Side::client, "reset"});
       },
       true},
      {"server_eof", [](Conversation& talk) { tell(talk, session::Eof{Side::server}); }},
      {"server_failed",
       [](Conversation& talk) {
         tell(talk, session::Failed{Side::server, "reset"});
       }},
      {"connect_failed", [](Conversation& talk) { tell(talk, session::ConnectFailed{"no"}); }},
      {"leave", [](Conversation& talk) { tell(talk, session::Leave{false}); }},
      {"leave_now", [](Conversation& talk) { tell(talk, session::Leave{true}); }},
      {"timer", [](Conversation& talk) { tell(talk, session::Timer{}, std::chrono::hours(1)); }},
      {"client_garbage", [](Conversation& talk) { talk.feed(Side::client, garbage); }, true},
      {"server_garbage", [](Conversation& talk) { talk.feed(Side::server, garbage); }},
  };
  return all;
}

// How far the bytes told to the client are whole messages, and what the last one is.
struct Told {
  bool whole = true;
  bool fatal = false;
  explicit Told(std::string_view bytes) {
    while (!bytes.empty() && bytes.front() == 'N' && (bytes.size() < 2 || bytes[1] != '\0')) {
      bytes.remove_prefix(1);  // the answer to SSLRequest
    }
    while (!bytes.empty()) {
      std::size_t size = 5;
      if (bytes.size() >= 5) {
        const auto at = [&](int i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
        size = 1 + (at(1) << 24 | at(2) << 16 | at(3) << 8 | at(4));
      }
      whole = bytes.size() >= size;
      if (!whole) return;
      fatal =
          bytes.front() == 'E' && bytes.substr(0, size).find("VFATAL") != std::string_view::npos;
      bytes.remove_prefix(size);
    }
  }
};

class Ending {
 public:
  Ending(Mode mode, std::string where) : mode_(mode), where_(std::move(where)), talk_(mode) {}

  void run(const Script& script, std::size_t steps, bool cut, const End& end) {
    for (std::size_t i = 0; i < steps; ++i) play(script.steps[i], false);
    if (cut) play(script.steps[steps], true);
    const std::string phase(talk_.engine().phase_name());
    end.happens(talk_);
    note();
    check(phase, end, cut);
    // Whatever comes after it.
    for (std::size_t i = steps; i < script.steps.size(); ++i) play(script.steps[i], false);
    check_closed();
    tell(talk_, session::Timer{}, std::chrono::hours(2));
    note();
    tell(talk_, session::Eof{Side::client});
    note();
    tell(talk_, session::Eof{Side::server});
    note();
    EXPECT_TRUE(talk_.engine().closed()) << where_ << ": both sides have ended";
    check_closed();
  }

 private:
  void play(const Step& step, bool half) {
    const bool was_closed = talk_.engine().closed();
    if (step.kind == Step::Kind::connected) {
      tell(talk_, session::Connected{});
    } else if (const std::string_view said = step.says(mode_); !said.empty()) {
      talk_.feed(step.side(), half ? said.substr(0, (said.size() + 1) / 2) : said);
    }
    if (was_closed) {
      EXPECT_EQ(talk_.to_client() + talk_.to_server(), "") << where_ << ": said after the end";
    }
    note();
  }
  void note() {
    told_ += talk_.to_client();
    if (mode_ == Mode::enforce) {
      EXPECT_EQ(talk_.to_server().find("secrets"), std::string::npos) << where_;
    }
    talk_.begin();
  }
  void check(const std::string& phase, const End& end, bool cut) {
    const std::string name = end.name;
    const std::string_view now = talk_.engine().phase_name();
    if (name == "client_eof" && (now == "draining" || now == "opaque")) {
      EXPECT_EQ(talk_.count_commands<session::ShutdownServer>(), 1) << where_;
    }
    if (phase == "closed") return check_closed();
    const bool must_close =
        name == "leave_now" || name == "client_failed" || name == "server_eof" ||
        name == "server_failed" || name == "connect_failed" ||
        (mode_ == Mode::enforce && name == "server_garbage" && phase == "ready" && !cut);
    EXPECT_TRUE(!must_close || talk_.engine().closed()) << where_;
    check_closed();
    if (!talk_.engine().closed()) return;
    const bool relaying = phase == "draining" || phase == "opaque";
    if (end.by_client || relaying) return;
    const Told told(told_);
    EXPECT_TRUE(told.fatal || !told.whole)
        << where_ << " in " << phase
        << ": the client was not told: " << testing::PrintToString(told_);
  }
  void check_closed() {
    EXPECT_LE(talk_.count_commands<session::ShutdownServer>(), 1) << where_;
    const int closed = talk_.engine().closed() ? 1 : 0;
    EXPECT_EQ(talk_.count_events<session::SessionClosed>(), closed) << where_;
    EXPECT_EQ(talk_.count_commands<session::CloseAfterFlush>(), closed) << where_;
    if (closed == 0) return;
    EXPECT_EQ(talk_.pool().borrowed_bytes(), 0u) << where_;
    EXPECT_EQ(talk_.engine().deadline(), kNever) << where_;
    const session::Appetite appetite = talk_.engine().appetite();
    EXPECT_FALSE(appetite.client || appetite.server) << where_;
  }

  Mode mode_;
  std::string where_;
  Conversation talk_;
  std::string told_;
};

class Ends : public testing::TestWithParam<Script> {};
INSTANTIATE_TEST_SUITE_P(All, Ends, testing::ValuesIn(scripts()),
                         [](const auto& row) { return row.param.name; });

void end_everywhere(const Script& script, Mode mode) {
  const char* name = mode == Mode::enforce ? "enforce" : "monitor";
  for (std::size_t steps = 0; steps <= script.steps.size(); ++steps) {
    for (const End& end : ends()) {
      const std::string where = std::string(name) + ", " + script.name + " after " +
                                std::to_string(steps) + " steps, " + end.name;
      Ending(mode, where).run(script, steps, false, end);
      if (steps == script.steps.size()) continue;
      Ending(mode, where + " inside the next").run(script, steps, true, end);
    }
  }
}

TEST_P(Ends, Enforcing) { end_everywhere(GetParam(), Mode::enforce); }
TEST_P(Ends, Monitoring) { end_everywhere(GetParam(), Mode::monitor); }

// The scripts are sound: played to their end nothing is owed, and nobody closed.
TEST_P(Ends, OnlyWhenTold) {
  for (const Mode mode : {Mode::enforce, Mode::monitor}) {
    Conversation talk(mode);
    for (const Step& step : GetParam().steps) {
      if (step.kind == Step::Kind::connected) {
        tell(talk, session::Connected{});
      } else {
        talk.feed(step.side(), step.says(mode));
      }
    }
    EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 0);
    EXPECT_FALSE(talk.engine().closed());
    EXPECT_EQ(talk.engine().owed(), 0u);
  }
}

}  // namespace
}  // namespace pgmoat::test
