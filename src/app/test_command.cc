#include "app/test_command.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "app/cases.h"
#include "app/script_cases.h"
#include "app/test_report.h"
#include "policy/pattern.h"

namespace pgmoat::app {

namespace {

int complain(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) std::fprintf(stderr, "%s\n", sentence.c_str());
  return 3;
}

// A rule's own tests look at the rule as its pack has it: every level is on, no list is replaced, and a
// rule that is switched off still answers.
Result<Policy, ConfigErrors> for_inline_tests(PolicyConfig config) {
  for (auto& [pack, level] : config.levels) level = 4;
  for (const std::string& pack : config.packs) config.levels[pack] = 4;
  config.lists.clear();
  config.overrides.clear();
  return build_policy(config, policy::Mode::enforce, 1);
}

class Run {
 public:
  Run(const PolicyConfig& config, const TestOptions& options)
      : config_(config), options_(options) {}

  int all() {
    auto policy = build_policy(config_, policy::Mode::enforce, 1);
    if (!policy) return complain(policy.error());
    auto whole = Trial::start(policy->bundle, config_);
    if (!whole) return complain({whole.error()});
    auto own = for_inline_tests(config_);
    if (!own) return complain(own.error());
    auto each = Trial::start(own->bundle, config_);
    if (!each) return complain({each.error()});
    for (const Case& one : inline_cases(own->bundle->source())) run_case(one, **each);
    if (const int code = run_files(**whole); code != 0) return code;
    print(report_, options_.format);
    if (!options_.run.empty() && report_.lines().empty()) {
      std::fprintf(stderr, "pgmoat: --run: no test's name matches '%s'\n", options_.run.c_str());
      return 1;
    }
    if (options_.bench) bench(**whole);
    const bool covered = !options_.coverage || coverage(own->bundle->source());
    return report_.failed() == 0 && covered ? 0 : 1;
  }

 private:
  bool wanted(const std::string& name) const {
    return options_.run.empty() || policy::finds_pattern(options_.run, name);
  }

  void run_case(const Case& one, Trial& trial) {
    if (!wanted(one.name)) return;
    if (one.of_one_rule) return run_inline(one, trial);
    const policy::Judged ruling = trial.ask(one.asker, one.sql, one.parameters);
    for (const policy::Finding& finding : ruling->findings) matched_.insert(finding.rule);
    statements_.emplace_back(one.asker, one.sql);
    report_.add(one.name, one.place, compare(one, *ruling));
  }

  void run_inline(const Case& one, Trial& trial) {
    std::string_view traced = "pass";
    policy::Judged ruling;
    const policy::Trace trace = trial.explain(one.asker, one.sql);
    if (!one.parameters.empty()) ruling = trial.ask(one.asker, one.sql, one.parameters);
    else ruling = trace.ruling;
    for (const policy::StatementTrace& statement : trace.statements) {
      if (statement.rewritten) continue;
      for (const policy::RuleTrace& rule : statement.rules) {
        if (rule.rule->id == one.expect.rule && rule.verdict)
          traced = name_of(rule.verdict->action);
      }
    }
    if (traced != "pass") matched_.insert(one.expect.rule);
    for (const policy::Finding& finding : ruling->findings) matched_.insert(finding.rule);
    statements_.emplace_back(one.asker, one.sql);
    report_.add(one.name, one.place, compare_rule(one, *ruling, traced));
  }

  int run_files(Trial& trial) {
    ScriptCases scripts(
        trial, [this](const Asker& asker, const std::string& sql, const policy::Ruling& ruling) {
          for (const policy::Finding& finding : ruling.findings) matched_.insert(finding.rule);
          statements_.emplace_back(asker, sql);
        });
    std::vector<std::string> wrong;
    for (const std::string& file : test_files(config_.paths)) {
      std::ifstream in(file, std::ios::binary);
      if (!in) {
        wrong.push_back(file + ": cannot be read");
        continue;
      }
      const std::string text(std::istreambuf_iterator<char>(in), {});
      if (file.ends_with(".lua")) {
        if (std::string bad = scripts.load(text, file); !bad.empty()) wrong.push_back(bad);
        continue;
      }
      std::vector<policy::Problem> problems;
      const std::vector<Case> cases = table_cases(text, file, problems);
      for (const policy::Problem& problem : problems) wrong.push_back(to_string(problem));
      if (problems.empty()) {
        for (const Case& one : cases) run_case(one, trial);
      }
    }
    for (const ScriptCase& one : scripts.cases()) {
      if (!wanted(one.name)) continue;
      ScriptCase::Outcome outcome = one.run();
      report_.add(one.name, std::move(outcome.place), std::move(outcome.failure));
    }
    return wrong.empty() ? 0 : complain(wrong);
  }

  // Rules that matched in some test, and those that did not, by name.
  bool coverage(const policy::Source& source) {
    std::size_t covered = 0;
    std::string missing;
    for (const policy::Rule& rule : source.rules) {
      if (matched_.count(rule.id) > 0) ++covered;
      else missing += "  " + rule.id + "\n";
    }
    const std::size_t all = source.rules.size();
    const int percent = all == 0 ? 100 : static_cast<int>(covered * 100 / all);
    std::FILE* to = options_.format == "human" ? stdout : stderr;
    std::fprintf(to, "coverage: %zu of %zu rules matched in a test (%d %%)\n", covered, all,
                 percent);
    if (!missing.empty()) std::fprintf(to, "never matched:\n%s", missing.c_str());
    return percent >= options_.threshold;
  }

  void bench(Trial& trial) {
    std::map<std::string, std::pair<std::chrono::nanoseconds, std::size_t>> costs;
    for (const auto& [asker, sql] : statements_) {
      const policy::Trace trace = trial.explain(asker, sql);
      for (const policy::StatementTrace& statement : trace.statements) {
        for (const policy::RuleTrace& rule : statement.rules) {
          auto& [cost, count] = costs[rule.rule->id];
          cost += rule.cost;
          ++count;
        }
      }
    }
    std::printf("cost of a rule, mean over %zu statements, traced (untraced it is less)\n",
                statements_.size());
    for (const auto& [id, cost] : costs) {
      std::printf("  %-40s %8.0f ns\n", id.c_str(),
                  static_cast<double>(cost.first.count()) / static_cast<double>(cost.second));
    }
  }

  const PolicyConfig& config_;
  const TestOptions& options_;
  Report report_;
  std::set<std::string> matched_;
  std::vector<std::pair<Asker, std::string>> statements_;
};

}  // namespace

int run_tests(const PolicyConfig& config, const TestOptions& options) {
  if (!options.run.empty() && !policy::good_pattern(options.run)) {
    std::fprintf(stderr, "pgmoat: --run: '%s' is no RE2 pattern\n", options.run.c_str());
    return 2;
  }
  return Run(config, options).all();
}

}  // namespace pgmoat::app
