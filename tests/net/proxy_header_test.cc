#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>

namespace pgmoat::net {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4 = kSignature + "\x21\x11\0\x0c\x0a\1\2\3\x0a\0\0\1\x9d\x80\x15\x38"s;
const std::string kLine = "PROXY TCP4 10.1.2.3 10.0.0.1 40320 5432\r\n";

std::string read(const std::string& text) {
  const auto header = parse_proxy_header(as_bytes(text));
  if (!header) return "wrong: " + header.error();
  if (header->size == 0) return "more";
  const std::string size = " of " + std::to_string(header->size);
  if (!header->source) return "unknown" + size;
  return header->source->address().to_string() + " " + std::to_string(header->source->port()) +
         size;
}

TEST(ProxyHeader, BothVersionsSayWhoComes) {
  EXPECT_EQ(read(kLine), "10.1.2.3 40320 of 41");
  EXPECT_EQ(read(kLine + "and what follows"), "10.1.2.3 40320 of 41");
  EXPECT_EQ(read("PROXY TCP6 fd00::1 fd00::2 1 2\r\n"), "fd00::1 1 of 32");
  EXPECT_EQ(read(kV4), "10.1.2.3 40320 of 28");
  const std::string v6 = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"s;
  EXPECT_EQ(read(kSignature + "\x21\x21\0\x24"s + v6 + v6 + "\0\1\0\2"s), "fd00::1 1 of 52");
  // Extensions are passed over.
  std::string more = kV4 + "\x04\0\3abc"s;
  more[15] = 0x0c + 6;
  EXPECT_EQ(read(more), "10.1.2.3 40320 of 34");
}

TEST(ProxyHeader, AProxyMaySpeakForItself) {
  EXPECT_EQ(read("PROXY UNKNOWN\r\n"), "unknown of 15");
  EXPECT_EQ(read("PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n"), "unknown of 35");
  EXPECT_EQ(read(kSignature + "\x20\0\0\0"s), "unknown of 16");
  EXPECT_EQ(read(kSignature + "\x21\0\0\0"s), "unknown of 16");
}

TEST(ProxyHeader, EveryPartOfOneAsksForMore) {
  for (const std::string& whole : {kLine, kV4}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(read(whole.substr(0, size)), "more") << size;
    }
  }
}

TEST(ProxyHeader, WhatIsNoneIsToldAtOnce) {
  for (const std::string& text :
       {"\0\0\0\x08\x04\xd2\x16\x2f"s, "GET / HTTP/1.1\r\n"s, "PROXX"s, "\r\n\r\n\0\r\nQUIT\r"s,
        "PROXY TCP4 10.1.2.3 10.0.0.1 40320\r\n"s, "PROXY TCP4 10.1.2.3 10.0.0.1 65536 1\r\n"s,
        "PROXY TCP4 10.1.2.3 10.0.0.1 1 1 \r\n"s, "PROXY TCP4 10.1.2.3 10.0.0.1 1 1 x\r\n"s,
        "PROXY TCP4 fd00::1 fd00::2 1 1\r\n"s, "PROXY TCP6 10.1.2.3 10.0.0.1 1 1\r\n"s,
        "PROXY TCP4 10.1.2.999 10.0.0.1 1 1\r\n"s, "PROXY UDP4 10.1.2.3 10.0.0.1 1 1\r\n"s,
        "PROXY TCP4  10.1.2.3 10.0.0.1 1 1\r\n"s, "PROXY tcp4 10.1.2.3 10.0.0.1 1 1\r\n"s,
        kSignature + "\x11\x11\0\x0c"s, kSignature + "\x22\x11\0\x0c"s,
        kSignature + "\x21\x11\0\x0b"s + std::string(11, 'x'),
        kSignature + "\x21\x21\0\x23"s + std::string(35, 'x')}) {
    EXPECT_EQ(read(text).substr(0, 6), "wrong:") << text;
  }
}

TEST(ProxyHeader, HasItsLimits) {
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n"), "unknown of 107");
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n").substr(0, 6), "wrong:");
  const auto with = [](std::size_t length) {
    return kSignature + "\x21\x11"s + static_cast<char>(length >> 8) +
           static_cast<char>(length & 255) + std::string(length, 'x');
  };
  EXPECT_NE(read(with(kMostProxyHeader - 16)).substr(0, 6), "wrong:");
  EXPECT_EQ(read(with(kMostProxyHeader - 15)).substr(0, 6), "wrong:");
}

}  // namespace
}  // namespace pgmoat::net
