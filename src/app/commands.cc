#include "app/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "app/auth_keys.h"
#include "app/check_report.h"
#include "app/config.h"
#include "app/explain.h"
#include "app/policy_setup.h"
#include "app/scaffold.h"
#include "app/serve.h"
#include "app/test_command.h"
#include "app/tls_keys.h"
#include "base/nearest.h"

namespace pgmoat::app {

namespace {

const std::vector<std::string> kVerbs = {"run",  "check", "explain", "test",
                                         "init", "new",   "schema",  "version"};

struct Options {
  std::string file, backend, mode;
  std::vector<std::string> listen;
  int workers = -1;
  std::vector<std::string> paths;  // check, test: policies instead of a configuration's
  std::vector<std::string> packs;
  bool with_tests = false;
  ExplainOptions explain;
  std::vector<std::string> words;  // --set, --tag and the like, as "key=value"
  TestOptions test;
  std::string format = "human", check_format = "human";
  std::string folder = ".", rule_id;
  bool lua = false, stubs = false, reference = false;
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
  // Paths on the command line are the policy, alone.
  if (!options.paths.empty()) config.policy.packs.clear(), config.policy.paths = options.paths;
  if (!options.packs.empty()) config.policy.packs = options.packs;
  if (!errors.empty()) return errors;
  return config;
}

// What `check` has read: a configuration, and where they stand in for its policy, the paths given.
std::string checked(const Options& options) {
  std::string names = options.file;
  for (const std::string& path : options.paths) names += (names.empty() ? "" : ", ") + path;
  return names.empty() ? "built-in defaults" : names;
}

// For programs: the report alone, on stdout.
int report(const Options& options, const std::vector<std::string>& problems, int status) {
  const bool sarif = options.check_format == "sarif";
  std::fputs((sarif ? check_report_sarif(problems) : check_report_json(problems)).c_str(), stdout);
  return status;
}

int check(const Options& options) {
  const bool for_programs = options.check_format != "human";
  const auto fail = [&](const ConfigErrors& errors) {
    return for_programs ? report(options, errors, 1) : complain(errors);
  };
  auto config = effective(options);
  if (!config) return fail(config.error());
  settle(*config);
  if (const auto contexts = tls_contexts(*config); !contexts) return fail(contexts.error());
  if (const auto plan = make_plan(*config, nullptr); !plan) return fail(plan.error());
  const auto policy = build_policy(config->policy, policy::Mode::enforce, 1);
  if (!policy) return fail(policy.error());
  const auto trial = Trial::start(policy->bundle, config->policy);  // its scripts load
  if (!trial) return fail({trial.error()});
  if (for_programs) return report(options, policy->warnings, 0);
  for (const std::string& warning : policy->warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  std::printf("%s: ok\nmode %s, listen %s, backend %s\n", checked(options).c_str(),
              config->server.session.mode == session::Mode::enforce ? "enforce" : "monitor",
              net::to_string(config->server.listen.front()).c_str(),
              net::to_string(config->server.backend).c_str());
  const std::size_t warnings = policy->warnings.size();
  const std::size_t packs = policy->bundle->source().packs.size();
  std::printf("%zu pack%s, %zu rules, %zu warning%s\n", packs, packs == 1 ? "" : "s",
              policy->bundle->source().rules.size(), warnings, warnings == 1 ? "" : "s");
  return options.with_tests ? run_tests(config->policy, options.test) : 0;
}

int run(const Options& options) {
  auto config = effective(options);
  if (!config) return complain(config.error());
  return serve(*config, options.file);
}

int explain(Options& options) {
  auto config = effective(options);
  if (!config) return complain(config.error());
  for (const std::string& word : options.words) {
    const std::size_t equals = word.find('=');
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    const std::string wrong = describe(options.explain.asker, word.substr(0, equals), value);
    if (!wrong.empty()) return std::fprintf(stderr, "pgmoat: %s\n", wrong.c_str()), 2;
  }
  const policy::Mode ceiling = config->server.session.mode == session::Mode::enforce
                                   ? policy::Mode::enforce
                                   : policy::Mode::monitor;
  // As it would be enforced, unless monitoring was asked for.
  const auto policy =
      build_policy(config->policy, options.mode.empty() ? policy::Mode::enforce : ceiling, 1);
  if (!policy) return complain(policy.error());
  const auto trial = Trial::start(policy->bundle, config->policy);
  if (!trial) return complain({trial.error()});
  constexpr int kHighestLevel = 4;
  PolicyConfig all_levels = config->policy;
  for (const auto& pack : policy->bundle->source().packs)
    all_levels.levels[pack.id] = kHighestLevel;
  const auto strictest = build_policy(all_levels, policy::Mode::enforce, 1);
  if (!strictest) return complain(strictest.error());
  const auto strict = Trial::start(strictest->bundle, all_levels);
  if (!strict) return complain({strict.error()});
  // Values are bound in the extended protocol only.
  if (!options.explain.parameters.empty()) options.explain.asker.extended = true;
  options.explain.json = options.format == "json";
  std::fputs(explained(**trial, **strict, options.explain).c_str(), stdout);
  return 0;
}

int init_folder(const Options& options) {
  const std::string text = options.backend.empty() ? "127.0.0.1:5432" : options.backend;
  const auto backend = parse_address(text);
  if (!backend) return complain({"--backend: " + backend.error()});
  if (backend->port == 0) return complain({"--backend: a server's port is 1 to 65535"});
  return init(options.folder, text);
}

int test(const Options& options) {
  auto config = effective(options);
  if (!config) return complain(config.error()), 3;
  return run_tests(config->policy, options.test);
}

void add_config(CLI::App* verb, Options& options) {
  verb->add_option("--config", options.file, "TOML file");
}

// One value each time: what follows is the command's own, a statement or a path.
void repeated(CLI::App* verb, const std::string& name, std::vector<std::string>& into,
              const std::string& what) {
  verb->add_option(name, into, what + "; may be repeated")->allow_extra_args(false);
}

void describe_run(CLI::App& app, Options& options) {
  CLI::App* run =
      app.add_subcommand("run", "serve, in the foreground; events go to stderr as JSON");
  add_config(run, options);
  run->add_option("--backend", options.backend, "the PostgreSQL server, HOST:PORT");
  repeated(run, "--listen", options.listen, "where to listen, HOST:PORT");
  run->add_option("--mode", options.mode, "monitor: judge, report, change nothing; enforce: refuse")
      ->check(CLI::IsMember({"monitor", "enforce"}));
  run->add_option("--workers", options.workers, "threads; 0: one per core")
      ->check(CLI::Range(0, 256));
}

void describe_explain(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "explain", "what a policy makes of a statement: facts, rules, verdict, cost");
  add_config(verb, options);
  verb->add_option("sql", options.explain.sql, "the statement")->required();
  Asker& asker = options.explain.asker;
  verb->add_option("--user", asker.user);
  verb->add_option("--database,--db", asker.database);
  verb->add_option("--app", asker.application, "application_name");
  verb->add_option("--client", asker.client, "its address");
  verb->add_option("--role", asker.role);
  repeated(verb, "--tag", asker.tags, "a tag of the session");
  verb->add_option_function<std::vector<std::string>>(
          "--set",
          [&options](const std::vector<std::string>& words) {
            for (const std::string& word : words) options.words.push_back("guc." + word);
          },
          "a setting of the session, NAME=VALUE; may be repeated")
      ->allow_extra_args(false);
  repeated(verb, "--param", options.explain.parameters,
           "the value of $1, then of $2, ...; \\N is null");
  verb->add_flag("--extended", asker.extended, "as the extended protocol sends it");
  verb->add_option("--mode", options.mode, "enforce (default) or monitor")
      ->check(CLI::IsMember({"monitor", "enforce"}));
  verb->add_flag("--all", options.explain.all, "also the rules that do not match, and why");
  repeated(verb, "--policy", options.paths, "a file or folder instead of the policy");
  repeated(verb, "--pack", options.packs, "this shipped pack");
  verb->add_option("--format", options.format)->check(CLI::IsMember({"human", "json"}));
}

void describe_tests(CLI::App* verb, Options& options) {
  verb->add_option("--run", options.test.run, "only tests whose name this RE2 finds");
  verb->add_option("--format", options.test.format)
      ->check(CLI::IsMember({"human", "tap", "junit", "json"}));
  verb->add_flag("--coverage", options.test.coverage, "rules that matched in a test");
  verb->add_option("--threshold", options.test.threshold, "percent; fails below it")
      ->check(CLI::Range(0, 100));
  verb->add_flag("--bench", options.test.bench, "what each rule costs");
}

void describe_policy_verbs(CLI::App& app, Options& options) {
  CLI::App* check =
      app.add_subcommand("check", "validate a configuration and its policy; binds nothing");
  add_config(check, options);
  check->add_option("paths", options.paths, "policies, instead of the configuration's");
  repeated(check, "--pack", options.packs, "this shipped pack");
  check->add_option("--format", options.check_format, "json or sarif: for programs, without tests")
      ->check(CLI::IsMember({"human", "json", "sarif"}));
  check->add_flag("--with-tests", options.with_tests, "run the policy's tests, too");
  CLI::App* test = app.add_subcommand("test", "run the tests of a policy");
  add_config(test, options);
  test->add_option("paths", options.paths, "policies, instead of the configuration's");
  repeated(test, "--pack", options.packs, "this shipped pack");
  describe_tests(test, options);
  CLI::App* init = app.add_subcommand("init", "write a configuration and a first policy");
  init->add_option("folder", options.folder, "where; the current one by default");
  init->add_option("--backend", options.backend, "the PostgreSQL server, HOST:PORT");
  CLI::App* make = app.add_subcommand("new", "write a rule to start from");
  CLI::App* rule = make->add_subcommand("rule", "a TOML rule, or with --lua a policy in Lua");
  make->require_subcommand(1);
  rule->add_option("id", options.rule_id, "such as shop.no-truncate")->required();
  rule->add_option("--folder", options.folder, "where; the current one by default");
  rule->add_flag("--lua", options.lua);
  CLI::App* schema = app.add_subcommand("schema", "JSON Schema of packs, for editors");
  schema->add_flag("--lua", options.stubs, "the Lua stubs for lua-language-server instead");
  schema->add_flag("--reference", options.reference, "the reference page instead, in Markdown");
}

void describe(CLI::App& app, Options& options) {
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  pgmoat run --backend db.internal:5432 --listen 127.0.0.1:6432\n"
      "  pgmoat run --config /etc/pgmoat/pgmoat.toml --mode enforce\n"
      "  pgmoat check --config /etc/pgmoat/pgmoat.toml --with-tests\n"
      "  pgmoat explain \"DELETE FROM orders\" --user app\n"
      "Without a configuration: monitor mode, 127.0.0.1:6432 in front of 127.0.0.1:5432, the core "
      "pack.");
  describe_run(app, options);
  describe_explain(app, options);
  describe_policy_verbs(app, options);
  app.add_subcommand("version", "print the version");
}

int dispatch(const CLI::App& app, Options& options) {
  if (app.got_subcommand("version")) return std::printf("pgmoat %s\n", PGMOAT_VERSION), 0;
  if (app.got_subcommand("check")) return check(options);
  if (app.got_subcommand("explain")) return explain(options);
  if (app.got_subcommand("test")) return test(options);
  if (app.got_subcommand("init")) return init_folder(options);
  if (app.got_subcommand("new")) return new_rule(options.rule_id, options.folder, options.lua);
  if (app.got_subcommand("schema")) return print_schema(options.stubs, options.reference);
  return run(options);
}

}  // namespace

int run_main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-') {
    const std::string verb = argv[1];
    if (std::find(kVerbs.begin(), kVerbs.end(), verb) == kVerbs.end()) {
      const std::string near = did_you_mean(verb, kVerbs);
      std::fprintf(stderr, "pgmoat: unknown command '%s'%s\n", verb.c_str(),
                   near.empty() ? "; see pgmoat --help" : near.c_str());
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
  return dispatch(app, options);
}

}  // namespace pgmoat::app
