#include "session/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "policy/judge.h"

namespace pgmoat::session {

namespace {

constexpr const char* kNoRole = "none";

bool has_word(std::string_view text, std::string_view word) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = 0; at + word.size() <= text.size(); ++at) {
    const bool same = std::equal(word.begin(), word.end(), text.begin() + at,
                                 [](char a, char b) { return a == ascii_lower(b); });
    if (!same || (at > 0 && letter(text[at - 1]))) continue;
    if (at + word.size() == text.size() || !letter(text[at + word.size()])) return true;
  }
  return false;
}

// SELECT set_config('x', 'v', false) and nothing that could keep it from being called: then its
// completion means that it was. A parenthesis more may be EXISTS(...), ROW(...) or what else is not
// always evaluated.
bool surely_calls(const sql::Facts& facts, std::string_view tag) {
  if (facts.kind != sql::Kind::select || tag != "SELECT 1" || !facts.relations.empty())
    return false;
  if (facts.functions.size() != facts.settings.size() || facts.ctes != 0 ||
      facts.set_operations != 0 || facts.depth != 0) {
    return false;
  }
  if (std::count(facts.text.begin(), facts.text.end(), '(') != std::ssize(facts.settings)) {
    return false;
  }
  static constexpr std::array<std::string_view, 12> kChoices = {
      "case", "where", "coalesce", "nullif", "and",    "or",
      "in",   "limit", "offset",   "having", "filter", "from"};
  return std::none_of(kChoices.begin(), kChoices.end(),
                      [&](std::string_view word) { return has_word(facts.text, word); });
}

bool is_of_session(const sql::Setting& setting) {
  return setting.scope == sql::Setting::Scope::session ||
         setting.scope == sql::Setting::Scope::local;
}

}  // namespace

void Settings::logged_in() {
  if (!view_->has_guc("role")) put("role", kNoRole);
  refresh_role();
}

void Settings::started(std::string_view name, std::string_view value) {
  if (value.size() <= kLongest) put(ascii_lower(name), std::string(value));
}

void Settings::reported(std::string_view name, std::string_view value) {
  std::array<char, 64> lower{};
  if (name.size() > lower.size()) return;
  std::transform(name.begin(), name.end(), lower.begin(), [](char c) { return ascii_lower(c); });
  const std::string_view key(lower.data(), name.size());
  if (!is_reported(key)) {
    if (reported_.size() >= kMost) return;
    reported_.emplace_back(key);
    std::erase_if(log_, [&](const Undo& entry) { return entry.name == key; });
  } else if (view_->has_guc(key) && view_->guc(key) == value) {
    return;
  }
  if (value.size() <= kLongest) put(key, std::string(value));
  else put(key, std::nullopt);
  if (key == "client_encoding") sql::set_encoding(dialect_, value);
  if (key == "standard_conforming_strings") dialect_.standard_conforming_strings = value == "on";
  if (key == "server_encoding") server_is_utf8_ = value == "UTF8";
  if (key == "application_name") view_->set(policy::SessionField::application, std::string(value));
  if (key == "server_version") view_->set(policy::SessionField::server, std::string(value));
  if (policy::is_role_setting(key)) refresh_role();
}

bool Settings::counts_utf8() const {
  if (dialect_.encoding == sql::Encoding::single_byte) return false;
  return dialect_.encoding != sql::Encoding::sql_ascii || server_is_utf8_;
}

void Settings::completed(const sql::Facts* facts, std::string_view tag) {
  if (tag == "COMMIT" || tag == "PREPARE TRANSACTION") return transaction_ends(true);
  if (tag == "ROLLBACK") {
    // ROLLBACK TO has the same tag; what the settings were at the savepoint is not known.
    if (facts == nullptr || has_word(facts->text, "to")) return savepoint_undone();
    return transaction_ends(false);
  }
  if (tag == "DISCARD ALL") {
    forget_everything();
    return change("role", kNoRole, false);
  }
  if (facts == nullptr) {
    if (tag == "SET" || tag == "RESET") forget_everything();
    return;
  }
  if (facts->settings.empty() || facts->kind == sql::Kind::ddl || facts->kind == sql::Kind::dcl ||
      facts->kind == sql::Kind::prepare) {
    return;
  }
  const bool surely = facts->kind == sql::Kind::set || surely_calls(*facts, tag);
  for (const sql::Setting& setting : facts->settings) change(setting, surely && !setting.nested);
}

