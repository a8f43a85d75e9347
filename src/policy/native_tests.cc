#include "policy/native_tests.h"

#include <algorithm>

namespace pgmoat::policy::tests {

namespace {

using sql::Access;

template <class E>
bool in_mask(std::uint64_t mask, E value) {
  return ((mask >> static_cast<unsigned>(value)) & 1) != 0;
}

bool in_ranges(const Operands& operands, std::int64_t value) {
  return std::any_of(operands.ranges.begin(), operands.ranges.end(), [&](const auto& range) {
    return value >= range.first && value <= range.second;
  });
}

// Some of the range, or all of a range that is not empty.
template <class Range, class Holds>
bool quantified(bool every, const Range& range, Holds fits) {
  if (!every) return std::any_of(range.begin(), range.end(), fits);
  return !range.empty() && std::all_of(range.begin(), range.end(), fits);
}

// Whether the lists of relations and functions are all there is.
bool complete(const Asked& asked) {
  const sql::Facts& facts = *asked.question.statement;
  return asked.question.opacity == sql::Opacity::none && !facts.dynamic_sql &&
         std::all_of(facts.bodies.begin(), facts.bodies.end(),
                     [](const sql::Body& body) { return body.readable; });
}

template <class Wanted>
bool relations_where(const Operands& operands, Asked& asked, Wanted wanted) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr) return false;
  bool some = false;
  for (const sql::Relation& relation : facts->relations) {
    if (!wanted(relation.access)) continue;
    const bool whole = relation.name == "*" && operands.doubt;
    const bool named =
        whole ? operands.names.has_some_of(relation.schema)
              : operands.names.has(relation.schema, relation.name, operands.unqualified);
    if (named && !some) asked.position = relation.position;
    if (named && !operands.every) return true;
    if (!named && operands.every) return false;
    some = some || named;
  }
  return some && complete(asked);
}

bool is_read(Access access) { return access == Access::read || access == Access::lock; }

bool flag(const Operands& operands, const Asked& asked, bool sql::Facts::*member) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->*member == operands.flag;
}

bool word(const Operands& operands, const Asked& asked, std::string_view sql::Facts::*member) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && !(facts->*member).empty() && operands.exact.has(facts->*member);
}

bool words(const Operands& operands, const Asked& asked,
           std::span<const std::string_view> sql::Facts::*member) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && quantified(operands.every, facts->*member, [&](std::string_view name) {
           return operands.exact.has(name);
         });
}

// Runs the field's whole set once a statement.
template <class Search>
bool found(const Operands& operands, Asked& asked, Patterns::Field field, Search search) {
  if (asked.question.statement == nullptr) return false;
  const auto at = static_cast<std::size_t>(field);
  std::vector<char>& hits = asked.scratch.hits[at];
  if (!asked.scratch.searched[at]) {
    hits.assign(asked.patterns.count(field), 0);
    search(hits);
    asked.scratch.searched[at] = true;
  }
  return std::any_of(operands.patterns.begin(), operands.patterns.end(),
                     [&](int number) { return hits[static_cast<std::size_t>(number)] != 0; });
}

}  // namespace

// What refuses holds if the statement is any of them, or does any inside; what allows, if it is and
// does nothing else.
bool kind(const Operands& operands, Asked& asked) {
  const std::uint64_t kinds = asked.scratch.kinds;
  if (operands.unqualified == NameSet::Unqualified::lenient) return (kinds & operands.mask) != 0;
  return kinds != 0 && (kinds & ~operands.mask) == 0;
}
bool command(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr) return false;
  const auto& nested = facts->nested_commands;
  const auto named = [&](const sql::NestedCommand& one) { return operands.words.has(one.command); };
  if (operands.unqualified == NameSet::Unqualified::lenient) {
    return operands.words.has(facts->command) || std::any_of(nested.begin(), nested.end(), named);
  }
  return operands.words.has(facts->command) && std::all_of(nested.begin(), nested.end(), named);
}
bool writes(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::writes);
}
bool writes_some(const Operands& operands, Asked& asked) {
  return relations_where(operands, asked, [](Access access) { return !is_read(access); });
}
bool reads_any(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr &&
         operands.flag == std::any_of(facts->relations.begin(), facts->relations.end(),
                                      [](const auto& r) { return is_read(r.access); });
}
bool reads_some(const Operands& operands, Asked& asked) {
  return relations_where(operands, asked, is_read);
}
bool relations(const Operands& operands, Asked& asked) {
  return relations_where(operands, asked, [](Access) { return true; });
}

