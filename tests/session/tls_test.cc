// Where a stream changes its meaning: what the engine says in the clear, that it reads nothing then, and
// that it goes on once the driver has told how the handshake went. No TLS happens here.
#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::ClientTlsMode;
using session::Mode;
using session::NotSecured;
using session::Secured;
using session::ServerTlsMode;
using session::StartTls;
using session::TlsFacts;
using wire::Side;

const std::string kSsl = bytes(wire::SslRequest{});
const std::string kGss = bytes(wire::GssEncRequest{});
const std::string kHello = "\x16\x03\x01\x02\x00\x01\x00"s;

session::Setup with(ClientTlsMode client, ServerTlsMode server = ServerTlsMode::disable) {
  session::Setup setup = setup_for(Mode::enforce);
  setup.client_tls = client;
  setup.server_tls = server;
  return setup;
}

const StartTls* start_of(const Conversation& talk) {
  return talk.commands.empty() ? nullptr : std::get_if<StartTls>(&talk.commands.back());
}

std::string fatal(std::string_view sqlstate, std::string_view message) {
  return error(sqlstate, message, "FATAL");
}

TEST(Tls, AskedForAndThenTheStartupMessage) {
  for (const std::size_t chunk : {0, 1, 7}) {
    Conversation talk(with(ClientTlsMode::require), {"secrets"}, chunk);
    talk.client(kGss, "", "N").client(kSsl, "", "S").phase("tls handshake");
    ASSERT_NE(start_of(talk), nullptr);
    EXPECT_EQ(start_of(talk)->side, Side::client);
    EXPECT_EQ(start_of(talk)->early, "");
    EXPECT_FALSE(talk.engine().appetite().client);
    talk.event(Secured{Side::client, {}}).phase("greeting");
    EXPECT_TRUE(talk.engine().appetite().client);
    talk.client(startup(), "").phase("dialing");
    talk.event(session::Connected{}, "", startup());
  }
}

TEST(Tls, DirectlyWithWhatHasCome) {
  Conversation talk(with(ClientTlsMode::allow));
  talk.client(kHello, "").phase("tls handshake");
  ASSERT_NE(start_of(talk), nullptr);
  EXPECT_EQ(start_of(talk)->early, kHello);
  talk.event(Secured{}).client(startup(), "").phase("dialing");
}

TEST(Tls, NotDirectlyOnceAskedFor) {
  Conversation talk(with(ClientTlsMode::allow));
  talk.client(kGss, "", "N").client(kHello, "").phase("closed");
  EXPECT_EQ(start_of(talk), nullptr);
}

TEST(Tls, InsideTlsIsRefused) {
  for (const std::string& request : {kSsl, kGss}) {
    Conversation talk(with(ClientTlsMode::require));
    talk.client(kSsl, "", "S").event(Secured{});
    talk.client(request, "", fatal("08P01", "pgmoat: encryption was requested twice"))
        .phase("closed");
  }
}

TEST(Tls, RequiredOfWhoComesWithout) {
  Conversation talk(with(ClientTlsMode::require));
  talk.feed(Side::client, startup());
  EXPECT_NE(talk.to_client().find("C28000"), std::string::npos);
  EXPECT_EQ(talk.count_commands<session::Dial>(), 0);
  Conversation declined(with(ClientTlsMode::require));
  declined.client(kGss, "", "N").feed(Side::client, startup());
  declined.phase("closed");
  // A cancel request has no session to protect: libpq sent it in the clear until version 17.
  Conversation cancel(with(ClientTlsMode::require));
  cancel.client(bytes(wire::CancelRequest{1, as_bytes("abcd")}), "");
  EXPECT_EQ(cancel.count_commands<session::ForwardCancel>(), 1);
}

TEST(Tls, BytesBehindTheRequestEndItWithoutAWord) {
  Conversation talk(with(ClientTlsMode::allow));
  talk.client(kSsl + startup(), "", "").phase("closed");
  EXPECT_EQ(talk.count_events<session::ProtocolFault>(), 1);
  EXPECT_EQ(start_of(talk), nullptr);
}

TEST(Tls, AHandshakeEndsWithoutWords) {
  const std::vector<session::TransportEvent> ends = {
      NotSecured{Side::client, "why"}, session::Eof{Side::client},
      session::Failed{Side::client, "why"}, session::Leave{true}};
  for (const auto& end : ends) {
    Conversation talk(with(ClientTlsMode::require));
    talk.client(kSsl, "", "S").event(end).phase("closed");
    EXPECT_EQ(talk.count_events<session::SessionClosed>(), 1);
  }
  Conversation late(with(ClientTlsMode::require));
  late.client(kSsl, "", "S")
      .later(std::chrono::seconds(61))
      .event(session::Timer{})
      .phase("closed");
}

