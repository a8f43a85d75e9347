#include "sim/script.h"

#include <algorithm>
#include <utility>

#include "wire/frontend.h"
#include "wire/startup.h"

namespace pgmoat::sim {

std::string rewritten(std::string_view sql) {
  if (sql == "SELECT 5") return "SELECT 2";
  if (sql == "INSERT y") return "INSERT rewritten";
  return {};
}
bool has_settings(std::string_view sql) {
  return sql == "SELECT 3" || sql == "INSERT y" || sql == "INSERT $1" || sql == "SELECT 1/0";
}
bool is_warned_of(std::string_view sql) { return sql == "SELECT 1" || sql == "INSERT z"; }

namespace {

template <class M>
std::string bytes_of(const M& message) {
  std::string out;
  wire::encode(message, out);
  return out;
}

constexpr const char* kNames[] = {"", "", "a", "b"};
constexpr const char* kPortals[] = {"", "", "", "p", "q"};
constexpr const char* kSingles[] = {"SELECT 1",
                                    "SELECT 3",
                                    "SELECT 0",
                                    "SELECT 5",
                                    "INSERT x",
                                    "INSERT y",
                                    "INSERT z",
                                    "INSERT $1",
                                    "DEFERRED",
                                    "FAILS LATE",
                                    "SELECT 1/0",
                                    "SELECT missing",
                                    "BAD",
                                    "",
                                    "BEGIN",
                                    "BEGIN",
                                    "COMMIT",
                                    "ROLLBACK",
                                    "SAVEPOINT s",
                                    "ROLLBACK TO s",
                                    "SET a",
                                    "NOTICE",
                                    "NOTIFY",
                                    "COPY t TO STDOUT",
                                    "SELECT 2 /* copy std */",
                                    "DEALLOCATE a",
                                    "PREPARE a AS SELECT 1",
                                    "DEALLOCATE ALL",
                                    "SELECT wide",
                                    "INSERT v"};
constexpr const char* kManies[] = {"INSERT m; INSERT n",
                                   "INSERT m; SELECT 1/0",
                                   "INSERT m; BAD",
                                   "BEGIN; INSERT m",
                                   "COMMIT; INSERT n",
                                   "SELECT 1; SELECT 2; INSERT o",
                                   "INSERT m; COMMIT; SELECT 1/0",
                                   "; ;",
                                   "INSERT m; DEFERRED",
                                   "INSERT m; ROLLBACK; INSERT n",
                                   "SELECT 3; FAILS LATE",
                                   "COPY t TO STDOUT; SELECT 1"};
constexpr const char* kCopies[] = {"COPY t FROM STDIN",
                                   "copy t from stdout",
                                   "COPY t FROM STDIN; INSERT k",
                                   "COPY t FROM STDIN; SELECT 1/0",
                                   "INSERT k; COPY t FROM STDIN",
                                   "COPY t FROM STDIN; COPY t FROM STDIN",
                                   "SELECT 1; COPY t FROM STDIN; BAD",
                                   "COPY t TO STDOUT; COPY t FROM STDIN",
                                   "SELECT 1/0; COPY t FROM STDIN"};
constexpr const char* kWords[] = {"secrets", "SECRETS", "sEcReTs"};
constexpr std::uint32_t kFunctions[] = {0, 952, 957, 2026, 999999};

class Author {
 public:
  explicit Author(Dice& dice) : dice_(dice) {}

  Script write() {
    log_in();
    const std::size_t units = dice_.between(1, 7);
    for (std::size_t i = 0; i < units; ++i) unit();
    if (dice_.chance(25)) say(bytes_of(wire::Sync{}));
    // Whatever was left open is closed here, a COPY in a COPY as well.
    for (int i = 0; i < 2; ++i) {
      say(bytes_of(wire::CopyFail{"end"}));
      say(bytes_of(wire::Sync{}));
    }
    script_.terminates = dice_.chance(40);
    script_.half_close = !script_.terminates && dice_.chance(50);
    if (script_.terminates) say(bytes_of(wire::Terminate{}));
    return std::move(script_);
  }

