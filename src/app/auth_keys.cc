#include "app/auth_keys.h"

#include <algorithm>
#include <utility>

#include "app/user_list.h"
#include "auth/digest.h"
#include "base/nearest.h"

namespace pgmoat::app {

using auth::Method;
using session::ClientTlsMode;
using session::ServerTlsMode;

namespace {

using Row = AuthConfig::Row;

std::string written(const policy::Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

Read tls(auth::Rule::Tls& into) {
  return [&into](const toml::node& node) {
    bool wanted = false;
    std::string wrong = flag(wanted)(node);
    into = wanted ? auth::Rule::Tls::required : auth::Rule::Tls::absent;
    return wrong;
  };
}

// { "name in the certificate" = "user" }, or a list of users, or "*".
Read name_map(auth::Rule& rule) {
  return [&rule](const toml::node& node) -> std::string {
    const toml::table* table = node.as_table();
    const std::string expected =
        "expected a table of names and users, such as { \"billing-app\" = \"billing\" }";
    if (table == nullptr) return expected;
    for (const auto& [name, value] : *table) {
      std::vector<std::string> users;
      if (const auto user = value.value<std::string>()) users.push_back(*user);
      else if (!words(users)(value).empty()) return expected;
      for (std::string& user : users) {
        rule.names.emplace(std::string(name.str()), std::move(user));
      }
    }
    return {};
  };
}

// An empty list would be read as nobody by one and as everybody by another.
Read some(Read read) {
  return [read = std::move(read)](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array != nullptr && array->empty()) return "it is empty; leave it out where all are meant";
    return read(node);
  };
}

void read_row(const toml::table& table, Row& row, const std::string& file,
              const Complain& complain) {
  const std::string name = "[[auth.rule]]";
  row.place = place_of(table, file);
  read_keys(table, name,
            {{"users", some(words(row.rule.users))},
             {"databases", some(words(row.rule.databases))},
             {"addresses", some(networks(row.rule.addresses))},
             {"tls", tls(row.rule.tls)},
             {"method", choice(row.rule.method, {{"pass-through", Method::pass_through},
                                                 {"scram-sha-256", Method::scram},
                                                 {"md5", Method::md5},
                                                 {"password", Method::password},
                                                 {"cert", Method::certificate},
                                                 {"trust", Method::trust},
                                                 {"reject", Method::reject}})},
             {"login", text(row.login)},
             {"map", name_map(row.rule)}},
            complain);
  if (!table.contains("method")) complain(table.source(), name + " needs 'method'");
}

Read rows(AuthConfig& auth, const std::string& file, const Complain& complain) {
  return [&auth, file, complain](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "expected tables: [[auth.rule]]";
    for (const auto& item : *array) {
      if (const auto* table = item.as_table()) {
        read_row(*table, auth.rows.emplace_back(), file, complain);
      } else {
        complain(item.source(), "rule: expected tables: [[auth.rule]]");
      }
    }
    return {};
  };
}

Read query(VerifierQuery& into, const std::string& file, const Complain& complain) {
  return [&into, file, complain](const toml::node& node) -> std::string {
    const toml::table* table = node.as_table();
    if (table == nullptr) return "expected a section: [auth.query]";
    into.place = place_of(node, file);
    read_keys(*table, "[auth.query]",
              {{"login", text(into.login)},
               {"database", text(into.database)},
               {"sql", text(into.sql)},
               {"keep", duration_or_off(into.keep)}},
              complain);
    if (into.login.empty()) complain(table->source(), "[auth.query] needs 'login', a credential");
    return {};
  };
}

Read source(SecretSource& into, const std::string& file) {
  return [&into, file](const toml::node& node) -> std::string {
    const auto text = node.value<std::string>();
    if (!text) return "expected where it comes from, such as \"file:orders.password\"";
    auto parsed = parse_source(*text, file);
    if (!parsed) return parsed.error();
    into = std::move(*parsed);
    return {};
  };
}

// What can change by itself is looked at by itself.
Duration usual_refresh(SecretSource::Kind kind) {
  if (kind == SecretSource::Kind::file || kind == SecretSource::Kind::cred) {
    return std::chrono::seconds(10);
  }
  return kind == SecretSource::Kind::exec ? Duration(std::chrono::minutes(5)) : Duration{};
}

bool asks_for_password(Method method) {
  return method == Method::scram || method == Method::md5 || method == Method::password;
}

// One row against the rest of the configuration: a sentence, or "".
std::string impossible(const Row& row, const Config& config) {
  const std::string method(auth::name_of(row.rule.method));
  const bool client_tls = config.client_tls.mode != ClientTlsMode::disable;
  const bool ends_here =
      row.rule.method != Method::pass_through && row.rule.method != Method::reject;
  if (row.rule.tls == auth::Rule::Tls::required && !client_tls) {
    return "tls = true fits nobody: [client_tls] has no certificate";
  }
  if (row.rule.tls == auth::Rule::Tls::absent && config.client_tls.mode == ClientTlsMode::require) {
    return "tls = false fits nobody: [client_tls] requires TLS";
  }
  if (!ends_here && !row.login.empty()) {
    return "login has no use with method '" + method + "': pgmoat does not log in then";
  }
  if (!row.login.empty() && !config.auth.credentials.contains(row.login)) {
    std::vector<std::string_view> known;
    for (const auto& [name, credential] : config.auth.credentials) known.push_back(name);
    return "login '" + row.login + "' has no section [credential." + row.login + "]" +
           did_you_mean(row.login, known);
  }
  if (asks_for_password(row.rule.method) && config.auth.users.empty() &&
      config.auth.query.login.empty()) {
    return "method '" + method +
           "' needs users: auth.users, a file of them and their verifiers, or [auth.query]";
  }
  if (row.rule.method == Method::password &&
      (!client_tls || row.rule.tls == auth::Rule::Tls::absent)) {
    return "method 'password' sends the password in the clear: it needs TLS with clients";
  }
  if (row.rule.method == Method::certificate) {
    if (config.client_tls.certificates == net::ClientTls::Certificates::none) {
      return "method 'cert' needs client_tls.client_certificates and their ca";
    }
    if (row.rule.tls == auth::Rule::Tls::absent) return "method 'cert' needs TLS";
  }
  if (ends_here && !asks_for_password(row.rule.method) && row.login.empty()) {
    return "method '" + method +
           "' shows no password that pgmoat could log in with at the server: name a login";
  }
  if (!row.rule.names.empty() && row.rule.method != Method::certificate) {
    return "map is for method 'cert'";
  }
  return {};
}

// SCRAM binds a client to the certificate that it sees, which is pgmoat's.
std::string cannot_pass(const Config& config) {
  const bool both = config.client_tls.mode != ClientTlsMode::disable &&
                    config.server_tls.mode != ServerTlsMode::disable;
  if (!both || config.auth.unbound_scram) return {};
  return "with TLS on both legs SCRAM cannot be passed through, since ordinary clients bind it to "
         "the "
         "certificate that they see: have pgmoat end logins ([[auth.rule]] with method "
         "\"scram-sha-256\"), or set auth.unbound_scram = true where clients set "
         "channel_binding=disable, pgmoat has the server's own certificate, or nobody uses SCRAM";
}

// Whoever asks the server for verifiers.
std::string impossible(const VerifierQuery& query, const Config& config) {
  if (query.login.empty()) return {};
  const auto found = config.auth.credentials.find(query.login);
  if (found == config.auth.credentials.end()) {
    return "login '" + query.login + "' has no section [credential." + query.login + "]";
  }
  if (found->second.user.empty()) {
    return "[credential." + query.login + "] needs 'user': nobody else's name could be used here";
  }
  return {};
}

auth::Rule finished(const Row& row,
                    const std::map<std::string, std::shared_ptr<const auth::Credential>>& made) {
  auth::Rule rule = row.rule;
  if (!row.login.empty()) rule.credential = made.at(row.login);
  // In the clear it would not be asked for; certificates are shown nowhere else.
  if (rule.method == Method::password || rule.method == Method::certificate) {
    rule.tls = auth::Rule::Tls::required;
  }
  return rule;
}

Result<auth::Credential, std::string> make_credential(const std::string& name,
                                                      const CredentialConfig& config,
                                                      const auth::Plan* before) {
  auth::Credential made;
  made.name = name;
  made.user = config.user;
  made.drains = config.drains;
  if (config.password.kind == SecretSource::Kind::none) return made;
  auto password = fetch(config.password);
  if (!password) return password.error();
  made.passwords.push_back(*password);
  if (before == nullptr) return made;
  const auto found = before->credentials.find(name);
  if (found == before->credentials.end()) return made;
  const auth::Credential& old = *found->second;
  if (old.user != made.user || old.passwords.empty()) {
    made.generation = old.generation + 1;
    return made;
  }
  // Another password stands behind the one before it until the server has been seen to take it.
  made.generation = old.generation;
  made.counters = old.counters;
  if (old.passwords.front().text() == password->text()) {
    made.passwords = old.passwords;
  } else {
    made.passwords = {old.passwords.front(), *password};
  }
  return made;
}

}  // namespace

Keys auth_keys(AuthConfig& auth, const std::string& file, const Complain& complain) {
  return {{"users", path(auth.users, file)},
          {"query", query(auth.query, file, complain)},
          {"unbound_scram", flag(auth.unbound_scram)},
          {"rule", rows(auth, file, complain)}};
}

Read credentials(AuthConfig& auth, const std::string& file, const Complain& complain) {
  return [&auth, file, complain](const toml::node& node) -> std::string {
    const toml::table* table = node.as_table();
    if (table == nullptr) return "expected sections: [credential.NAME]";
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      const toml::table* section = value.as_table();
      if (section == nullptr) {
        complain(value.source(), "expected a section: [credential." + name + "]");
        continue;
      }
      CredentialConfig& made = auth.credentials[name];
      made.place = place_of(value, file);
      read_keys(*section, "[credential." + name + "]",
                {{"user", text(made.user)},
                 {"password", source(made.password, file)},
                 {"refresh", given(made.refresh_given, duration_or_off(made.refresh))},
                 {"database", text(made.database)},
                 {"old_sessions", choice(made.drains, {{"stay", false}, {"drain", true}})}},
                complain);
      if (!made.refresh_given) made.refresh = usual_refresh(made.password.kind);
    }
    return {};
  };
}

