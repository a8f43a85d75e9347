#include "policy/lua_scripts.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "policy/lua_api.h"
#include "policy/lua_objects.h"

namespace pgmoat::policy {

namespace {

using script::Function;
using script::Lent;
using script::Sandbox;
using script::Trouble;

class LuaScripts final : public Scripts {
 public:
  LuaScripts(const script::Budget& budget, std::size_t rules)
      : sandbox_(budget), whens_(rules), decides_(rules) {}

  // "" or what is wrong.
  std::string load(const Bundle& bundle, std::int64_t (*clock)());
  Result<bool, std::string> when(const CompiledRule& rule, const Question& question,
                                 Reads& reads) override;
  Result<Decision, std::string> decide(const CompiledRule& rule, const Question& question,
                                       Reads& reads) override;

 private:
  std::string find_functions(const CompiledRule& rule);
  // What the hook's functions are called with; lives as long as one call.
  struct Arguments {
    Arguments(const Question& question, Reads& reads);
    std::span<const Lent> span() const { return {lent.data(), count}; }
    SessionObject session;
    StatementObject statement;
    std::array<Lent, 3> lent;
    std::size_t count = 1;
  };

  Registrar registrar_;  // outlives the sandbox
  Sandbox sandbox_;
  std::vector<Function> whens_, decides_;  // by rule
};

std::string LuaScripts::load(const Bundle& bundle, std::int64_t (*clock)()) {
  registrar_.clock = clock;
  registrar_.parameters = bundle.source().parameters;
  registrar_.files = bundle.source().files;  // as loading read them, whatever the disk says now
  registrar_.may_read = false;
  provide_api(sandbox_, registrar_);
  for (const auto& [name, text] : bundle.source().scripts) {
    const auto outcome = sandbox_.run(text, name);
    if (const auto* trouble = std::get_if<Trouble>(&outcome)) return trouble->message;
  }
  registrar_.seal();
  for (const CompiledRule& rule : bundle.rules()) {
    std::string trouble = find_functions(rule);
    if (!trouble.empty()) return trouble;
  }
  const auto frozen = sandbox_.freeze();
  if (const auto* trouble = std::get_if<Trouble>(&frozen)) return trouble->message;
  return {};
}

std::string LuaScripts::find_functions(const CompiledRule& rule) {
  const Rule& written = *rule.written;
  const std::string where = written.place.file + ":" + std::to_string(written.place.line) + ": ";
  if (!written.when.empty()) {
    const auto compiled = sandbox_.compile(written.when, parameters_of(written.hook),
                                           written.place.file, written.place.line);
    if (!compiled) return compiled.error().message;
    whens_[rule.index] = *compiled;
  }
  if (!written.decide.empty()) {
    std::string_view name = written.decide;
    if (name.substr(0, 4) == "lua:") name.remove_prefix(4);
    const Function* exported = registrar_.exported(name);
    if (exported == nullptr) return where + "no Lua file exports '" + std::string(name) + "'";
    decides_[rule.index] = *exported;
  }
  if (!written.script_when && !written.script_decide) return {};
  const auto at = static_cast<std::size_t>(written.script_index);
  if (written.script_index < 0 || at >= registrar_.rules().size()) {
    return where + "rule " + written.id + " was not registered again";
  }
  if (written.script_when) whens_[rule.index] = registrar_.rules()[at].when;
  if (written.script_decide) decides_[rule.index] = registrar_.rules()[at].decide;
  return {};
}

LuaScripts::Arguments::Arguments(const Question& question, Reads& reads)
    : session{question.session, &reads, &question}, statement{&question} {
  lent[0] = {&session_type(), &session};
  if (question.hook == Hook::connect || question.hook == Hook::auth) return;
  count = 2;
  if (question.hook == Hook::disconnect) {
    lent[1] = {&summary_type(), &session};
    return;
  }
  lent[1] = {&statement_type(), &statement};
  if (question.hook == Hook::statement) return;
  count = 3;
  lent[2] = {question.hook == Hook::execute ? &parameters_type()
             : question.hook == Hook::copy  ? &copy_type()
                                            : &completion_type(),
             &question};
}

Result<bool, std::string> LuaScripts::when(const CompiledRule& rule, const Question& question,
                                           Reads& reads) {
  const Arguments arguments(question, reads);
  const Result<bool, Trouble> truth = sandbox_.test(whens_[rule.index], arguments.span());
  reads.unstable = reads.unstable || sandbox_.was_volatile();
  if (!truth) return truth.error().message;
  return *truth;
}

Result<Scripts::Decision, std::string> LuaScripts::decide(const CompiledRule& rule,
                                                          const Question& question, Reads& reads) {
  const Arguments arguments(question, reads);
  const auto value = sandbox_.call(decides_[rule.index], arguments.span());
  reads.unstable = reads.unstable || sandbox_.was_volatile();
  if (!value) return value.error().message;
  if (value->nil()) return Decision();
  Result<Verdict, std::string> verdict = verdict_of(*value);
  if (!verdict) return rule.written->id + ": " + verdict.error();
  return Decision(std::move(*verdict));
}

}  // namespace

Result<std::unique_ptr<Scripts>, std::string> make_scripts(const Bundle& bundle,
                                                           const script::Budget& budget,
                                                           std::int64_t (*clock)()) {
  const auto& rules = bundle.rules();
  const bool lua = std::any_of(rules.begin(), rules.end(), [](const CompiledRule& rule) {
    return rule.calls_lua() && !rule.always_off;
  });
  if (!lua) return std::unique_ptr<Scripts>();
  auto scripts = std::make_unique<LuaScripts>(budget, rules.size());
  const std::string trouble = scripts->load(bundle, clock);
  if (!trouble.empty()) return trouble;
  return std::unique_ptr<Scripts>(std::move(scripts));
}

}  // namespace pgmoat::policy
