#include "app/serve.h"

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "observe/event_log.h"
#include "policy/word_list.h"

namespace pgmoat::app {

namespace {

using net::Server;

// Same meanings as PgBouncer's since 1.23, so that runbooks carry over.
void steer(Server& server, observe::EventLog& log, const std::string& file, const sigset_t& set,
           const std::atomic<bool>& ended) {
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
      const auto config =
          file.empty() ? Result<Config, ConfigErrors>(default_config()) : read_config(file);
      if (config) {
        log.say("info",
                "the configuration is valid; a running process does not take it over: restart");
      } else {
        for (const std::string& error : config.error()) log.say("error", error);
      }
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
  config.server.make_judge = [words = config.refuse_words]() -> std::unique_ptr<policy::Judge> {
    if (words.empty()) return std::make_unique<policy::AllowAll>();
    return std::make_unique<policy::WordList>(words);
  };
  config.server.on_event = [&log](std::uint64_t id, session::Event&& event) {
    log.add(id, std::move(event));
  };
  auto server = Server::start(std::move(config.server));
  if (!server) {
    std::fprintf(stderr, "pgmoat: %s\n", server.error().c_str());
    return 1;
  }
  log.say("info", "ready: listening on " + places((*server)->listening()) + ", in front of " +
                      backend + ", mode " + (enforce ? "enforce" : "monitor"));
  std::atomic<bool> ended = false;
  std::thread steering([&] { steer(**server, log, file, set, ended); });
  (*server)->wait();
  ended = true;
  pthread_kill(steering.native_handle(), SIGUSR2);
  steering.join();
  log.say("info", "stopped");
  return 0;
}

}  // namespace pgmoat::app
