// The keys of `match`: how each reads its operands, and what it costs. One table; what is not in it
// is an error, as is an operand that the key cannot compare with.
#include "policy/native_keys.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <type_traits>

#include "base/ascii.h"
#include "policy/matchers.h"
#include "policy/native_tests.h"

namespace pgmoat::policy {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
using enum LeafKey::Cost;

}  // namespace

std::string shown(const Operand& operand) {
  if (const auto* text = std::get_if<std::string>(&operand)) return "'" + *text + "'";
  if (const auto* truth = std::get_if<bool>(&operand)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&operand)) return std::to_string(*number);
  return std::to_string(std::get<double>(operand));
}

namespace {

// Calls `use` with every operand's text; a number is its digits.
template <class Use>
void each_text(Leaf& leaf, Use use) {
  for (const Operand& operand : leaf.operands) {
    if (const auto* text = std::get_if<std::string>(&operand)) {
      use(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&operand)) {
      use(std::to_string(*number));
    } else {
      leaf.trouble = shown(operand) + " is no text";
    }
  }
}

void read_flag(Leaf& leaf) {
  const auto* truth = std::get_if<bool>(&leaf.operands.front());
  if (truth == nullptr || leaf.operands.size() != 1) {
    leaf.trouble = "takes true or false";
    return;
  }
  leaf.node.operands.flag = *truth;
  if (!*truth) leaf.node.needs = 0;  // what is not there is false already
}

void read_words(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) { leaf.node.operands.words.add(text); });
  leaf.node.operands.words.finish();
}

void read_exact(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) { leaf.node.operands.exact.add(text); });
  leaf.node.operands.exact.finish();
}

void read_names(Leaf& leaf) {
  Operands& operands = leaf.node.operands;
  operands.flag = false;  // of functions: a name is asked for
  each_text(leaf, [&](const std::string& text) { operands.names.add(text); });
  operands.names.finish();
}

void read_needed_names(Leaf& leaf) {
  read_names(leaf);
  leaf.node.names = leaf.node.operands.names.plain_names();
}

// All but `column`: t.version is a column until the catalogue says otherwise.
std::uint64_t any_reach() {
  using sql::Reach;
  std::uint64_t mask = 0;
  for (const Reach reach :
       {Reach::call, Reach::notation, Reach::op, Reach::cast, Reach::definition, Reach::method}) {
    mask |= std::uint64_t{1} << static_cast<unsigned>(reach);
  }
  return mask;
}

void read_functions(Leaf& leaf) {
  using sql::Reach;
  read_needed_names(leaf);
  for (const Reach reach :
       {Reach::call, Reach::notation, Reach::op, Reach::cast, Reach::definition, Reach::method}) {
    leaf.node.operands.mask |= std::uint64_t{1} << static_cast<unsigned>(reach);
  }
}

void read_function_schema(Leaf& leaf) {
  read_exact(leaf);
  leaf.node.operands.by_schema = true;
  leaf.node.operands.mask = any_reach();
}

void read_columns(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) { leaf.node.operands.columns.push_back(text); });
}

// `writes = true`, or relations that are written.
template <bool (*Flag)(const Operands&, Asked&)>
void read_flag_or_names(Leaf& leaf) {
  if (std::holds_alternative<bool>(leaf.operands.front())) {
    leaf.node.test = Flag;
    read_flag(leaf);
    if (leaf.node.operands.flag && leaf.match.key == "writes") leaf.node.needs = kWrites;
  } else {
    read_needed_names(leaf);
  }
}

// Words of an enumeration, by its name_of().
template <class E, E Last>
void read_enum(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    std::string known;
    const std::string word = ascii_lower(text);
    for (unsigned at = 0; at <= static_cast<unsigned>(Last); ++at) {
      const std::string_view name = name_of(static_cast<E>(at));
      if (name == word) {
        leaf.node.operands.mask |= std::uint64_t{1} << at;
        return;
      }
      known += (at == 0 ? "" : ", ") + std::string(name);
    }
    leaf.trouble = "'" + text + "' is none of " + known;
  });
}

void read_kinds(Leaf& leaf) {
  read_enum<sql::Kind, sql::Kind::other>(leaf);
  leaf.node.kinds = static_cast<std::uint32_t>(leaf.node.operands.mask);
}

void read_opaque(Leaf& leaf) {
  if (std::holds_alternative<bool>(leaf.operands.front())) return read_flag(leaf);
  leaf.node.test = tests::opaque_reason;
  read_enum<sql::Opacity, sql::Opacity::dialect>(leaf);
  if ((leaf.node.operands.mask & 1) != 0) leaf.node.needs = 0;  // "none"
}

