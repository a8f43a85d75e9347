#include "session/sql_names.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "session/copy.h"
#include "session/rewriting.h"

namespace pgmoat::session {

namespace {

using policy::Refusal;
using policy::Ruling;
using policy::Subject;
using sql::Kind;

Opinion unknown(Scene& scene, std::string_view name, bool statement, char tag) {
  Refusal refusal;
  refusal.rule = "protocol.unknown_name";
  refusal.sqlstate = statement ? "26000" : "34000";
  refusal.message =
      (statement ? "prepared statement \"" : "portal \"") + std::string(name) + "\" does not exist";
  refusal.detail = "pgmoat has not seen it being made.";
  return object_to(scene, std::move(refusal), tag);
}

// The words and the code that drivers know from a server whose plan has become invalid: they prepare
// the statement again.
Opinion policy_changed(Scene& scene, char tag) {
  Refusal refusal;
  refusal.rule = std::string(kPolicyChanged);
  refusal.sqlstate = "0A000";
  refusal.message = "cached plan must not change result type";
  refusal.detail =
      "The policy, or what it reads of the session, has changed since it was prepared.";
  refusal.hint = "Prepare it again.";
  return object_to(scene, std::move(refusal), tag);
}

std::string_view text_of(const Ruling& ruling) {
  if (ruling.action == Ruling::Action::rewrite) return ruling.rewrite.sql;
  return ruling.analysis != nullptr ? ruling.analysis->text() : std::string_view{};
}

// What is prepared at the server stays; only settings may be others than before.
bool same_text(const Ruling& before, const Ruling& now) {
  if (before.analysis == nullptr || now.analysis == nullptr) return true;
  return text_of(before) == text_of(now);
}

// What was ruled holds for the policy and for the session as they were: a role or a setting that a rule
// reads may be another by now.
Opinion judge_again(Ready& ready, Scene& scene, Object& object, std::string_view name, char tag) {
  policy::Judged& meaning = object.meaning();
  const std::uint64_t revision = scene.view.revision();
  if (meaning == nullptr) return {};
  if (meaning->epoch == scene.judge.epoch() && object.revision == revision && !meaning->passing) {
    return {};
  }
  Subject subject = subject_of(scene, Subject::Kind::again);
  subject.reading = reading_of(ready, scene);
  subject.statement = name;
  subject.earlier = meaning.get();
  Opinion opinion = ask(scene, subject, tag);
  if (opinion.course == Course::refuse || opinion.course == Course::end) return opinion;
  opinion.course = Course::go;
  object.revision = revision;
  if (opinion.ruling == nullptr) return opinion;
  if (scene.enforcing() && !same_text(*meaning, *opinion.ruling)) return policy_changed(scene, tag);
  meaning = opinion.ruling;
  return opinion;
}

// A name made by an earlier statement of the same text.
bool is_made_before(std::span<const sql::Facts> statements, std::size_t index) {
  const auto end = statements.begin() + static_cast<std::ptrdiff_t>(index);
  return std::any_of(statements.begin(), end, [&](const sql::Facts& each) {
    return each.kind == Kind::prepare && each.prepared == statements[index].prepared;
  });
}

// EXECUTE x; also EXPLAIN EXECUTE x and CREATE TABLE AS EXECUTE x.
bool is_execute(const sql::Facts& facts) {
  return !facts.prepared.empty() && facts.kind != Kind::prepare &&
         !facts.command.starts_with("DEALLOCATE");
}
bool fetches(const sql::Facts& facts) {
  return facts.kind == Kind::cursor && (facts.command == "FETCH" || facts.command == "MOVE");
}
bool declares(const sql::Facts& facts) {
  return facts.kind == Kind::cursor && facts.command.starts_with("DECLARE");
}

bool mentions_hold(std::string_view text) {
  static constexpr std::string_view kHold = "hold";
  return std::search(text.begin(), text.end(), kHold.begin(), kHold.end(),
                     [](char a, char b) { return ascii_lower(a) == b; }) != text.end();
}

}  // namespace

std::span<const sql::Facts> statements_of(const policy::Judged& judged) {
  if (judged == nullptr || judged->analysis == nullptr ||
      judged->analysis->opacity() != sql::Opacity::none) {
    return {};
  }
  return judged->analysis->statements();
}

void Sight::saw(const policy::Judged& judged) {
  const bool read = judged != nullptr && judged->analysis != nullptr;
  some |= read;
  blind |= !read || judged->analysis->opacity() != sql::Opacity::none;
}

Opinion judge_names(Ready& ready, Scene& scene, const policy::Judged& judged, char tag) {
  const auto statements = statements_of(judged);
  const Limits& limits = scene.setup.limits;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const sql::Facts& facts = statements[i];
    Opinion opinion;
    if (is_execute(facts) && !is_made_before(statements, i)) {
      opinion = judge_use(ready, scene, Table::statements, ready.statements.find(facts.prepared),
                          facts.prepared, tag);
    } else if (fetches(facts) && ready.portals.find(facts.cursor) != nullptr) {
      opinion = judge_again(ready, scene, *ready.portals.find(facts.cursor), facts.cursor, tag);
    } else if (facts.kind == Kind::prepare &&
               !ready.statements.has_room(facts.prepared, limits.statements)) {
      opinion = object_to(scene, too_many("statements", limits.statements), tag);
    } else if (declares(facts) && !ready.portals.has_room(facts.cursor, limits.portals)) {
      opinion = object_to(scene, too_many("portals", limits.portals), tag);
    }
    if (opinion.course != Course::go) return opinion;
  }
  return {};
}

