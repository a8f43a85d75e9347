// The values inside a statement's facts as Lua sees them: relations, functions, settings, ...
// `self` of each is the value in the facts.
#pragma once

#include "script/object.h"
#include "sql/facts.h"

namespace pgmoat::policy {

const script::ObjectType& relation_type();
const script::ObjectType& column_type();
const script::ObjectType& argument_type();
const script::ObjectType& function_type();
const script::ObjectType& literal_type();
const script::ObjectType& setting_type();
const script::ObjectType& body_type();
const script::ObjectType& where_type();
const script::ObjectType& limit_type();
const script::ObjectType& copy_fact_type();

}  // namespace pgmoat::policy
