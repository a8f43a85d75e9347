// Client messages: every field, every cut, every excess, and what each grammar forbids (A2-A7).
#include "wire/frontend.h"

#include <gtest/gtest.h>

#include "wire/bodies.h"

namespace pgmoat::wire::test {
namespace {

const std::string k63(63, 'n');
const std::string k64(64, 'n');

TEST(Frontend, ComesBackByteForByteAndNotCutOrLonger) {
  const std::vector<Whole> rows = {
      {"Query", round_trip<decode_query>, 'Q', z("select 1; select 2")},
      {"Query, empty", round_trip<decode_query>, 'Q', z("")},
      {"Parse", round_trip<decode_parse>, 'P',
       z("s1") + z("select $1, $2") + u16(2) + u32(23) + u32(0)},
      {"Parse, bare", round_trip<decode_parse>, 'P', z("") + z("") + u16(0)},
      {"Parse, 63-byte name", round_trip<decode_parse>, 'P', z(k63) + z("select 1") + u16(0)},
      {"Bind, bare", round_trip<decode_bind>, 'B', z("") + z("") + u16(0) + u16(0) + u16(0)},
      {"Bind, a format for all", round_trip<decode_bind>, 'B',
       z("p") + z("s") + u16(1) + u16(1) + u16(3) + value("abc") + null() + value("") + u16(1) +
           u16(0)},
      {"Bind, a format for each", round_trip<decode_bind>, 'B',
       z("p") + z("s") + u16(2) + u16(1) + u16(0) + u16(2) + value("ab") + value("c") + u16(2) +
           u16(0) + u16(1)},
      {"Bind, a format and no parameter", round_trip<decode_bind>, 'B',
       z("") + z("") + u16(1) + u16(1) + u16(0) + u16(0)},
      {"Describe a statement", round_trip<decode_describe>, 'D', "S" + z("s1")},
      {"Describe a portal", round_trip<decode_describe>, 'D', "P" + z("")},
      {"Close a statement", round_trip<decode_close>, 'C', "S" + z(k63)},
      {"Close a portal", round_trip<decode_close>, 'C', "P" + z("p")},
      {"Execute", round_trip<decode_execute>, 'E', z("p") + u32(100)},
      {"Execute, negative", round_trip<decode_execute>, 'E', z("") + u32(0xffffffff)},
      {"Flush", round_trip<decode_flush>, 'H', ""},
      {"Sync", round_trip<decode_sync>, 'S', ""},
      {"Terminate", round_trip<decode_terminate>, 'X', ""},
      {"FunctionCall", round_trip<decode_function_call>, 'F',
       u32(954) + u16(1) + u16(1) + u16(2) + value("abcd") + null() + u16(1)},
      {"FunctionCall, bare", round_trip<decode_function_call>, 'F',
       u32(1) + u16(0) + u16(0) + u16(0)},
      {"CopyDone", round_trip<decode_copy_done>, 'c', ""},
      {"CopyFail", round_trip<decode_copy_fail>, 'f', z("no more")},
      {"PasswordMessage", round_trip<decode_password>, 'p', z("secret")},
      {"SASLInitialResponse", round_trip<decode_sasl_initial_response>, 'p',
       z("SCRAM-SHA-256") + value("n,,n=,r=abc")},
      {"SASLInitialResponse, no data", round_trip<decode_sasl_initial_response>, 'p',
       z("X") + null()},
      {"SASLInitialResponse, empty data", round_trip<decode_sasl_initial_response>, 'p',
       z("X") + value("")},
  };
  for (const Whole& row : rows) expect_exact(row);
}

TEST(Frontend, PlainBytesAreWhateverTheyAre) {
  for (const std::string& body : {std::string(), std::string("\0", 1), std::string("abc\xff")}) {
    expect_same({"CopyData", round_trip<decode_copy_data>, 'd', body});
    expect_same({"SASLResponse", round_trip<decode_sasl_response>, 'p', body});
    expect_same({"GSSResponse", round_trip<decode_gss_response>, 'p', body});
  }
}

TEST(Frontend, RefusesWhatTheGrammarForbids) {
  const auto bind = [](const std::string& formats, const std::string& params,
                       const std::string& results) {
    return z("") + z("") + formats + params + results;
  };
  const std::vector<Refused> rows = {
      {"text after the NUL", round_trip<decode_query>, z("select 1") + z("drop table t")},
      {"name over 63 bytes", round_trip<decode_parse>, z(k64) + z("select 1") + u16(0)},
      {"65535 types announced, one there", round_trip<decode_parse>,
       z("") + z("") + u16(65535) + u32(23)},
      {"portal over 63 bytes", round_trip<decode_bind>, z(k64) + z("") + u16(0) + u16(0) + u16(0)},
      {"statement over 63 bytes", round_trip<decode_bind>,
       z("") + z(k64) + u16(0) + u16(0) + u16(0)},
      {"format 2", round_trip<decode_bind>, bind(u16(1) + u16(2), u16(1) + value("a"), u16(0))},
      {"format 256", round_trip<decode_bind>, bind(u16(1) + u16(256), u16(1) + value("a"), u16(0))},
      {"two formats, three parameters", round_trip<decode_bind>,
       bind(u16(2) + u16(0) + u16(0), u16(3) + null() + null() + null(), u16(0))},
      {"two formats, no parameter", round_trip<decode_bind>,
       bind(u16(2) + u16(0) + u16(0), u16(0), u16(0))},
      {"parameter length -2", round_trip<decode_bind>,
       bind(u16(0), u16(1) + u32(0xfffffffe), u16(0))},
      {"parameter length min", round_trip<decode_bind>,
       bind(u16(0), u16(1) + u32(0x80000000), u16(0))},
      {"parameter longer than the body", round_trip<decode_bind>,
       bind(u16(0), u16(1) + u32(0x7fffffff) + "abc", u16(0))},
      {"65535 parameters announced", round_trip<decode_bind>, bind(u16(0), u16(65535), u16(0))},
      {"result format 7", round_trip<decode_bind>, bind(u16(0), u16(0), u16(1) + u16(7))},
      {"neither S nor P", round_trip<decode_describe>, "s" + z("s1")},
      {"neither S nor P", round_trip<decode_close>, u8(0) + z("s1")},
      {"name over 63 bytes", round_trip<decode_describe>, "S" + z(k64)},
      {"name over 63 bytes", round_trip<decode_close>, "P" + z(k64)},
      {"name over 63 bytes", round_trip<decode_execute>, z(k64) + u32(0)},
      {"argument format 2", round_trip<decode_function_call>,
       u32(1) + u16(1) + u16(2) + u16(0) + u16(0)},
      {"two formats, one argument", round_trip<decode_function_call>,
       u32(1) + u16(2) + u16(0) + u16(0) + u16(1) + null() + u16(0)},
      {"argument length -2", round_trip<decode_function_call>,
       u32(1) + u16(0) + u16(1) + u32(0xfffffffe) + u16(0)},
      {"result format 2", round_trip<decode_function_call>, u32(1) + u16(0) + u16(0) + u16(2)},
      {"text after the NUL", round_trip<decode_copy_fail>, z("a") + z("b")},
      {"text after the NUL", round_trip<decode_password>, z("a") + z("b")},
      {"length -2", round_trip<decode_sasl_initial_response>, z("X") + u32(0xfffffffe)},
      {"no data, yet data", round_trip<decode_sasl_initial_response>, z("X") + null() + "a"},
  };
  for (const Refused& row : rows) expect_refused(row);
}

TEST(Frontend, ReadsTheFields) {
  const auto body =
      exact(z("p") + z("s") + u16(1) + u16(1) + u16(2) + value("ab") + null() + u16(1) + u16(0));
  const auto bind = decode_bind(body);
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->portal, "p");
  EXPECT_EQ(bind->statement, "s");
  EXPECT_EQ(bind->param_count, 2);
  EXPECT_EQ(as_text(bind->params), value("ab") + null());
  EXPECT_EQ(as_text(bind->param_formats), u16(1));
  EXPECT_EQ(as_text(bind->result_formats), u16(0));

  const auto call = exact(u32(954) + u16(0) + u16(1) + value("x") + u16(1));
  EXPECT_EQ(decode_function_call(call)->function, 954u);
  EXPECT_EQ(decode_function_call(call)->result_format, 1);

  EXPECT_EQ(decode_execute(exact(z("c") + u32(0xffffffff)))->max_rows, -1);
  EXPECT_EQ(decode_describe(exact("P" + z("c")))->target, Target::portal);
  EXPECT_EQ(decode_close(exact("S" + z("c")))->target, Target::statement);
  EXPECT_FALSE(decode_sasl_initial_response(exact(z("X") + null()))->has_data);
  EXPECT_TRUE(decode_sasl_initial_response(exact(z("X") + value("")))->has_data);
}

TEST(Frontend, AFaultSaysWhere) {
  const auto body = exact("S" + z("s") + "junk");
  const auto describe = decode_describe(body);
  ASSERT_FALSE(describe);
  EXPECT_EQ(describe.error().kind, Fault::Kind::malformed);
  EXPECT_EQ(describe.error().offset, 3u);
}

}  // namespace
}  // namespace pgmoat::wire::test
