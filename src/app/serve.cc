#include "app/serve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "app/logins.h"
#include "app/policy_hub.h"
#include "app/tls_keys.h"
#include "observe/event_log.h"

namespace pgmoat::app {

namespace {

using net::Server;

// Same meanings as PgBouncer's since 1.23, so that runbooks carry over.
policy::Mode ceiling_of(const Config& config) {
  return config.server.session.mode == session::Mode::enforce ? policy::Mode::enforce
                                                              : policy::Mode::monitor;
}

// What a signal acts on.
struct Running {
  Server& server;
  observe::EventLog& log;
  PolicyHub& hub;
  Logins& logins;
  const std::string& file;
  const Config& config;  // that it was started with
};

// What SIGHUP takes over, all or nothing: the policy's part of the file, who may log in, and what the
// files of TLS hold by now. The rest needs a restart.
ConfigErrors take_over(Running& running) {
  auto config = running.file.empty() ? Result<Config, ConfigErrors>(default_config())
                                     : read_config(running.file);
  if (!config) return config.error();
  settle(*config);
  config->server.backend = running.config.server.backend;
  config->client_tls.mode = running.config.client_tls.mode;
  config->server_tls.mode = running.config.server_tls.mode;
  config->auth.query = running.config.auth.query;
  const auto contexts = tls_contexts(*config);
  if (!contexts) return contexts.error();
  ConfigErrors errors = running.logins.prepare(*config);
  if (errors.empty()) {
    errors = running.hub.reload(config->policy, ceiling_of(running.config), running.server);
  }
  if (!errors.empty()) return errors;
  running.server.post_tls(*contexts);
  running.logins.commit();
  return {};
}

void reload(Running& running) {
  const ConfigErrors errors = take_over(running);
  observe::EventLog& log = running.log;
  const PolicyHub& hub = running.hub;
  if (errors.empty()) {
    log.say("info", "policy " + std::to_string(hub.epoch()) +
                        " is in force: " + std::to_string(hub.rules()) +
                        " rules; what stands outside [policy], [sql], [script], [auth], "
                        "[credential] and the files of TLS takes a restart");
    for (const std::string& warning : hub.warnings()) log.say("warning", warning);
    return;
  }
  for (const std::string& error : errors) log.say("error", error);
  log.say("error",
          "nothing was reloaded: policy " + std::to_string(hub.epoch()) + " stays in force");
}

void steer(Running running, const sigset_t& set, const std::atomic<bool>& ended) {
  observe::EventLog& log = running.log;
  bool asked = false;
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (ended) return;
    if (signal == SIGUSR1 || signal == SIGUSR2) {  // PgBouncer's PAUSE and RESUME
      log.say("warning", "SIGUSR1 and SIGUSR2 (pause and resume) are not supported: ignored");
      continue;
    }
    if (signal == SIGHUP) {
      reload(running);
      continue;
    }
    Server::Stop how =
        signal == SIGTERM ? Server::Stop::when_clients_leave : Server::Stop::when_idle;
    if (signal == SIGQUIT || asked) how = Server::Stop::now;
    log.say("info", how == Server::Stop::now ? "stopping now" : "stopping: no new sessions");
    running.server.stop(how);
    asked = true;
  }
}

std::string places(const std::vector<net::Address>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text += text.empty() ? net::to_string(address) : ", " + net::to_string(address);
  }
  return text;
}

}  // namespace

int serve(Config config, const std::string& file) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2})
    sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // every thread inherits it
  ::signal(SIGPIPE, SIG_IGN);

  // What is in this memory (queries, passwords, keys) belongs into no core file.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);

  observe::EventLog log(stderr);
  settle(config);
  const bool enforce = config.server.session.mode == session::Mode::enforce;
  const std::string backend = net::to_string(config.server.backend);
  const policy::Mode ceiling = ceiling_of(config);
  PolicyHub hub(config.refuse_words);
  if (const ConfigErrors errors = hub.load(config.policy, ceiling); !errors.empty()) {
    for (const std::string& error : errors) std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  for (const std::string& warning : hub.warnings()) log.say("warning", warning);
  auto contexts = tls_contexts(config);
  if (!contexts) {
    for (const std::string& error : contexts.error())
      std::fprintf(stderr, "pgmoat: %s\n", error.c_str());
    return 1;
  }
  config.server.tls = *contexts;
  Logins logins(log);
  if (const ConfigErrors errors = logins.load(config); !errors.empty()) {
    for (const std::string& error : errors) std::fprintf(stderr, "pgmoat: %s\n", error.c_str());
    return 1;
  }
  logins.equip(config.server);
  config.server.make_judge = [&hub] { return hub.make_judge(); };
  config.server.on_event = [&log](std::uint64_t id, session::Event&& event) {
    log.add(id, std::move(event));
  };
  auto server = Server::start(config.server);
  if (!server) {
    std::fprintf(stderr, "pgmoat: %s\n", server.error().c_str());
    return 1;
  }
  log.say("info", "ready: listening on " + places((*server)->listening()) + ", in front of " +
                      backend + ", mode " + (enforce ? "enforce" : "monitor") + ", " +
                      std::to_string(hub.rules()) + " rules");
  std::atomic<bool> ended = false;
  logins.watch(**server);
  std::thread steering([&] { steer({**server, log, hub, logins, file, config}, set, ended); });
  (*server)->wait();
  ended = true;
  logins.unwatch();
  pthread_kill(steering.native_handle(), SIGUSR2);
  steering.join();
  log.say("info", "stopped");
  return 0;
}

}  // namespace pgmoat::app
