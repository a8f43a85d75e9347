// A rule's `match`, compiled: a tree of tests on native facts. No Lua is entered here and, but for
// patterns and fingerprints, nothing is allocated. Parts are ordered so that what needs only the
// statement is asked first and what needs the session later: the fewer fields an answer read, the
// more sessions may share it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "policy/dates.h"
#include "policy/name_set.h"
#include "policy/question.h"
#include "policy/rule.h"

namespace re2 {
class RE2;
}

namespace pgmoat::policy {

// Marks of a statement of which a match may be known to need some: a rule whose marks the statement
// does not bear cannot match, and is passed over by one comparison.
enum Trait : std::uint32_t {
  kHasRelations = 1u << 0,
  kHasFunctions = 1u << 1,
  kHasColumns = 1u << 2,
  kHasLiterals = 1u << 3,
  kHasSettings = 1u << 4,
  kHasRoles = 1u << 5,
  kHasBodies = 1u << 6,
  kHasExtensions = 1u << 7,
  kHasComments = 1u << 8,
  kHasSigns = 1u << 9,
  kHasCopy = 1u << 10,
  kHasCursor = 1u << 11,
  kHasChannel = 1u << 12,
  kHasPrepared = 1u << 13,
  kWrites = 1u << 14,
  kDynamic = 1u << 15,
  kDefiner = 1u << 16,
  kOpaque = 1u << 17,
  kStar = 1u << 18,
  kReturning = 1u << 19,
  kLocking = 1u << 20,
  kWithoutWhere = 1u << 21,
  kWhereTrue = 1u << 22,
  kTautologous = 1u << 23,
  kHasClauses = 1u << 24,
};
std::uint32_t traits_of(const Question& question);

// Bits 1 << sql::Kind: what the statement is, and what it does besides: a SELECT, EXPLAIN, PREPARE or
// DO that inserts, grants or creates somewhere inside is that too. What DDL defines is not done yet.
std::uint32_t kinds_of(const Question& question);

// The patterns of every rule, one RE2::Set per field: a text is walked once whatever their number.
class Patterns {
 public:
  enum class Field : std::uint8_t { text, literal, name };
  static constexpr std::size_t kFields = 3;
  Patterns();
  ~Patterns();
  // The pattern's number in its field, or -1 and `error`.
  int add(Field field, const std::string& pattern, std::string& error);
  bool finish();  // false: the set needs too much memory
  std::size_t count(Field field) const;
  // Sets hits[n] of every pattern that is found in `text`; hits has count() places.
  void search(Field field, std::string_view text, std::vector<char>& hits) const;

 private:
  struct Sets;
  std::unique_ptr<Sets> sets_;
};

// What evaluating one statement finds once and asks again; kept by the worker, for its memory.
struct Scratch {
  std::array<std::vector<char>, Patterns::kFields> hits;
  std::array<bool, Patterns::kFields> searched{};
  std::uint64_t fingerprint = 0;
  std::uint32_t kinds = 0;          // kinds_of()
  std::int64_t score = 0;           // of every scoring rule that is not off
  std::int64_t enforced_score = 0;  // of those that enforce
  void reset(const Question& question);
};

struct Condition;

// Told of every leaf in turn; for `explain`.
class LeafWatch {
 public:
  virtual void leaf(const Condition& node, bool held) = 0;

 protected:
  ~LeafWatch() = default;
};

struct Asked {
  const Question& question;
  const Patterns& patterns;
  Scratch& scratch;
  Reads& reads;
  LeafWatch* watch = nullptr;
  // Byte offset of the fact by which a relation or function leaf held; 0 where it has none.
  std::uint32_t position = 0;
  bool score_asked = false;  // a leaf compared the score
};

// What a leaf compares with; a leaf uses a few of these.
struct Operands {
  bool flag = true;
  bool doubt = true;       // the answer where it cannot be known
  bool by_schema = false;  // of functions: `exact` has the schemas
  bool every = false;  // all of the statement's relations (functions, ...) must be named, not some
  NameSet::Unqualified unqualified = NameSet::Unqualified::lenient;
  std::uint64_t mask = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  // of counts, both ends included
  TextSet words{true}, values{true};                          // ASCII case folded
  TextSet exact;                                              // compared as they are
  NameSet names;
  std::vector<std::uint64_t> hashes;
  std::vector<int> patterns;
  Networks networks;
  std::vector<Schedule> hours;
  std::vector<std::string> columns;
};

struct Condition {
  using Test = bool (*)(const Operands&, Asked&);
  Match::Op op = Match::Op::all;
  std::vector<Condition> parts;
  Test test = nullptr;  // of a leaf
  Operands operands;
  std::string key;
  Place place;
  int cost = 0;                      // parts are asked in this order
  std::uint32_t kinds = 0xffffffff;  // bits 1 << sql::Kind: others cannot match
  std::uint32_t needs = 0;           // Traits
  std::vector<std::string> names;    // relation or function names, one of which is needed
  bool asks_score = false;
};

bool holds(const Condition& node, Asked& asked);

// On which side doubt falls. What refuses counts the unqualified `orders` as public.orders and a
// setting whose name is computed as any setting; what allows counts neither. An exception, moreover,
// holds only for statements that touch nothing but what it names. `none` turns doubt around.
// What scores is as lenient with names, but counts nothing that it cannot know.
enum class Stance : std::uint8_t { refusing, allowing, excepting, scoring };

// What `match` means. `lists` are the pack's. Problems are appended; the node is then worthless.
using Lists = std::vector<std::pair<std::string, std::vector<std::string>>>;
Condition compile_match(const Match& match, const Lists& lists, Stance stance, Patterns& patterns,
                        std::vector<Problem>& problems);

}  // namespace pgmoat::policy