void read_target(Leaf& leaf) {
  read_enum<sql::Copy::Target, sql::Copy::Target::program>(leaf);
  if ((leaf.node.operands.mask & 1) != 0) leaf.node.needs = 0;
}

void read_setting_names(Leaf& leaf) {
  read_words(leaf);
  leaf.node.operands.mask |= std::uint64_t{1} << 62;
}
void read_setting_values(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) { leaf.node.operands.values.add(text); });
  leaf.node.operands.values.finish();
  leaf.node.operands.mask |= std::uint64_t{1} << 63;
}

void read_signs(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    const std::uint32_t sign = sign_bit(text);
    if (sign == 0) leaf.trouble = "'" + text + "' is no sign";
    leaf.node.operands.mask |= sign;
  });
}

void read_hashes(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    std::uint64_t hash = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, hash, 16);
    if (error != std::errc{} || stop != end || text.size() != 16) {
      leaf.trouble = "'" + text + "' is not 16 hexadecimal digits";
    }
    leaf.node.operands.hashes.push_back(hash);
  });
}

template <Patterns::Field Field>
void read_patterns(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    std::string error;
    const int number = leaf.patterns.add(Field, text, error);
    if (number < 0) leaf.trouble = "'" + text + "': " + error;
    leaf.node.operands.patterns.push_back(number);
  });
}

void read_networks(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    const std::string wrong = leaf.node.operands.networks.add(text);
    if (!wrong.empty()) leaf.trouble = wrong;
  });
}

void read_hours(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    Result<Schedule, std::string> hours = Schedule::parse(text);
    if (!hours) {
      leaf.trouble = hours.error();
    } else {
      leaf.node.operands.hours.push_back(std::move(*hours));
    }
  });
}

// 3, ">3", ">=3", "<3", "<=3", "2-5".
bool read_range(std::string_view text, std::pair<std::int64_t, std::int64_t>& out) {
  const auto number = [](std::string_view digits, std::int64_t& value) {
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc{} && stop == end;
  };
  std::int64_t value = 0;
  const bool orders = !text.empty() && (text[0] == '<' || text[0] == '>');
  if (!orders) {
    const std::size_t dash = text.find('-', 1);
    if (dash == std::string_view::npos) return number(text, out.first) && number(text, out.second);
    return number(text.substr(0, dash), out.first) && number(text.substr(dash + 1), out.second);
  }
  const bool equal = text.size() > 1 && text[1] == '=';
  const bool below = text[0] == '<';
  text.remove_prefix(equal ? 2 : 1);
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  if (!number(text, value)) return false;
  out = below ? std::pair{kLeast, equal ? value : value - 1}
              : std::pair{equal ? value : value + 1, kMost};
  return true;
}

void read_counts(Leaf& leaf) {
  each_text(leaf, [&](const std::string& text) {
    std::pair<std::int64_t, std::int64_t> range;
    if (!read_range(text, range)) leaf.trouble = "'" + text + "' is not like 3, '>3' or '2-5'";
    leaf.node.operands.ranges.push_back(range);
  });
}

// One whole number; false, and the trouble said, where it is none.
bool read_number(Leaf& leaf, std::int64_t& number) {
  const auto* written = std::get_if<std::int64_t>(&leaf.operands.front());
  if (written == nullptr || leaf.operands.size() != 1 || *written == kMost) {
    leaf.trouble = "takes one whole number";
    return false;
  }
  number = *written;
  return true;
}

void read_above(Leaf& leaf) {
  std::int64_t number = 0;
  if (read_number(leaf, number)) leaf.node.operands.ranges = {{number + 1, kMost}};
}
void read_least(Leaf& leaf) {
  std::int64_t number = 0;
  if (read_number(leaf, number)) leaf.node.operands.ranges = {{number, kMost}};
}
void read_most(Leaf& leaf) {
  std::int64_t number = 0;
  if (read_number(leaf, number)) leaf.node.operands.ranges = {{kLeast, number}};
}

