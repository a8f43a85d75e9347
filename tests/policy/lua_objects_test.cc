// s, q, p, r, c and sum in a real sandbox: every field can be read, is what the facts say, and has its
// paperwork; and reading the session is recorded.
#include "policy/lua_objects.h"

#include <array>
#include <set>

#include "by_hand.h"
#include "script/sandbox.h"

namespace pgmoat::test {
namespace {

using policy::SessionField;
using script::Lent;
using script::Sandbox;

struct Lua {
  policy::SessionView session;
  policy::Question question;
  policy::Reads reads;
  policy::SessionObject s{&session, &reads, &question};
  policy::StatementObject q{&question};
  policy::Completion completion;
  std::vector<policy::BoundValue> values;
  Statement statement{sql::Kind::select, "SELECT"};
  Sandbox sandbox;

  Lua() {
    session.open("s1", "10.1.2.3", 5000);
    session.set(SessionField::user, "app");
    session.set(SessionField::application, "psql");
    session.set_guc("app.tenant", "7");
    session.add_tag("human");
    question.session = &session;
    question.completion = &completion;
    question.protocol = policy::Protocol::extended;
  }

  // The expression's truth; what went wrong is a failure.
  bool operator()(const std::string& expression) {
    question.statement = &statement.done();
    question.parameters = values;
    question.comments = statement.comments;
    reads = {};
    const auto function = sandbox.compile(expression, {"s", "q", "p", "r", "c", "sum"}, "test", 1);
    if (!function) {
      ADD_FAILURE() << expression << ": " << function.error().message;
      return false;
    }
    const std::array<Lent, 6> lent = {
        Lent{&policy::session_type(), &s},           Lent{&policy::statement_type(), &q},
        Lent{&policy::parameters_type(), &question}, Lent{&policy::completion_type(), &question},
        Lent{&policy::copy_type(), &question},       Lent{&policy::summary_type(), &s}};
    const auto truth = sandbox.test(*function, lent);
    if (!truth) {
      ADD_FAILURE() << expression << ": " << truth.error().message;
      return false;
    }
    return *truth;
  }
};

TEST(LuaObjects, SessionAndWhatIsRecorded) {
  const std::vector<std::pair<std::string, policy::FieldSet>> cases = {
      {"s.user == 'app'", bit(SessionField::user)},
      {"s.database == ''", bit(SessionField::database)},
      {"s.application_name == 'psql'", bit(SessionField::application)},
      {"s.id == 's1'", bit(SessionField::id)},
      {"s.client.ip == '10.1.2.3'", bit(SessionField::client)},
      {"s.client.port == 5000", bit(SessionField::id)},
      {"s.role == 'app'", bit(SessionField::role) | bit(SessionField::user)},
      {"s.transaction == 'idle'", bit(SessionField::transaction)},
      {"s.guc['app.tenant'] == '7'", bit(SessionField::guc)},
      {"s.guc['app.other'] == nil", bit(SessionField::guc)},
      {"s.tags:has('human') and not s.tags:has('x')", bit(SessionField::tags)},
      {"#s.tags.all == 1 and s.tags.all[1] == 'human'", bit(SessionField::tags)},
      {"not s.replication", 0},
      {"s.server_version == ''", bit(SessionField::server)},
      {"q.kind == 'select'", 0},
  };
  Lua lua;
  for (const auto& [expression, fields] : cases) {
    EXPECT_TRUE(lua(expression)) << expression;
    EXPECT_EQ(lua.reads.fields, fields) << expression;
    EXPECT_FALSE(lua.reads.unstable) << expression;
  }
  EXPECT_TRUE(lua("s.statements == 0 and sum.refused == 0"));
  EXPECT_TRUE(lua.reads.unstable);
}

TEST(LuaObjects, Statement) {
  Lua lua;
  Statement& statement = lua.statement;
  statement.facts.text = "SELECT 1";
  statement.relation("public.orders", sql::Access::read, "o").column("o", "id");
  statement.function("pg_sleep").literal("x").setting("role", "admin");
  const std::array<sql::Argument, 2> arguments = {{{true, "5"}, {false, ""}}};
  statement.functions[0].arguments = arguments;
  statement.facts.where.present = false;
  statement.facts.limit = {sql::LimitKind::literal, 10};
  statement.facts.copy = {sql::Copy::Target::program, "rm -rf /", "csv", true};
  statement.facts.signs = sql::kDelay;
  statement.facts.structure = 0xab;
  statement.comments = {"/*x*/"};
  for (const std::string expression :
       {"q.text == 'SELECT 1' and q.length == 8",
        "q.command == 'SELECT'",
        "not q.writes",
        "q.index == 1 and q.count == 1",
        "q.protocol == 'extended'",
        "q.parsed and q.opaque == nil",
        "q.fingerprint == '50fde20626009aba'",
        "q.structure == '00000000000000ab'",
        "q.normalized == 'SELECT $1' and q.normalized == q.normalized",
        "#q.relations == 1 and q.relations[1].qualified == 'public.orders'",
        "q.relations[1].schema == 'public' and q.relations[1].name == 'orders'",
        "q.relations[1].alias == 'o' and q.relations[1].access == 'read'",
        "q.relations[1].resolved == 'qualified' and q.relations[1].via == 'from'",
        "q.columns[1].relation == 'o' and q.columns[1].name == 'id' and not q.columns[1].where",
        "q.functions[1].name == 'pg_sleep' and q.functions[1].reach == 'call'",
        "q.functions[1].args[1].value == '5' and q.functions[1].args[2].value == nil",
        "q.literals[1].value == 'x' and q.literals[1].type == 'string'",
        "q.set[1].name == 'role' and q.set[1].value == 'admin' and q.set[1].scope == 'session'",
        "not q.where.present and not q.where.constant_true and not q.where.tautology",
        "q.limit.kind == 'literal' and q.limit.value == 10",
        "q.copy.target == 'program' and q.copy.program == 'rm -rf /' and q.copy.filename == nil",
        "q.copy.direction == 'from' and q.copy.format == 'csv'",
        "q.params.count == 0",
        "q:sign('delay') and not q:sign('stacked') and not q:sign('nonsense')",
        "q.comments[1] == '/*x*/' and q.trace.traceparent == nil",
        "q.prepared == nil",
        "#q.roles == 0 and #q.bodies == 0 and #q.extensions == 0 and #q.object_names == 0"}) {
    EXPECT_TRUE(lua(expression)) << expression;
  }
}

TEST(LuaObjects, ParametersCompletionAndCopy) {
  Lua lua;
  lua.values.resize(2);
  lua.values[0] = {"7", false, false, true, 23, 4};
  lua.values[1].null = true;
  lua.completion = {"SELECT 3", "", 3, 100, std::chrono::milliseconds(1500)};
  lua.question.copy_in = true;
  for (const std::string expression :
       {"p.count == 2 and #p.all == 2", "p[1].value == '7' and p[1].format == 'binary'",
        "p[1].type == 23 and p[1].length == 4 and not p[1].opaque",
        "p[2].is_null and p[2].value == nil", "p[3] == nil and p[0] == nil",
        "p.all[1].value == '7'", "r.rows == 3 and r.bytes_out == 100 and r.duration == 1.5",
        "r.tag == 'SELECT 3'", "r.sqlstate == nil", "c.direction == 'in'"}) {
    EXPECT_TRUE(lua(expression)) << expression;
  }
}

// Without a statement (a text that cannot be read) every field is at its default and none raises.
TEST(LuaObjects, EveryFieldCanBeReadWithoutAStatement) {
  Lua lua;
  for (const script::Field& field : policy::statement_type().fields) {
    lua.statement = Statement();
    EXPECT_TRUE(lua("q." + field.name + " == nil or true")) << field.name;
  }
}

TEST(LuaObjects, EveryFieldHasItsPaperwork) {
  std::set<std::string> classes;
  for (const script::ObjectType* type : policy::object_types()) {
    EXPECT_TRUE(classes.insert(type->class_name).second) << type->class_name;
    std::set<std::string> names;
    for (const script::Field& field : type->fields) {
      EXPECT_TRUE(names.insert(field.name).second) << type->class_name << "." << field.name;
      EXPECT_FALSE(field.type.empty()) << field.name;
      EXPECT_EQ(field.description.back(), '.') << field.name;
      EXPECT_NE(field.get, nullptr) << field.name;
    }
  }
  // What a field's type names is a type that there is.
  for (const script::ObjectType* type : policy::object_types()) {
    for (const script::Field& field : type->fields) {
      if (field.type.rfind("pgmoat.", 0) != 0) continue;
      const std::string named = field.type.substr(0, field.type.find_first_of("[?"));
      EXPECT_TRUE(classes.count(named) == 1) << field.type;
    }
  }
}

}  // namespace
}  // namespace pgmoat::test
