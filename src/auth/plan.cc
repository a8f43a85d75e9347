#include "auth/plan.h"

#include <algorithm>

namespace pgmoat::auth {

namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

bool fits(const Rule& rule, const Applicant& applicant) {
  if (rule.tls == Rule::Tls::required && !applicant.tls) return false;
  if (rule.tls == Rule::Tls::absent && applicant.tls) return false;
  return lists(rule.users, applicant.user) && lists(rule.databases, applicant.database) &&
         (rule.addresses.empty() || rule.addresses.contains(applicant.address));
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::pass_through: return "pass-through";
    case Method::scram: return "scram-sha-256";
    case Method::md5: return "md5";
    case Method::password: return "password";
    case Method::certificate: return "cert";
    case Method::trust: return "trust";
    case Method::reject: return "reject";
  }
  return "";
}

const Rule* Plan::rule_for(const Applicant& applicant) const {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const Rule& rule) { return fits(rule, applicant); });
  return found == rules.end() ? nullptr : &*found;
}

const Verifier* Plan::verifier_of(std::string_view user) const {
  const auto found = users.find(user);
  return found == users.end() ? nullptr : &found->second;
}

bool Plan::retires(const Credential& used) const {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
    const Credential* now = rule.credential.get();
    return now != nullptr && now->name == used.name && now->drains &&
           now->generation > used.generation;
  });
}

ScramVerifier Plan::nobody(std::string_view user) const {
  const auto scram = std::find_if(users.begin(), users.end(), [](const auto& entry) {
    return std::holds_alternative<ScramVerifier>(entry.second);
  });
  return mock_verifier(mock_seed, user,
                       scram == users.end() ? kDefaultIterations
                                            : std::get<ScramVerifier>(scram->second).iterations);
}

bool Plan::keeps_passwords() const {
  return !users.empty() && std::holds_alternative<Secret>(users.begin()->second);
}

bool Plan::keeps_md5() const {
  return !users.empty() && !std::holds_alternative<ScramVerifier>(users.begin()->second);
}

bool Plan::passes_through() const {
  return std::all_of(rules.begin(), rules.end(),
                     [](const Rule& rule) { return rule.method == Method::pass_through; });
}

bool certificate_fits(const Rule& rule, std::string_view common_name,
                      const std::vector<std::string>& others, std::string_view user) {
  if (common_name == user) return true;
  const auto mapped = [&](std::string_view name) {
    const auto [from, to] = rule.names.equal_range(name);
    return std::any_of(
        from, to, [&](const auto& entry) { return entry.second == user || entry.second == "*"; });
  };
  return mapped(common_name) || std::any_of(others.begin(), others.end(), mapped);
}

}  // namespace pgmoat::auth
