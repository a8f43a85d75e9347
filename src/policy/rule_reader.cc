#include "policy/rule_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/nearest.h"
#include "policy/dates.h"
#include "policy/matchers.h"
#include "policy/not_built.h"

namespace pgmoat::policy {

namespace {

using Action = Verdict::Action;

constexpr std::array<Hook, 7> kHooks = {Hook::connect,   Hook::auth, Hook::statement,
                                        Hook::execute,   Hook::copy, Hook::complete,
                                        Hook::disconnect};

// The hooks at which each action can still do what it says.
bool possible(Action action, Hook hook) {
  switch (action) {
    case Action::alert: return true;
    case Action::deny: return hook != Hook::complete && hook != Hook::disconnect;
    case Action::terminate: return hook != Hook::disconnect;
    case Action::tag: return hook != Hook::disconnect && hook != Hook::copy;
    case Action::set: return hook == Hook::auth;
    case Action::rewrite:
    case Action::score:
    case Action::allow: return hook == Hook::statement;
  }
  return true;
}

std::string check_id(const std::string& id) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  const bool plain = !id.empty() && id.size() <= 100 &&
                     id.find_first_not_of(kAllowed) == std::string::npos && id[0] != '.' &&
                     id[0] != '-';
  if (plain) return {};
  return "'" + id + "' is no id: up to 100 lower-case letters, digits, '.', '-' and '_'";
}

class RuleReader {
 public:
  explicit RuleReader(FileReading& reading) : reading_(reading), problems_(reading.problems) {}

  Rule read(const Node& node) {
    rule_.place = node.place;
    rule_.pack = reading_.pack;
    rule_.match.place = node.place;
    if (const Node::Entry* id = node.find("id"); id != nullptr) rule_.place = id->place;
    std::vector<std::string_view> others = verdict_names();
    for (const std::string_view name : not_built_names()) others.push_back(name);
    read_table(node, "a rule", keys(), problems_, others);
    if (rule_.id.empty() && node.find("id") == nullptr) {
      problems_.error(node.place, "a rule needs an id");
    }
    verdicts(node);
    agree();
    return std::move(rule_);
  }

 private:
  std::vector<Key> keys() {
    std::vector<Key> keys = {
        {"id",
         [this](const Node& node) {
           const std::string wrong = text(rule_.id)(node);
           return wrong.empty() ? check_id(rule_.id) : wrong;
         }},
        {"on", [this](const Node& node) { return hook(node); }},
        {"description", text(rule_.description)},
        {"severity", choice({"info", "low", "medium", "high", "critical"},
                            [this](std::size_t at) { rule_.severity = Severity(at); })},
        {"owner", text(rule_.owner)},
        {"url", text(rule_.url)},
        {"tags", words(rule_.tags)},
        {"mode", mode(rule_.mode)},
        {"level", whole([this](std::int64_t n) { rule_.level = static_cast<int>(n); }, 1, 4)},
        {"order", whole([this](std::int64_t n) { rule_.order = static_cast<int>(n); }, 0, 100000)},
        {"enforce_percent",
         whole([this](std::int64_t n) { rule_.percent = static_cast<int>(n); }, 0, 100)},
        {"on_error", choice({"deny", "allow"},
                            [this](std::size_t at) {
                              rule_.on_error = at == 0 ? OnError::deny : OnError::allow;
                            })},
        {"match", [this](const Node& node) { return match(node); }},
        {"when", [this](const Node& node) { return when(node); }},
        {"decide", [this](const Node& node) { return decide(node); }},
        {"verdict", [this](const Node& node) { return made_verdict(node); }},
    };
    for (const char* name : {"exception", "exceptions"}) {
      keys.push_back({name, each([this](const Node& node) { exception(node); })});
    }
    for (const char* name : {"test", "tests"}) {
      keys.push_back({name, each([this](const Node& node) { test(node); })});
    }
    return keys;
  }

  static Read each(std::function<void(const Node&)> take) {
    return [take = std::move(take)](const Node& node) -> std::string {
      if (!node.is_list()) return "expected a list of tables";
      for (const Node& item : node.items) {
        if (!item.is_table()) return "expected a list of tables";
        take(item);
      }
      return {};
    };
  }

  std::string hook(const Node& node) {
    if (node.is(Node::Type::text)) {
      if (std::string missing = not_built(node.text); !missing.empty()) {
        problems_.error(node.place, std::move(missing));
        return {};
      }
    }
    std::vector<std::string_view> names;
    for (const Hook known : kHooks) names.push_back(name_of(known));
    return choice(names, [this](std::size_t at) { rule_.hook = kHooks[at]; })(node);
  }

  std::string match(const Node& node) {
    rule_.match = read_match(node, reading_);
    return {};
  }

