// pgmoat with a judge that does as a table says, for tests of how a session carries rulings out before
// a real PostgreSQL: table_moat run --config FILE, and the table in $PGMOAT_TABLE, as JSON. Its facts
// are fake_analysis.h's.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/config.h"
#include "observe/event_log.h"
#include "support/table_judge.h"

using namespace pgmoat;

namespace {

using Json = nlohmann::json;
using policy::Ruling;

Ruling::Action action_of(const std::string& name) {
  if (name == "deny") return Ruling::Action::deny;
  if (name == "terminate") return Ruling::Action::terminate;
  if (name == "rewrite") return Ruling::Action::rewrite;
  return Ruling::Action::allow;
}

void read_ruling(test::TableJudge& judge, const Json& row) {
  Ruling& ruling = judge.on(row.at("sql"));
  ruling.action = action_of(row.value("action", "allow"));
  ruling.refusal.rule = "table.rule";
  ruling.refusal.message = row.value("message", "no");
  ruling.rewrite.sql = row.value("rewrite", row.at("sql").get<std::string>());
  for (const Json& patch : row.value("patches", Json::array())) {
    ruling.rewrite.patches.push_back({patch[0], patch[1], patch[2]});
  }
  for (const Json& pair : row.value("settings", Json::array())) {
    ruling.rewrite.settings.emplace_back(pair[0], pair[1]);
  }
  if (row.contains("warn")) {
    policy::Finding finding;
    finding.rule = "table.rule";
    finding.warn = true;
    finding.action = policy::Finding::Action::deny;
    finding.refusal.message = row.at("warn");
    ruling.findings.push_back(finding);
  }
}

policy::Judged of_user(const Json& table, const char* key, const policy::Subject& subject) {
  const std::string user(subject.session->get(policy::SessionField::user));
  auto ruling = std::make_shared<Ruling>();
  if (user == table.value(key, "")) {
    ruling->action = Ruling::Action::deny;
    ruling->refusal.message = "not " + user;
  }
  if (subject.kind == policy::Subject::Kind::authenticated) {
    for (const Json& pair : table.value("set", Json::array())) {
      ruling->set.emplace_back(pair[0], pair[1]);
    }
  }
  return ruling;
}

std::unique_ptr<policy::Judge> judge_of(const Json& table) {
  auto judge = std::make_unique<test::TableJudge>();
  for (const Json& row : table.value("rulings", Json::array())) read_ruling(*judge, row);
  using Kind = policy::Subject::Kind;
  judge->hook(Kind::connect,
              [table](const auto& subject) { return of_user(table, "deny_connect", subject); });
  judge->hook(Kind::authenticated,
              [table](const auto& subject) { return of_user(table, "deny_auth", subject); });
  return judge;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const char* table_file = std::getenv("PGMOAT_TABLE");
  if (argc != 4 || table_file == nullptr) return 2;
  const Json table = Json::parse(std::ifstream(table_file));
  auto config = app::read_config(argv[3]);
  if (!config) return 2;
  app::settle(*config);
  observe::EventLog log(stderr);
  config->server.make_judge = [table] { return judge_of(table); };
  config->server.on_event = [&log](std::uint64_t id, session::Event&& event) {
    log.add(id, std::move(event));
  };
  auto server = net::Server::start(std::move(config->server));
  if (!server) return 1;
  log.say("info", "ready: listening on " + net::to_string((*server)->listening()[0]));
  int signal = 0;
  sigwait(&set, &signal);
  (*server)->stop(net::Server::Stop::now);
  (*server)->wait();
  return 0;
}
