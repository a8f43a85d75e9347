#include "policy/native.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>

namespace pgmoat::policy {

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::none: return "none";
    case Protocol::simple: return "simple";
    case Protocol::extended: return "extended";
  }
  return "none";
}

Question question_about(const sql::Analysis& analysis) {
  Question question;
  question.text = analysis.text();
  question.comments = analysis.comments();
  question.traceparent = analysis.traceparent();
  question.opacity = analysis.opacity();
  question.why = analysis.why();
  question.error_position = analysis.error_position();
  question.converted = analysis.converted();
  const std::size_t count = analysis.statements().size();
  question.count = count == 0 ? 1 : static_cast<std::uint32_t>(count);
  return question;
}

std::uint32_t traits_of(const Question& question) {
  std::uint32_t traits = 0;
  const auto mark = [&](bool present, std::uint32_t trait) { traits |= present ? trait : 0u; };
  mark(question.opacity != sql::Opacity::none, kOpaque);
  mark(!question.comments.empty(), kHasComments);
  if (question.statement == nullptr) return traits;
  const sql::Facts& facts = *question.statement;
  mark(!facts.relations.empty(), kHasRelations);
  mark(!facts.functions.empty(), kHasFunctions);
  mark(!facts.columns.empty(), kHasColumns);
  mark(!facts.literals.empty(), kHasLiterals);
  mark(!facts.settings.empty(), kHasSettings);
  mark(!facts.roles.empty(), kHasRoles);
  mark(!facts.clauses.empty(), kHasClauses);
  mark(!facts.bodies.empty(), kHasBodies);
  mark(!facts.extensions.empty(), kHasExtensions);
  mark(facts.signs != 0, kHasSigns);
  mark(facts.copy.target != sql::Copy::Target::none, kHasCopy);
  mark(!facts.cursor.empty(), kHasCursor);
  mark(!facts.channel.empty(), kHasChannel);
  mark(!facts.prepared.empty(), kHasPrepared);
  mark(facts.writes, kWrites);
  mark(facts.dynamic_sql, kDynamic);
  mark(facts.security_definer, kDefiner);
  mark(facts.star, kStar);
  mark(facts.returning, kReturning);
  mark(facts.locking, kLocking);
  mark(!facts.where.present, kWithoutWhere);
  mark(facts.where.constant_true, kWhereTrue);
  mark(facts.where.tautology, kTautologous);
  return traits;
}

namespace {

using sql::Access;
using sql::Via;

// Whether it is the doing of the statement itself: the target of COPY, of MERGE, of INSERT, which ON
// CONFLICT updates too. One name in the text has one position: a CTE's target has another.
bool is_own(sql::Kind kind, const sql::Relation& relation, const sql::Relation* before,
            const sql::Relation* first_target) {
  if (relation.nested) return false;
  if (kind == sql::Kind::copy) return relation.via == Via::copy;
  const sql::Relation* target = kind == sql::Kind::merge ? first_target : before;
  if (target == nullptr || target->via != Via::target || target->nested) return false;
  if (target->position != relation.position || target->qualified != relation.qualified)
    return false;
  if (kind == sql::Kind::merge) return true;
  return kind == sql::Kind::insert && target->access == Access::insert &&
         relation.access == Access::update;
}

}  // namespace

std::uint32_t kinds_of(const Question& question) {
  if (question.statement == nullptr) return 0;
  const sql::Facts& facts = *question.statement;
  const auto bit_of = [](sql::Kind kind) { return 1u << static_cast<unsigned>(kind); };
  std::uint32_t kinds = bit_of(facts.kind);
  const sql::Relation* before = nullptr;
  const sql::Relation* first_target = nullptr;
  for (const sql::Relation& relation : facts.relations) {
    if (first_target == nullptr && relation.via == Via::target) first_target = &relation;
    const bool later = facts.kind == sql::Kind::ddl && relation.nested;
    const bool own = is_own(facts.kind, relation, before, first_target);
    before = &relation;
    if (later || own) continue;
    switch (relation.access) {
      case Access::insert: kinds |= bit_of(sql::Kind::insert); break;
      case Access::update: kinds |= bit_of(sql::Kind::update); break;
      case Access::delete_: kinds |= bit_of(sql::Kind::delete_); break;
      default: break;
    }
  }
  for (const sql::NestedCommand& nested : facts.nested_commands) {
    if (!nested.later) kinds |= bit_of(nested.kind);
  }
  return kinds;
}

struct Patterns::Sets {
  std::array<std::unique_ptr<re2::RE2::Set>, kFields> of;
  std::array<std::size_t, kFields> counts{};
};

namespace {

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes: the text need not be UTF-8
  return options;
}

}  // namespace

Patterns::Patterns() : sets_(std::make_unique<Sets>()) {}
Patterns::~Patterns() = default;

int Patterns::add(Field field, const std::string& pattern, std::string& error) {
  const auto at = static_cast<std::size_t>(field);
  if (!sets_->of[at]) {
    sets_->of[at] = std::make_unique<re2::RE2::Set>(options(), re2::RE2::UNANCHORED);
  }
  const int number = sets_->of[at]->Add(pattern, &error);
  if (number >= 0) ++sets_->counts[at];
  return number;
}

bool Patterns::finish() {
  return std::all_of(sets_->of.begin(), sets_->of.end(),
                     [](const auto& set) { return !set || set->Compile(); });
}

std::size_t Patterns::count(Field field) const {
  return sets_->counts[static_cast<std::size_t>(field)];
}

void Patterns::search(Field field, std::string_view text, std::vector<char>& hits) const {
  const auto& set = sets_->of[static_cast<std::size_t>(field)];
  if (!set) return;
  std::vector<int> found;
  re2::RE2::Set::ErrorInfo trouble{re2::RE2::Set::kNoError};
  if (!set->Match({text.data(), text.size()}, &found, &trouble) &&
      trouble.kind != re2::RE2::Set::kNoError) {
    // Out of memory for the automaton: what cannot be excluded is taken as found.
    std::fill(hits.begin(), hits.end(), char{1});
    return;
  }
  for (const int number : found) hits[static_cast<std::size_t>(number)] = 1;
}

void Scratch::reset(const Question& question) {
  searched.fill(false);
  kinds = kinds_of(question);
  fingerprint = 0;
  score = enforced_score = 0;
}

bool holds(const Condition& node, Asked& asked) {
  switch (node.op) {
    case Match::Op::leaf: {
      const bool held = node.test(node.operands, asked);
      if (asked.watch != nullptr) asked.watch->leaf(node, held);
      return held;
    }
    case Match::Op::all:
      return std::all_of(node.parts.begin(), node.parts.end(),
                         [&](const Condition& part) { return holds(part, asked); });
    case Match::Op::any:
      return std::any_of(node.parts.begin(), node.parts.end(),
                         [&](const Condition& part) { return holds(part, asked); });
    case Match::Op::none:
      return std::none_of(node.parts.begin(), node.parts.end(),
                          [&](const Condition& part) { return holds(part, asked); });
  }
  return false;
}

}  // namespace pgmoat::policy
