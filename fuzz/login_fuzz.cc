// Sessions whose login pgmoat ends: any bytes from both sides, before, during and after TLS. Nothing reaches
// the server before the client has proved itself, and no password leaves in the clear.
#include "auth/plan.h"
#include "roundtrip.h"
#include "support/tap.h"

using namespace pgmoat;
using test::Tap;
using wire::Side;

namespace {

constexpr std::string_view kPassword = "password of pgmoat";

std::shared_ptr<const auth::Plan> plan_for(auth::Method method, bool asks_server) {
  auto plan = std::make_shared<auth::Plan>();
  plan->users.emplace("scram", auth::make_verifier("nobody guesses this", "salt", 1));
  plan->users.emplace("plain", auth::Secret("nobody guesses this"));
  plan->users.emplace("md5", auth::Md5Verifier{auth::Secret(std::string(32, 'a'))});
  plan->asks_server = asks_server;
  auto credential = std::make_shared<auth::Credential>();
  credential->name = credential->user = "moat";
  credential->passwords = {auth::Secret(kPassword), auth::Secret("another one")};
  auth::Rule rule;
  rule.method = method;
  rule.credential = credential;
  plan->rules = {rule};
  return plan;
}

session::Setup setup_for(session::Mode mode, bool tls) {
  session::Setup setup = test::setup_of(mode);
  setup.client_tls = tls ? session::ClientTlsMode::allow : session::ClientTlsMode::disable;
  setup.prepare();
  return setup;
}

void greet(Tap& tap, std::string_view user) {
  std::string packet("\0\0\0\0\0\3\0\0user\0", 13);
  packet.append(user).append(2, '\0');
  packet[3] = static_cast<char>(packet.size());
  tap.say(Side::client, packet);
}

// Records {what, size, bytes}.
void play(Tap& tap, std::string_view left) {
  while (!tap.engine().closed() && left.size() >= 2) {
    const auto what = static_cast<unsigned char>(left[0]);
    const std::size_t size = static_cast<unsigned char>(left[1]);
    const std::string_view bytes = left.substr(2, size);
    left.remove_prefix(2 + bytes.size());
    if ((what & 1) == 0) tap.say(Side::client, bytes);
    else if (tap.dialled) tap.say(Side::server, bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using auth::Method;
  static constexpr Method kMethods[] = {Method::scram, Method::md5, Method::password,
                                        Method::trust};
  static constexpr std::string_view kUsers[] = {"scram", "plain", "md5", "nobody"};
  if (size < 2) return 0;
  const Method method = kMethods[data[0] & 3];
  const auto mode = (data[0] & 4) != 0 ? session::Mode::monitor : session::Mode::enforce;
  const bool tls = (data[0] & 8) != 0;
  const session::Setup setup = setup_for(mode, tls);
  Tap tap(setup, std::size_t{data[0] >> 5 & 7u}, plan_for(method, (data[0] & 16) != 0));
  if ((data[1] & 4) == 0) greet(tap, kUsers[data[1] & 3]);
  play(tap, {reinterpret_cast<const char*>(data) + 2, size - 2});
  if (method != Method::trust) PGMOAT_CHECK(tap.server_told.empty() && !tap.dialled);
  // Unless the client has guessed it, and says so.
  const auto has = [](const std::string& said) { return said.find(kPassword) != said.npos; };
  PGMOAT_CHECK(!has(tap.server_told) || has(tap.client_said));
  return 0;
}
