#include "policy/lua_api.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "policy/lua_node.h"
#include "policy/not_built.h"
#include "policy/rule_reader.h"

namespace pgmoat::policy {

using script::Caller;
using script::Lent;
using script::Value;
using Answer = Result<Value, std::string>;
using Arguments = std::vector<Value>;

namespace {

Value nothing() { return {}; }
Value text_value(std::string text) { return {std::move(text)}; }

// A table with its mark, from what a constructor was called with: pgmoat.deny{...}, pgmoat.score(5).
Value marked(std::string_view name, Arguments& arguments) {
  auto table = std::make_shared<script::Table>();
  const script::Table* given = arguments.size() == 1 ? arguments[0].table() : nullptr;
  if (given != nullptr && given->find(kMadeBy) == nullptr) *table = *given;
  else table->items = std::move(arguments);
  table->fields.emplace_back(std::string(kMadeBy), text_value(std::string(name)));
  std::sort(table->fields.begin(), table->fields.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return {std::shared_ptr<script::Table>(std::move(table))};
}

// The texts of a list, or of a function's arguments: {"a", "b"}.
Result<std::vector<std::string>, std::string> texts_of(const Value& list, std::string_view name) {
  const std::string wrong = "pgmoat." + std::string(name) + " takes a list of texts";
  std::vector<std::string> texts;
  if (list.table() == nullptr) return wrong;
  for (const Value& item : list.table()->items) {
    const auto* text = item.as<std::string>();
    if (text == nullptr) return wrong;
    texts.push_back(*text);
  }
  return texts;
}

const std::string* text_at(const Arguments& arguments, std::size_t index) {
  return index < arguments.size() ? arguments[index].as<std::string>() : nullptr;
}

}  // namespace

class LuaApi {
 public:
  LuaApi(script::Sandbox& sandbox, Registrar& registrar)
      : sandbox_(sandbox), registrar_(registrar) {}

  void provide() {
    define("api", &LuaApi::api, When::loading);
    define("rule", &LuaApi::rule, When::loading);
    define("export", &LuaApi::exports, When::loading);
    define("list", &LuaApi::list, When::loading);
    define("params", &LuaApi::params, When::any);
    define("now", &LuaApi::now, When::judging);
    for (const char* name : {"allow", "deny", "terminate", "rewrite", "alert", "tag", "score"}) {
      constructor(name, name);
    }
    constructor("settings", "set");  // pgmoat.set{...} is a set of words
    for (const char* name : {"add_filter", "cap_limit", "set_local", "force_read_only",
                             "replace_relation", "add_comment", "replace"}) {
      constructor("edit." + std::string(name), "edit." + std::string(name));
    }
    objects();
    missing();
  }

 private:
  enum class When { loading, judging, any };
  using Does = Answer (LuaApi::*)(Arguments&, const Caller&);

  // Copies of the two references outlive this object; the sandbox and the registrar do by contract.
  void define(const char* name, Does does, When when) {
    sandbox_.define(name,
                    [api = *this, name, does, when](Arguments& arguments,
                                                    const Caller& caller) mutable -> Answer {
                      if (std::string wrong = api.check(name, when, caller); !wrong.empty())
                        return wrong;
                      return (api.*does)(arguments, caller);
                    });
  }

  std::string check(std::string_view name, When when, const Caller& caller) const {
    const std::string called = "pgmoat." + std::string(name);
    if (when == When::loading && registrar_.sealed()) {
      return called + " works while files are loaded, not inside rules";
    }
    if (when == When::judging && !registrar_.sealed()) {
      return called + " works inside rules, not while files are loaded";
    }
    if (name != "api" && !registrar_.sealed() && !registrar_.has_api(caller.file)) {
      return std::string("pgmoat.api(1) must come first");
    }
    return {};
  }

  void constructor(const std::string& name, const std::string& made_by) {
    sandbox_.define(
        name, [api = *this, name, made_by](Arguments& arguments, const Caller& caller) -> Answer {
          if (std::string wrong = api.check(name, When::any, caller); !wrong.empty()) return wrong;
          return marked(made_by, arguments);
        });
  }

