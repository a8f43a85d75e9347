// What rules are asked about: one statement (or none, at connect) and everything around it that a
// rule may see. Plain views, so that evaluation needs neither parser nor session and can be tested
// with values written by hand. Reads tells which session fields an answer has depended on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "policy/judge.h"
#include "policy/session_view.h"
#include "sql/analysis.h"
#include "sql/facts.h"

namespace pgmoat::policy {

// What an answer depended on besides the statement. Recorded while it is found: equal fields then
// take the same path, so a ruling may be reused under equal hashes of exactly these fields.
struct Reads {
  FieldSet fields = 0;
  bool unstable = false;  // time, parameters, counters: the answer may not be kept

  void field(SessionField which) { fields |= bit(which); }
  void add(const Reads& other) {
    fields |= other.fields;
    unstable = unstable || other.unstable;
  }
};

// A parameter of Bind as a rule sees it.
struct BoundValue {
  std::string text;  // of a value that is neither null nor opaque
  bool null = false;
  bool opaque = false;  // binary, of a type that is not known here, or malformed
  bool binary = false;
  std::uint32_t type = 0;
  std::uint32_t length = 0;  // bytes as sent
};

enum class Protocol : std::uint8_t { none, simple, extended };
std::string_view name_of(Protocol protocol);

struct Question {
  Hook hook = Hook::statement;
  const SessionView* session = nullptr;   // never null when asked
  const sql::Facts* statement = nullptr;  // null: connect, auth, disconnect
  std::uint32_t index = 1, count = 1;     // statement 2 of 3
  std::string_view text;                  // all of it, as the client sent it
  std::span<const std::string_view> comments;
  std::string_view traceparent;
  sql::Opacity opacity = sql::Opacity::none;
  std::string_view why;  // of the opacity
  std::uint32_t error_position = 0;
  bool converted = false;  // positions are not the client's
  bool replication = false;
  // A statement before it in the text may have begun or ended a transaction; changed the role.
  bool turned = false, swapped = false;
  Protocol protocol = Protocol::none;
  std::span<const BoundValue> parameters;  // execute
  const Completion* completion = nullptr;  // complete
  bool copy_in = false;                    // copy
  std::int64_t now = 0;                    // unix seconds
};

// One question per statement is made by copying this and setting statement and index.
Question question_about(const sql::Analysis& analysis);

}  // namespace pgmoat::policy
