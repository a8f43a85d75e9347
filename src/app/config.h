// The configuration file: TOML, every key known, every value in its range, every mistake named by
// file, line and column, all of them at once. Precedence: built-in default < file < command line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/secret_source.h"
#include "auth/plan.h"
#include "base/result.h"
#include "net/server.h"
#include "net/tls.h"
#include "policy/rule.h"
#include "script/sandbox.h"
#include "sql/analysis.h"

namespace pgmoat::app {

// What is judged by which rules; SIGHUP takes it over.
struct PolicyConfig {
  std::vector<std::string> packs = {"core"};  // shipped ones, by name
  std::vector<std::string> paths;     // own files and folders, absolute once read from a file
  std::map<std::string, int> levels;  // of packs; 1 where not given
  std::map<std::string, std::vector<std::string>> lists;  // take the place of a pack's
  std::map<std::string, policy::Mode> opaque;  // by reason of opacity; enforce where not given
  std::vector<policy::Override> overrides;
  std::map<std::string, policy::Place> places;  // of "packs.core", "levels.core", "lists.NAME"
  std::uint64_t cache_bytes = 64u << 20;        // analyses and rulings, per worker
  sql::Limits sql;
  script::Budget script;
  bool empty() const { return packs.empty() && paths.empty(); }
};

// A password of pgmoat's own at the server.
struct CredentialConfig {
  std::string user;  // "": the client's
  SecretSource password;
  Duration refresh{};  // how often its source is looked at; zero: at SIGHUP only
  bool refresh_given = false;
  std::string database;  // where a new password is tried; "": postgres
  bool drains = false;   // old sessions end as they become idle
  policy::Place place;
};

// Verifiers that the server is asked for.
struct VerifierQuery {
  std::string login;     // the credential that asks; "": nobody is asked
  std::string database;  // "": postgres
  std::string sql;       // "": accounts::kDefaultQuery
  Duration keep = std::chrono::seconds(10);
  policy::Place place;
};

// Who may log in, and how; the plan is made of it, and of what its files hold by then.
struct AuthConfig {
  std::string users;  // the file of users; "": none
  VerifierQuery query;
  bool unbound_scram = false;  // what passing SCRAM through two TLS connections needs is seen to
  struct Row {
    auth::Rule rule;    // without its credential
    std::string login;  // a credential's name; "": the client's own
    policy::Place place;
  };
  std::vector<Row> rows;
  std::map<std::string, CredentialConfig> credentials;
};

struct Config {
  net::ServerSetup server;  // session not yet prepared; make_judge and on_event not set
  std::vector<std::string> refuse_words;
  PolicyConfig policy;
  net::ClientTls client_tls;
  net::ServerTls server_tls;
  AuthConfig auth;
  bool bad_frame_given = false;  // else it follows the mode
  bool oversize_given = false;
};

// Sentences "FILE:LINE:COLUMN: what is wrong", one for each mistake.
using ConfigErrors = std::vector<std::string>;

Config default_config();
Result<Config, ConfigErrors> read_config_text(std::string_view text, const std::string& file);
Result<Config, ConfigErrors> read_config(const std::string& file);

// "HOST:PORT", "[::1]:6432".
Result<net::Address, std::string> parse_address(std::string_view text);
// Fills what follows from other settings, and prepares the session setup.
void settle(Config& config);

}  // namespace pgmoat::app