  using Makes = Made (LuaApi::*)(const Arguments&, const Caller&);
  void object(const char* name, Makes makes) {
    sandbox_.define_object(
        name,
        [api = *this, name, makes](Arguments& arguments,
                                   const Caller& caller) mutable -> Result<Lent, std::string> {
          if (std::string wrong = api.check(name, When::loading, caller); !wrong.empty())
            return wrong;
          Made made = (api.*makes)(arguments, caller);
          if (!made) return made.error();
          api.registrar_.made_.push_back(std::move(*made));
          const LuaMade* self = api.registrar_.made_.back().get();
          return Lent{&self->type(), self};
        });
  }

  void objects() {
    object("set", &LuaApi::words);
    object("cidrs", &LuaApi::cidrs);
    object("schedule", &LuaApi::schedule);
    object("map", &LuaApi::map);
    object("re", &LuaApi::pattern);
  }

  // What is not built is told once and stands for a verdict, so that the file is read to its end.
  void missing() {
    for (const std::string_view name : not_built_names()) {
      if (name == "masks" || name == "result" || name == "tick") continue;
      sandbox_.define(name,
                      [api = *this, name](Arguments&, const Caller& caller) mutable -> Answer {
                        if (api.registrar_.sealed()) return not_built(name);
                        api.registrar_.complaints_.push_back({caller, not_built(name)});
                        Arguments none;
                        return marked(name, none);
                      });
    }
    for (const char* name : {"null", "const", "hash", "keep_first", "keep_last", "round",
                             "date_trunc", "fake_email"}) {
      sandbox_.define("masks." + std::string(name), [](Arguments&, const Caller&) -> Answer {
        return nothing();  // pgmoat.mask says that it is not built
      });
    }
  }

  Answer api(Arguments& arguments, const Caller& caller) {
    const auto* version = arguments.empty() ? nullptr : arguments[0].as<std::int64_t>();
    if (version == nullptr || *version != 1) return std::string("this pgmoat knows api 1 only");
    registrar_.api_.insert(caller.file);
    return nothing();
  }

  Answer rule(Arguments& arguments, const Caller& caller) {
    if (arguments.size() != 1 || arguments[0].table() == nullptr) {
      return std::string("pgmoat.rule takes one table: pgmoat.rule{ id = \"...\", ... }");
    }
    Registrar::LuaRule rule{arguments[0], caller, {}, {}};
    const auto function = [&](const char* name, script::Function& into) {
      const Value* value = arguments[0].table()->find(name);
      if (value == nullptr) return;
      if (const auto* found = value->as<script::Function>()) into = *found;
    };
    function("when", rule.when);
    function("decide", rule.decide);
    registrar_.rules_.push_back(std::move(rule));
    return nothing();
  }

  Answer exports(Arguments& arguments, const Caller&) {
    const script::Table* table = arguments.size() == 1 ? arguments[0].table() : nullptr;
    if (table == nullptr || !table->items.empty()) {
      return std::string("pgmoat.export takes names with functions: { [\"tenant.decide\"] = f }");
    }
    for (const auto& [name, value] : table->fields) {
      const auto* function = value.as<script::Function>();
      if (function == nullptr) return "pgmoat.export: '" + name + "' is no function";
      if (!registrar_.exports_.emplace(name, *function).second) {
        return "pgmoat.export: '" + name + "' is exported already";
      }
    }
    return nothing();
  }

  Answer list(Arguments& arguments, const Caller& caller) {
    const std::string* name = text_at(arguments, 0);
    if (name == nullptr || arguments.size() != 2) {
      return std::string("pgmoat.list takes a name and a list: pgmoat.list(\"hot\", { \"a.b\" })");
    }
    auto texts = texts_of(arguments[1], "list");
    if (!texts) return texts.error();
    for (const Registrar::List& known : registrar_.lists_) {
      if (known.name == *name) return "pgmoat.list: there is a list '@" + *name + "' already";
    }
    registrar_.lists_.push_back({*name, std::move(*texts), caller});
    return arguments[1];
  }

  Answer params(Arguments& arguments, const Caller&) {
    const std::string* name = text_at(arguments, 0);
    if (name == nullptr) return std::string("pgmoat.params takes a name");
    const auto at = registrar_.parameters.find(*name);
    if (at != registrar_.parameters.end()) return at->second;
    return Value{std::make_shared<script::Table>()};
  }

  Answer now(Arguments&, const Caller&) {
    sandbox_.mark_volatile();
    return Value{registrar_.clock ? registrar_.clock() : std::int64_t{0}};
  }

