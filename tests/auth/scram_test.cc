// Both ends of SCRAM: the example of RFC 7677, each other, and what hostile peers say.
#include "auth/scram.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "auth/digest.h"

namespace pgmoat::auth {
namespace {

const std::string kSalt = *from_base64("W22ZaJ0SNY7soEsUEjb6gQ==");
const std::string kBinding(32, 'b');

ScramVerifier pencil() { return make_verifier("pencil", kSalt, 4096); }

// RFC 7677 3.
TEST(ScramServer, AnswersAsTheExampleOfTheStandard) {
  ScramServer server(pencil(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "");
  const auto first = server.first("SCRAM-SHA-256", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  ASSERT_TRUE(first);
  EXPECT_EQ(*first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto final = server.final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(final) << final.error().what;
  EXPECT_EQ(*final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

struct Exchange {
  std::string first, final;  // of the server, or what it found wrong
  std::string verdict;       // of the client: "" or what it found wrong
  ScramKeys keys;
};

Exchange exchange(ScramClient client, ScramServer server, std::string_view offer) {
  Exchange said;
  const auto mechanism = client.choose(offer);
  if (!mechanism) return {"", "", mechanism.error(), {}};
  const auto first = server.first(*mechanism, client.first());
  if (!first) return {first.error().what, "", "no first", {}};
  said.first = *first;
  const auto answer = client.answer(*first);
  if (!answer) return {said.first, "", answer.error().what, {}};
  const auto final = server.final(*answer);
  if (!final) return {said.first, final.error().what, "no final", {}};
  said.final = *final;
  said.verdict = client.check(*final);
  said.keys = server.keys();
  return said;
}

const std::string kPlain("SCRAM-SHA-256\0\0", 15);
const std::string kBoth("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", 34);

TEST(Scram, BothEndsAgreeAndTheKeysLogInElsewhere) {
  for (const auto& [binding, offer] :
       {std::pair(std::string(), kPlain), std::pair(kBinding, kBoth)}) {
    const Exchange login = exchange(ScramClient(Secret("pencil"), "clientnonce", binding),
                                    ScramServer(pencil(), "servernonce", binding), offer);
    ASSERT_EQ(login.verdict, "") << login.final;
    // What the login has shown is enough for another server with the same verifier, over another
    // channel.
    const Exchange onward = exchange(ScramClient(login.keys, "another", std::string(48, 'x')),
                                     ScramServer(pencil(), "yetanother", std::string(48, 'x')), kBoth);
    EXPECT_EQ(onward.verdict, "") << onward.final;
    // With another salt it is not, and says so.
    const Exchange other =
        exchange(ScramClient(login.keys, "another", ""),
                 ScramServer(make_verifier("pencil", "other salt", 4096), "yetanother", ""), kPlain);
    EXPECT_NE(other.verdict.find("another salt"), std::string::npos) << other.verdict;
  }
}

TEST(Scram, PasswordsArePreparedAsPostgresqlDoes) {
  // U+00AD is mapped to nothing, U+2168 to IX (RFC 4013 3).
  const Exchange login =
      exchange(ScramClient(Secret("I\xc2\xadX"), "c", ""),
               ScramServer(make_verifier("\xe2\x85\xa8", kSalt, 4096), "s", ""), kPlain);
  EXPECT_EQ(login.verdict, "");
  // What is not UTF-8 stands as it is.
  const Exchange raw = exchange(ScramClient(Secret("\xff\xfe"), "c", ""),
                                ScramServer(make_verifier("\xff\xfe", kSalt, 4096), "s", ""), kPlain);
  EXPECT_EQ(raw.verdict, "");
}

TEST(ScramServer, RefusesAWrongPasswordAndAnUnknownUserAlike) {
  const Exchange wrong = exchange(ScramClient(Secret("pencils"), "c", ""),
                                  ScramServer(pencil(), "s", ""), kPlain);
  EXPECT_EQ(wrong.final, "the proof does not fit");
  Key seed;
  const ScramVerifier nobody = mock_verifier(seed, "nobody");
  EXPECT_EQ(nobody.salt, mock_verifier(seed, "nobody").salt);
  EXPECT_NE(nobody.salt, mock_verifier(seed, "nobody2").salt);
  EXPECT_EQ(nobody.iterations, kDefaultIterations);
  const Exchange unknown =
      exchange(ScramClient(Secret("pencil"), "c", ""), ScramServer(nobody, "s", ""), kPlain);
  EXPECT_EQ(unknown.final, "the proof does not fit");
}

TEST(ScramServer, RefusesWhatIsBoundToAnotherChannel) {
  const Exchange between =
      exchange(ScramClient(Secret("pencil"), "c", std::string(32, 'm')),
               ScramServer(pencil(), "s", kBinding), kBoth);
  EXPECT_EQ(between.final, "bound to another channel");
}

TEST(ScramServer, RefusesADowngrade) {
  ScramServer server(pencil(), "s", kBinding);
  const auto said = server.first("SCRAM-SHA-256", "y,,n=,r=c");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ScramFault::Kind::binding);
  // Who cannot bind may do without; who is told that we cannot may say so where we cannot.
  EXPECT_TRUE(ScramServer(pencil(), "s", kBinding).first("SCRAM-SHA-256", "n,,n=,r=c"));
  EXPECT_TRUE(ScramServer(pencil(), "s", "").first("SCRAM-SHA-256", "y,,n=,r=c"));
}

TEST(ScramServer, RefusesMalformedFirstMessages) {
  const std::vector<std::pair<std::string, std::string>> messages = {
      {"SCRAM-SHA-1", "n,,n=,r=c"},
      {"SCRAM-SHA-256", ""},
      {"SCRAM-SHA-256", "n"},
      {"SCRAM-SHA-256", "n,"},
      {"SCRAM-SHA-256", "n,,"},
      {"SCRAM-SHA-256", "n,,r=c"},
      {"SCRAM-SHA-256", "n,,n=,r="},
      {"SCRAM-SHA-256", "n,,n=,r=c,"},
      {"SCRAM-SHA-256", "n,,n=,r=a b"},
      {"SCRAM-SHA-256", "n,,n=,r=\x7f"},
      {"SCRAM-SHA-256", "n,,m=x,n=,r=c"},
      {"SCRAM-SHA-256", "n,,n=,r=c,m=x"},
      {"SCRAM-SHA-256", "n,,n=,r=c,garbage"},
      {"SCRAM-SHA-256", "n,a=admin,n=,r=c"},
      {"SCRAM-SHA-256", "x,,n=,r=c"},
      {"SCRAM-SHA-256", "p=tls-server-end-point,,n=,r=c"},
      {"SCRAM-SHA-256-PLUS", "n,,n=,r=c"},
      {"SCRAM-SHA-256-PLUS", "y,,n=,r=c"},
      {"SCRAM-SHA-256-PLUS", "p=tls-unique,,n=,r=c"},
      {"SCRAM-SHA-256", "n,,n=,r=" + std::string(kScramMessage, 'c')},
  };
  for (const auto& [mechanism, message] : messages) {
    ScramServer server(pencil(), "s", kBinding);
    EXPECT_FALSE(server.first(mechanism, message)) << mechanism << ' ' << message.substr(0, 60);
  }
  // PLUS was not offered.
  EXPECT_FALSE(ScramServer(pencil(), "s", "").first("SCRAM-SHA-256-PLUS",
                                                    "p=tls-server-end-point,,n=,r=c"));
  // At the limit.
  const std::string most = "n,,n=,r=" + std::string(kScramMessage - 8, 'c');
  EXPECT_TRUE(ScramServer(pencil(), "s", "").first("SCRAM-SHA-256", most));
  EXPECT_FALSE(ScramServer(pencil(), "s", "").first("SCRAM-SHA-256", most + "c"));
}

TEST(ScramServer, RefusesMalformedFinalMessages) {
  const std::string proof = to_base64(as_bytes(std::string(32, 'p')));
  for (const std::string& message :
       {std::string(), std::string("c=biws,r=cs"), "c=biws,p=" + proof, "r=cs,p=" + proof,
        "c=biws,r=cs,p=" + proof + "=", "c=biws,r=cs,p=" + proof + ",x=1",
        "c=biws,r=cs,garbage,p=" + proof, std::string("c=biws,r=cs,p=AAAA"),
        "c=biws,r=c,p=" + proof, "c=biws,r=cst,p=" + proof, "c=eSws,r=cs,p=" + proof,
        "c=biws,r=cs," + std::string(kScramMessage, 'x') + ",p=" + proof}) {
    ScramServer server(pencil(), "s", "");
    ASSERT_TRUE(server.first("SCRAM-SHA-256", "n,,n=,r=c"));
    const auto said = server.final(message);
    ASSERT_FALSE(said) << message;
    EXPECT_NE(said.error().kind, ScramFault::Kind::mismatch) << message;
  }
}

TEST(ScramClient, ChoosesTheStrongestAndFindsAStrippedOffer) {
  EXPECT_EQ(*ScramClient(Secret("x"), "c", kBinding).choose(kBoth), kScramPlus);
  EXPECT_EQ(*ScramClient(Secret("x"), "c", kBinding).choose(kPlain), kScram);
  EXPECT_FALSE(ScramClient(Secret("x"), "c", "").choose(kBoth));
  EXPECT_FALSE(ScramClient(Secret("x"), "c", "").choose(std::string("OAUTHBEARER\0\0", 13)));
  EXPECT_FALSE(ScramClient(Secret("x"), "c", "").choose(""));
  // An offer without PLUS on a server that has it: the server finds the 'y'.
  const Exchange stripped = exchange(ScramClient(Secret("pencil"), "c", kBinding),
                                     ScramServer(pencil(), "s", kBinding), kPlain);
  EXPECT_EQ(stripped.verdict, "no first");
}

TEST(ScramClient, RefusesAHostileServer) {
  for (const std::string& message :
       {std::string(), std::string("r=cs"), std::string("r=cs,s=QQ=="),
        std::string("r=c,s=QQ==,i=4096"), std::string("r=x,s=QQ==,i=4096"),
        std::string("r=cs,s=,i=4096"), std::string("r=cs,s=Q,i=4096"),
        std::string("r=cs,s=QQ==,i=0"), std::string("r=cs,s=QQ==,i=-1"),
        std::string("r=cs,s=QQ==,i=4096x"), std::string("r=cs,s=QQ==,i=99999999999"),
        std::string("r=cs,s=QQ==,i=") + std::to_string(kMostIterations + 1),
        std::string("r=cs,s=QQ==,i=4096,"), std::string("r=cs,s=QQ==,i=4096,m=x"),
        std::string("m=x,r=cs,s=QQ==,i=4096"), "r=c" + std::string(kScramMessage, 's')}) {
    ScramClient client(Secret("pencil"), "c", "");
    ASSERT_TRUE(client.choose(kPlain));
    EXPECT_FALSE(client.answer(message)) << message.substr(0, 60);
  }
  ScramClient client(Secret("pencil"), "c", "");
  ASSERT_TRUE(client.choose(kPlain));
  ASSERT_TRUE(client.answer("r=cs,s=QQ==,i=4096"));
  for (const char* final : {"", "v=", "v=AAAA", "e=other-error", "v=QUJD,x=1"}) {
    EXPECT_NE(client.check(final), "") << final;
  }
  EXPECT_NE(client.check("v=" + to_base64(Key().bytes())), "");
}

}  // namespace
}  // namespace pgmoat::auth
