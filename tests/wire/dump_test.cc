// The dump against PostgreSQL's own expected traces: each line of corpus/wire/libpq-traces is read
// back into the bytes that libpq saw, and those bytes must give the same line, its length included.
#include "wire/dump.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "bodies.h"
#include "wire/backend.h"
#include "wire/frontend.h"
#include "wire/startup.h"

namespace pgmoat::wire::test {
namespace {

// Name -> tag and what its words mean: s text, b byte, h 16 bits, i 32 bits (an OID is NNNN),
// v a length and, unless it is -1, a quoted value; [..] a counted list; * error fields.
const std::map<std::string, std::pair<char, std::string>> kGrammar = {
    {"FQuery", {'Q', "s"}},
    {"FParse", {'P', "ss[i]"}},
    {"FBind", {'B', "ss[h][v][h]"}},
    {"FDescribe", {'D', "bs"}},
    {"FExecute", {'E', "si"}},
    {"FClose", {'C', "bs"}},
    {"FSync", {'S', ""}},
    {"FFlush", {'H', ""}},
    {"FTerminate", {'X', ""}},
    {"BParseComplete", {'1', ""}},
    {"BBindComplete", {'2', ""}},
    {"BCloseComplete", {'3', ""}},
    {"BNoData", {'n', ""}},
    {"BReadyForQuery", {'Z', "b"}},
    {"BCommandComplete", {'C', "s"}},
    {"BRowDescription", {'T', "[sihihih]"}},
    {"BParameterDescription", {'t', "[i]"}},
    {"BDataRow", {'D', "[v]"}},
    {"BErrorResponse", {'E', "*"}},
    {"BNoticeResponse", {'N', "*"}},
};

// The words of a trace line's last column. Texts may contain quotes: one ends where a word may end.
class Words {
 public:
  explicit Words(std::string text) : text_(std::move(text)) {}
  std::string plain() {
    skip();
    const std::size_t end = std::min(text_.find(' ', at_), text_.size());
    return take(end);
  }
  std::string quoted() {
    skip();
    const char quote = text_.at(at_++);
    std::size_t end = text_.find(quote + std::string(" "), at_);
    if (end == std::string::npos) end = text_.rfind(quote);
    return past(end);
  }
  // An error field's text: what follows its last quote is the next field's code or the end.
  std::string field() {
    skip();
    std::size_t end = ++at_;
    while (text_.at(end) != '"' ||
           (text_.substr(end + 1) != " \\x00" && text_.substr(end + 3, 2) != " \"")) {
      ++end;
    }
    return past(end);
  }

 private:
  std::string past(std::size_t end) {
    std::string word = take(end);
    ++at_;
    return word;
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  std::string take(std::size_t end) {
    std::string word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }
  std::string text_;
  std::size_t at_ = 0;
};

std::uint32_t number(const std::string& word) {
  return word == "NNNN" ? 4711 : static_cast<std::uint32_t>(std::stol(word));
}

std::string body_of(const std::string& shape, Words& words) {
  std::string body;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 's') body += z(words.quoted());
    if (shape[i] == 'b') body += words.plain();
    if (shape[i] == 'h') body += u16(number(words.plain()));
    if (shape[i] == 'i') body += u32(number(words.plain()));
    if (shape[i] == 'v') {
      const std::uint32_t size = number(words.plain());
      body += u32(size);
      if (size != 0xffffffff) body += words.quoted();
    }
    if (shape[i] == '[') {
      const std::size_t close = shape.find(']', i);
      const std::uint32_t count = number(words.plain());
      body += u16(count);
      for (std::uint32_t k = 0; k < count; ++k)
        body += body_of(shape.substr(i + 1, close - i - 1), words);
      i = close;
    }
    if (shape[i] == '*') {
      for (std::string code = words.plain(); code != "\\x00"; code = words.plain()) {
        body += code + z(words.field());
      }
      body += '\0';
    }
  }
  return body;
}

TEST(Dump, PostgresOwnTraces) {
  int lines = 0;
  for (const auto& file : std::filesystem::directory_iterator(PGMOAT_CORPUS "/wire/libpq-traces")) {
    if (file.path().extension() != ".trace") continue;
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line); ++lines) {
      std::istringstream columns(line);
      std::string from, length, name, rest;
      std::getline(columns, from, '\t');
      std::getline(columns, length, '\t');
      std::getline(columns, name, '\t');
      std::getline(columns, rest);
      const auto grammar = kGrammar.find(from + name);
      ASSERT_NE(grammar, kGrammar.end()) << line;
      Words words(rest);
      std::string out;
      const std::string bytes =
          frame(grammar->second.first, body_of(grammar->second.second, words));
      dump(from == "F" ? Side::client : Side::server, as_bytes(bytes), DumpStyle::comparable, out);
      EXPECT_EQ(out, line + "\n") << file.path();
    }
  }
  EXPECT_EQ(lines, 365);
}

