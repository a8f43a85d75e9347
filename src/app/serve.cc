#include "app/serve.h"

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "app/policy_hub.h"
#include "observe/event_log.h"

namespace pgmoat::app {

namespace {

using net::Server;

// Same meanings as PgBouncer's since 1.23, so that runbooks carry over.
policy::Mode ceiling_of(const Config& config) {
  return config.server.session.mode == session::Mode::enforce ? policy::Mode::enforce
                                                              : policy::Mode::monitor;
}

// The policy's part of the file, all or nothing; the rest needs a restart.
void reload(Server& server, observe::EventLog& log, PolicyHub& hub, const std::string& file,
            policy::Mode ceiling) {
  const auto config =
      file.empty() ? Result<Config, ConfigErrors>(default_config()) : read_config(file);
  ConfigErrors errors = config ? hub.reload(config->policy, ceiling, server) : config.error();
  if (errors.empty()) {
    log.say("info", "policy " + std::to_string(hub.epoch()) +
                        " is in force: " + std::to_string(hub.rules()) +
                        " rules; what stands outside [policy], [sql] and [script] takes a restart");
    for (const std::string& warning : hub.warnings()) log.say("warning", warning);
    return;
  }
  for (const std::string& error : errors) log.say("error", error);
  log.say("error",
          "nothing was reloaded: policy " + std::to_string(hub.epoch()) + " stays in force");
}

void steer(Server& server, observe::EventLog& log, PolicyHub& hub, const std::string& file,
           policy::Mode ceiling, const sigset_t& set, const std::atomic<bool>& ended) {
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
      reload(server, log, hub, file, ceiling);
      continue;
    }
    Server::Stop how =
        signal == SIGTERM ? Server::Stop::when_clients_leave : Server::Stop::when_idle;
    if (signal == SIGQUIT || asked) how = Server::Stop::now;
    log.say("info", how == Server::Stop::now ? "stopping now" : "stopping: no new sessions");
    server.stop(how);
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
  config.server.make_judge = [&hub] { return hub.make_judge(); };
  config.server.on_event = [&log](std::uint64_t id, session::Event&& event) {
    log.add(id, std::move(event));
  };
  auto server = Server::start(std::move(config.server));
  if (!server) {
    std::fprintf(stderr, "pgmoat: %s\n", server.error().c_str());
    return 1;
  }
  log.say("info", "ready: listening on " + places((*server)->listening()) + ", in front of " +
                      backend + ", mode " + (enforce ? "enforce" : "monitor") + ", " +
                      std::to_string(hub.rules()) + " rules");
  std::atomic<bool> ended = false;
  std::thread steering([&] { steer(**server, log, hub, file, ceiling, set, ended); });
  (*server)->wait();
  ended = true;
  pthread_kill(steering.native_handle(), SIGUSR2);
  steering.join();
  log.say("info", "stopped");
  return 0;
}

}  // namespace pgmoat::app