 private:
  void say(std::string bytes, std::string instead = {}) {
    if (instead.empty()) instead = bytes;
    script_.steps.push_back({std::move(bytes), std::move(instead), dice_.chance(waits_)});
  }

  void log_in() {
    constexpr Login kLogins[] = {Login::trust, Login::trust, Login::cleartext, Login::md5,
                                 Login::sasl};
    constexpr unsigned kWaits[] = {0, 0, 10, 50, 100};
    script_.login = dice_.pick(kLogins);
    waits_ = 100;
    if (dice_.chance(20)) encryption_request(bytes_of(wire::SslRequest{}));
    if (dice_.chance(20)) encryption_request(bytes_of(wire::GssEncRequest{}));
    static constexpr std::string_view kPairs("user\0app\0database\0shop\0", 23);
    say(bytes_of(wire::StartupMessage{wire::kProtocol30, as_bytes(kPairs)}));
    const char* password = dice_.chance(4) ? "wrong" : "right";
    if (script_.login == Login::sasl) {
      say(bytes_of(wire::SaslInitialResponse{"SCRAM-SHA-256", true, as_bytes("n,,n=,r=")}));
      say(bytes_of(wire::SaslResponse{as_bytes(std::string_view(password))}));
    } else if (script_.login != Login::trust) {
      say(bytes_of(wire::PasswordMessage{password}));
    }
    waits_ = dice_.pick(kWaits);
  }
  void encryption_request(std::string bytes) {
    ++script_.encryption_requests;
    say(std::move(bytes));
  }

  void unit() {
    const std::size_t what = dice_.below(100);
    if (what < 26) return simple();
    if (what < 62) return pipeline();
    if (what < 68) return function_call();
    if (what < 84) return copy_simple();
    if (what < 94) return copy_extended();
    if (what < 98) return second_meaning();
    say(bytes_of(wire::Flush{}));
  }

  bool refused() { return dice_.chance(14); }
  std::string with_word(std::string text) { return text + " /* " + dice_.pick(kWords) + " */"; }
  static std::string poison() { return "/* pgmoat */ " + kToken; }
  static std::string poison_parse(std::string_view name) {
    return bytes_of(wire::Parse{name, poison(), {}});
  }

  void query(const std::string& sql) {
    if (refused())
      return say(bytes_of(wire::Query{with_word(sql)}), bytes_of(wire::Query{poison()}));
    const std::string other = rewritten(sql);
    say(bytes_of(wire::Query{sql}), other.empty() ? "" : bytes_of(wire::Query{other}));
  }
  void parse(std::string_view name, const std::string& sql) {
    if (refused()) return say(bytes_of(wire::Parse{name, with_word(sql), {}}), poison_parse(name));
    const std::string other = rewritten(sql);
    say(bytes_of(wire::Parse{name, sql, {}}),
        other.empty() ? "" : bytes_of(wire::Parse{name, other, {}}));
  }
  void bind(std::string_view portal, std::string_view statement, bool parameter) {
    wire::Bind message;
    message.portal = portal;
    message.statement = statement;
    std::string value = dice_.chance(20) ? std::string(dice_.pick(kWords)) : std::string("value");
    const bool deny = parameter && value != "value";
    value.insert(0, {0, 0, 0, static_cast<char>(value.size())});
    if (parameter) {
      message.param_count = 1;
      message.params = as_bytes(value);
    }
    say(bytes_of(message), deny ? poison_parse("pgmoat") : "");
  }
  // Portal and statement names are judged as well.
  void described(char target, std::string_view name) {
    const auto kind = static_cast<wire::Target>(target);
    if (dice_.chance(3)) {
      return say(bytes_of(wire::Describe{kind, kWord}), poison_parse("pgmoat"));
    }
    say(bytes_of(wire::Describe{kind, name}));
  }
  void execute(std::string_view portal) {
    if (dice_.chance(3)) return say(bytes_of(wire::Execute{kWord, 0}), poison_parse("pgmoat"));
    say(bytes_of(wire::Execute{portal, dice_.chance(25) ? 2 : 0}));
  }