ConfigErrors impossible_logins(const Config& config, const std::string& file) {
  ConfigErrors errors;
  for (const Row& row : config.auth.rows) {
    std::string wrong = impossible(row, config);
    if (wrong.empty() && row.rule.method == Method::pass_through) wrong = cannot_pass(config);
    if (!wrong.empty()) errors.push_back(written(row.place) + wrong);
  }
  if (const std::string wrong = impossible(config.auth.query, config); !wrong.empty()) {
    errors.push_back(written(config.auth.query.place) + wrong);
  }
  if (config.auth.rows.empty()) {
    if (const std::string wrong = cannot_pass(config); !wrong.empty())
      errors.push_back(file + ": " + wrong);
  }
  return errors;
}

Result<std::shared_ptr<const auth::Plan>, ConfigErrors> make_plan(const Config& config,
                                                                  const auth::Plan* before) {
  auto plan = std::make_shared<auth::Plan>();
  ConfigErrors errors;
  if (!config.auth.users.empty()) {
    auto users = read_users(config.auth.users);
    if (users) plan->users = std::move(*users);
    else errors = users.error();
  }
  auto& made = plan->credentials;
  plan->asks_server = !config.auth.query.login.empty();
  for (const auto& [name, credential] : config.auth.credentials) {
    auto one = make_credential(name, credential, before);
    if (one) made[name] = std::make_shared<const auth::Credential>(std::move(*one));
    else errors.push_back(written(credential.place) + "password: " + one.error());
  }
  if (!errors.empty()) return errors;
  for (const Row& row : config.auth.rows) plan->rules.push_back(finished(row, made));
  // Asking twice for a user who does not exist must give the same answer across reloads, too.
  if (before != nullptr) {
    plan->mock_seed = before->mock_seed;
  } else {
    const std::string random = auth::random_octets(auth::Key::kSize);
    std::copy(random.begin(), random.end(), plan->mock_seed.octets.begin());
  }
  return std::shared_ptr<const auth::Plan>(std::move(plan));
}

}  // namespace pgmoat::app
