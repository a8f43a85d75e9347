// The tests behind the keys of `match`, one function each: what a key means is what its function
// does. Statement keys fail where there is no statement.
#pragma once

#include "policy/native.h"

namespace pgmoat::policy::tests {

bool kind(const Operands&, Asked&);
bool command(const Operands&, Asked&);
bool writes(const Operands&, Asked&);
bool writes_some(const Operands&, Asked&);
bool reads_any(const Operands&, Asked&);
bool reads_some(const Operands&, Asked&);
bool relations(const Operands&, Asked&);
bool relations_only(const Operands&, Asked&);
bool columns(const Operands&, Asked&);
bool functions(const Operands&, Asked&);
bool fingerprint(const Operands&, Asked&);
bool structure(const Operands&, Asked&);
bool protocol(const Operands&, Asked&);
bool statements(const Operands&, Asked&);
bool parameters(const Operands&, Asked&);
bool copy_target(const Operands&, Asked&);
bool copy_format(const Operands&, Asked&);
bool settings(const Operands&, Asked&);
bool roles(const Operands&, Asked&);
bool clauses(const Operands&, Asked&);
bool extensions(const Operands&, Asked&);
bool languages(const Operands&, Asked&);
bool dynamic_sql(const Operands&, Asked&);
bool opaque(const Operands&, Asked&);
bool opaque_reason(const Operands&, Asked&);
bool parsed(const Operands&, Asked&);
bool where_present(const Operands&, Asked&);
bool where_constant_true(const Operands&, Asked&);
bool where_tautology(const Operands&, Asked&);
bool limit_kind(const Operands&, Asked&);
bool limit_above(const Operands&, Asked&);
bool star(const Operands&, Asked&);
bool locking(const Operands&, Asked&);
bool returning(const Operands&, Asked&);
bool joins(const Operands&, Asked&);
bool depth(const Operands&, Asked&);
bool signs(const Operands&, Asked&);
bool text_re2(const Operands&, Asked&);
bool literal_re2(const Operands&, Asked&);
bool name_re2(const Operands&, Asked&);
bool comment_key(const Operands&, Asked&);
bool prepared(const Operands&, Asked&);
bool cursor(const Operands&, Asked&);
bool channel(const Operands&, Asked&);
bool security_definer(const Operands&, Asked&);
// session_tests.cc
bool user(const Operands&, Asked&);
bool database(const Operands&, Asked&);
bool role(const Operands&, Asked&);
bool app(const Operands&, Asked&);
bool client(const Operands&, Asked&);
bool tls(const Operands&, Asked&);
bool sni(const Operands&, Asked&);
bool method(const Operands&, Asked&);
bool certificate(const Operands&, Asked&);
bool tags(const Operands&, Asked&);
bool transaction(const Operands&, Asked&);
bool time(const Operands&, Asked&);
bool replication(const Operands&, Asked&);
bool score(const Operands&, Asked&);

}  // namespace pgmoat::policy::tests
