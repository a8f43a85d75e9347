// p, r and c: parameters, results and COPY as Lua sees them, and which hook is given what.
#include <charconv>

#include "policy/lua_objects.h"

namespace pgmoat::policy {

std::vector<const script::ObjectType*> session_types();
std::vector<const script::ObjectType*> statement_types();

namespace {

using script::ObjectType;
using script::Push;

const BoundValue& bound(const void* self) { return *static_cast<const BoundValue*>(self); }
const Question& question(const void* self) { return *static_cast<const Question*>(self); }

const ObjectType& parameter_type() {
  static const ObjectType type = {
      "parameter",
      "pgmoat.Parameter",
      {{"value", "string?", "Its text, also of a binary value; nil where it is null or opaque.",
        [](const void* self, Push& push) {
          const BoundValue& value = bound(self);
          value.null || value.opaque ? push.nil() : push.text(value.text);
        }},
       {"is_null", "boolean", "It is NULL.",
        [](const void* self, Push& push) { push.boolean(bound(self).null); }},
       {"opaque", "boolean", "It is binary and of a type that is not known here.",
        [](const void* self, Push& push) { push.boolean(bound(self).opaque); }},
       {"type", "integer", "The type's OID as Parse declared it; 0 where it did not.",
        [](const void* self, Push& push) { push.integer(bound(self).type); }},
       {"length", "integer", "Its bytes as sent.",
        [](const void* self, Push& push) { push.integer(bound(self).length); }},
       {"format", "\"text\"|\"binary\"", "How it was sent.",
        [](const void* self, Push& push) { push.text(bound(self).binary ? "binary" : "text"); }}},
      {},
      nullptr};
  return type;
}

// p["1"] and p[1] are the same parameter.
void find_parameter(const void* self, std::string_view key, Push& push) {
  const auto& values = question(self).parameters;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  const bool whole = error == std::errc{} && end == key.data() + key.size();
  if (!whole || number == 0 || number > values.size()) return push.nil();
  push.object(parameter_type(), &values[number - 1]);
}

const Completion& completion(const void* self) {
  static const Completion kNone;
  const Completion* known = question(self).completion;
  return known == nullptr ? kNone : *known;
}

}  // namespace

const ObjectType& parameters_type() {
  static const ObjectType type = {
      "parameters",
      "pgmoat.Parameters",
      {{"count", "integer", "How many values were bound.",
        [](const void* self, Push& push) {
          push.integer(static_cast<std::int64_t>(question(self).parameters.size()));
        }},
       {"all", "pgmoat.Parameter[]", "The values, in order.",
        [](const void* self, Push& push) {
          push.list(self, question(self).parameters.size(),
                    [](const void* of, std::size_t at, Push& to) {
                      to.object(parameter_type(), &question(of).parameters[at]);
                    });
        }}},
      {},
      find_parameter};
  return type;
}

const ObjectType& completion_type() {
  static const ObjectType type = {
      "result",
      "pgmoat.Result",
      {{"rows", "integer", "Rows sent to the client.",
        [](const void* self, Push& push) {
          push.integer(static_cast<std::int64_t>(completion(self).rows));
        }},
       {"bytes_out", "integer", "Bytes sent to the client.",
        [](const void* self, Push& push) {
          push.integer(static_cast<std::int64_t>(completion(self).bytes));
        }},
       {"duration", "number", "Seconds since the statement was sent.",
        [](const void* self, Push& push) {
          push.number(static_cast<double>(completion(self).duration.count()) / 1e6);
        }},
       {"sqlstate", "string?", "Of the error; nil where it succeeded.",
        [](const void* self, Push& push) {
          const std::string_view state = completion(self).sqlstate;
          state.empty() ? push.nil() : push.text(state);
        }},
       {"tag", "string", "The command tag: \"UPDATE 5\"; \"\" of an error.",
        [](const void* self, Push& push) { push.text(completion(self).tag); }}},
      {},
      nullptr};
  return type;
}

const ObjectType& copy_type() {
  static const ObjectType type = {
      "copy_stream",
      "pgmoat.CopyStream",
      {{"direction", "\"in\"|\"out\"", "Whether the client sends the data.",
        [](const void* self, Push& push) { push.text(question(self).copy_in ? "in" : "out"); }}},
      {},
      nullptr};
  return type;
}

std::vector<const ObjectType*> object_types() {
  std::vector<const ObjectType*> types = session_types();
  for (const ObjectType* type : statement_types()) types.push_back(type);
  for (const ObjectType* type :
       {&parameters_type(), &parameter_type(), &completion_type(), &copy_type()}) {
    types.push_back(type);
  }
  return types;
}

std::vector<const ObjectType*> types_of(Hook hook) {
  const ObjectType *s = &session_type(), *q = &statement_type();
  switch (hook) {
    case Hook::connect:
    case Hook::auth: return {s};
    case Hook::statement: return {s, q};
    case Hook::execute: return {s, q, &parameters_type()};
    case Hook::copy: return {s, q, &copy_type()};
    case Hook::complete: return {s, q, &completion_type()};
    case Hook::disconnect: return {s, &summary_type()};
  }
  return {s};
}

std::vector<std::string> parameters_of(Hook hook) {
  switch (hook) {
    case Hook::connect:
    case Hook::auth: return {"s"};
    case Hook::statement: return {"s", "q"};
    case Hook::execute: return {"s", "q", "p"};
    case Hook::copy: return {"s", "q", "c"};
    case Hook::complete: return {"s", "q", "r"};
    case Hook::disconnect: return {"s", "sum"};
  }
  return {"s"};
}

}  // namespace pgmoat::policy
