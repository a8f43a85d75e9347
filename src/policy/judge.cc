#include "policy/judge.h"

#include <algorithm>

namespace pgmoat::policy {

const Judged& allowed() {
  static const Judged ruling = std::make_shared<const Ruling>();
  return ruling;
}

std::string_view name_of(Hook hook) {
  switch (hook) {
    case Hook::connect: return "connect";
    case Hook::auth: return "auth";
    case Hook::statement: return "statement";
    case Hook::execute: return "execute";
    case Hook::copy: return "copy";
    case Hook::complete: return "complete";
    case Hook::disconnect: return "disconnect";
  }
  return "statement";
}

std::string_view name_of(Finding::Action action) {
  switch (action) {
    case Finding::Action::deny: return "deny";
    case Finding::Action::terminate: return "terminate";
    case Finding::Action::rewrite: return "rewrite";
    case Finding::Action::alert: return "alert";
    case Finding::Action::tag: return "tag";
    case Finding::Action::set: return "set";
    case Finding::Action::error: return "error";
  }
  return "alert";
}

bool is_role_setting(std::string_view name) {
  return name == "role" || name == "session_authorization";
}

bool changes_role(const sql::Facts& facts) {
  using Scope = sql::Setting::Scope;
  return facts.dynamic_sql ||
         std::any_of(facts.settings.begin(), facts.settings.end(), [](const sql::Setting& setting) {
           const bool names_it = setting.name.empty() || is_role_setting(setting.name);
           return names_it && (setting.scope == Scope::session || setting.scope == Scope::local);
         });
}

}  // namespace pgmoat::policy
