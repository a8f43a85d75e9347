#include "app/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "app/auth_keys.h"
#include "app/keys.h"
#include "app/policy_keys.h"
#include "app/tls_keys.h"
#include "base/ascii.h"

namespace pgmoat::app {

namespace {

// Reads one file's tables; collects every mistake.
class Walk {
 public:
  Walk(std::string file, Config& config) : file_(std::move(file)), config_(config) {}

  ConfigErrors run(const toml::table& root) {
    sections_ = {{"protocol", protocol()},
                 {"client_tls", client_tls_keys(config_.client_tls, file_)},
                 {"server_tls", server_tls_keys(config_.server_tls, file_)},
                 {"auth", auth_keys(config_.auth, file_, complain())},
                 {"refuse", {{"words", words(config_.refuse_words)}}},
                 {"limits", limits()},
                 {"timeouts", timeouts()},
                 {"on_failure", on_failure()},
                 {"policy", policy_keys(config_.policy, file_, complain())},
                 {"sql", sql_keys(config_.policy.sql)},
                 {"script", script_keys(config_.policy.script)}};
    top_ = top();
    Keys all = top_;
    for (const Section& section : sections_) {
      all.push_back({section.name, [&](const toml::node& node) { return read(section, node); }});
    }
    all.push_back({"credential", credentials(config_.auth, file_, complain())});
    read_keys(root, "", all, complain(), [this](std::string_view key) { return home(key); });
    return sentences();
  }

 private:
  struct Section {
    const char* name;
    Keys keys;
  };

  Complain complain() {
    return [this](const toml::source_region& at, const std::string& what) { add(at, what); };
  }
  void add(const toml::source_region& at, const std::string& what) {
    mistakes_.push_back({at.begin, what});
  }

  Keys top();
  Keys protocol();
  Keys limits();
  Keys timeouts();
  Keys on_failure();

  std::string read(const Section& section, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      add(node.source(), "'" + std::string(section.name) + "' is a section");
      return {};
    }
    const std::size_t before = mistakes_.size();
    read_keys(*table, "[" + std::string(section.name) + "]", section.keys, complain(),
              [this](std::string_view key) { return home(key); });
    if (mistakes_.size() != before) return {};
    const std::string_view name = section.name;
    if (name == "client_tls") return wrong_in(config_.client_tls);
    if (name == "server_tls") return wrong_in(config_.server_tls);
    return {};
  }

