#include "app/commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/serve.h"

namespace pgmoat::app {

namespace {

const std::vector<std::string> kVerbs = {"run", "check", "version"};

struct Options {
  std::string file, backend, mode;
  std::vector<std::string> listen;
  int workers = -1;
};

int complain(const ConfigErrors& errors) {
  for (const std::string& error : errors) std::fprintf(stderr, "%s\n", error.c_str());
  std::fprintf(stderr, "%zu error%s\n", errors.size(), errors.size() == 1 ? "" : "s");
  return 1;
}

Result<Config, ConfigErrors> effective(const Options& options) {
  auto read = options.file.empty() ? Result<Config, ConfigErrors>(default_config())
                                   : read_config(options.file);
  if (!read) return read.error();
  Config config = *read;
  ConfigErrors errors;
  const auto address = [&](const char* name, const std::string& text, net::Address& into) {
    const auto parsed = parse_address(text);
    if (parsed) into = *parsed;
    else errors.push_back(std::string(name) + ": " + parsed.error());
  };
  if (!options.backend.empty()) address("--backend", options.backend, config.server.backend);
  if (!options.listen.empty()) config.server.listen.clear();
  for (const std::string& text : options.listen) {
    address("--listen", text, config.server.listen.emplace_back());
  }
  if (options.mode == "enforce") config.server.session.mode = session::Mode::enforce;
  if (options.mode == "monitor") config.server.session.mode = session::Mode::monitor;
  if (options.workers >= 0) config.server.workers = static_cast<unsigned>(options.workers);
  if (!errors.empty()) return errors;
  return config;
}

int check(const Options& options) {
  auto config = effective(options);
  if (!config) return complain(config.error());
  const std::string name = options.file.empty() ? "built-in defaults" : options.file;
  std::printf("%s: ok\nmode %s, listen %s, backend %s\n", name.c_str(),
              config->server.session.mode == session::Mode::enforce ? "enforce" : "monitor",
              net::to_string(config->server.listen.front()).c_str(),
              net::to_string(config->server.backend).c_str());
  return 0;
}

int run(const Options& options) {
  auto config = effective(options);
  if (!config) return complain(config.error());
  return serve(*config, options.file);
}

void describe(CLI::App& app, Options& options) {
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  pgmoat run --backend db.internal:5432 --listen 127.0.0.1:6432\n"
      "  pgmoat run --config /etc/pgmoat/pgmoat.toml --mode enforce\n"
      "  pgmoat check --config /etc/pgmoat/pgmoat.toml\n"
      "Without a configuration: monitor mode, 127.0.0.1:6432 in front of 127.0.0.1:5432.");
  CLI::App* run =
      app.add_subcommand("run", "serve, in the foreground; events go to stderr as JSON");
  run->add_option("--config", options.file, "TOML file");
  run->add_option("--backend", options.backend, "the PostgreSQL server, HOST:PORT");
  run->add_option("--listen", options.listen, "where to listen, HOST:PORT; may be repeated");
  run->add_option("--mode", options.mode, "monitor: judge, report, change nothing; enforce: refuse")
      ->check(CLI::IsMember({"monitor", "enforce"}));
  run->add_option("--workers", options.workers, "threads; 0: one per core")
      ->check(CLI::Range(0, 256));
  CLI::App* check =
      app.add_subcommand("check", "validate a configuration, without binding anything");
  check->add_option("--config", options.file, "TOML file");
  app.add_subcommand("version", "print the version");
}

}  // namespace

int run_main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-') {
    const std::string verb = argv[1];
    if (std::find(kVerbs.begin(), kVerbs.end(), verb) == kVerbs.end()) {
      const std::string near = nearest(verb, kVerbs);
      std::fprintf(
          stderr, "pgmoat: unknown command '%s'%s\n", verb.c_str(),
          near.empty() ? "; see pgmoat --help" : (", did you mean '" + near + "'?").c_str());
      return 2;
    }
  }
  CLI::App app("pgmoat: an inline PostgreSQL protocol firewall", "pgmoat");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (app.got_subcommand("version")) {
    std::printf("pgmoat %s\n", PGMOAT_VERSION);
    return 0;
  }
  return app.got_subcommand("check") ? check(options) : run(options);
}

}  // namespace pgmoat::app