  std::string when(const Node& node) {
    if (node.is(Node::Type::function)) return rule_.script_when = true, std::string();
    if (!node.is(Node::Type::text) || node.text.empty()) return "expected an expression of Lua";
    rule_.when = node.text;
    rule_.when_place = node.place;
    return {};
  }

  std::string decide(const Node& node) {
    deciders_.push_back("decide");
    if (node.is(Node::Type::function)) return rule_.script_decide = true, std::string();
    constexpr std::string_view kLua = "lua:";
    if (!node.is(Node::Type::text) || node.text.substr(0, kLua.size()) != kLua ||
        node.text.size() == kLua.size()) {
      return "expected \"lua:name\" of a function that pgmoat.export has named";
    }
    rule_.decide = node.text;
    return {};
  }

  // Lua's `verdict = pgmoat.deny{...}`.
  std::string made_verdict(const Node& node) {
    const auto& names = verdict_names();
    const auto at = std::find(names.begin(), names.end(), node.made_by);
    deciders_.push_back("verdict");
    if (!not_built(node.made_by).empty()) return {};  // its call has told
    if (at == names.end()) {
      return node.is(Node::Type::function)
                 ? "expected pgmoat.deny{...} and the like; a function is given as `decide`"
                 : "expected pgmoat.deny{...} and the like (in TOML: deny = {...})";
    }
    rule_.verdict = read_verdict(static_cast<Action>(at - names.begin()), node, problems_);
    return {};
  }

  void verdicts(const Node& node) {
    for (const Node::Entry& entry : node.fields) {
      if (std::string missing = not_built(entry.key); !missing.empty()) {
        problems_.error(entry.place, std::move(missing));
        deciders_.push_back(entry.key);
      }
      const auto& names = verdict_names();
      const auto at = std::find(names.begin(), names.end(), entry.key);
      if (at == names.end()) continue;
      deciders_.push_back(entry.key);
      rule_.verdict = read_verdict(static_cast<Action>(at - names.begin()), entry.value, problems_);
    }
    if (deciders_.empty()) {
      problems_.error(rule_.place, "rule '" + rule_.id +
                                       "' has no verdict: give one of deny, terminate, rewrite, "
                                       "alert, tag, set, score, allow, or decide");
    } else if (deciders_.size() > 1) {
      std::string both;
      for (const std::string& name : deciders_) both += (both.empty() ? "'" : ", '") + name + "'";
      problems_.error(rule_.place, "rule '" + rule_.id + "' has more than one verdict: " + both);
    }
  }

  void exception(const Node& node) {
    Exception exception;
    exception.place = node.place;
    read_table(node, "an exception",
               {{"name", text(exception.name)},
                {"reason", text(exception.reason)},
                {"expires", moment(exception.expires)}},
               problems_, keys_besides(node, {"name", "reason", "expires"}));
    exception.match = read_match(node, reading_, {"name", "reason", "expires"});
    const std::string called =
        exception.name.empty() ? std::string("exception") : "exception '" + exception.name + "'";
    if (keys_besides(node, {"name", "reason", "expires"}).empty()) {
      problems_.error(node.place, called + " has no conditions: it would switch the rule off");
    }
    if (exception.reason.empty()) problems_.warning(node.place, called + " gives no reason");
    if (exception.expires && reading_.now > 0 && *exception.expires <= reading_.now) {
      problems_.warning(node.place, called + " has expired on " + written_day(*exception.expires));
    }
    rule_.exceptions.push_back(std::move(exception));
  }

  static std::vector<std::string_view> keys_besides(const Node& node,
                                                    const std::vector<std::string_view>& mine) {
    std::vector<std::string_view> others;
    for (const Node::Entry& entry : node.fields) {
      if (std::find(mine.begin(), mine.end(), entry.key) == mine.end()) others.push_back(entry.key);
    }
    return others;
  }

  void test(const Node& node) {
    static const std::vector<std::string_view> kExpect = {
        "pass", "deny", "terminate", "rewrite", "alert", "tag", "set", "score", "allow"};
    RuleTest test;
    test.place = node.place;
    const Read parameters = [&](const Node& value) -> std::string {
      if (!value.is_list()) return "expected a list of values";
      test.parameters.clear();
      for (const Node& item : value.items) {
        if (!as_text(item, test.parameters.emplace_back())) return "expected a list of values";
      }
      return {};
    };
    read_table(node, "a test",
               {{"name", text(test.name)},
                {"sql", text(test.sql)},
                {"expect", choice(kExpect, [&](std::size_t at) { test.expect = kExpect[at]; })},
                {"rewritten", text(test.rewritten)},
                {"session", [&](const Node& value) { return session(value, test); }},
                {"params", parameters},
                {"parameters", parameters}},
               problems_);
    if (node.find("expect") == nullptr) problems_.error(node.place, "a test needs 'expect'");
    if (!test.rewritten.empty() && test.expect != "rewrite") {
      problems_.error(node.place, "a test with 'rewritten' expects \"rewrite\"");
    }
    rule_.tests.push_back(std::move(test));
  }