  Made words(const Arguments& arguments, const Caller&) {
    const script::Table* table = arguments.empty() ? nullptr : arguments[0].table();
    if (table != nullptr && !table->fields.empty()) {
      return Made(
          std::string("pgmoat.set is a set of words; settings of the server's session are "
                      "pgmoat.settings{ name = \"value\" }"));
    }
    auto texts = texts_of(arguments.empty() ? Value{} : arguments[0], "set");
    return texts ? make_set(*texts) : Made(texts.error());
  }

  Made cidrs(const Arguments& arguments, const Caller&) {
    auto texts = texts_of(arguments.empty() ? Value{} : arguments[0], "cidrs");
    return texts ? make_cidrs(*texts) : Made(texts.error());
  }

  Made schedule(const Arguments& arguments, const Caller&) {
    auto texts = texts_of(arguments.empty() ? Value{} : arguments[0], "schedule");
    if (!texts) return Made(texts.error());
    std::string zone = "UTC";
    for (const auto& [key, value] : arguments[0].table()->fields) {
      const auto* given = value.as<std::string>();
      if (key != "tz" || given == nullptr) {
        return Made("pgmoat.schedule takes tz = \"UTC\" and windows; '" + key + "' is neither");
      }
      zone = *given;
    }
    return make_schedule(zone, *texts, [&sandbox = sandbox_, &registrar = registrar_] {
      sandbox.mark_volatile();
      return registrar.clock ? registrar.clock() : std::int64_t{0};
    });
  }

  Made map(const Arguments& arguments, const Caller& caller) {
    const script::Table* table = arguments.size() == 1 ? arguments[0].table() : nullptr;
    const Value* file = table == nullptr ? nullptr : table->find("file");
    const std::string* name = file == nullptr ? nullptr : file->as<std::string>();
    if (name == nullptr || name->empty() || table->fields.size() != 1) {
      return Made(std::string("pgmoat.map takes { file = \"...\" }"));
    }
    // Beside the policy, unless it says where from the root.
    const std::size_t slash = caller.file.rfind('/');
    const bool beside = name->front() != '/' && slash != std::string::npos;
    const std::string path = beside ? caller.file.substr(0, slash + 1) + *name : *name;
    const std::string* text = read(path);
    if (text == nullptr) return Made("pgmoat.map: '" + path + "' cannot be read");
    return make_map(*text, path);
  }

  const std::string* read(const std::string& path) {
    constexpr std::size_t kMost = 16u << 20;
    for (const auto& [name, text] : registrar_.files) {
      if (name == path) return &text;
    }
    std::error_code ignored;
    if (!registrar_.may_read || !std::filesystem::is_regular_file(path, ignored)) return nullptr;
    std::ifstream in(path, std::ios::binary);
    if (!in) return nullptr;
    std::string text;
    for (char block[65536]; text.size() <= kMost && in.read(block, sizeof block).gcount() > 0;) {
      text.append(block, static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad() || text.size() > kMost) return nullptr;
    registrar_.files.emplace_back(path, std::move(text));
    return &registrar_.files.back().second;
  }

  Made pattern(const Arguments& arguments, const Caller&) {
    const std::string* text = text_at(arguments, 0);
    if (text == nullptr) return Made(std::string("pgmoat.re takes a pattern"));
    return make_pattern(*text);
  }

  script::Sandbox& sandbox_;
  Registrar& registrar_;
};

const script::Function* Registrar::exported(std::string_view name) const {
  const auto at = exports_.find(name);
  return at == exports_.end() ? nullptr : &at->second;
}

std::vector<std::string_view> Registrar::exports() const {
  std::vector<std::string_view> names;
  for (const auto& [name, function] : exports_) names.push_back(name);
  return names;
}

Result<Verdict, std::string> verdict_of(const Value& value) {
  std::vector<Problem> problems;
  const Node node = to_node(value, nullptr, {});
  const auto& names = verdict_names();
  const auto at = std::find(names.begin(), names.end(), node.made_by);
  if (at == names.end()) {
    return std::string(
        "a function of a rule returns nil, or what pgmoat.deny{...} and the like make");
  }
  const auto action = static_cast<Verdict::Action>(at - names.begin());
  Verdict verdict = read_verdict(action, node, Problems(problems));
  if (!problems.empty()) return problems.front().message;
  return verdict;
}

void provide_api(script::Sandbox& sandbox, Registrar& registrar) {
  LuaApi(sandbox, registrar).provide();
}

}  // namespace pgmoat::policy