std::string text_of(Side from, const std::string& bytes) {
  std::string out;
  dump(from, as_bytes(bytes), DumpStyle::full, out);
  return out;
}

TEST(Dump, MessagesThatTheTracesLack) {
  EXPECT_EQ(text_of(Side::client, frame('F', u32(952) + u16(1) + u16(1) + u16(2) + value("\x01z") +
                                                 null() + u16(1))),
            "F\t26\tFunctionCall\t 952 1 1 2 2 '\\x01z' -1 1\n");
  EXPECT_EQ(text_of(Side::client, frame('f', z("why"))), "F\t8\tCopyFail\t \"why\"\n");
  EXPECT_EQ(text_of(Side::client, frame('d', "1\n")), "F\t6\tCopyData\n");
  EXPECT_EQ(text_of(Side::server, frame('G', u8(0) + u16(2) + u16(0) + u16(0))),
            "B\t11\tCopyInResponse\t \\x00 2 0 0\n");
  EXPECT_EQ(text_of(Side::server, frame('A', u32(7) + z("chan") + z("payload"))),
            "B\t21\tNotificationResponse\t 7 \"chan\" \"payload\"\n");
  EXPECT_EQ(text_of(Side::server, frame('v', u32(196608) + u32(1) + z("_pq_.x"))),
            "B\t19\tNegotiateProtocolVersion\t 196608 1 \"_pq_.x\"\n");
}

TEST(Dump, SecretsAreNotPrinted) {
  EXPECT_EQ(text_of(Side::client, frame('p', z("hunter2"))), "F\t12\tPasswordMessage\t ****\n");
  EXPECT_EQ(text_of(Side::server, frame('K', u32(7) + "key!")), "B\t12\tBackendKeyData\t 7 ****\n");
  EXPECT_EQ(text_of(Side::server, frame('R', u32(11) + "r=nonce")),
            "B\t15\tAuthenticationSASLContinue\n");
}

TEST(Dump, FirstPackets) {
  const auto first = [](const std::string& bytes) {
    std::string out;
    dump_first_packet(as_bytes(bytes), DumpStyle::full, out);
    return out;
  };
  EXPECT_EQ(first(frame(0, u32(80877103))), "F\t8\tSSLRequest\n");
  EXPECT_EQ(first(frame(0, u32(80877102) + u32(5) + "key!")), "F\t16\tCancelRequest\t 5 ****\n");
  EXPECT_EQ(first(frame(0, u32(196608) + z("user") + z("a") + u8(0))),
            "F\t16\tStartupMessage\t 3 0 \"user\" \"a\"\n");
  EXPECT_EQ(first("abc"), "F\t3\t(no first packet)\n");
}

TEST(Dump, BytesThatAreNoMessage) {
  EXPECT_EQ(text_of(Side::client, "Q"), "F\t?\t(no header)\n");
  EXPECT_EQ(text_of(Side::client, frame('y', "abc")), "F\t7\tunknown (and more)\n");
  EXPECT_EQ(text_of(Side::client, frame('Q', z("a") + "b")), "F\t7\tQuery\t \"a\" (and more)\n");
  EXPECT_EQ(text_of(Side::server, frame('D', u16(9))), "B\t6\tDataRow\t 9 0 (cut short)\n");
}

}  // namespace
}  // namespace pgmoat::wire::test
