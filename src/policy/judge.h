// The judge: may this message go to the server? The session asks before a byte is released and
// carries out the answer; how the answer is found is none of its business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"

namespace pgmoat::policy {

// What a rule may see of one message. Views; valid during judge() only.
struct Subject {
  enum class Kind : std::uint8_t {
    query,
    parse,
    bind,
    describe,
    execute,
    function_call,
    copy_data
  };
  Kind kind = Kind::query;
  std::string_view user;
  std::string_view database;
  std::string_view application;
  std::string_view sql;        // query, parse
  std::string_view statement;  // parse, bind, describe: protocol-level name
  std::string_view portal;     // bind, describe, execute
  std::uint32_t function = 0;  // function_call: OID
  Bytes values;                // bind: parameters; function_call: arguments; copy_data: the data
};

struct Allow {};

// Worded like an error of PostgreSQL's, since that is what the client is told.
struct Refusal {
  std::string rule;                // id of the rule that decided
  std::string sqlstate = "42501";  // insufficient_privilege: no driver retries or reconnects on it
  std::string message;
  std::string detail;
  std::string hint;
};

using Ruling = std::variant<Allow, Refusal>;

class Judge {
 public:
  virtual ~Judge() = default;
  virtual Ruling judge(const Subject& subject) = 0;
  // Whether CopyData must be gathered and shown; when not, it streams by.
  virtual bool reads_copy_data() const { return false; }
};

class AllowAll final : public Judge {
 public:
  Ruling judge(const Subject&) override { return Allow{}; }
};

}  // namespace pgmoat::policy
