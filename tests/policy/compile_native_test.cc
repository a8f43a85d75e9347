// Every key of `match`: a statement or session that it holds for, and one that it does not.
#include "by_hand.h"

namespace pgmoat::test {
namespace {

using policy::Match;
using policy::SessionField;
using sql::Access;
using sql::Kind;
using sql::Reach;

// The statement that cases are about; `change` makes it what the case needs.
struct Case {
  Match match;
  void (*holds)(Bench&, Statement&);
  void (*fails)(Bench&, Statement&);
};

void nothing(Bench&, Statement&) {}

bool matches(const Match& match, void (*change)(Bench&, Statement&)) {
  Bench bench(source_of({rule("r", match)}));
  Statement statement(Kind::select, "SELECT");
  statement.facts.text = "SELECT 1";
  change(bench, statement);
  return (" " + bench.matched(statement)).ends_with(" r");  // built-in rules come first
}

void check(const std::vector<Case>& cases) {
  int number = 0;
  for (const Case& one : cases) {
    const std::string name = one.match.key + " (case " + std::to_string(number++) + ")";
    EXPECT_TRUE(matches(one.match, one.holds)) << name;
    EXPECT_FALSE(matches(one.match, one.fails)) << name;
  }
}

TEST(Native, WhatTheStatementIs) {
  check({
      {leaf("kind", {std::string("update"), std::string("select")}), nothing,
       [](Bench&, Statement& s) { s.facts.kind = Kind::delete_; }},
      {leaf("kind", "delete"), [](Bench&, Statement& s) { s.facts.kind = Kind::delete_; }, nothing},
      {leaf("command", "create *"), [](Bench&, Statement& s) { s.facts.command = "CREATE TABLE"; },
       nothing},
      {leaf("writes", true), [](Bench&, Statement& s) { s.facts.writes = true; }, nothing},
      {leaf("writes", false), nothing, [](Bench&, Statement& s) { s.facts.writes = true; }},
      {leaf("statements", 2), [](Bench& b, Statement&) { b.question.count = 2; }, nothing},
      {leaf("statements.min", 2), [](Bench& b, Statement&) { b.question.count = 3; }, nothing},
      {leaf("statements.max", 1), nothing, [](Bench& b, Statement&) { b.question.count = 3; }},
      {leaf("parameters", ">1"), [](Bench&, Statement& s) { s.facts.parameters = 2; },
       [](Bench&, Statement& s) { s.facts.parameters = 1; }},
      {leaf("parameters.min", 1), [](Bench&, Statement& s) { s.facts.parameters = 1; }, nothing},
      {leaf("protocol", "extended"),
       [](Bench& b, Statement&) { b.question.protocol = policy::Protocol::extended; },
       [](Bench& b, Statement&) { b.question.protocol = policy::Protocol::simple; }},
      {leaf("fingerprint", "50fde20626009aba"), nothing,
       [](Bench&, Statement& s) { s.facts.text = "SELECT x"; }},
      {leaf("structure", "00000000000000ff"), [](Bench&, Statement& s) { s.facts.structure = 255; },
       nothing},
      {leaf("opaque", true),
       [](Bench& b, Statement&) { b.question.opacity = sql::Opacity::tokens; }, nothing},
      {leaf("opaque", "unparsable"),
       [](Bench& b, Statement&) { b.question.opacity = sql::Opacity::unparsable; },
       [](Bench& b, Statement&) { b.question.opacity = sql::Opacity::tokens; }},
      {leaf("parsed", true), nothing,
       [](Bench& b, Statement&) { b.question.opacity = sql::Opacity::unparsable; }},
      {leaf("parsed", false),
       [](Bench& b, Statement&) { b.question.opacity = sql::Opacity::unparsable; }, nothing},
      {leaf("dynamic_sql", true), [](Bench&, Statement& s) { s.facts.dynamic_sql = true; },
       nothing},
      {leaf("security_definer", true),
       [](Bench&, Statement& s) { s.facts.security_definer = true; }, nothing},
  });
}

// A CTE that writes makes its statement what it does; an allow-list must not be misled by it.
TEST(Native, WhatTheStatementDoesInside) {
  const auto cte = [](Bench&, Statement& s) { s.relation("t", Access::delete_); };
  EXPECT_TRUE(matches(leaf("kind", "delete"), cte));
  EXPECT_TRUE(matches(leaf("kind", "select"), cte));
  EXPECT_FALSE(matches(leaf("kind", "update"), cte));
  EXPECT_TRUE(matches(leaf("kind", "delete"), [](Bench&, Statement& s) {
    s.facts.kind = Kind::do_;
    s.relation("t", Access::delete_).relations[0].nested = true;
  }));
  EXPECT_FALSE(matches(leaf("kind", "delete"), [](Bench&, Statement& s) {
    s.facts.kind = Kind::ddl;  // CREATE FUNCTION
    s.relation("t", Access::delete_).relations[0].nested = true;
  }));
  const auto allows = [](const char* kind, Statement& statement) {
    Bench bench(source_of({rule("r", leaf("kind", kind), policy::Verdict::Action::allow)}));
    return bench.matched(statement) == "r";
  };
  Statement select(Kind::select), writing(Kind::select), upsert(Kind::insert);
  writing.relation("t", Access::delete_);
  upsert.relation("t", Access::insert).relation("t", Access::update);
  for (sql::Relation& relation : upsert.relations) relation.via = sql::Via::target;
  EXPECT_TRUE(allows("select", select));
  EXPECT_FALSE(allows("select", writing));
  EXPECT_TRUE(allows("insert", upsert));
  upsert.relations[1].position = 99;  // the same table, named again by a CTE
  EXPECT_FALSE(allows("insert", upsert));
}

void speaks_tls(Bench& bench, const std::string& certificate) {
  policy::TlsFacts tls;
  tls.version = "TLSv1.3";
  tls.sni = "db.example";
  tls.digest = tls.common_name = certificate;
  tls.names = {"x", "a.internal"};
  bench.session.set_tls(std::make_shared<const policy::TlsFacts>(tls));
}

TEST(Native, WhoTheClientIs) {
  const auto clear = [](Bench&, Statement&) {};
  const auto anonymous = [](Bench& bench, Statement&) { speaks_tls(bench, ""); };
  const auto app = [](Bench& bench, Statement&) { speaks_tls(bench, "app"); };
  EXPECT_TRUE(matches(leaf("tls", true), anonymous));
  EXPECT_FALSE(matches(leaf("tls", true), clear));
  EXPECT_TRUE(matches(leaf("tls", false), clear));
  EXPECT_TRUE(matches(leaf("sni", "db.*"), anonymous));
  EXPECT_FALSE(matches(leaf("sni", "*"), clear));
  EXPECT_TRUE(matches(leaf("certificate", "app"), app));
  EXPECT_TRUE(matches(leaf("certificate", "a.internal"), app));
  EXPECT_FALSE(matches(leaf("certificate", "b.internal"), app));
  EXPECT_FALSE(matches(leaf("certificate", "*"), anonymous));
  EXPECT_FALSE(matches(leaf("certificate", "*"), clear));
}

TEST(Native, Clauses) {
  const auto nologin = [](Bench&, Statement& s) { s.clauses = {"nologin", "superuser"}; };
  EXPECT_TRUE(matches(leaf("clauses", "superuser"), nologin));
  EXPECT_FALSE(matches(leaf("clauses", "login"), nologin));
  EXPECT_FALSE(matches(leaf("clauses", "login"), [](Bench&, Statement&) {}));
}

// The commands of statements inside count as the statement's own; what only is defined is no kind.
TEST(Native, CommandsInside) {
  const auto does = [](Bench&, Statement& s) {
    s.facts.kind = Kind::do_;
    s.facts.command = "DO";
    s.nested_commands.push_back({"CREATE SERVER", Kind::ddl, false});
  };
  const auto defines = [](Bench&, Statement& s) {
    s.facts.kind = Kind::do_;
    s.nested_commands.push_back({"CREATE SERVER", Kind::ddl, true});
  };
  EXPECT_TRUE(matches(leaf("command", "CREATE SERVER"), does));
  EXPECT_TRUE(matches(leaf("command", "create *"), defines));
  EXPECT_TRUE(matches(leaf("command", "DO"), does));
  EXPECT_FALSE(matches(leaf("command", "CREATE TABLE"), does));
  EXPECT_TRUE(matches(leaf("kind", "ddl"), does));
  EXPECT_TRUE(matches(leaf("kind", "do"), does));
  EXPECT_FALSE(matches(leaf("kind", "ddl"), defines));
  const auto allows = [](const char* command, Statement& statement) {
    Bench bench(source_of({rule("r", leaf("command", command), policy::Verdict::Action::allow)}));
    return bench.matched(statement) == "r";
  };
  Statement alone(Kind::do_, "DO"), other(Kind::do_, "DO");
  other.nested_commands.push_back({"CREATE SERVER", Kind::ddl, false});
  EXPECT_TRUE(allows("DO", alone));
  EXPECT_FALSE(allows("DO", other));
  EXPECT_FALSE(allows("CREATE SERVER", other));
  EXPECT_TRUE(allows("*", other));
}

TEST(Native, Relations) {
  const auto orders = [](Bench&, Statement& s) { s.relation("orders"); };
  const auto public_orders = [](Bench&, Statement& s) { s.relation("public.orders"); };
  const auto other_orders = [](Bench&, Statement& s) { s.relation("other.orders"); };
  const auto public_items = [](Bench&, Statement& s) { s.relation("public.items"); };
  const auto update_orders = [](Bench&, Statement& s) { s.relation("orders", Access::update); };
  const auto opaque_orders = [](Bench& b, Statement& s) {
    s.relation("public.orders");
    b.question.opacity = sql::Opacity::tree;
  };
  check({
      {leaf("relations", "orders"), orders, nothing},
      {leaf("relations", "orders"), public_orders, public_items},
      {leaf("relations", "orders"), other_orders, public_items},
      {leaf("relations", "public.orders"), public_orders, other_orders},
      // Which schema an unqualified name has is not known: a rule that refuses counts it.
      {leaf("relations", "public.orders"), orders, public_items},
      {leaf("relations", "public.*"), public_items, other_orders},
      {leaf("relations", "public.*"), public_orders, orders},
      {leaf("relations", "*.orders"), other_orders, public_items},
      {leaf("relations", "*.orders"), orders, public_items},
      {leaf("reads", "orders"), orders, update_orders},
      {leaf("writes", "orders"), update_orders, orders},
      {leaf("relations.only", {std::string("public.*"), std::string("mart.*")}),
       [](Bench&, Statement& s) { s.relation("public.a").relation("mart.b"); },
       [](Bench&, Statement& s) { s.relation("public.a").relation("secret.b"); }},
      // It is what allow-lists are made of: doubt is on the other side there.
      {leaf("relations.only", "public.orders"), public_orders, orders},
      {leaf("relations.only", "public.orders"), nothing, opaque_orders},
      {leaf("relations.only", "public.orders"), public_orders,
       [](Bench&, Statement& s) {
         s.relation("public.orders");
         s.facts.dynamic_sql = true;
       }},
  });
}

TEST(Native, Columns) {
  const auto with = [](std::string_view qualifier, std::string_view name) {
    Bench bench(source_of({rule("r", leaf("columns", "users.ssn"))}));
    Statement statement(Kind::select);
    statement.relation("public.users", Access::read, "u").relation("orders", Access::read, "o");
    statement.column(qualifier, name);
    return bench.matched(statement) == "r";
  };
  EXPECT_TRUE(with("u", "ssn"));
  EXPECT_TRUE(with("", "ssn"));
  EXPECT_TRUE(with("u", "*"));
  EXPECT_TRUE(with("", "*"));
  EXPECT_TRUE(with("", "u")) << "the whole row";
  EXPECT_FALSE(with("o", "ssn"));
  EXPECT_FALSE(with("o", "*"));
  EXPECT_FALSE(with("u", "name"));
  check({{leaf("columns", "ssn"), [](Bench&, Statement& s) { s.column("x", "ssn"); },
          [](Bench&, Statement& s) { s.column("x", "name"); }},
         {leaf("columns", "*"), [](Bench&, Statement& s) { s.column("", "*"); },
          [](Bench&, Statement& s) { s.column("x", "name"); }},
         {leaf("columns", "users.*"),
          [](Bench&, Statement& s) { s.relation("users").column("", "name"); },
          [](Bench&, Statement& s) { s.relation("orders").column("", "name"); }},
         {leaf("columns", "users.ssn"),
          [](Bench&, Statement& s) { s.relation("users").column("users", "ssn"); },
          [](Bench&, Statement& s) { s.relation("orders").column("", "ssn"); }}});
}

TEST(Native, Functions) {
  const auto call = [](Bench&, Statement& s) { s.function("version"); };
  const auto qualified = [](Bench&, Statement& s) { s.function("pg_catalog.version"); };
  const auto mine = [](Bench&, Statement& s) { s.function("mine.version"); };
  const auto column = [](Bench&, Statement& s) { s.function("version", Reach::column); };
  const auto notation = [](Bench&, Statement& s) { s.function("version", Reach::notation); };
  check({
      {leaf("functions", "version"), call, nothing},
      {leaf("functions", "version"), qualified, column},
      {leaf("functions", "version"), mine, column},
      {leaf("functions", "version"), notation, column},
      {leaf("functions", "pg_catalog.version"), call, mine},
      {leaf("functions", "pg_ls_*"), [](Bench&, Statement& s) { s.function("pg_ls_dir"); }, call},
      {leaf("functions.reach", "column"), column, call},
      {all({leaf("functions", "version"), leaf("functions.reach", "column")}), column, call},
      // One function must be both.
      {all({leaf("functions", "version"), leaf("functions.reach", "cast")}),
       [](Bench&, Statement& s) { s.function("version", Reach::cast); },
       [](Bench&, Statement& s) { s.function("version").function("other", Reach::cast); }},
      {leaf("function.schema", "mine"), mine, call},
      {all({leaf("functions", "version"), leaf("function.schema", "mine")}), mine,
       [](Bench&, Statement& s) { s.function("version").function("mine.other"); }},
  });
}

TEST(Native, Settings) {
  const auto role = [](Bench&, Statement& s) { s.setting("role", "postgres"); };
  check({
      {leaf("set.name", "ROLE"), role, nothing},
      {leaf("set.name", "app.*"), [](Bench&, Statement& s) { s.setting("app.tenant", "7"); }, role},
      {leaf("set.value", "0"), [](Bench&, Statement& s) { s.setting("statement_timeout", "0"); },
       role},
      {leaf("set.scope", "local"),
       [](Bench&, Statement& s) { s.setting("role", "x", sql::Setting::Scope::local); }, role},
      {all({leaf("set.name", "role"), leaf("set.value", "postgres")}), role,
       [](Bench&, Statement& s) { s.setting("role", "x").setting("other", "postgres"); }},
      {all({leaf("set.name", "role"), leaf("set.scope", "session")}), role,
       [](Bench&, Statement& s) {
         s.setting("role", "x", sql::Setting::Scope::local).setting("other", "x");
       }},
      {all({leaf("set.value", "postgres"), leaf("set.scope", "session")}), role,
       [](Bench&, Statement& s) { s.setting("role", "postgres", sql::Setting::Scope::local); }},
      // set_config(x, ...): any setting may be meant.
      {leaf("set.name", "role"), [](Bench&, Statement& s) { s.setting("", ""); },
       [](Bench&, Statement& s) { s.setting("search_path", "public"); }},
      {leaf("set.value", "default"),
       [](Bench&, Statement& s) { s.setting("role", "").settings[0].is_default = true; }, role},
  });
}

TEST(Native, CopyAndNamedThings) {
  using Target = sql::Copy::Target;
  check({
      {leaf("copy.target", {std::string("program"), std::string("file")}),
       [](Bench&, Statement& s) { s.facts.copy.target = Target::program; },
       [](Bench&, Statement& s) { s.facts.copy.target = Target::stdin_; }},
      {leaf("copy.format", "csv"),
       [](Bench&, Statement& s) {
         s.facts.copy = {Target::stdin_, "", "csv"};
       },
       [](Bench&, Statement& s) {
         s.facts.copy = {Target::stdin_, "", "text"};
       }},
      {leaf("roles", "admin"), [](Bench&, Statement& s) { s.roles = {"admin"}; },
       [](Bench&, Statement& s) { s.roles = {"Admin"}; }},
      {leaf("extensions", "dblink"), [](Bench&, Statement& s) { s.extensions = {"dblink"}; },
       nothing},
      {leaf("languages", "plperlu"), [](Bench&, Statement& s) { s.bodies = {{"plperlu"}}; },
       [](Bench&, Statement& s) { s.bodies = {{"sql"}}; }},
      {leaf("prepared", "p1"), [](Bench&, Statement& s) { s.facts.prepared = "p1"; }, nothing},
      {leaf("cursor", "c*"), [](Bench&, Statement& s) { s.facts.cursor = "c1"; },
       [](Bench&, Statement& s) { s.facts.cursor = "x"; }},
      {leaf("channel", "jobs"), [](Bench&, Statement& s) { s.facts.channel = "jobs"; }, nothing},
  });
}

TEST(Native, Shape) {
  check({
      {leaf("where.present", false), [](Bench&, Statement& s) { s.facts.where.present = false; },
       nothing},
      {leaf("where.constant_true", true),
       [](Bench&, Statement& s) { s.facts.where.constant_true = true; }, nothing},
      {leaf("where.tautology", true), [](Bench&, Statement& s) { s.facts.where.tautology = true; },
       nothing},
      {leaf("limit.kind", {std::string("none"), std::string("param")}), nothing,
       [](Bench&, Statement& s) {
         s.facts.limit = {sql::LimitKind::literal, 5};
       }},
      {leaf("limit.above", 10),
       [](Bench&, Statement& s) {
         s.facts.limit = {sql::LimitKind::literal, 11};
       },
       [](Bench&, Statement& s) {
         s.facts.limit = {sql::LimitKind::literal, 10};
       }},
      {leaf("star", true), [](Bench&, Statement& s) { s.facts.star = true; }, nothing},
      {leaf("locking", true), [](Bench&, Statement& s) { s.facts.locking = true; }, nothing},
      {leaf("returning", true), [](Bench&, Statement& s) { s.facts.returning = true; }, nothing},
      {leaf("joins.above", 2), [](Bench&, Statement& s) { s.facts.joins = 3; },
       [](Bench&, Statement& s) { s.facts.joins = 2; }},
      {leaf("depth.above", 2), [](Bench&, Statement& s) { s.facts.depth = 3; },
       [](Bench&, Statement& s) { s.facts.depth = 2; }},
      {leaf("signs", {std::string("tautology"), std::string("delay")}),
       [](Bench&, Statement& s) { s.facts.signs = sql::kDelay; },
       [](Bench&, Statement& s) { s.facts.signs = sql::kStacked; }},
  });
}

TEST(Native, Patterns) {
  check({
      {leaf("text_re2", "(?i)select\\s+1"), nothing,
       [](Bench&, Statement& s) { s.facts.text = "SELECT x"; }},
      {leaf("literal_re2", {std::string("^/etc/"), std::string("secret")}),
       [](Bench&, Statement& s) { s.literal("a").literal("my secret"); },
       [](Bench&, Statement& s) { s.literal("x/etc/"); }},
      {leaf("name_re2", "^pg_"), [](Bench&, Statement& s) { s.function("pg_sleep"); },
       [](Bench&, Statement& s) { s.relation("public.orders"); }},
      {leaf("comment.key", "traceparent"),
       [](Bench&, Statement& s) { s.comments = {"/*app='x',traceparent='00-1'*/"}; },
       [](Bench&, Statement& s) { s.comments = {"/*app='traceparent'*/"}; }},
  });
}

TEST(Native, Session) {
  check({
      {leaf("user", {std::string("etl"), std::string("app")}), nothing,
       [](Bench& b, Statement&) { b.session.set(SessionField::user, "APP"); }},
      {leaf("database", "shop"), nothing,
       [](Bench& b, Statement&) { b.session.set(SessionField::database, "x"); }},
      {leaf("role", "app"), nothing,
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "admin"); }},
      {leaf("relations", "public.orders"), [](Bench&, Statement& t) { t.relation("public.*"); },
       [](Bench&, Statement& t) { t.relation("other.*"); }},
      {leaf("relations", "orders"), [](Bench&, Statement& t) { t.relation("other.*"); }, nothing},
      {leaf("relations", "pg_authid"), [](Bench&, Statement& t) { t.relation("pg_catalog.*"); },
       [](Bench&, Statement& t) { t.relation("other.*"); }},
      {leaf("role", "admin"),
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "admin"); }, nothing},
      {leaf("app", "DBeaver*"),
       [](Bench& b, Statement&) { b.session.set(SessionField::application, "DBeaver 23"); },
       nothing},
      {leaf("client", "10.0.0.0/8"), nothing,
       [](Bench& b, Statement&) { b.session.open("s", "11.0.0.1", 1); }},
      {leaf("client", "2001:db8::/33"),
       [](Bench& b, Statement&) { b.session.open("s", "2001:db8:7fff::1", 1); },
       [](Bench& b, Statement&) { b.session.open("s", "2001:db8:8000::1", 1); }},
      {leaf("client", "10.1.2.3"),
       [](Bench& b, Statement&) { b.session.open("s", "::ffff:10.1.2.3", 1); },
       [](Bench& b, Statement&) { b.session.open("s", "", 1); }},
      {leaf("tags", "human"), [](Bench& b, Statement&) { b.session.add_tag("human"); }, nothing},
      {leaf("transaction", "in_transaction"),
       [](Bench& b, Statement&) { b.session.set_transaction('T'); }, nothing},
      {leaf("session.replication", true),
       [](Bench& b, Statement&) { b.question.replication = true; }, nothing},
      {leaf("role", "admin"),
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "?"); },  // it may be
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "clerk"); }},
      {group(Match::Op::none, {leaf("role", "admin")}),
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "?"); },
       [](Bench& b, Statement&) { b.session.set(SessionField::role, "admin"); }},
      // 1 800 000 000 is a Friday, 08:00 UTC.
      {leaf("time", "Mon-Fri 08:00-18:00"), nothing,
       [](Bench& b, Statement&) { b.question.now += 10 * 3600; }},
      {leaf("time", "Thu 22:00-09:00"), nothing,
       [](Bench& b, Statement&) { b.question.now += 3600; }},
  });
}

