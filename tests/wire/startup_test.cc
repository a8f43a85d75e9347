// First packets: exact lengths, no padding, nothing behind the terminator (A9-A14).
#include "wire/startup.h"

#include <gtest/gtest.h>

#include "wire/bodies.h"

namespace pgmoat::wire::test {
namespace {

const std::string kSsl = u32(80877103), kGss = u32(80877104), kCancel = u32(80877102);

std::string startup(const std::string& pairs) { return u32(kProtocol30) + pairs + u8(0); }

TEST(Startup, ComesBackByteForByteAndNotCutOrLonger) {
  const std::vector<Whole> rows = {
      {"SSLRequest", round_trip<decode_ssl_request>, 0, kSsl},
      {"GSSENCRequest", round_trip<decode_gssenc_request>, 0, kGss},
      {"StartupMessage", round_trip<decode_startup>, 0,
       startup(z("user") + z("bob") + z("database") + z("") + z("options") + z("-c a=b"))},
      {"StartupMessage, bare", round_trip<decode_startup>, 0, startup("")},
      {"StartupMessage 3.2", round_trip<decode_startup>, 0,
       u32(kProtocol32) + z("user") + z("b") + u8(0)},
  };
  for (const Whole& row : rows) expect_exact(row);
  for (const std::size_t size : {4u, 5u, 256u}) {
    expect_same({"cancel", round_trip<decode_cancel_request>, 0,
                 kCancel + u32(9) + std::string(size, 'k')});
  }
}

TEST(Startup, RefusesWhatTheGrammarForbids) {
  const std::vector<Refused> rows = {
      {"another code", round_trip<decode_ssl_request>, kGss},
      {"another code", round_trip<decode_gssenc_request>, kSsl},
      {"another code", round_trip<decode_cancel_request>, kSsl + u32(9) + u32(1)},
      {"key of 3 bytes", round_trip<decode_cancel_request>, kCancel + u32(9) + "abc"},
      {"key of 257 bytes", round_trip<decode_cancel_request>,
       kCancel + u32(9) + std::string(257, 'k')},
      {"a name without a value", round_trip<decode_startup>, startup(z("user"))},
      {"pairs after the terminator", round_trip<decode_startup>,
       startup(z("user") + z("bob")) + z("user") + z("eve") + u8(0)},
      {"no terminator", round_trip<decode_startup>, u32(kProtocol30) + z("user") + z("bob")},
  };
  for (const Refused& row : rows) expect_refused(row);
}

TEST(Startup, SizeIsKnownFromFourBytesAndRefusedFromThem) {
  for (std::size_t size = 0; size < 4; ++size) {
    EXPECT_EQ(*first_packet_size(exact(std::string(size, '\xff'))), 0u);
  }
  EXPECT_EQ(*first_packet_size(exact(u32(8))), 8u);
  EXPECT_EQ(*first_packet_size(exact(u32(10004))), 10004u);
  for (const std::uint32_t length : {0u, 3u, 4u, 7u, 10005u, 0x7fffffffu, 0x80000000u, ~0u}) {
    const auto size = first_packet_size(exact(u32(length)));
    ASSERT_FALSE(size) << length;
    EXPECT_EQ(size.error().kind, Fault::Kind::bad_length);
    EXPECT_EQ(size.error().length, length);
  }
}

TEST(Startup, FirstPacketIsOneOfFour) {
  const auto index = [](const std::string& body) {
    const auto packet = exact(frame(0, body));
    const auto first = decode_first_packet(packet);
    return first ? static_cast<int>(first->index()) : -1;
  };
  EXPECT_EQ(index(kSsl), 0);
  EXPECT_EQ(index(kGss), 1);
  EXPECT_EQ(index(kCancel + u32(9) + u32(1)), 2);
  EXPECT_EQ(index(startup("")), 3);
  EXPECT_EQ(index(kSsl + u8(0)), -1);  // PostgreSQL takes a padded SSLRequest
  EXPECT_EQ(index(kGss + std::string(92, '\0')), -1);
  EXPECT_EQ(index(kCancel + u32(9)), -1);
  EXPECT_FALSE(decode_first_packet(exact("")));
  EXPECT_FALSE(decode_first_packet(exact(u32(7) + "abc")));
}

TEST(Startup, AnotherMajorVersionIsKeptForItsRefusal) {
  const auto body = exact(u32(2u << 16) + std::string(292, 'x'));
  const auto old = decode_startup(body);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->version, 2u << 16);
}

TEST(Startup, ParametersInOrder) {
  const auto body = exact(startup(z("user") + z("bob") + z("user") + z("") + z("x") + z("y")));
  const auto found = parameters_of(*decode_startup(body));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].name, "user");
  EXPECT_EQ(found[0].value, "bob");
  EXPECT_EQ(found[1].value, "");
  EXPECT_EQ(found[2].name, "x");
  EXPECT_TRUE(parameters_of(*decode_startup(exact(startup("")))).empty());
}

// As "name=value;name=value;", or "fault".
std::string options(std::string_view text) {
  const auto found = parse_options(text);
  if (!found) return "fault";
  std::string out;
  for (const Option& option : *found) out += option.name + "=" + option.value + ";";
  return out;
}

TEST(Options, AsPostgresReadsThem) {
  EXPECT_EQ(options(""), "");
  EXPECT_EQ(options(" \t\n\v\f\r"), "");
  EXPECT_EQ(options("-c a=b"), "a=b;");
  EXPECT_EQ(options("-ca=b"), "a=b;");
  EXPECT_EQ(options("--a-b=c-d"), "a_b=c-d;");
  EXPECT_EQ(options("-c a-b=c"), "a_b=c;");
  EXPECT_EQ(options("  -c\ta=b\n--c=d\r-ce=f "), "a=b;c=d;e=f;");
  EXPECT_EQ(options("-c a=x\\ y"), "a=x y;");
  EXPECT_EQ(options("-c a=x\\\\y"), "a=x\\y;");
  EXPECT_EQ(options("-c a=x\\y"), "a=xy;");
  EXPECT_EQ(options("-c\\ a=b"), " a=b;");
  EXPECT_EQ(options("-c a=b=c"), "a=b=c;");
  EXPECT_EQ(options("-c a="), "a=;");
  EXPECT_EQ(options("-c a=b\\"), "a=b;");
  EXPECT_EQ(options("-c -c=x"), "_c=x;");  // getopt takes the next word, whatever it is
}

TEST(Options, AnythingElseIsAFault) {
  for (const char* text :
       {"-c", "a=b", "-c a", "--a", "--", "-- a=b", "-", "-d5", "-e", "-c =b", "--=b", "-c",
        "-c a=b c=d", "-ec a=b", "\\", "-c a=b -W 3", "-C a=b", "-\\c"}) {
    EXPECT_EQ(options(text), "fault") << text;
  }
  // Bytes that are white space in some server locales: one reader would see a second switch.
  EXPECT_EQ(options("-c a=b\x85-c"), "fault");
  EXPECT_EQ(options("-c a=b\xa0-c"), "fault");
  EXPECT_EQ(options(std::string_view("-c a=b\0-c c=d", 13)), "fault");
}

}  // namespace
}  // namespace pgmoat::wire::test