bool relations_only(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && complete(asked) &&
         std::all_of(facts->relations.begin(), facts->relations.end(), [&](const auto& relation) {
           return operands.names.has(relation.schema, relation.name, NameSet::Unqualified::strict);
         });
}

namespace {

// A pattern of one column, and what the statement calls the relations it may be in.
struct ColumnOf {
  std::string_view name;
  bool qualified = false;
  std::vector<std::string_view> called;  // sorted

  // "users.ssn" is also ssn or u.ssn or u.* or u itself where the statement names users.
  bool is(const sql::Column& column) const {
    if (!qualified) return name == "*" ? column.name == name : glob(name, column.name);
    const auto calls = [&](std::string_view relation) {
      return std::binary_search(called.begin(), called.end(), relation);
    };
    const bool bare = column.relation.empty();
    if (bare && calls(column.name)) return true;
    if (bare ? called.empty() : !calls(column.relation)) return false;
    return column.name == "*" || glob(name, column.name);
  }
};

ColumnOf column_of(const sql::Facts& facts, std::string_view wanted) {
  ColumnOf out;
  const std::size_t dot = wanted.rfind('.');
  out.qualified = dot != std::string_view::npos;
  out.name = out.qualified ? wanted.substr(dot + 1) : wanted;
  if (!out.qualified) return out;
  std::string_view table = wanted.substr(0, dot), schema;
  if (const std::size_t inner = table.rfind('.'); inner != std::string_view::npos) {
    schema = table.substr(0, inner);
    table.remove_prefix(inner + 1);
  }
  for (const sql::Relation& relation : facts.relations) {
    if (!glob(table, relation.name)) continue;
    if (!schema.empty() && !relation.schema.empty() && !glob(schema, relation.schema)) continue;
    out.called.push_back(relation.alias.empty() ? relation.name : relation.alias);
  }
  std::sort(out.called.begin(), out.called.end());
  return out;
}

}  // namespace

bool columns(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr || facts->columns.empty()) return false;
  std::vector<ColumnOf> wanted;
  for (const std::string& column : operands.columns) wanted.push_back(column_of(*facts, column));
  return quantified(operands.every, facts->columns, [&](const sql::Column& column) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const ColumnOf& one) { return one.is(column); });
  });
}

bool functions(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr || (operands.every && !complete(asked))) return false;
  bool some = false;
  for (const sql::Function& function : facts->functions) {
    if (!in_mask(operands.mask, function.reach)) continue;
    if (operands.by_schema && !operands.exact.has(function.schema)) continue;
    // operands.flag: any name, only the reach or the schema was asked for.
    const bool named =
        operands.flag || operands.names.has(function.schema, function.name, operands.unqualified);
    if (named && !some) asked.position = function.position;
    if (named && !operands.every) return true;
    // Nobody lists = and + in an exception: operators and casts are no functions that it must name.
    const bool bare = function.reach == sql::Reach::op || function.reach == sql::Reach::cast;
    if (!named && !bare && operands.every) return false;
    some = some || named;
  }
  return some;
}

bool fingerprint(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr) return false;
  std::uint64_t& known = asked.scratch.fingerprint;
  if (known == 0) known = facts->fingerprint;
  if (known == 0) known = sql::fingerprint_of(facts->text);
  return std::find(operands.hashes.begin(), operands.hashes.end(), known) != operands.hashes.end();
}
bool structure(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && std::find(operands.hashes.begin(), operands.hashes.end(),
                                       facts->structure) != operands.hashes.end();
}
bool protocol(const Operands& operands, Asked& asked) {
  return in_mask(operands.mask, asked.question.protocol);
}
bool statements(const Operands& operands, Asked& asked) {
  return asked.question.statement != nullptr && in_ranges(operands, asked.question.count);
}
bool parameters(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && in_ranges(operands, facts->parameters);
}
bool copy_target(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && in_mask(operands.mask, facts->copy.target);
}
bool copy_format(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->copy.target != sql::Copy::Target::none &&
         operands.words.has(facts->copy.format);
}

