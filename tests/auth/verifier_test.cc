#include "auth/verifier.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "auth/digest.h"

namespace pgmoat::auth {
namespace {

// As PostgreSQL 15 keeps the password "secret".
constexpr const char* kScramText =
    "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

// As in FIPS mode. An answer that is made of nothing would be the same for everybody.
TEST(Verifier, WithoutMd5ThereIsNoAnswer) {
  ASSERT_EQ(md5_answer(md5_digest("secret", "joe"), as_bytes("salt")).size(), 35u);
  ASSERT_EQ(EVP_set_default_properties(nullptr, "fips=yes"), 1);
  EXPECT_EQ(md5_answer(std::string(32, '0'), as_bytes("salt")), "");
  EXPECT_EQ(EVP_set_default_properties(nullptr, ""), 1);
}

TEST(Verifier, ReadsPostgresqlsForms) {
  const auto scram = parse_verifier(kScramText);
  ASSERT_TRUE(scram && std::holds_alternative<ScramVerifier>(*scram));
  EXPECT_EQ(std::get<ScramVerifier>(*scram).iterations, 4096u);
  EXPECT_EQ(std::get<ScramVerifier>(*scram).salt, "saltsaltsaltsalt");
  const auto md5 = parse_verifier("md5" + md5_digest("secret", "joe"));
  ASSERT_TRUE(md5 && std::holds_alternative<Md5Verifier>(*md5));
  EXPECT_TRUE(verify_password(*md5, "joe", "secret"));
  EXPECT_FALSE(verify_password(*md5, "jim", "secret"));
  for (const char* plain :
       {"secret", "md5", "md5ABCDEF", "SCRAM-SHA-25", "SCRAM-SHA-1$4096:x$y:z"}) {
    const auto made = parse_verifier(plain);
    ASSERT_TRUE(made && std::holds_alternative<Secret>(*made)) << plain;
    EXPECT_TRUE(verify_password(*made, "joe", plain));
    EXPECT_FALSE(verify_password(*made, "joe", std::string(plain) + "x"));
  }
}

TEST(Verifier, RefusesWhatOnlyBeginsLikeScram) {
  const std::string text = kScramText;
  for (const std::string& wrong :
       {std::string("SCRAM-SHA-256$"), std::string("SCRAM-SHA-256$4096"),
        std::string("SCRAM-SHA-256$4096:$A:B"), text.substr(0, text.size() - 1), text + "=",
        text + "\n", std::string("SCRAM-SHA-256$0") + text.substr(18),
        std::string("SCRAM-SHA-256$1000001") + text.substr(18),
        std::string("SCRAM-SHA-256$-4096") + text.substr(18)}) {
    EXPECT_FALSE(parse_verifier(wrong)) << wrong;
  }
  EXPECT_TRUE(parse_verifier(std::string("SCRAM-SHA-256$1000000") + text.substr(18)));
}

TEST(Verifier, APasswordFitsTheOneThatWasMadeOfIt) {
  const Verifier made = make_verifier("secret", "some salt", 4096);
  EXPECT_TRUE(verify_password(made, "anybody", "secret"));
  EXPECT_FALSE(verify_password(made, "anybody", "Secret"));
}

// libpq's own computation (md5("md5" ...)), by PostgreSQL's documentation of AuthenticationMD5Password.
TEST(Md5, AnswersAsDocumented) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  const std::string digest = md5_digest("secret", "joe");
  EXPECT_EQ(digest, md5_hex("secretjoe"));
  EXPECT_EQ(md5_answer(digest, as_bytes("salt")), "md5" + md5_hex(digest + "salt"));
}

TEST(Base64, IsStrict) {
  for (const char* text : {"", "QQ==", "QUI=", "QUJD"}) {
    const auto octets = from_base64(text);
    ASSERT_TRUE(octets) << text;
    EXPECT_EQ(to_base64(as_bytes(*octets)), text);
  }
  for (const char* text :
       {"Q", "QQ", "QQ=", "QR==", "QQ==\n", " QQ=", "Q===", "====", "QQ==QQ==", "QU-D", "QU=D"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Secret, KeepsItsTextAndForgetsWhatMoved) {
  Secret a("password");
  const Secret copy = a;
  const Secret b = std::move(a);
  EXPECT_EQ(b.text(), "password");
  EXPECT_EQ(copy.text(), "password");
  EXPECT_TRUE(a.empty());  // NOLINT: what is left of it is what is tested
}

}  // namespace
}  // namespace pgmoat::auth