  // { user = "app", guc = { "app.tenant" = "7" }, tags = ["human"] }
  std::string session(const Node& node, RuleTest& test) {
    static const std::vector<std::string_view> kKnown = {
        "user", "database",    "app",         "application", "application_name", "client",
        "role", "replication", "transaction", "protocol",    "server",           "guc",
        "tag",  "tags",        "tls",         "sni",         "certificate",      "method"};
    if (!node.is_table()) return "expected { user = \"app\" }";
    for (const Node::Entry& entry : node.fields) {
      const std::string wrong = session_field(entry, test);
      if (!wrong.empty()) return entry.key + ": " + wrong;
      if (std::find(kKnown.begin(), kKnown.end(), entry.key) == kKnown.end()) {
        problems_.error(entry.place, "unknown key '" + entry.key + "' in a test's session" +
                                         did_you_mean(entry.key, kKnown));
      }
    }
    return {};
  }

  static std::string session_field(const Node::Entry& entry, RuleTest& test) {
    std::string value;
    if (entry.key == "tag" || entry.key == "tags") {
      std::vector<std::string> tags;
      if (std::string wrong = words(tags)(entry.value); !wrong.empty()) return wrong;
      for (std::string& tag : tags) test.session.emplace_back("tag", std::move(tag));
    } else if (entry.key == "guc") {
      return settings(entry.value, "guc.", test);
    } else if (as_text(entry.value, value)) {
      if (const std::string wrong = session_word(entry.key, value); !wrong.empty()) return wrong;
      const std::string key = entry.key == "application_name" ? "app" : entry.key;
      test.session.emplace_back(key, std::move(value));
    } else {
      return "expected a text";
    }
    return {};
  }

  // Of keys that take certain words only.
  static std::string session_word(const std::string& key, const std::string& value) {
    std::vector<std::string_view> words;
    if (key == "transaction") words = {"idle", "in_transaction", "failed"};
    if (key == "tls") words = {"TLSv1.2", "TLSv1.3"};
    if (key == "protocol") words = {"simple", "extended"};
    const bool known = std::find(words.begin(), words.end(), value) != words.end();
    return words.empty() || known ? std::string() : "expected " + one_of(words);
  }

  static std::string settings(const Node& node, const std::string& prefix, RuleTest& test) {
    if (!node.is_table()) return "expected settings with values";
    for (const Node::Entry& entry : node.fields) {
      std::string value;
      if (as_text(entry.value, value)) {
        test.session.emplace_back(prefix + entry.key, std::move(value));
      } else if (std::string wrong = settings(entry.value, prefix + entry.key + ".", test);
                 !wrong.empty()) {
        return wrong;
      }
    }
    return {};
  }

  // What the keys say one by one must also hold together.
  void agree() {
    const std::string hook(name_of(rule_.hook));
    if (rule_.verdict && !possible(rule_.verdict->action, rule_.hook)) {
      problems_.error(rule_.place, "rule '" + rule_.id + "' cannot " +
                                       std::string(name_of(rule_.verdict->action)) + " on '" +
                                       hook + "'");
    }
    if (!has_statement(rule_.hook)) {
      session_only(rule_.match);
      for (const Exception& exception : rule_.exceptions) session_only(exception.match);
    }
  }

  void session_only(const Match& match) {
    for (const Match& part : match.parts) session_only(part);
    if (match.op != Match::Op::leaf || find_matcher(match.key)->session) return;
    problems_.error(match.place, "matcher '" + match.key +
                                     "' needs a statement; there is none on '" +
                                     std::string(name_of(rule_.hook)) + "'");
  }

  FileReading& reading_;
  const Problems& problems_;
  Rule rule_;
  std::vector<std::string> deciders_;
};

}  // namespace

Rule read_rule(const Node& node, FileReading& reading) { return RuleReader(reading).read(node); }

Read mode(std::optional<Mode>& into) {
  return choice({"off", "monitor", "warn", "enforce"},
                [&into](std::size_t at) { into = static_cast<Mode>(at); });
}

Read moment(std::optional<std::int64_t>& into) {
  return [&into](const Node& node) -> std::string {
    const bool written = node.is(Node::Type::date) || node.is(Node::Type::text);
    into = written ? parse_moment(node.text) : std::nullopt;
    return into ? "" : "expected a date, such as 2027-03-31";
  };
}

}  // namespace pgmoat::policy