void Settings::ran(const sql::Facts& prepared) {
  for (const sql::Setting& setting : prepared.settings) change(setting, false);
}

void Settings::ready(char status) {
  view_->set_transaction(status);
  if (status == 'I') transaction_ends(!failed_);
  failed_ = false;
}

// ---- one change ---------------------------------------------------------------------------------

void Settings::change(const sql::Setting& setting, bool surely) {
  if (!is_of_session(setting)) return;
  if (setting.name.empty()) return forget_everything();
  if (setting.name == "all") return forget_resettable();
  const bool known = surely && setting.constant && !setting.is_default;
  Value value;
  if (known && setting.value.size() <= kLongest) value = std::string(setting.value);
  // Back to no role is known, whatever else a default may be.
  if (surely && setting.is_default && setting.name == "role") value = kNoRole;
  const bool local = setting.scope == sql::Setting::Scope::local && surely;
  change(setting.name, std::move(value), local);
}

void Settings::change(std::string_view name, Value value, bool local) {
  if (name == "session_authorization") change("role", kNoRole, local);
  if (is_reported(name)) return;
  if (Undo* entry = log(name)) {
    if (!local) entry->kept = value;
  }
  put(name, value);
  if (policy::is_role_setting(name)) refresh_role();
}

// What was tracked is unknown now.
void Settings::forget_everything() {
  forget_resettable();
  change("role", std::nullopt, false);
}

// RESET ALL spares the role.
void Settings::forget_resettable() {
  std::vector<std::string> names;
  for (const auto& [name, value] : view_->gucs()) {
    if (!is_reported(name) && name != "role") names.push_back(name);
  }
  for (const std::string& name : names) change(name, std::nullopt, false);
}

Settings::Value Settings::now(std::string_view name) const {
  if (!view_->has_guc(name)) return std::nullopt;
  return std::string(view_->guc(name));
}

void Settings::put(std::string_view name, const Value& value) {
  if (!value) {
    if (view_->has_guc(name)) view_->drop_guc(name);
    return;
  }
  const bool here = view_->has_guc(name);
  if (here && view_->guc(name) == *value) return;
  if (!here && view_->gucs().size() >= kMost && !is_reported(name) &&
      !policy::is_role_setting(name))
    return;
  view_->set_guc(std::string(name), *value);
}

bool Settings::is_reported(std::string_view name) const {
  return std::find(reported_.begin(), reported_.end(), name) != reported_.end();
}

// ---- transactions -------------------------------------------------------------------------------

// Every change is logged, also outside a block: the statement's own transaction may yet fail.
Settings::Undo* Settings::log(std::string_view name) {
  for (Undo& entry : log_) {
    if (entry.name == name) return &entry;
  }
  if (log_.size() >= kMost) {
    lost_ = true;
    return nullptr;
  }
  Value value = now(name);
  log_.push_back({std::string(name), value, value});
  return &log_.back();
}

void Settings::transaction_ends(bool commits) {
  bool role = false;
  for (const Undo& entry : log_) {
    put(entry.name, commits ? entry.kept : entry.before);
    role |= policy::is_role_setting(entry.name);
  }
  log_.clear();
  if (lost_) {
    lost_ = false;
    forget_everything();
    log_.clear();
  }
  failed_ = false;
  if (role) refresh_role();
}

void Settings::savepoint_undone() {
  for (Undo& entry : log_) {
    put(entry.name, std::nullopt);
    entry.kept.reset();
    if (policy::is_role_setting(entry.name)) refresh_role();
  }
}

bool Settings::role_is_open() const {
  return std::any_of(log_.begin(), log_.end(),
                     [](const Undo& undo) { return policy::is_role_setting(undo.name); });
}

void Settings::refresh_role() {
  Value role = now("role");
  if (role == kNoRole) role = now("session_authorization").value_or("");
  const bool session = is_reported("session_authorization");
  std::string value = role ? *role : std::string(policy::SessionView::kUnknownRole);
  if (session && value == view_->get(policy::SessionField::user)) value.clear();
  view_->set(policy::SessionField::role, std::move(value));
}

}  // namespace pgmoat::session