TEST(Native, Groups) {
  using Op = Match::Op;
  const auto human = [](Bench& b, Statement&) { b.session.add_tag("human"); };
  check({
      {all({}), nothing, [](Bench& b, Statement&) { b.question.hook = policy::Hook::copy; }},
      {all({leaf("kind", "select"), leaf("tags", "human")}), human, nothing},
      {group(Op::any, {leaf("kind", "delete"), leaf("tags", "human")}), human, nothing},
      {group(Op::none, {leaf("kind", "delete"), leaf("tags", "human")}), nothing, human},
      {all({leaf("kind", "select"), group(Op::none, {leaf("tags", "human")}),
            group(Op::any, {leaf("user", "app"), leaf("user", "etl")})}),
       nothing, human},
      // Both parts of an `any` may be demanded by what they need.
      {group(Op::any, {leaf("functions", "f"), leaf("relations", "t")}),
       [](Bench&, Statement& s) { s.relation("t"); }, nothing},
  });
}

TEST(Native, ListsOfThePack) {
  policy::Source source = source_of({rule("p.r", leaf("functions", "@bad"))});
  source.rules[0].pack = "p";
  policy::Pack pack;
  pack.id = "p";
  pack.lists = {{"bad", {"pg_sleep", "lo_import"}}};
  source.packs = {pack};
  Bench bench(source);
  Statement statement(Kind::select);
  statement.function("lo_import");
  EXPECT_EQ(bench.matched(statement), "p.r");
}

TEST(Native, WhatCannotBeComparedIsAProblem) {
  for (const Match& match :
       {leaf("knid", "select"), leaf("kind", "selekt"), leaf("star", "yes"),
        leaf("joins.above", "x"), leaf("fingerprint", "12"), leaf("client", "10.0.0.0/33"),
        leaf("time", "25:00-26:00"), leaf("text_re2", "("), leaf("signs", "x"),
        leaf("user", "@nobody"), leaf("kind", true)}) {
    const auto bundle = policy::Bundle::compile(source_of({rule("r", match)}), {});
    EXPECT_FALSE(bool(bundle)) << match.key;
  }
}

}  // namespace
}  // namespace pgmoat::test
