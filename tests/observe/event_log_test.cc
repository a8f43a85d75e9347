// Events as JSON lines: every event, every byte; and a log whose reader has stopped reading.
#include "observe/event_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace pgmoat::test {
namespace {

using namespace std::string_literals;
using observe::EventLog;
using observe::to_json;

constexpr std::int64_t kTime = 1'700'000'000'007;  // 2023-11-14T22:13:20.007Z

std::string json(const session::Event& event) { return to_json(7, event, kTime); }
std::string with_head(const std::string& name, const std::string& fields) {
  return R"({"time":"2023-11-14T22:13:20.007Z","event":")" + name + R"(","session":7,)" + fields +
         "}";
}

TEST(ToJson, EveryEventWithItsFieldsInOrder) {
  EXPECT_EQ(
      json(session::SessionOpened{"app", "shop", "psql", "127.0.0.1:4"}),
      with_head("session_opened",
                R"("user":"app","database":"shop","application":"psql","client":"127.0.0.1:4")"));
  EXPECT_EQ(json(session::AuthFinished{false, "28P01"}),
            with_head("auth_finished", R"("ok":false,"sqlstate":"28P01")"));
  EXPECT_EQ(json(session::AuthFinished{true, ""}),
            with_head("auth_finished", R"("ok":true,"sqlstate":"")"));
  EXPECT_EQ(
      json(session::StatementJudged{"Parse", "words.x", "42501", "no", true}),
      with_head(
          "statement_judged",
          R"("message":"Parse","rule":"words.x","sqlstate":"42501","reason":"no","effect":"done","action":"deny")"));
  EXPECT_EQ(
      json(session::StatementJudged{"Query", "words.x", "42501", "no", false}),
      with_head(
          "statement_judged",
          R"("message":"Query","rule":"words.x","sqlstate":"42501","reason":"no","effect":"would","action":"deny")"));
  EXPECT_EQ(
      json(session::StatementJudged{"Query", "a.b", "", "", true, "rewrite", "low", "abc.7"}),
      with_head(
          "statement_judged",
          R"("message":"Query","rule":"a.b","sqlstate":"","reason":"","effect":"done","action":"rewrite","severity":"low","decision":"abc.7")"));
  EXPECT_EQ(
      json(session::ProtocolFault{wire::Side::client, "Query", "bad", 4294967295u, false}),
      with_head(
          "protocol_fault",
          R"("side":"client","message":"Query","what":"bad","length":4294967295,"passed":false)"));
  EXPECT_EQ(json(session::ProtocolFault{wire::Side::server, "", "bad", 0, true}),
            with_head("protocol_fault",
                      R"("side":"server","message":"","what":"bad","length":0,"passed":true)"));
  EXPECT_EQ(json(session::TurnedOpaque{"why"}), with_head("turned_opaque", R"("why":"why")"));
  EXPECT_EQ(json(session::Finding{"odd"}), with_head("finding", R"("what":"odd")"));
  EXPECT_EQ(
      json(session::SessionClosed{"bye", 3, 18446744073709551615u, 5}),
      with_head(
          "session_closed",
          R"("why":"bye","statements":3,"client_bytes":18446744073709551615,"server_bytes":5)"));
}

TEST(ToJson, TimesAreUtcWithMilliseconds) {
  EXPECT_NE(to_json(1, session::Finding{}, 0).find("1970-01-01T00:00:00.000Z"), std::string::npos);
  EXPECT_NE(to_json(1, session::Finding{}, 951'782'399'999).find("2000-02-28T23:59:59.999Z"),
            std::string::npos);
}

// What a text looks like after its way through JSON and back.
std::string shown(const std::string& text) {
  const std::string line = json(session::Finding{text});
  EXPECT_EQ(line.find('\n'), std::string::npos) << "one line";
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
  EXPECT_FALSE(document.HasParseError()) << testing::PrintToString(text);
  if (document.HasParseError()) return {};
  const auto& what = document["what"];
  return {what.GetString(), what.GetStringLength()};
}

TEST(ToJson, KeepsEveryCharacter) {
  std::string ascii;
  for (int c = 0; c < 0x80; ++c) ascii.push_back(static_cast<char>(c));
  EXPECT_EQ(shown(ascii), ascii);
  EXPECT_EQ(json(session::Finding{"\"\\\b\f\n\r\t\x01\x1f/"}),
            with_head("finding", R"("what":"\"\\\b\f\n\r\t\u0001\u001F/")"));
  // First and last characters of two, three and four bytes, and those around the surrogates.
  for (const std::string text :
       {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"}) {
    EXPECT_EQ(shown(text), text);
  }
}

TEST(ToJson, ReplacesBytesThatAreNoCharacter) {
  const std::string no = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"\x80", no},
      {"\xbf", no},
      {"a\xffz", "a" + no + "z"},
      {"\xc0\x80", no + no},  // overlong NUL
      {"\xc1\xbf", no + no},
      {"\xe0\x80\x80", no + no + no},  // overlong
      {"\xe0\x9f\xbf", no + no + no},
      {"\xed\xa0\x80", no + no + no},  // surrogates
      {"\xed\xbf\xbf", no + no + no},
      {"\xf0\x80\x80\x80", no + no + no + no},  // overlong
      {"\xf0\x8f\xbf\xbf", no + no + no + no},
      {"\xf4\x90\x80\x80", no + no + no + no},  // over U+10FFFF
      {"\xf5\x80\x80\x80", no + no + no + no},
      {"\xfe\xff", no + no},
      {"\xc3", no},  // cut short
      {"\xe2\x82", no + no},
      {"\xf0\x9f\x98", no + no + no},
      {"\xc3(", no + "("},
      {"\xe2\x82(", no + no + "("},
      {"\xe2\"\\", no + "\"\\"},  // may not swallow the quote
      {"\xf0\x9f\x98\n", no + no + no + "\n"},
      {"\xc3\xa9\xa9", "\xc3\xa9" + no},
  };
  for (const auto& [bytes, text] : rows)
    EXPECT_EQ(shown(bytes), text) << testing::PrintToString(bytes);
}

TEST(ToJson, IsAlwaysJson) {
  std::string bytes(3, '\0');
  for (int a = 0x70; a < 0x100; ++a) {
    for (int b = 0x70; b < 0x100; b += 3) {
      for (const char c : {'\x7f', '\x80', '\xa0', '\xbf', '\xc0', '"'}) {
        bytes = {static_cast<char>(a), static_cast<char>(b), c};
        shown(bytes);
      }
    }
  }
}

// A pipe, its write end as a stream.
struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    out = ends[0];
    in = ::fdopen(ends[1], "w");
    ::fcntl(out, F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    std::fclose(in);
    ::close(out);
  }
  // Lines, until `enough` says so of what came so far, or 20 s have passed.
  template <class F>
  void read_until(F enough) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    char chunk[65536];
    while (!enough() && std::chrono::steady_clock::now() < end) {
      pollfd wait{out, POLLIN, 0};
      ::poll(&wait, 1, 100);
      const ssize_t size = ::read(out, chunk, sizeof chunk);
      if (size > 0) text.append(chunk, static_cast<std::size_t>(size));
    }
  }
  std::size_t count(std::string_view word) const {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++found;
    return found;
  }
  int out = -1;
  std::FILE* in = nullptr;
  std::string text;
};

