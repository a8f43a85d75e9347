#include "session/reading.h"

#include <algorithm>

#include "session/ready.h"
#include "session/scene.h"

namespace pgmoat::session {

namespace {

using sql::Kind;

// A relation may be a view that calls, or one on pg_settings; have triggers, rules, defaults that do. What is
// called by name may be anything. Operators and casts are the server's own in all but hostile
// schemas, whose functions had to be created first.
bool calls(const sql::Facts& facts) {
  return facts.dynamic_sql || !facts.relations.empty() ||
         std::any_of(facts.functions.begin(), facts.functions.end(), [](const sql::Function& each) {
           return each.reach == sql::Reach::call || each.reach == sql::Reach::method ||
                  each.reach == sql::Reach::notation;
         });
}

bool names_reading(const sql::Setting& setting) {
  return setting.name.empty() || setting.name == "all" || setting.name == "names" ||
         setting.name == "client_encoding" || setting.name == "standard_conforming_strings";
}

bool may_shift(const sql::Facts& facts, bool in_transaction) {
  switch (facts.kind) {
    case Kind::select:
    case Kind::insert:
    case Kind::update:
    case Kind::delete_:
    case Kind::merge: return calls(facts);
    case Kind::tcl:
      return in_transaction && facts.command != "BEGIN" && facts.command != "START TRANSACTION" &&
             facts.command != "SAVEPOINT" && facts.command != "RELEASE";
    case Kind::set:
      return facts.settings.empty() ||
             std::any_of(facts.settings.begin(), facts.settings.end(), names_reading);
    case Kind::show:
    case Kind::listen:
    case Kind::prepare: return false;
    case Kind::cursor: return !facts.command.starts_with("CLOSE");
    case Kind::copy:
    case Kind::ddl:
    case Kind::dcl:
    case Kind::explain:
    case Kind::call:
    case Kind::do_:
    case Kind::execute:
    case Kind::vacuum:
    case Kind::other: break;
  }
  return true;
}

}  // namespace

bool may_shift(const policy::Judged& judged, bool in_transaction) {
  if (judged == nullptr || judged->analysis == nullptr) return true;
  const sql::Analysis& analysis = *judged->analysis;
  if (analysis.opacity() != sql::Opacity::none) return true;
  for (const sql::Facts& facts : analysis.statements()) {
    if (may_shift(facts, in_transaction)) return true;
    in_transaction |= facts.kind == Kind::set;  // one of many statements of this text
  }
  return false;
}

bool may_turn(const policy::Judged& judged) {
  if (judged == nullptr || judged->analysis == nullptr) return true;
  const sql::Analysis& analysis = *judged->analysis;
  const auto statements = analysis.statements();
  return analysis.opacity() != sql::Opacity::none ||
         std::any_of(statements.begin(), statements.end(),
                     [](const sql::Facts& facts) { return facts.kind == Kind::tcl; });
}

bool may_swap_role(const policy::Judged& judged) {
  if (judged == nullptr || judged->analysis == nullptr) return true;
  const auto statements = judged->analysis->statements();
  return judged->analysis->opacity() != sql::Opacity::none ||
         std::any_of(statements.begin(), statements.end(), policy::changes_role);
}

void Doubt::sent(const Entry& entry) {
  if (entry.swaps) ++swapping;
  if (entry.turns) ++turning;
  if (!entry.shifts) return;
  ++outstanding;
  in_transaction = true;
}

void Doubt::gone(const Entry& entry, bool carried_out) {
  if (entry.swaps) --swapping;
  if (entry.turns) --turning;
  if (!entry.shifts) return;
  --outstanding;
  answered |= carried_out;
}

void Doubt::ready(char status) {
  answered = false;
  if (status == 'I' && outstanding == 0) in_transaction = false;
}

policy::Reading reading_of(const Ready& ready, const Scene& scene) {
  return {scene.settings.dialect(), ready.doubt.certain()};
}

}  // namespace pgmoat::session