  void simple() { query(dice_.chance(40) ? dice_.pick(kManies) : dice_.pick(kSingles)); }

  void pipeline() {
    for (std::size_t i = dice_.between(1, 4); i > 0; --i) {
      const std::string_view name = dice_.pick(kNames);
      const std::string_view portal = dice_.pick(kPortals);
      const std::string sql = dice_.chance(12) ? "COPY t FROM STDIN" : dice_.pick(kSingles);
      if (!name.empty() && dice_.chance(50))
        say(bytes_of(wire::Close{wire::Target::statement, name}));
      if (dice_.chance(80)) parse(name, sql);
      if (dice_.chance(25)) described('S', dice_.chance(80) ? name : dice_.pick(kNames));
      if (dice_.chance(90)) bind(portal, name, sql == "INSERT $1");
      if (dice_.chance(25)) described('P', portal);
      if (dice_.chance(90)) execute(portal);
      if (dice_.chance(15)) execute(portal);
      if (dice_.chance(15)) say(bytes_of(wire::Flush{}));
      if (dice_.chance(10)) say(bytes_of(wire::Close{wire::Target::portal, portal}));
      if (dice_.chance(15)) say(bytes_of(wire::Sync{}));
      if (dice_.chance(5)) query(dice_.pick(kSingles));
    }
    if (dice_.chance(80)) say(bytes_of(wire::Sync{}));
  }

  void function_call() {
    wire::FunctionCall call;
    call.function = dice_.pick(kFunctions);
    call.result_format = 1;
    const std::string argument = std::string("\0\0\0\7", 4) + (refused() ? kWord : "nothing");
    call.arg_count = 1;
    call.args = as_bytes(argument);
    const bool deny = call.function != 952 && call.function != 957;
    wire::FunctionCall none;
    none.result_format = 1;
    const bool refuse = deny || argument.find(kWord) != std::string::npos;
    say(bytes_of(call), refuse ? bytes_of(none) : "");
  }

