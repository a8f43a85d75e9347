// C++ objects as Lua sees them: read-only userdata with named, typed fields. A field that does not
// exist raises "statement has no field 'wherre', did you mean 'where'?". Objects are lent for one
// call: used after it, they raise. The same table of fields makes the editor's stubs, so names,
// types and documentation are in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::script {

struct ObjectType;

// Where a getter leaves its one value; none is nil. Any of these may raise out of memory or a stop. It
// passes through the getter as a C++ exception: destructors run, and `catch (...)` would be a bug.
class Push {
 public:
  virtual void nil() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void number(double value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void object(const ObjectType& type, const void* self) = 0;  // lent
  // A read-only sequence: #list, list[i], ipairs. `at(self, i, push)` with i from 0. Lent.
  using At = void (*)(const void* self, std::size_t index, Push& push);
  virtual void list(const void* self, std::size_t size, At at) = 0;
  // Between parts of long work: counts as a few instructions, and raises a stop where the time is
  // up.
  virtual void breathe() = 0;

 protected:
  ~Push() = default;
};

struct Field {
  std::string name;
  std::string type;  // LuaCATS: "string", "integer", "pgmoat.Where", "pgmoat.Relation[]", "string?"
  std::string description;
  void (*get)(const void* self, Push& push) = nullptr;
};

// A method, called q.tags:has("x"): strings in, one value out.
struct Method {
  std::string name;
  std::string signature;  // LuaCATS: "fun(self, name: string): boolean"
  std::string description;
  void (*call)(const void* self, const std::vector<std::string_view>& arguments,
               Push& push) = nullptr;
};

struct ObjectType {
  std::string name;        // in messages: "statement"
  std::string class_name;  // in stubs: "pgmoat.Statement"
  std::vector<Field> fields;
  std::vector<Method> methods;
  // Free keys, as in s.guc["app.tenant"]; a whole number comes as its digits, as in p[1]. Null where
  // only `fields` exist. Unknown keys give nil.
  void (*lookup)(const void* self, std::string_view key, Push& push) = nullptr;
};

}  // namespace pgmoat::script