// set.name, set.value and set.scope of one group speak of one setting. Empty sets ask nothing:
// bits 62 and 63 of the mask say that a name and a value are asked for.
bool settings(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  if (facts == nullptr) return false;
  const bool doubt = operands.unqualified == NameSet::Unqualified::lenient;
  const bool by_name = in_mask(operands.mask, 62u), by_value = in_mask(operands.mask, 63u);
  return quantified(operands.every, facts->settings, [&](const sql::Setting& setting) {
    if (!in_mask(operands.mask, setting.scope)) return false;
    if (by_name && !(setting.name.empty() ? doubt : operands.words.has(setting.name))) return false;
    if (!by_value) return true;
    if (setting.is_default) return operands.values.has("default");
    return setting.constant ? operands.values.has(setting.value) : doubt;
  });
}

bool roles(const Operands& operands, Asked& asked) {
  return words(operands, asked, &sql::Facts::roles);
}
bool clauses(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr &&
         quantified(operands.every, facts->clauses,
                    [&](std::string_view option) { return operands.words.has(option); });
}
bool extensions(const Operands& operands, Asked& asked) {
  return words(operands, asked, &sql::Facts::extensions);
}
bool languages(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && quantified(operands.every, facts->bodies, [&](const sql::Body& body) {
           return operands.words.has(body.language);
         });
}
bool dynamic_sql(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::dynamic_sql);
}
bool opaque(const Operands& operands, Asked& asked) {
  return (asked.question.opacity != sql::Opacity::none) == operands.flag;
}
bool opaque_reason(const Operands& operands, Asked& asked) {
  return in_mask(operands.mask, asked.question.opacity);
}
bool parsed(const Operands& operands, Asked& asked) {
  return (asked.question.opacity == sql::Opacity::none) == operands.flag;
}
bool where_present(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->where.present == operands.flag;
}
bool where_constant_true(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->where.constant_true == operands.flag;
}
bool where_tautology(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->where.tautology == operands.flag;
}
bool limit_kind(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && in_mask(operands.mask, facts->limit.kind);
}
bool limit_above(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && facts->limit.kind == sql::LimitKind::literal &&
         in_ranges(operands, facts->limit.value);
}
bool star(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::star);
}
bool locking(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::locking);
}
bool returning(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::returning);
}
bool joins(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && in_ranges(operands, facts->joins);
}
bool depth(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && in_ranges(operands, facts->depth);
}
bool signs(const Operands& operands, Asked& asked) {
  const sql::Facts* facts = asked.question.statement;
  return facts != nullptr && (facts->signs & operands.mask) != 0;
}

bool text_re2(const Operands& operands, Asked& asked) {
  return found(operands, asked, Patterns::Field::text, [&](std::vector<char>& hits) {
    asked.patterns.search(Patterns::Field::text, asked.question.statement->text, hits);
  });
}
bool literal_re2(const Operands& operands, Asked& asked) {
  return found(operands, asked, Patterns::Field::literal, [&](std::vector<char>& hits) {
    for (const sql::Literal& literal : asked.question.statement->literals) {
      asked.patterns.search(Patterns::Field::literal, literal.value, hits);
    }
  });
}
bool name_re2(const Operands& operands, Asked& asked) {
  return found(operands, asked, Patterns::Field::name, [&](std::vector<char>& hits) {
    const sql::Facts& facts = *asked.question.statement;
    const auto search = [&](std::string_view name) {
      asked.patterns.search(Patterns::Field::name, name, hits);
    };
    for (const sql::Relation& relation : facts.relations) search(relation.qualified);
    for (const sql::Function& function : facts.functions) search(function.qualified);
    for (const std::string_view name : facts.object_names) search(name);
  });
}

// The keys of sqlcommenter comments: key='value',...
bool comment_key(const Operands& operands, Asked& asked) {
  const auto is_key = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '%';
  };
  for (const std::string_view comment : asked.question.comments) {
    for (std::size_t at = comment.find("='"); at != std::string_view::npos;
         at = comment.find("='", at + 2)) {
      std::size_t from = at;
      while (from > 0 && is_key(comment[from - 1])) --from;
      if (from < at && operands.words.has(comment.substr(from, at - from))) return true;
    }
  }
  return false;
}

bool prepared(const Operands& operands, Asked& asked) {
  return word(operands, asked, &sql::Facts::prepared);
}
bool cursor(const Operands& operands, Asked& asked) {
  return word(operands, asked, &sql::Facts::cursor);
}
bool channel(const Operands& operands, Asked& asked) {
  return word(operands, asked, &sql::Facts::channel);
}
bool security_definer(const Operands& operands, Asked& asked) {
  return flag(operands, asked, &sql::Facts::security_definer);
}

}  // namespace pgmoat::policy::tests