  // Sync among the data only where the server cannot have left COPY by itself: whether it is
  // swallowed could not be told from outside (the design's known limit; no client does it).
  void copy_data(bool may_fail, bool may_sync) {
    for (std::size_t i = dice_.below(4); i > 0; --i) {
      if (dice_.chance(12)) {
        say(bytes_of(wire::CopyData{as_bytes(with_word("row"))}), bytes_of(wire::CopyFail{kToken}));
      } else if (may_fail && dice_.chance(12)) {
        say(bytes_of(wire::CopyData{as_bytes("oops\n")}));
      } else {
        say(bytes_of(wire::CopyData{as_bytes(dice_.chance(5) ? std::string(30'000, 'c') : "1\n")}));
      }
      if (may_sync && dice_.chance(10)) say(bytes_of(wire::Flush{}));
      if (may_sync && dice_.chance(10)) say(bytes_of(wire::Sync{}));
    }
  }
  void copy_end(bool may_fail) {
    if (!may_fail && dice_.chance(6)) return;
    if (dice_.chance(70)) return say(bytes_of(wire::CopyDone{}));
    say(bytes_of(wire::CopyFail{"changed my mind"}));
  }
  void late_data() {
    if (dice_.chance(15)) say(bytes_of(wire::CopyData{as_bytes("late\n")}));
    if (dice_.chance(5)) say(bytes_of(wire::CopyDone{}));
  }

  void copy_simple() {
    const bool may_fail = dice_.chance(70);
    query(dice_.pick(kCopies));
    copy_data(may_fail, !may_fail);
    copy_end(may_fail);
    late_data();
    if (dice_.chance(20)) copy_data(may_fail, false), copy_end(may_fail);
  }

  void copy_extended() {
    const std::string_view name = dice_.pick(kNames);
    const bool may_fail = dice_.chance(70);
    if (!name.empty()) say(bytes_of(wire::Close{wire::Target::statement, name}));
    if (dice_.chance(30)) parse("", dice_.pick(kSingles));
    parse(name, "COPY t FROM STDIN");
    if (dice_.chance(20)) described('S', name);
    bind("", name, false);
    execute("");
    if (dice_.chance(60)) say(bytes_of(wire::Sync{}));  // libpq's habit
    copy_data(may_fail, !may_fail);
    copy_end(may_fail);
    late_data();
    if (dice_.chance(90)) say(bytes_of(wire::Sync{}));
  }

  // A name is given a second text, which may fail or be skipped: then the first is what runs.
  void second_meaning() {
    const std::string_view name = dice_.pick(kNames);
    const bool first = dice_.chance(50);
    if (dice_.chance(50)) say(bytes_of(wire::Close{wire::Target::statement, name}));
    parse(name, first ? "COPY t FROM STDIN" : dice_.pick(kSingles));
    say(bytes_of(wire::Sync{}));
    if (dice_.chance(30)) parse("", "BAD");
    parse(name, first ? dice_.pick(kSingles) : "COPY t FROM STDIN");
    if (dice_.chance(70)) say(bytes_of(wire::Sync{}));
    const std::string_view portal = dice_.pick(kPortals);
    bind(portal, name, false);
    if (dice_.chance(30)) bind(portal, dice_.pick(kNames), false);
    if (dice_.chance(20)) say(bytes_of(wire::Sync{}));
    execute(portal);
    if (dice_.chance(80)) say(bytes_of(wire::Sync{}));
    copy_end(true);
    if (dice_.chance(80)) say(bytes_of(wire::Sync{}));
  }

  Dice& dice_;
  Script script_;
  unsigned waits_ = 0;
};

std::string frame(char tag, std::uint32_t length, std::string_view body) {
  std::string out{tag, static_cast<char>(length >> 24), static_cast<char>(length >> 16),
                  static_cast<char>(length >> 8), static_cast<char>(length)};
  return out.append(body);
}

std::string noise(Dice& dice, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(dice.below(256));
  return out;
}

std::string garbage(Dice& dice, const std::string& model) {
  constexpr char kTags[] = {'Q', 'P', 'B', 'D', 'E', 'C', 'S', 'H',
                            'F', 'd', 'c', 'f', 'X', 'p', 'y'};
  const char tag = dice.pick(kTags);
  switch (dice.below(7)) {
    case 0: return model.substr(0, dice.below(model.size() + 1));  // cut
    case 1: return noise(dice, dice.between(1, 40));
    case 2: {  // a sound frame of nonsense
      const std::string body = noise(dice, dice.below(30));
      return frame(tag, static_cast<std::uint32_t>(body.size() + 4), body);
    }
    case 3: return frame(tag, static_cast<std::uint32_t>(dice.below(4)), "");  // impossible length
    case 4: return frame('Q', 0x7fffffff - static_cast<std::uint32_t>(dice.below(2)), "select");
    case 5:
      return bytes_of(wire::Query{std::string(dice.between(900, 6000), 'x')});  // over the limit
    default: {                                                                  // one byte differs
      std::string changed = model;
      if (!changed.empty())
        changed[dice.below(changed.size())] ^= static_cast<char>(1 << dice.below(8));
      return changed;
    }
  }
}

}  // namespace

std::string in_short(const Script& script) {
  std::string out;
  for (const Step& step : script.steps) {
    std::string text = step.bytes.substr(0, 1);
    for (const char c :
         std::string_view(step.bytes).substr(std::min<std::size_t>(5, step.bytes.size()), 60)) {
      text += c >= ' ' && c <= '~' ? c : '.';
    }
    out += (step.waits ? " | " : " ") + text + (step.bytes != step.instead ? "!" : "");
  }
  return out;
}

Script clean_script(Dice& dice) { return Author(dice).write(); }

Script wild_script(Dice& dice) {
  Script script = Author(dice).write();
  for (std::size_t i = dice.between(1, 3); i > 0; --i) {
    const std::size_t at = dice.below(script.steps.size());
    script.steps[at].bytes = garbage(dice, script.steps[at].bytes);
  }
  for (Step& step : script.steps) step.waits = false;
  return script;
}

}  // namespace pgmoat::sim