  // As one reads the file.
  ConfigErrors sentences() {
    std::stable_sort(mistakes_.begin(), mistakes_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    ConfigErrors errors;
    for (const auto& [at, what] : mistakes_) {
      errors.push_back(file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                       ": " + what);
    }
    return errors;
  }

  // Of a key that stands in the wrong place: where it belongs.
  std::string home(std::string_view key) const {
    const auto has = [&](const Keys& keys) {
      return std::any_of(keys.begin(), keys.end(),
                         [&](const Key& known) { return known.name == key; });
    };
    if (has(top_)) return "; it belongs at the top, before the first section";
    std::string homes;
    for (const Section& section : sections_) {
      if (section.name == key) return "; [" + std::string(key) + "] is a section of its own";
      if (!has(section.keys)) continue;
      homes += (homes.empty() ? "[" : " or [") + std::string(section.name) + "]";
    }
    return homes.empty() ? homes : "; it belongs in " + homes;
  }

  std::string file_;
  Config& config_;
  std::vector<std::pair<toml::source_position, std::string>> mistakes_;
  Keys top_;
  std::vector<Section> sections_;
};

Keys Walk::top() {
  net::ServerSetup& server = config_.server;
  return {{"listen", addresses(server.listen)},
          {"backend",
           [&](const toml::node& node) {
             const std::string wrong = read_address(node, server.backend);
             if (!wrong.empty() || server.backend.port != 0) return wrong;
             return std::string("a server's port is 1 to 65535");
           }},
          {"proxy_protocol", networks(server.proxies)},
          {"mode", choice(server.session.mode, {{"monitor", session::Mode::monitor},
                                                {"enforce", session::Mode::enforce}})},
          {"workers", whole(server.workers, 0, 256)},
          {"node", whole(server.node, 0, 4'294'967'295)},
          {"drain", duration(server.drain)}};
}

Keys Walk::protocol() {
  session::Setup& session = config_.server.session;
  return {{"function_call",
           choice(session.function_calls, {{"large_objects", session::FunctionCalls::large_objects},
                                           {"deny", session::FunctionCalls::deny},
                                           {"allow", session::FunctionCalls::allow}})},
          {"replication", choice(session.allow_replication, {{"deny", false}, {"allow", true}})},
          {"startup_parameters", words(session.startup_parameters)}};
}

Keys Walk::limits() {
  constexpr std::uint64_t kMost = 0x3ffffffb;  // PostgreSQL's own largest message
  session::Setup& session = config_.server.session;
  wire::FrameLimits& frames = session.frame_limits;
  return {{"query", size(frames.query, 1024, kMost)},
          {"bind", size(frames.bind, 1024, kMost)},
          {"function_call", size(frames.function_call, 1024, kMost)},
          {"password", size(frames.password, 256, 65535)},
          {"server_message", size(frames.server_message, 65536, kMost)},
          {"segment", size(session.limits.segment_bytes, 1 << 20, 1ull << 36)},
          {"statements", whole(session.limits.statements, 1, 1'000'000)},
          {"portals", whole(session.limits.portals, 1, 1'000'000)},
          {"pipeline", whole(session.limits.pipeline, 4096, 1'000'000)},
          {"unanswered", size(session.limits.unanswered_bytes, 1 << 20, 1ull << 36)},
          {"refusals", whole(session.limits.refusals, 1, 100'000)},
          {"failed_logins", whole(config_.server.failed_logins, 0, 1'000'000)},
          {"unknown_cancels", whole(config_.server.unknown_cancels, 0, 1'000'000)},
          {"sessions", whole(config_.server.sessions, 1, 1'000'000)}};
}

Keys Walk::timeouts() {
  session::Timeouts& timeouts = config_.server.session.timeouts;
  return {{"handshake", duration(timeouts.handshake)},
          {"connect", duration(timeouts.connect)},
          {"message", duration(timeouts.message)},
          {"login_penalty", duration_or_off(config_.server.penalty)},
          {"unacknowledged", duration_or_off(config_.server.unacknowledged)}};
}

Keys Walk::on_failure() {
  const std::vector<std::pair<std::string, session::OnFault>> values = {
      {"close", session::OnFault::close}, {"pass", session::OnFault::pass}};
  session::FailureMatrix& matrix = config_.server.session.on_fault;
  return {{"bad_frame", given(config_.bad_frame_given, choice(matrix.bad_frame, values))},
          {"oversize", given(config_.oversize_given, choice(matrix.oversize, values))}};
}

}  // namespace

Result<net::Address, std::string> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string wrong =
      "'" + std::string(text) + "' is no address; write HOST:PORT or [IPV6]:PORT";
  if (colon == std::string_view::npos || colon == 0) return wrong;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos) return wrong;
  int port = 0;
  for (const char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65535) return wrong;
    port = port * 10 + (c - '0');
  }
  if (host.empty() || colon + 1 == text.size() || port > 65535) return wrong;
  for (const char c : host) {
    if ((c >= 0 && c <= ' ') || c == '[' || c == ']') return wrong;
  }
  return net::Address{std::string(host), static_cast<std::uint16_t>(port)};
}

Config default_config() {
  Config config;
  config.server.listen = {{"127.0.0.1", 6432}};
  config.server.backend = {"127.0.0.1", 5432};
  config.server.session.startup_parameters = session::default_startup_parameters();
  return config;
}

Result<Config, ConfigErrors> read_config_text(std::string_view text, const std::string& file) {
  Config config = default_config();
  Walk walk(file, config);
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    const auto& at = parsed.error().source().begin;
    return ConfigErrors{file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                        ": " + std::string(parsed.error().description())};
  }
  ConfigErrors errors = walk.run(parsed.table());
  if (!errors.empty()) return errors;
  Config settled = config;
  settle(settled);
  if (errors = impossible_logins(settled, file); !errors.empty()) return errors;
  return config;
}

Result<Config, ConfigErrors> read_config(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code ignored;  // a folder opens, and reads as an empty file
  if (!in || std::filesystem::is_directory(file, ignored)) {
    return ConfigErrors{file + ": cannot be read; check that it exists and its permissions"};
  }
  std::ostringstream text;
  text << in.rdbuf();
  return read_config_text(text.str(), file);
}

void settle(Config& config) {
  session::Setup& session = config.server.session;
  const session::FailureMatrix defaults = session::default_matrix(session.mode);
  if (!config.bad_frame_given) session.on_fault.bad_frame = defaults.bad_frame;
  if (!config.oversize_given) session.on_fault.oversize = defaults.oversize;
  session.frame_limits.gather_copy_data = !config.refuse_words.empty();
  for (std::string& name : session.startup_parameters) {
    name = ascii_lower(name);
  }
  settle(config.client_tls);
  settle(config.server_tls);
  session.client_tls = config.client_tls.mode;
  session.server_tls = config.server_tls.mode;
  session.direct_server_tls = config.server_tls.direct;
  session.prepare();
}

}  // namespace pgmoat::app
