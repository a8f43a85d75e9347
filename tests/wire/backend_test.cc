// Server messages: the server is hostile input too (A33), so the same tables as for the client.
#include "wire/backend.h"

#include <gtest/gtest.h>

#include "wire/bodies.h"

namespace pgmoat::wire::test {
namespace {

std::string field(std::string_view name) {
  return z(name) + u32(16384) + u16(1) + u32(23) + u16(4) + u32(0xffffffff) + u16(0);
}

std::string report(std::string_view severity, std::string_view sqlstate) {
  return "S" + z(severity) + "V" + z(severity) + "C" + z(sqlstate) + "M" + z("it broke") + u8(0);
}

template <char tag>
std::optional<std::string> copy_trip(Bytes body) {
  return round_trip<[](Bytes of) { return decode_copy_response(tag, of); }>(body);
}

template <char tag>
std::optional<std::string> report_trip(Bytes body) {
  return round_trip<[](Bytes of) { return decode_report(tag, of); }>(body);
}

TEST(Backend, ComesBackByteForByteAndNotCutOrLonger) {
  const std::vector<Whole> rows = {
      {"AuthenticationOk", round_trip<decode_authentication>, 'R', u32(0)},
      {"cleartext", round_trip<decode_authentication>, 'R', u32(3)},
      {"MD5", round_trip<decode_authentication>, 'R', u32(5) + "salt"},
      {"GSS", round_trip<decode_authentication>, 'R', u32(7)},
      {"SSPI", round_trip<decode_authentication>, 'R', u32(9)},
      {"SASL", round_trip<decode_authentication>, 'R',
       u32(10) + z("SCRAM-SHA-256-PLUS") + z("SCRAM-SHA-256") + z("")},
      {"ParameterStatus", round_trip<decode_parameter_status>, 'S', z("TimeZone") + z("UTC")},
      {"NegotiateProtocolVersion", round_trip<decode_negotiate_protocol_version>, 'v',
       u32(196608) + u32(2) + z("_pq_.a") + z("_pq_.b")},
      {"NegotiateProtocolVersion, bare", round_trip<decode_negotiate_protocol_version>, 'v',
       u32(196610) + u32(0)},
      {"ReadyForQuery I", round_trip<decode_ready_for_query>, 'Z', "I"},
      {"ReadyForQuery T", round_trip<decode_ready_for_query>, 'Z', "T"},
      {"ReadyForQuery E", round_trip<decode_ready_for_query>, 'Z', "E"},
      {"ParseComplete", round_trip<decode_parse_complete>, '1', ""},
      {"BindComplete", round_trip<decode_bind_complete>, '2', ""},
      {"CloseComplete", round_trip<decode_close_complete>, '3', ""},
      {"NoData", round_trip<decode_no_data>, 'n', ""},
      {"PortalSuspended", round_trip<decode_portal_suspended>, 's', ""},
      {"EmptyQueryResponse", round_trip<decode_empty_query_response>, 'I', ""},
      {"RowDescription", round_trip<decode_row_description>, 'T', u16(2) + field("a") + field("")},
      {"RowDescription, bare", round_trip<decode_row_description>, 'T', u16(0)},
      {"ParameterDescription", round_trip<decode_parameter_description>, 't',
       u16(2) + u32(23) + u32(25)},
      {"DataRow", round_trip<decode_data_row>, 'D', u16(3) + value("abc") + null() + value("")},
      {"DataRow, bare", round_trip<decode_data_row>, 'D', u16(0)},
      {"CommandComplete", round_trip<decode_command_complete>, 'C', z("SELECT 1")},
      {"FunctionCallResponse", round_trip<decode_function_call_response>, 'V', value("abcd")},
      {"FunctionCallResponse, NULL", round_trip<decode_function_call_response>, 'V', null()},
      {"CopyInResponse", copy_trip<'G'>, 'G', u8(0) + u16(2) + u16(0) + u16(0)},
      {"CopyOutResponse", copy_trip<'H'>, 'H', u8(1) + u16(1) + u16(1)},
      {"CopyBothResponse", copy_trip<'W'>, 'W', u8(0) + u16(0)},
      {"NotificationResponse", round_trip<decode_notification_response>, 'A',
       u32(7) + z("channel") + z("payload")},
      {"ErrorResponse", report_trip<'E'>, 'E', report("ERROR", "42601")},
      {"NoticeResponse", report_trip<'N'>, 'N', report("NOTICE", "00000")},
      {"ErrorResponse before 9.6, unknown field", report_trip<'E'>, 'E',
       "S" + z("FATAL") + "C" + z("57P01") + "M" + z("") + "?" + z("x") + u8(0)},
  };
  for (const Whole& row : rows) expect_exact(row);
}

TEST(Backend, TokensAreWhateverTheyAre) {
  for (const unsigned kind : {8u, 11u, 12u}) {
    expect_same({"token", round_trip<decode_authentication>, 'R', u32(kind) + "v=abc"});
    expect_same({"no token", round_trip<decode_authentication>, 'R', u32(kind)});
  }
  for (const std::size_t size : {4u, 32u, 256u}) {
    expect_same({"key", round_trip<decode_backend_key_data>, 'K', u32(1) + std::string(size, 'k')});
  }
  for (const std::size_t size : {0u, 3u, 257u}) {
    expect_refused({"key", round_trip<decode_backend_key_data>, u32(1) + std::string(size, 'k')});
  }
}

TEST(Backend, RefusesWhatTheGrammarForbids) {
  const std::string s = "S" + z("ERROR"), c = "C" + z("42601"), m = "M" + z("it broke"),
                    end = u8(0);
  const std::vector<Refused> rows = {
      {"request 1", round_trip<decode_authentication>, u32(1)},
      {"request 4", round_trip<decode_authentication>, u32(4)},
      {"request 6", round_trip<decode_authentication>, u32(6)},
      {"request 13", round_trip<decode_authentication>, u32(13)},
      {"mechanisms without an end", round_trip<decode_authentication>, u32(10) + z("SCRAM")},
      {"mechanisms and more", round_trip<decode_authentication>, u32(10) + z("X") + z("") + z("Y")},
      {"status idle?", round_trip<decode_ready_for_query>, "i"},
      {"4 billion options", round_trip<decode_negotiate_protocol_version>,
       u32(196608) + u32(0xffffffff) + z("_pq_.a")},
      {"field format 2", round_trip<decode_row_description>,
       u16(1) + z("a") + std::string(16, '\0') + u16(2)},
      {"65535 fields", round_trip<decode_row_description>, u16(65535)},
      {"65535 types", round_trip<decode_parameter_description>, u16(65535) + u32(1)},
      {"column length -2", round_trip<decode_data_row>, u16(1) + u32(0xfffffffe)},
      {"column longer than the body", round_trip<decode_data_row>, u16(1) + u32(0x7fffffff)},
      {"value length -2", round_trip<decode_function_call_response>, u32(0xfffffffe)},
      {"copy format 2", copy_trip<'G'>, u8(2) + u16(0)},
      {"column format 2", copy_trip<'H'>, u8(1) + u16(1) + u16(2)},
      {"a binary column in a text copy", copy_trip<'G'>, u8(0) + u16(1) + u16(1)},
      {"no severity", report_trip<'E'>, c + m + end},
      {"no SQLSTATE", report_trip<'E'>, s + m + end},
      {"no message", report_trip<'E'>, s + c + end},
      {"no field", report_trip<'N'>, end},
      {"4-character SQLSTATE", report_trip<'E'>, s + "C" + z("4260") + m + end},
      {"6-character SQLSTATE", report_trip<'E'>, s + "C" + z("426011") + m + end},
      {"two SQLSTATEs", report_trip<'E'>, s + c + m + c + end},
      {"fields after the end", report_trip<'E'>, s + c + m + end + "D" + z("x") + end},
  };
  for (const Refused& row : rows) expect_refused(row);
}

TEST(Backend, At1664ColumnsAndOnePast) {
  std::string fields, columns;
  for (int i = 0; i < 1664; ++i) {
    fields += field("c");
    columns += null();
  }
  expect_same({"fields", round_trip<decode_row_description>, 'T', u16(1664) + fields});
  expect_same({"columns", round_trip<decode_data_row>, 'D', u16(1664) + columns});
  expect_refused({"fields", round_trip<decode_row_description>, u16(1665) + fields + field("c")});
  expect_refused({"columns", round_trip<decode_data_row>, u16(1665) + columns + null()});
}

TEST(Backend, ReadsTheFields) {
  const auto body =
      exact("S" + z("FEHLER") + "V" + z("ERROR") + "C" + z("42601") + "M" + z("m") + u8(0));
  const auto error = decode_report('E', body);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->severity, "ERROR");
  EXPECT_EQ(error->sqlstate, "42601");
  EXPECT_EQ(error->message, "m");
  EXPECT_EQ(as_text(error->all).size(), body.size() - 1);
  const auto turned =
      exact("V" + z("ERROR") + "S" + z("FEHLER") + "C" + z("42601") + "M" + z("m") + u8(0));
  EXPECT_EQ(decode_report('E', turned)->severity, "ERROR");

  EXPECT_TRUE(decode_function_call_response(exact(null()))->null);
  EXPECT_FALSE(decode_function_call_response(exact(value("")))->null);
  const auto note = exact(u32(7) + z("c") + z("p"));
  EXPECT_EQ(decode_notification_response(note)->pid, 7u);
  EXPECT_EQ(decode_notification_response(note)->payload, "p");
}

TEST(Backend, OurErrorsAreErrorsByOurOwnDecoder) {
  std::string out = "before";
  encode_error({"FATAL", "08P01", "no", "because", "do not"}, out);
  const std::string body = "S" + z("FATAL") + "V" + z("FATAL") + "C" + z("08P01") + "M" + z("no") +
                           "D" + z("because") + "H" + z("do not") + u8(0);
  EXPECT_EQ(out, "before" + frame('E', body));
  out.clear();
  encode_error({"ERROR", "42501", "no", "", ""}, out);
  EXPECT_EQ(out, frame('E', "S" + z("ERROR") + "V" + z("ERROR") + "C" + z("42501") + "M" + z("no") +
                                u8(0)));
  EXPECT_TRUE(decode_report('E', as_bytes(out).subspan(5)));
}

}  // namespace
}  // namespace pgmoat::wire::test
