// What Lua sees: s, q, p, r, c, sum. One table for each object, from which come both the fields at
// run time and the editor's stubs. Getters of the session record which field they read, so that a
// ruling is shared by exactly the sessions it holds for.
#pragma once

#include <string>
#include <vector>

#include "policy/question.h"
#include "script/object.h"

namespace pgmoat::policy {

// What the objects s, q, ... of one call point at.
struct SessionObject {
  const SessionView* session;
  Reads* reads;
  const Question* question;
};
struct StatementObject {
  const Question* question;
  mutable std::string normalized;  // made when first asked for; kept for the call
  mutable bool has_normalized = false;
  mutable char hexadecimal[17] = {};
};

const script::ObjectType& session_type();     // s
const script::ObjectType& statement_type();   // q; self is a StatementObject
const script::ObjectType& parameters_type();  // p; self is a Question
const script::ObjectType& completion_type();  // r; self is a Question
const script::ObjectType& copy_type();        // c; self is a Question
const script::ObjectType& summary_type();     // sum; self is a SessionObject

// Every type, also of the objects inside; for stubs and the reference.
std::vector<const script::ObjectType*> object_types();
// What functions of this hook are called with, in order: {"s", "q", "p"}.
std::vector<std::string> parameters_of(Hook hook);
std::vector<const script::ObjectType*> types_of(Hook hook);

}  // namespace pgmoat::policy
