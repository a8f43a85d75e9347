// The words that facts are shown as, to rules, in events and in `pgmoat explain`. One place, so that
// they cannot differ.
#include "sql/analysis.h"
#include "sql/facts.h"

namespace pgmoat::sql {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::select: return "select";
    case Kind::insert: return "insert";
    case Kind::update: return "update";
    case Kind::delete_: return "delete";
    case Kind::merge: return "merge";
    case Kind::copy: return "copy";
    case Kind::ddl: return "ddl";
    case Kind::dcl: return "dcl";
    case Kind::tcl: return "tcl";
    case Kind::set: return "set";
    case Kind::show: return "show";
    case Kind::explain: return "explain";
    case Kind::call: return "call";
    case Kind::do_: return "do";
    case Kind::prepare: return "prepare";
    case Kind::execute: return "execute";
    case Kind::cursor: return "cursor";
    case Kind::listen: return "listen";
    case Kind::vacuum: return "vacuum";
    case Kind::other: return "other";
  }
  return "other";
}

std::string_view name_of(Access access) {
  switch (access) {
    case Access::read: return "read";
    case Access::insert: return "insert";
    case Access::update: return "update";
    case Access::delete_: return "delete";
    case Access::define: return "define";
    case Access::truncate: return "truncate";
    case Access::lock: return "lock";
    case Access::grant: return "grant";
  }
  return "read";
}

std::string_view name_of(Via via) {
  switch (via) {
    case Via::from: return "from";
    case Via::target: return "target";
    case Via::copy: return "copy";
    case Via::ddl: return "ddl";
    case Via::literal: return "literal";
    case Via::nested: return "nested";
  }
  return "from";
}

std::string_view name_of(Clause clause) {
  switch (clause) {
    case Clause::target: return "target";
    case Clause::where: return "where";
    case Clause::join: return "join";
    case Clause::group: return "group";
    case Clause::having: return "having";
    case Clause::order: return "order";
    case Clause::limit: return "limit";
    case Clause::set: return "set";
    case Clause::insert: return "insert";
    case Clause::returning: return "returning";
    case Clause::other: return "other";
  }
  return "other";
}

std::string_view name_of(Reach reach) {
  switch (reach) {
    case Reach::call: return "call";
    case Reach::notation: return "notation";
    case Reach::column: return "column";
    case Reach::op: return "operator";
    case Reach::cast: return "cast";
    case Reach::definition: return "definition";
    case Reach::method: return "method";
  }
  return "call";
}

std::string_view name_of(LiteralType type) {
  switch (type) {
    case LiteralType::string: return "string";
    case LiteralType::integer: return "integer";
    case LiteralType::floating: return "float";
    case LiteralType::boolean: return "boolean";
    case LiteralType::bits: return "bits";
    case LiteralType::null: return "null";
  }
  return "string";
}

std::string_view name_of(LimitKind kind) {
  switch (kind) {
    case LimitKind::none: return "none";
    case LimitKind::literal: return "literal";
    case LimitKind::parameter: return "param";
    case LimitKind::expression: return "expr";
  }
  return "none";
}

std::string_view name_of(Setting::Scope scope) {
  switch (scope) {
    case Setting::Scope::session: return "session";
    case Setting::Scope::local: return "local";
    case Setting::Scope::role: return "role";
    case Setting::Scope::database: return "database";
    case Setting::Scope::system: return "system";
    case Setting::Scope::function: return "function";
  }
  return "session";
}

std::string_view name_of(Copy::Target target) {
  switch (target) {
    case Copy::Target::none: return "none";
    case Copy::Target::stdin_: return "stdin";
    case Copy::Target::stdout_: return "stdout";
    case Copy::Target::file: return "file";
    case Copy::Target::program: return "program";
  }
  return "none";
}

std::string_view name_of(Opacity opacity) {
  switch (opacity) {
    case Opacity::none: return "none";
    case Opacity::oversize: return "oversize";
    case Opacity::encoding: return "encoding";
    case Opacity::comments: return "comments";
    case Opacity::tokens: return "tokens";
    case Opacity::nesting: return "nesting";
    case Opacity::statements: return "statements";
    case Opacity::tree: return "tree";
    case Opacity::unparsable: return "unparsable";
    case Opacity::dialect: return "dialect";
  }
  return "none";
}

}  // namespace pgmoat::sql