TEST(EventLog, WritesInOrderAndAllBeforeItEnds) {
  Pipe pipe;
  {
    EventLog log(pipe.in);
    for (int i = 0; i < 100; ++i) log.add(static_cast<std::uint64_t>(i), session::Finding{"x"});
    log.say("info", "said \"so\"");
  }
  pipe.read_until([&] { return pipe.count("\n") >= 101; });
  ASSERT_EQ(pipe.count("\n"), 101u);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t next = pipe.text.find("\"session\":" + std::to_string(i) + ",", at);
    ASSERT_NE(next, std::string::npos) << i;
    at = next;
  }
  EXPECT_NE(pipe.text.find(R"("event":"log","level":"info","message":"said \"so\""})", at),
            std::string::npos);
}

// Nobody reads: the queue fills, more is dropped and counted, and the caller is never kept waiting.
TEST(EventLog, DropsAndCountsWhenNobodyReads) {
  Pipe pipe;
  auto log = std::make_unique<EventLog>(pipe.in);
  constexpr std::size_t kLines = 4 * EventLog::kQueueLimit;
  const std::string big(1000, 'x');
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kLines; ++i) log->add(i, session::Finding{big});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  // A pipe holds 64 KiB; whoever writes to it is stuck by now, with at most one queue in hand.
  std::thread end([&] { log.reset(); });
  const auto lost = [&]() -> std::size_t {
    std::size_t sum = 0;
    constexpr std::string_view kWord = "\"message\":\"";
    for (std::size_t at = 0; (at = pipe.text.find(kWord, at)) != std::string::npos; ++at) {
      sum += std::strtoull(pipe.text.c_str() + at + kWord.size(), nullptr, 10);
    }
    return sum;
  };
  pipe.read_until([&] { return pipe.count("\"finding\"") + lost() >= kLines; });
  end.join();
  pipe.read_until([&] { return true; });
  EXPECT_GE(lost(), kLines - 2 * EventLog::kQueueLimit - 100);
  EXPECT_EQ(pipe.count("\"finding\"") + lost(), kLines) << "each line was written or counted";
  EXPECT_NE(pipe.text.find("event lines were dropped"), std::string::npos);
}

}  // namespace
}  // namespace pgmoat::test
