// Logins that pgmoat ends, message by message: who is asked what, what reaches the server and when.
#include <gtest/gtest.h>

#include "auth/digest.h"
#include "support/conversation.h"
#include "support/tap.h"

namespace pgmoat::test {
namespace {

using namespace std::string_literals;
using auth::Method;
using session::Mode;
using wire::Side;

std::shared_ptr<auth::Credential> credential(std::vector<auth::Secret> passwords) {
  auto made = std::make_shared<auth::Credential>();
  made->name = "svc";
  made->user = "role";
  made->passwords = std::move(passwords);
  return made;
}

std::shared_ptr<const auth::Plan> plan(Method method,
                                       std::shared_ptr<const auth::Credential> ours = nullptr) {
  auto made = std::make_shared<auth::Plan>();
  made->users.emplace("app", auth::make_verifier("swordfish", "saltsaltsaltsalt", 4096));
  auth::Rule rule;
  rule.method = method;
  rule.credential = std::move(ours);
  made->rules = {rule};
  return made;
}

std::string asks(wire::AuthenticationKind kind, std::string_view data = {}) {
  return bytes(wire::Authentication{kind, as_bytes(data)});
}
std::string answers(std::string_view data) { return bytes(wire::SaslResponse{as_bytes(data)}); }
const std::string kOffer = asks(wire::AuthenticationKind::sasl, "SCRAM-SHA-256\0\0"s);

// What a peer was told since the last time it was asked.
struct Heard {
  explicit Heard(const std::string& all) : all_(all) {}
  std::string next() {
    const std::string part = all_.substr(at_);
    at_ = all_.size();
    return part;
  }
  const std::string& all_;
  std::size_t at_ = 0;
};

// The text of the SASL message that `frame` is, behind `skip` octets of its body.
std::string text_of(const std::string& frame, std::size_t skip) {
  return frame.size() < 5 + skip ? std::string() : frame.substr(5 + skip);
}

std::string first_response(const std::string& message) {
  return bytes(wire::SaslInitialResponse{"SCRAM-SHA-256", true, as_bytes(message)});
}

// The client's SCRAM, up to its proof and what it is told then.
void prove(Tap& tap, Heard& client, const std::string& password) {
  auth::ScramClient scram(auth::Secret(password), "clientnonce", "");
  ASSERT_TRUE(scram.choose("SCRAM-SHA-256\0\0"s));
  tap.say(Side::client, first_response(scram.first()));
  const auto answer = scram.answer(text_of(client.next(), 4));
  ASSERT_TRUE(answer);
  tap.say(Side::client, answers(*answer));
}

TEST(Login, NothingReachesTheServerBeforeTheProof) {
  const session::Setup setup = setup_of(Mode::enforce);
  for (const std::size_t chunk : {std::size_t{0}, std::size_t{1}}) {
    Tap tap(setup, chunk, plan(Method::scram));
    Heard client(tap.client_told), server(tap.server_told);
    tap.say(Side::client, startup());
    EXPECT_EQ(client.next(), kOffer);
    prove(tap, client, "swordfish");
    EXPECT_EQ(client.next().substr(0, 1), "R");  // SASLFinal, and nothing more
    EXPECT_TRUE(tap.dialled);
    EXPECT_EQ(server.next(), startup());
    EXPECT_EQ(tap.engine().phase_name(), "server login");
    // The server lets us in without asking: the client hears that, once.
    tap.say(Side::server, authentication_ok());
    EXPECT_EQ(client.next(), authentication_ok());
    EXPECT_EQ(tap.count_events<session::ClientProved>(), 1);
    EXPECT_EQ(tap.count_events<session::AuthFinished>(), 1);
  }
}

TEST(Login, AWrongPasswordDialsNobody) {
  const session::Setup setup = setup_of(Mode::monitor);
  Tap tap(setup, 0, plan(Method::scram));
  Heard client(tap.client_told);
  tap.say(Side::client, startup());
  client.next();
  prove(tap, client, "sword");
  EXPECT_NE(client.next().find("C28P01"), std::string::npos);
  EXPECT_FALSE(tap.dial_wanted);
  EXPECT_TRUE(tap.engine().closed());
}

TEST(Login, WhatTheLoginHasShownLogsInAtTheServer) {
  const session::Setup setup = setup_of(Mode::enforce);
  Tap tap(setup, 0, plan(Method::scram));
  Heard client(tap.client_told), server(tap.server_told);
  tap.say(Side::client, startup());
  client.next();
  prove(tap, client, "swordfish");
  server.next();
  tap.say(Side::server, kOffer);
  auth::ScramServer scram(auth::make_verifier("swordfish", "saltsaltsaltsalt", 4096), "nonce", "");
  const auto first = scram.first("SCRAM-SHA-256", text_of(server.next(), 18));
  ASSERT_TRUE(first) << first.error().what;
  tap.say(Side::server, asks(wire::AuthenticationKind::sasl_continue, *first));
  const auto final = scram.final(text_of(server.next(), 0));
  ASSERT_TRUE(final) << final.error().what;
  tap.say(Side::server, asks(wire::AuthenticationKind::sasl_final, *final));
  client.next();
  tap.say(Side::server, authentication_ok() + "Z\0\0\0\5I"s);
  EXPECT_EQ(client.next(), authentication_ok() + "Z\0\0\0\5I"s);
  EXPECT_EQ(tap.engine().phase_name(), "ready");
}

TEST(Login, TheSecondPasswordIsTriedOnAConnectionOfItsOwn) {
  const session::Setup setup = setup_of(Mode::enforce);
  const auto ours = credential({auth::Secret("new"), auth::Secret("old")});
  Tap tap(setup, 0, plan(Method::trust, ours));
  Heard client(tap.client_told), server(tap.server_told);
  tap.say(Side::client, startup());
  const std::string packet =
      bytes(wire::StartupMessage{wire::kProtocol30, as_bytes("user\0role\0database\0shop\0"s)});
  EXPECT_EQ(server.next(), packet);
  const auto answer_with = [&](const std::string& password) {
    return bytes(wire::PasswordMessage{
        auth::md5_answer(auth::md5_digest(password, "role"), as_bytes("salt"))});
  };
  tap.say(Side::server, asks(wire::AuthenticationKind::md5, "salt"));
  EXPECT_EQ(server.next(), answer_with("new"));
  tap.dial_wanted = false;
  tap.say(Side::server, error("28P01", "password authentication failed", "FATAL"));
  EXPECT_TRUE(tap.dial_wanted);
  EXPECT_EQ(client.next(), "");  // it waits, and hears nothing of it
  tap.event(session::Connected{});
  EXPECT_EQ(server.next(), packet);
  tap.say(Side::server, asks(wire::AuthenticationKind::md5, "salt"));
  EXPECT_EQ(server.next(), answer_with("old"));
  tap.say(Side::server, authentication_ok());
  EXPECT_EQ(client.next(), authentication_ok());
  EXPECT_EQ(ours->counters->refused, 1u);
  EXPECT_EQ(ours->counters->accepted, 1u);
}

TEST(Login, BothPasswordsRefusedIsNotTheClientsFault) {
  const session::Setup setup = setup_of(Mode::enforce);
  Tap tap(setup, 0, plan(Method::trust, credential({auth::Secret("one")})));
  tap.say(Side::client, startup());
  tap.say(Side::server,
          error("28P01", "password authentication failed for user \"role\"", "FATAL"));
  EXPECT_NE(tap.client_told.find("C08006"), std::string::npos);
  EXPECT_EQ(tap.client_told.find("role"), std::string::npos);
}

TEST(Login, WhatIsSaidAheadWaits) {
  const session::Setup setup = setup_of(Mode::enforce);
  Tap tap(setup, 0, plan(Method::trust, credential({})));
  Heard client(tap.client_told), server(tap.server_told);
  const std::string ahead = query("select 1");
  tap.say(Side::client, startup() + ahead);
  EXPECT_EQ(server.next().find("select"), std::string::npos);
  tap.say(Side::server, authentication_ok());
  EXPECT_EQ(server.next(), "");
  tap.say(Side::server, "Z\0\0\0\5I"s);
  EXPECT_EQ(server.next(), ahead);
}

TEST(Login, TheVerifierIsAskedForAndAnUnknownUserNotTold) {
  const session::Setup setup = setup_of(Mode::enforce);
  auto asking = std::make_shared<auth::Plan>(*plan(Method::scram));
  asking->users.clear();
  asking->asks_server = true;
  Tap tap(setup, 0, asking);  // which answers that there is no such user
  Heard client(tap.client_told);
  tap.say(Side::client, startup());
  EXPECT_EQ(client.next(), kOffer);
  prove(tap, client, "swordfish");
  EXPECT_NE(client.next().find("C28P01"), std::string::npos);
}

}  // namespace
}  // namespace pgmoat::test