const LeafKey kKeys[] = {
    {"kind", tests::kind, read_kinds},
    {"command", tests::command, read_words},
    {"writes", tests::writes_some, read_flag_or_names<tests::writes>, kName, kHasRelations},
    {"reads", tests::reads_some, read_flag_or_names<tests::reads_any>, kName, kHasRelations},
    {"relations", tests::relations, read_needed_names, kName, kHasRelations},
    {"relations.only", tests::relations_only, read_names, kName},
    {"columns", tests::columns, read_columns, kName, kHasColumns},
    {"functions", tests::functions, read_functions, kName, kHasFunctions},
    {"functions.reach", tests::functions, read_enum<sql::Reach, sql::Reach::method>, kName,
     kHasFunctions},
    {"function.schema", tests::functions, read_function_schema, kName, kHasFunctions},
    {"fingerprint", tests::fingerprint, read_hashes, kFingerprint},
    {"structure", tests::structure, read_hashes},
    {"protocol", tests::protocol, read_enum<Protocol, Protocol::extended>},
    {"statements", tests::statements, read_counts},
    {"parameters", tests::parameters, read_counts},
    {"statements.min", tests::statements, read_least},
    {"statements.max", tests::statements, read_most},
    {"parameters.min", tests::parameters, read_least},
    {"parameters.max", tests::parameters, read_most},
    {"copy.target", tests::copy_target, read_target, kFlag, kHasCopy},
    {"copy.format", tests::copy_format, read_words, kFlag, kHasCopy},
    {"set.name", tests::settings, read_setting_names, kName, kHasSettings},
    {"set.value", tests::settings, read_setting_values, kName, kHasSettings},
    {"set.scope", tests::settings, read_enum<sql::Setting::Scope, sql::Setting::Scope::function>,
     kName, kHasSettings},
    {"roles", tests::roles, read_exact, kName, kHasRoles},
    {"clauses", tests::clauses, read_words, kName, kHasClauses},
    {"extensions", tests::extensions, read_exact, kName, kHasExtensions},
    {"languages", tests::languages, read_words, kName, kHasBodies},
    {"dynamic_sql", tests::dynamic_sql, read_flag, kFlag, kDynamic},
    {"opaque", tests::opaque, read_opaque, kFlag, kOpaque},
    {"parsed", tests::parsed, read_flag},
    {"where.present", tests::where_present, read_flag},
    {"where.constant_true", tests::where_constant_true, read_flag, kFlag, kWhereTrue},
    {"where.tautology", tests::where_tautology, read_flag, kFlag, kTautologous},
    {"limit.kind", tests::limit_kind, read_enum<sql::LimitKind, sql::LimitKind::expression>},
    {"limit.above", tests::limit_above, read_above},
    {"star", tests::star, read_flag, kFlag, kStar},
    {"locking", tests::locking, read_flag, kFlag, kLocking},
    {"returning", tests::returning, read_flag, kFlag, kReturning},
    {"joins.above", tests::joins, read_above},
    {"depth.above", tests::depth, read_above},
    {"signs", tests::signs, read_signs, kFlag, kHasSigns},
    {"literal_re2", tests::literal_re2, read_patterns<Patterns::Field::literal>, kPattern,
     kHasLiterals},
    {"text_re2", tests::text_re2, read_patterns<Patterns::Field::text>, kPattern},
    {"name_re2", tests::name_re2, read_patterns<Patterns::Field::name>, kPattern},
    {"comment.key", tests::comment_key, read_words, kPattern, kHasComments},
    {"prepared", tests::prepared, read_exact, kName, kHasPrepared},
    {"cursor", tests::cursor, read_exact, kName, kHasCursor},
    {"channel", tests::channel, read_exact, kName, kHasChannel},
    {"security_definer", tests::security_definer, read_flag, kFlag, kDefiner},
    {"user", tests::user, read_exact, kSession},
    {"database", tests::database, read_exact, kSession},
    {"role", tests::role, read_exact, kSession},
    {"app", tests::app, read_exact, kSession},
    {"client", tests::client, read_networks, kSession},
    {"tls", tests::tls, read_flag, kSession},
    {"sni", tests::sni, read_exact, kSession},
    {"certificate", tests::certificate, read_exact, kSession},
    {"method", tests::method, read_exact, kSession},
    {"tags", tests::tags, read_exact, kSession},
    {"transaction", tests::transaction, read_words, kSession},
    {"session.replication", tests::replication, read_flag, kSession},
    {"time", tests::time, read_hours, kTime},
    {"score.above", tests::score, read_above, kScore},
};

}  // namespace

const LeafKey* find_leaf_key(std::string_view name) {
  const auto* at = std::find_if(std::begin(kKeys), std::end(kKeys),
                                [&](const LeafKey& key) { return key.name == name; });
  return at == std::end(kKeys) ? nullptr : at;
}

}  // namespace pgmoat::policy
