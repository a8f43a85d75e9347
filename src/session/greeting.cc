// The first packets: answered here until a StartupMessage says who the client is. Nothing of them
// reaches the server before the whole packet was examined.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "session/encryption.h"
#include "session/judging.h"
#include "session/phase.h"
#include "session/startup_rules.h"
#include "wire/backend.h"
#include "wire/startup.h"

namespace pgmoat::session {

namespace {

constexpr std::uint32_t kMajor3 = 3;

bool must_be_secure(const Greeting& greeting, const Scene& scene) {
  return scene.setup.client_tls == ClientTlsMode::require && !greeting.secured;
}

// Monitoring: what we cannot read is the server's to refuse.
Step relay_unread(Scene& scene) {
  Dialing dialing;
  dialing.opaque = true;
  dialing.since = scene.now;
  scene.out->commands.push_back(Dial{});
  return become(std::move(dialing));
}

Step bad_packet(const Greeting& greeting, Scene& scene, const wire::Fault& fault) {
  if (tolerates(scene, wire::Side::client, fault) && !must_be_secure(greeting, scene) &&
      !scene.ends_logins()) {
    scene.report(TurnedOpaque{std::string("startup packet: ") + fault.what});
    return relay_unread(scene);
  }
  // PostgreSQL closes without a word when the length is impossible: it may not be our protocol.
  if (fault.kind == wire::Fault::Kind::bad_length) scene.fatal_said = true;
  return end(scene, "08P01", std::string("pgmoat: invalid startup packet: ") + fault.what);
}

Step cancel(Scene& scene, const wire::CancelRequest& request) {
  ForwardCancel forward{request.pid, std::string(as_text(request.secret))};
  scene.client_in.take(scene.client_in.pending().size());
  scene.out->commands.push_back(std::move(forward));
  return become(Closed{});
}

// 3.0 and 3.2 are what our decoders know; anything newer is offered less, and told so once.
Negotiation negotiate(const wire::StartupMessage& startup, const StartupVerdict& verdict) {
  Negotiation negotiation;
  negotiation.version = std::min(startup.version, wire::kProtocol32);
  negotiation.refused_options = verdict.protocol_options;
  negotiation.needed = startup.version > wire::kProtocol32 || !verdict.protocol_options.empty();
  return negotiation;
}

// Without what is not agreed to.
std::string rewrite(const wire::StartupMessage& startup, std::uint32_t version) {
  std::string kept;
  for (const wire::Parameter& parameter : wire::parameters_of(startup)) {
    if (parameter.name.starts_with("_pq_.")) continue;
    kept.append(parameter.name).push_back('\0');
    kept.append(parameter.value).push_back('\0');
  }
  std::string packet;
  wire::encode(wire::StartupMessage{version, as_bytes(kept)}, packet);
  return packet;
}

// The packet of a login of ours: who and where are what the rules have looked at, whatever the client's
// packet has twice or leaves to the server (a database that is not named is the user's).
std::string packet_for(const wire::StartupMessage& startup, std::uint32_t version,
                       const std::string& user, const std::string& database) {
  std::string kept;
  const auto add = [&](std::string_view name, std::string_view value) {
    kept.append(name).push_back('\0');
    kept.append(value).push_back('\0');
  };
  add("user", user);
  add("database", database);
  for (const wire::Parameter& parameter : wire::parameters_of(startup)) {
    const bool ours = parameter.name == "user" || parameter.name == "database";
    if (!ours && !parameter.name.starts_with("_pq_.")) add(parameter.name, parameter.value);
  }
  std::string packet;
  wire::encode(wire::StartupMessage{version, as_bytes(kept)}, packet);
  return packet;
}

// "127.0.0.1:40312" and "[::1]:40312".
void open_view(Scene& scene, const wire::StartupMessage& message) {
  const std::string& client = scene.origin.client;
  const std::size_t colon = client.rfind(':');
  std::string ip = client.substr(0, colon);
  if (ip.size() > 2 && ip.front() == '[') ip = ip.substr(1, ip.size() - 2);
  std::uint16_t port = 0;
  if (colon != std::string::npos) {
    std::from_chars(client.data() + colon + 1, client.data() + client.size(), port);
  }
  policy::SessionView& view = scene.view;
  view.open(scene.origin.session_id, std::move(ip), port);
  view.set(policy::SessionField::user, scene.who.user);
  view.set(policy::SessionField::database, scene.who.database);
  view.set(policy::SessionField::application, scene.who.application);
  if (scene.client_tls) view.set_tls(scene.client_tls);
  scene.settings.set_replication(scene.who.walsender);
  // PostgreSQL takes the options first, whatever the order of the packet.
  const auto parameters = wire::parameters_of(message);
  for (const wire::Parameter& parameter : parameters) {
    if (parameter.name != "options") continue;
    const auto options = wire::parse_options(parameter.value);
    if (!options) continue;
    for (const wire::Option& option : *options) scene.settings.started(option.name, option.value);
  }
  for (const wire::Parameter& parameter : parameters) {
    static constexpr std::array<std::string_view, 4> kNoSettings = {"user", "database",
                                                                    "replication", "options"};
    if (std::find(kNoSettings.begin(), kNoSettings.end(), parameter.name) == kNoSettings.end() &&
        !parameter.name.starts_with("_pq_.")) {
      scene.settings.started(parameter.name, parameter.value);
    }
  }
}

// Whether this client may have a session at all, before the server hears of it.
Opinion judge_connect(Scene& scene) {
  if (!scene.judge.wants(policy::Subject::Kind::connect)) return {};
  return ask(scene, subject_of(scene, policy::Subject::Kind::connect), "StartupMessage");
}

// As PostgreSQL says of pg_hba.conf.
Step nobody_fits(Scene& scene) {
  const std::string words = "no rule of [auth] for host \"" + std::string(scene.view.client_ip()) +
                            "\", user \"" + scene.who.user + "\", database \"" +
                            scene.who.database + "\", " +
                            (scene.client_tls ? "SSL encryption" : "no encryption");
  scene.report(AuthFinished{false, "28000"});
  return end(scene, "28000", "pgmoat: " + words);
}

// The packet that the server gets is ours, so the client's leaves the buffer here.
Step end_login_here(Scene& scene, const auth::Rule& rule, const wire::StartupMessage& message,
                    const StartupVerdict& verdict, std::uint32_t size) {
  auto onward = std::make_unique<Onward>();
  const Negotiation negotiation = negotiate(message, verdict);
  const bool mapped = rule.credential != nullptr && !rule.credential->user.empty();
  onward->version = negotiation.version;
  onward->user = mapped ? rule.credential->user : scene.who.user;
  onward->packet = packet_for(message, negotiation.version, onward->user, scene.who.database);
  scene.client_in.take(size);
  return begin_login(scene, rule, std::move(onward), negotiation);
}

Step startup(const Greeting& greeting, Scene& scene, const wire::StartupMessage& message,
             std::uint32_t size) {
  if (must_be_secure(greeting, scene)) {
    return end(scene, "28000", "pgmoat: this server takes connections over TLS only",
               "Connect with sslmode=require or stricter.");
  }
  if (message.version >> 16 != kMajor3) {
    const std::string version =
        std::to_string(message.version >> 16) + "." + std::to_string(message.version & 0xffff);
    if (!scene.enforcing() && !scene.ends_logins()) {
      scene.report(TurnedOpaque{"startup packet: protocol " + version});
      return relay_unread(scene);
    }
    return end(scene, "0A000",
               "unsupported frontend protocol " + version + ": server supports 3.0 to 3.2");
  }
  StartupVerdict verdict = examine(message, scene.setup);
  scene.who = verdict.who;
  if (scene.origin.surplus) {
    return end(scene, "53300", "sorry, too many clients already",
               "pgmoat's limits.sessions is reached.");
  }
  if (!verdict.sqlstate.empty()) {
    scene.report(StatementJudged{"StartupMessage", "startup", verdict.sqlstate,
                                 clipped(verdict.reason), scene.enforcing()});
    if (scene.enforcing()) return end(scene, verdict.sqlstate, "pgmoat: " + verdict.reason);
  }
  open_view(scene, message);
  if (const Opinion opinion = judge_connect(scene); opinion.refusal) {
    return end_by_ruling(scene, *opinion.refusal, "28000");
  }
  scene.opened = true;
  scene.report(SessionOpened{clipped(scene.who.user), clipped(scene.who.database),
                             clipped(scene.who.application), scene.origin.client,
                             scene.client_tls ? scene.client_tls->version : std::string()});
  if (scene.origin.plan != nullptr && !scene.origin.plan->rules.empty()) {
    const auth::Rule* rule = scene.origin.plan->rule_for(
        {scene.who.user, scene.who.database, scene.view.client_ip(), greeting.secured});
    if (rule == nullptr) return nobody_fits(scene);
    if (rule->method != auth::Method::pass_through) {
      return end_login_here(scene, *rule, message, verdict, size);
    }
  }
  Dialing dialing;
  dialing.packet_size = size;
  dialing.since = scene.now;
  if (scene.enforcing()) {
    dialing.negotiation = negotiate(message, verdict);
    if (dialing.negotiation.needed) {
      dialing.rewritten = rewrite(message, dialing.negotiation.version);
    }
  }
  scene.out->commands.push_back(Dial{});
  return become(std::move(dialing));
}

}  // namespace

Step on_client(Greeting& greeting, Scene& scene) {
  while (true) {
    const Bytes pending = scene.client_in.pending();
    if (begins_tls(greeting, scene)) return direct_tls(scene);
    const auto size = wire::first_packet_size(pending);
    if (!size) return bad_packet(greeting, scene, size.error());
    if (*size == 0 || pending.size() < *size) return stay();
    const auto packet = wire::decode_first_packet(pending.first(*size));
    if (!packet) return bad_packet(greeting, scene, packet.error());
    Step step;
    if (std::holds_alternative<wire::SslRequest>(*packet)) {
      step = ssl_request(greeting, scene, *size);
    } else if (std::holds_alternative<wire::GssEncRequest>(*packet)) {
      step = gss_request(greeting, scene, *size);
    } else if (const auto* request = std::get_if<wire::CancelRequest>(&*packet)) {
      step = cancel(scene, *request);
    } else {
      step = startup(greeting, scene, std::get<wire::StartupMessage>(*packet), *size);
    }
    if (step) return step;
  }
}

}  // namespace pgmoat::session
