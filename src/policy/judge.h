// The judge: may this go to the server? The session asks before a byte is released and carries out
// the answer; how the answer is found is none of its business.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "policy/session_view.h"
#include "sql/analysis.h"
#include "sql/dialect.h"
#include "sql/edit.h"

namespace pgmoat::policy {

enum class Hook : std::uint8_t { connect, auth, statement, execute, copy, complete, disconnect };
std::string_view name_of(Hook hook);

// Worded like an error of PostgreSQL's, since that is what the client is told.
struct Refusal {
  std::string rule;                // id of the rule that decided
  std::string sqlstate = "42501";  // insufficient_privilege: no driver retries or reconnects on it
  std::string message;
  std::string detail;
  std::string hint;
  std::uint32_t position = 0;  // 1-based, in characters of the client's text; 0: none
};

// One rule's answer that is to be told: to the log always, to the client as a WARNING with `warn`.
struct Finding {
  enum class Action : std::uint8_t { deny, terminate, rewrite, alert, tag, set, error };
  enum class Effect : std::uint8_t { done, would };  // would: the mode kept it from acting
  std::string rule;
  std::string severity;
  Action action = Action::alert;
  Effect effect = Effect::would;
  bool warn = false;    // mode `warn`: the client is sent refusal as a WARNING
  Refusal refusal;      // of deny, terminate, alert and error: what was or would have been said
  std::string capture;  // of alert: how the statement is to be kept: "normalized", "raw", "none"
};
std::string_view name_of(Finding::Action action);

// The answer of one judgement. Immutable and shared: the ordinary one is cached and costs nothing.
struct Ruling {
  enum class Action : std::uint8_t { allow, deny, terminate, rewrite };
  Action action = Action::allow;
  Refusal refusal;         // deny, terminate
  sql::Rewritten rewrite;  // rewrite: already parsed and judged again
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, std::string>> set;  // auth: settings for the server session
  std::vector<std::string> tags;                         // for the session; the session adds them
  std::shared_ptr<const sql::Analysis> analysis;         // statement: of the client's own text
  std::shared_ptr<const sql::Analysis> rewritten;        // of the text that goes to the server
  sql::Dialect reading;  // in which the text was read; not certain: it is one of several
  bool certain = true;
  // It read the transaction's state, the time or counters: asked again at every use.
  bool passing = false;
  std::uint64_t epoch = 0;
};
using Judged = std::shared_ptr<const Ruling>;

// A parameter of Bind, as sent.
struct Parameter {
  std::uint32_t type = 0;  // OID that Parse declared, 0 where it did not
  bool null = false;
  bool binary = false;
  Bytes bytes;
};

struct Completion {  // of one statement
  std::string_view tag, sqlstate;
  std::uint64_t rows = 0, bytes = 0;
  std::chrono::microseconds duration{0};
};

// How the server will read the text, and whether that is sure: a message under way may have
// changed it, and then the text is judged under every reading that is possible.
struct Reading {
  sql::Dialect known;
  bool certain = true;
};

// What a rule may see of one message. Views; valid during judge() only.
struct Subject {
  enum class Kind : std::uint8_t {
    connect,        // StartupMessage, before the server is dialled
    authenticated,  // before the first ReadyForQuery reaches the client
    query,          // Query
    parse,          // Parse
    again,  // a statement judged earlier (`earlier`), at Bind or Execute, when epoch() has moved
    bind,
    describe,
    execute,
    function_call,
    copy_data,  // only where reads_copy_data()
    copy,       // CopyInResponse, CopyOutResponse, CopyBothResponse
    complete,   // CommandComplete or ErrorResponse
    disconnect,
  };
  Kind kind = Kind::query;
  SessionView* session = nullptr;  // never null
  Reading reading;                 // query, parse, again
  std::string_view sql;            // query, parse
  std::string_view statement;      // parse, bind, describe: protocol-level name
  std::string_view portal;         // bind, describe, execute
  std::uint32_t function = 0;      // function_call: OID
  Bytes values;  // bind: parameters; function_call: arguments; copy_data: the data
  const Ruling* earlier =
      nullptr;  // again, bind, execute, copy, complete: of the statement, or null
  std::span<const Parameter> parameters;   // bind
  const Completion* completion = nullptr;  // complete
  bool copy_in = false;                    // copy
  std::uint32_t number = 0;                // copy, complete: which statement of the text, from 0
};

// The settings that say whom a session acts as.
bool is_role_setting(std::string_view name);

// Whether running the statement may change the role, as far as its text tells: what functions set in
// their bodies is not seen.
bool changes_role(const sql::Facts& facts);

class Judge {
 public:
  virtual ~Judge() = default;
  // Never null. What only allows is shared and costs nothing.
  virtual Judged judge(const Subject& subject) = 0;
  // Whether messages of this kind need be shown at all; query and parse always are.
  virtual bool wants(Subject::Kind kind) const = 0;
  // Moves when the policy does: what was judged under another epoch is judged again.
  virtual std::uint64_t epoch() const = 0;
  // Whether CopyData must be gathered and shown; when not, it streams by.
  virtual bool reads_copy_data() const { return false; }
};

const Judged& allowed();  // the ruling that allows and finds nothing

class AllowAll final : public Judge {
 public:
  Judged judge(const Subject&) override { return allowed(); }
  bool wants(Subject::Kind) const override { return false; }
  std::uint64_t epoch() const override { return 0; }
};

}  // namespace pgmoat::policy