TEST(ServerTls, AskedForBeforeTheStartupMessage) {
  Conversation talk(with(ClientTlsMode::disable, ServerTlsMode::verify_full));
  talk.client(startup(), "").event(session::Connected{}, "", kSsl).phase("dialing");
  EXPECT_TRUE(talk.engine().appetite().server);
  talk.server("S", "");
  ASSERT_NE(start_of(talk), nullptr);
  EXPECT_EQ(start_of(talk)->side, Side::server);
  EXPECT_FALSE(talk.engine().appetite().server);
  talk.event(Secured{Side::server, {}}, "", startup()).phase("authenticating");
}

TEST(ServerTls, DirectlyWithoutAsking) {
  session::Setup setup = with(ClientTlsMode::disable, ServerTlsMode::require);
  setup.direct_server_tls = true;
  Conversation talk(setup);
  talk.client(startup(), "").event(session::Connected{});
  ASSERT_NE(start_of(talk), nullptr);
  EXPECT_FALSE(talk.engine().appetite().server);
  talk.event(Secured{Side::server, {}}, "", startup());
}

TEST(ServerTls, WhatTheServerMayAnswer) {
  struct Case {
    ServerTlsMode mode;
    std::string answer, told;
  };
  const Case cases[] = {
      {ServerTlsMode::prefer, "N", ""},
      {ServerTlsMode::require, "N",
       "pgmoat: the server offers no TLS, and the configuration asks for it"},
      {ServerTlsMode::prefer, "SS",
       "pgmoat: the server's answer to the request for TLS is malformed"},
      {ServerTlsMode::prefer, "N\0"s,
       "pgmoat: the server's answer to the request for TLS is malformed"},
      {ServerTlsMode::prefer, "G",
       "pgmoat: the server's answer to the request for TLS is malformed"},
      {ServerTlsMode::prefer, error("53300", "too many clients", "FATAL"),
       "pgmoat: the server answered the request for TLS with an error"},
  };
  for (const Case& c : cases) {
    Conversation talk(with(ClientTlsMode::disable, c.mode));
    talk.client(startup(), "").event(session::Connected{}, "", kSsl);
    if (c.told.empty()) {
      talk.server(c.answer, "", startup()).phase("authenticating");
    } else {
      talk.server(c.answer, fatal("08006", c.told)).phase("closed");
    }
  }
}

TEST(ServerTls, AFailureIsNeverFollowedByAPlainAttempt) {
  for (const ServerTlsMode mode : {ServerTlsMode::prefer, ServerTlsMode::verify_full}) {
    Conversation talk(with(ClientTlsMode::disable, mode));
    talk.client(startup(), "").event(session::Connected{}, "", kSsl).server("S", "");
    talk.event(NotSecured{Side::server, "certificate has expired"},
               fatal("08006", "pgmoat: TLS with the server failed: certificate has expired"));
    talk.phase("closed");
    EXPECT_EQ(talk.count_commands<session::Dial>(), 1);
  }
}

TEST(ServerTls, ASilentServerIsGivenUp) {
  Conversation talk(with(ClientTlsMode::disable, ServerTlsMode::require));
  talk.client(startup(), "").event(session::Connected{}, "", kSsl).later(std::chrono::seconds(6));
  talk.event(session::Timer{}, fatal("08006", "pgmoat: the server did not answer in time"));
}

// The table of channel_binding.h.
TEST(ChannelBinding, IsTakenOutWhereTheClientSpeaksInTheClear) {
  const std::string both = bytes(wire::Authentication{
      wire::AuthenticationKind::sasl, as_bytes("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s)});
  const std::string plain =
      bytes(wire::Authentication{wire::AuthenticationKind::sasl, as_bytes("SCRAM-SHA-256\0\0"s)});
  for (const bool secured : {false, true}) {
    Conversation talk(with(ClientTlsMode::allow, ServerTlsMode::require));
    if (secured) talk.client(kSsl, "", "S").event(Secured{Side::client, {}});
    talk.client(startup(), "").event(session::Connected{}, "", kSsl).server("S", "");
    talk.event(Secured{Side::server, {}}, "", startup());
    talk.server(both, secured ? both : plain);
  }
}

TEST(ChannelBinding, InVainIsToldBeforeItFails) {
  const std::string offer = bytes(wire::Authentication{
      wire::AuthenticationKind::sasl, as_bytes("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s)});
  const auto answer = [](std::string_view mechanism) {
    return bytes(
        wire::SaslInitialResponse{mechanism, true, as_bytes("p=tls-server-end-point,,n=,r=x")});
  };
  for (const bool same : {true, false}) {
    for (const std::string_view mechanism : {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}) {
      Conversation talk(with(ClientTlsMode::require, ServerTlsMode::require));
      talk.client(kSsl, "", "S").event(Secured{Side::client, {}, "aa"});
      talk.client(startup(), "").event(session::Connected{}, "", kSsl).server("S", "");
      talk.event(Secured{Side::server, {}, same ? "aa" : "bb"}, "", startup()).server(offer, offer);
      if (same || mechanism == "SCRAM-SHA-256") {
        talk.client(answer(mechanism), answer(mechanism));
      } else {
        talk.feed(Side::client, answer(mechanism));
        EXPECT_EQ(talk.to_server(), "");
        EXPECT_NE(talk.to_client().find("C28000"), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace pgmoat::test