Opinion judge_use(Ready& ready, Scene& scene, Table which, Object* object, std::string_view name,
                  char tag) {
  const bool statement = which == Table::statements;
  const ObjectTable& table = statement ? ready.statements : ready.portals;
  if (object == nullptr) {
    if (!ready.sight.sees_all() || table.forgot()) return {};
    return unknown(scene, name, statement, tag);
  }
  return judge_again(ready, scene, *object, statement ? name : std::string_view{}, tag);
}

bool starts_copy(Ready& ready, const Scene& scene, const policy::Judged& judged,
                 std::string_view sql) {
  if (scene.who.walsender) return true;
  if (judged == nullptr || judged->analysis == nullptr ||
      judged->analysis->opacity() != sql::Opacity::none) {
    return may_start_copy(sql);
  }
  for (const sql::Facts& facts : judged->analysis->statements()) {
    if (facts.kind == Kind::copy && facts.copy.from &&
        (facts.copy.target == sql::Copy::Target::stdin_ ||
         facts.copy.target == sql::Copy::Target::stdout_)) {
      return true;
    }
    if (!is_execute(facts)) continue;
    const Object* object = ready.statements.find(facts.prepared);
    if (object == nullptr || object->may_copy) return true;
  }
  return false;
}

void expect_names(Ready& ready, const Scene& scene, const policy::Judged& judged,
                  std::uint64_t segment) {
  const Limits& limits = scene.setup.limits;
  for (const sql::Facts& facts : statements_of(judged)) {
    if (facts.kind == Kind::prepare &&
        ready.statements.has_room(facts.prepared, limits.statements)) {
      ready.statements.create(facts.prepared, false, judged, segment)->revision =
          scene.view.revision();
    } else if (declares(facts) && ready.portals.has_room(facts.cursor, limits.portals)) {
      Object* object = ready.portals.create(facts.cursor, false, judged, segment);
      object->revision = scene.view.revision();
      object->lasting |= mentions_hold(facts.text);
    }
  }
}

void undo_names(Ready& ready, const policy::Judged& judged, std::size_t from) {
  const auto statements = statements_of(judged);
  for (std::size_t i = from; i < statements.size(); ++i) {
    const sql::Facts& facts = statements[i];
    ObjectTable& table = facts.kind == Kind::prepare ? ready.statements : ready.portals;
    if (facts.kind != Kind::prepare && !declares(facts)) continue;
    const std::string_view name = facts.kind == Kind::prepare ? facts.prepared : facts.cursor;
    Object* object = table.find(name);
    if (object != nullptr && object->creating != 0) table.undone(*object);
  }
}

void confirm_names(Ready& ready, Scene& scene, const policy::Judged& judged,
                   const sql::Facts& facts) {
  if (facts.kind == Kind::prepare) {
    Object* object = ready.statements.find(facts.prepared);
    if (object != nullptr && object->creating != 0) ready.statements.created(*object, judged);
    else ready.statements.made_one();
  } else if (declares(facts)) {
    Object* object = ready.portals.find(facts.cursor);
    if (object != nullptr && object->creating != 0) ready.portals.created(*object, judged);
  } else if (facts.kind == Kind::cursor && facts.command.starts_with("CLOSE")) {
    if (facts.cursor.empty()) ready.portals.forget_all();
    else ready.portals.dropped(facts.cursor);
  } else if (facts.kind == Kind::execute && !is_execute(facts)) {
    if (facts.prepared.empty()) ready.statements.forget_all();
    else if (ready.statements.find(facts.prepared) == nullptr) ready.statements.dropped_one();
    else ready.statements.dropped(facts.prepared);
  } else if (is_execute(facts)) {
    Object* object = ready.statements.find(facts.prepared);
    if (object == nullptr) return;
    for (const sql::Facts& prepared : statements_of(object->judged)) scene.settings.ran(prepared);
  }
}

// What SQL text did to named objects shows in the command tag only.
void follow_tag(Ready& ready, std::string_view tag) {
  if (tag == "DEALLOCATE ALL") {
    ready.statements.forget_all();
  } else if (tag == "DISCARD ALL") {
    ready.statements.forget_all();
    ready.portals.forget_all();
  } else if (tag == "PREPARE") {
    ready.statements.made_one();
  } else if (tag == "DEALLOCATE") {
    ready.statements.dropped_one();
  } else if (tag == "CLOSE CURSOR") {
    ready.portals.dropped_one();
  }
}

}  // namespace pgmoat::session
