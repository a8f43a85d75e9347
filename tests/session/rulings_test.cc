// What the judge says, carried out: refusals, the end, warnings, rewritten texts and settings, each as
// a conversation, whole and in single bytes.
#include "support/conversation.h"
#include "support/table_judge.h"

namespace pgmoat::test {
namespace {

using policy::Finding;
using policy::Ruling;
using session::Mode;
using session::StatementJudged;
using Hooked = policy::Subject::Kind;

const std::string kPoison = "/* pgmoat */ " + kToken;

std::string words(char tag, std::vector<std::string> fields) {
  std::string all;
  for (const std::string& field : fields) all.append(field).push_back('\0');
  return bytes(wire::Report{tag, as_bytes(all), {}, {}, {}});
}
std::string refused(const std::string& detail = "") {
  std::vector<std::string> fields = {"SERROR", "VERROR", "C42501", "Mno"};
  if (!detail.empty()) fields.push_back("D" + detail);
  return words('E', fields);
}
std::string positioned(int position) {
  return words('E',
               {"SERROR", "VERROR", "C42703", "Mno such column", "P" + std::to_string(position)});
}

Finding finding(Finding::Action action, Finding::Effect effect, bool warn = false) {
  Finding found;
  found.rule = "test.rule";
  found.severity = "high";
  found.action = action;
  found.effect = effect;
  found.warn = warn;
  found.refusal.message = "not so";
  return found;
}
const std::string kWarning = words('N', {"SWARNING", "VWARNING", "C01000", "Mnot so"});

class Rulings : public testing::TestWithParam<std::size_t> {
 protected:
  TableJudge judge_;
  Conversation talk_{Mode::enforce, judge_, GetParam()};

  std::vector<StatementJudged> judged() const {
    std::vector<StatementJudged> out;
    for (const auto& event : talk_.events) {
      if (const auto* one = std::get_if<StatementJudged>(&event)) out.push_back(*one);
    }
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Chunks, Rulings, testing::Values(0, 1, 3));

TEST_P(Rulings, ADenialNamesItsDecision) {
  judge_.deny("drop it").findings = {finding(Finding::Action::deny, Finding::Effect::done)};
  talk_.login()
      .client(query("drop it"), query(kPoison))
      .server(poisoned() + ready('I'), refused("Decision abcdefghij.1.") + ready('I'));
  ASSERT_EQ(judged().size(), 1u);
  EXPECT_EQ(judged()[0].rule, "test.rule");
  EXPECT_EQ(judged()[0].action, "deny");
  EXPECT_EQ(judged()[0].severity, "high");
  EXPECT_EQ(judged()[0].decision, "abcdefghij.1");
  EXPECT_TRUE(judged()[0].enforced);
}

TEST_P(Rulings, TerminationIsFatalAndTellsTheServer) {
  Ruling& ruling = judge_.on("rob");
  ruling.action = Ruling::Action::terminate;
  ruling.refusal.message = "enough";
  ruling.findings = {finding(Finding::Action::terminate, Finding::Effect::done)};
  talk_.login().client(
      query("rob"), kTerminate,
      words('E', {"SFATAL", "VFATAL", "C57P01", "Menough", "DDecision abcdefghij.1."}));
  talk_.phase("closed");
  EXPECT_EQ(talk_.count_commands<session::CloseAfterFlush>(), 1);
}

TEST_P(Rulings, AWarningStandsBeforeTheAnswer) {
  judge_.on("update t").findings = {finding(Finding::Action::deny, Finding::Effect::would, true)};
  const std::string rows = bytes(wire::RowDescription{});
  talk_.login()
      .client(query("update t"), query("update t"))
      .server(rows + complete("UPDATE 1") + ready('I'),
              kWarning + rows + complete("UPDATE 1") + ready('I'))
      .client(parse("update t") + bind() + execute() + kSync,
              parse("update t") + bind() + execute() + kSync)
      .server(kParsed + kBound + complete("UPDATE 1") + ready('I'),
              kWarning + kParsed + kBound + complete("UPDATE 1") + ready('I'));
  ASSERT_EQ(judged().size(), 2u);
  EXPECT_FALSE(judged()[0].enforced);
}

TEST_P(Rulings, AWarningWaitsForItsTurn) {
  judge_.on("update t").findings = {finding(Finding::Action::deny, Finding::Effect::would, true)};
  const std::string row = frame('D', "\0\1\0\0\0\1x"s);
  talk_.login()
      .client(parse("select 1") + bind() + execute() + parse("update t", "u") + kSync,
              parse("select 1") + bind() + execute() + parse("update t", "u") + kSync)
      .server(kParsed + kBound + row, kParsed + kBound + row)
      .server(complete("SELECT 1"), complete("SELECT 1"))
      .server(kParsed + ready('I'), kWarning + kParsed + ready('I'));
}

TEST_P(Rulings, AQueryIsRewrittenAndPositionsAreTheClients) {
  // "ä" is two bytes and one character.
  judge_.rewrite("select 'ä', x from t", "select 'ä', x from (select 1) t", {{19, 0, 10}});
  talk_.login()
      .client(query("select 'ä', x from t"), query("select 'ä', x from (select 1) t"))
      .server(positioned(13) + ready('I'), positioned(13) + ready('I'))
      .client(query("select 'ä', x from t"), query("select 'ä', x from (select 1) t"))
      .server(positioned(22) + ready('I'), positioned(19) + ready('I'))
      .client(query("select 'ä', x from t"), query("select 'ä', x from (select 1) t"))
      .server(positioned(31) + ready('I'), positioned(21) + ready('I'));
}

TEST_P(Rulings, APreparedTextIsRewrittenOnceAndItsErrorsFollowIt) {
  judge_.rewrite("select x from t", "select x from (s) t", {{14, 0, 4}});
  wire::Parse sent;
  const std::string type = "\0\0\0\x17"s;
  sent.statement = "k";
  sent.sql = "select x from t";
  sent.param_types = as_bytes(type);
  wire::Parse wanted = sent;
  wanted.sql = "select x from (s) t";
  const std::string use = bind("", "k") + execute() + kSync;
  talk_.login()
      .client(bytes(sent) + kSync, bytes(wanted) + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(use, use)
      .server(positioned(19) + ready('I'), positioned(15) + ready('I'))
      .client(use, use)
      .server(kBound + positioned(19) + ready('I'), kBound + positioned(15) + ready('I'))
      .client(describe('S', "k") + kSync, describe('S', "k") + kSync)
      .server(positioned(19) + ready('I'), positioned(15) + ready('I'))
      .owes(0);
}

const std::string kSet = "SELECT pg_catalog.set_config('a.b', 'it''s', true)";

TEST_P(Rulings, SettingsStandBeforeASimpleQuery) {
  judge_.set_local("select x from t", "a.b", "it's");
  const std::string row = frame('D', "\0\1\0\0\0\1x"s), rows = bytes(wire::RowDescription{});
  const std::string ours = rows + row + complete("SELECT 1");
  talk_.login()
      .client(query("select x from t"), query(kSet + "; select x from t"))
      .server(ours, "")
      .server(rows + row + row + complete("SELECT 2") + ready('I'),
              rows + row + row + complete("SELECT 2") + ready('I'))
      .client(query("select x from t"), query(kSet + "; select x from t"))
      .server(ours + positioned(60), positioned(8))
      .server(ready('I'), ready('I'))
      .client(query("select x from t"), query(kSet + "; select x from t"))
      .server(positioned(3) + ready('I'),
              words('E', {"SERROR", "VERROR", "C42703", "Mno such column"}) + ready('I'))
      .owes(0);
}

std::string injected(std::string_view text) {
  return parse(text, "pgmoat") + bind("pgmoat", "pgmoat") + execute("pgmoat") +
         close('P', "pgmoat") + close('S', "pgmoat");
}
const std::string kInjectedAnswer = kParsed + kBound + frame('D', "\0\1\0\0\0\1x"s) +
                                    complete("SELECT 1") + frame('3') + frame('3');

TEST_P(Rulings, SettingsStandOnceInASegment) {
  judge_.set_local("select x from t", "a.b", "it's");
  const std::string text = parse("select x from t", "k");
  const std::string use = bind("", "k") + execute();
  talk_.login()
      .client(text + use + kSync, injected(kSet) + text + use + kSync)
      .server(kInjectedAnswer, "")
      .server(kParsed + kBound + complete("SELECT 0") + ready('I'),
              kParsed + kBound + complete("SELECT 0") + ready('I'))
      .client(use + use + kSync, injected(kSet) + use + injected(kSet) + use + kSync)
      .server(kInjectedAnswer + kBound + complete("SELECT 0") + kInjectedAnswer + kBound,
              kBound + complete("SELECT 0") + kBound)
      .server(complete("SELECT 0") + ready('I'), complete("SELECT 0") + ready('I'))
      .owes(0);
}

TEST_P(Rulings, AnErrorOfWhatWeSetIsTheClients) {
  judge_.set_local("select x from t", "a.b", "it's");
  const std::string said = parse("select x from t") + bind() + execute() + kSync;
  talk_.login()
      .client(said, injected(kSet) + said)
      .server(kParsed + kBound + error("22023", "invalid value"), error("22023", "invalid value"))
      .server(ready('I'), ready('I'))
      .owes(0);
}

TEST_P(Rulings, SettingsForWhatCannotHaveThemAreARefusal) {
  for (const std::string text : {"select 1; select 2", "copy t from stdin", "select opaque from"}) {
    judge_.set_local(text, "a.b", "c");
    Conversation talk(Mode::enforce, judge_, GetParam());
    talk.login().client(query(text), query(kPoison));
  }
}

TEST_P(Rulings, APolicyThatMovedIsAskedAgain) {
  const std::string use = bind("", "k") + execute() + kSync;
  talk_.login()
      .client(parse("select x", "k") + kSync, parse("select x", "k") + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'));
  judge_.moved = 2;
  talk_.client(use, use).server(kBound + complete("SELECT 0") + ready('I'),
                                kBound + complete("SELECT 0") + ready('I'));
  judge_.moved = 3;
  judge_.deny("select x");
  talk_.client(use, parse(kPoison, "pgmoat") + kSync)
      .server(poisoned() + ready('I'), refused() + ready('I'))
      .owes(0);
}

TEST_P(Rulings, ASessionThatHasChangedIsJudgedAgain) {
  const std::string use = bind("", "k") + execute() + kSync;
  int asked = 0;
  judge_.hook(Hooked::again, [&](const policy::Subject&) -> policy::Judged {
    ++asked;
    return nullptr;
  });
  const std::string done = kBound + complete("SELECT 0") + ready('I');
  talk_.login()
      .client(parse("select x", "k") + kSync, parse("select x", "k") + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'))
      .client(use, use)
      .server(done, done);
  EXPECT_EQ(asked, 0);
  talk_.client(query("set app.tenant = 8"), query("set app.tenant = 8"))
      .server(complete("SET") + ready('I'), complete("SET") + ready('I'))
      .client(use, use)
      .server(done, done)
      .client(use, use)
      .server(done, done);
  EXPECT_EQ(asked, 1);  // of the statement; its portals are new
  talk_.client(query("set role admin"), query("set role admin"))
      .server(complete("SET") + ready('I'), complete("SET") + ready('I'));
  judge_.deny("select x");
  talk_.client(use, parse(kPoison, "pgmoat") + kSync);
}

TEST_P(Rulings, APreparedTextThatWouldBeRewrittenNowIsToBePreparedAgain) {
  talk_.login()
      .client(parse("select x", "k") + kSync, parse("select x", "k") + kSync)
      .server(kParsed + ready('I'), kParsed + ready('I'));
  judge_.moved = 2;
  judge_.rewrite("select x", "select y");
  talk_.client(bind("", "k") + kSync, parse(kPoison, "pgmoat") + kSync);
  talk_.feed(wire::Side::server, poisoned() + ready('I'));
  EXPECT_NE(talk_.to_client().find("C0A000"), std::string::npos);
  EXPECT_NE(talk_.to_client().find("RRevalidateCachedQuery"), std::string::npos);
}

TEST_P(Rulings, AnOpenPortalIsAskedAboutAgain) {
  talk_.login()
      .client(parse("select x") + bind("p") + kFlush, parse("select x") + bind("p") + kFlush)
      .server(kParsed + kBound, kParsed + kBound);
  judge_.moved = 2;
  judge_.deny("select x");
  talk_.client(execute("p") + kSync, parse(kPoison, "pgmoat") + kSync)
      .server(poisoned() + ready('I'), refused() + ready('I'));
}

TEST_P(Rulings, BindShowsItsParametersWithTheirTypes) {
  std::vector<policy::Parameter> seen;
  std::vector<std::string> values;
  std::string earlier;
  judge_.hook(Hooked::bind, [&](const policy::Subject& subject) -> policy::Judged {
    seen.assign(subject.parameters.begin(), subject.parameters.end());
    for (const auto& each : seen) values.emplace_back(as_text(each.bytes));
    earlier = subject.earlier->analysis->text();
    return nullptr;
  });
  wire::Parse text;
  const std::string types = "\0\0\0\x17\0\0\0\x19"s;
  text.sql = "select $1";
  text.param_types = as_bytes(types);
  wire::Bind message;
  const std::string all = "\0\0\0\4\0\0\0\7\377\377\377\377\0\0\0\0"s, formats = "\0\1\0\0\0\0"s;
  message.param_formats = as_bytes(formats);
  message.param_count = 3;
  message.params = as_bytes(all);
  talk_.login().client(bytes(text) + bytes(message), bytes(text) + bytes(message));
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].type, 23u);
  EXPECT_TRUE(seen[0].binary);
  EXPECT_EQ(values[0], "\0\0\0\7"s);
  EXPECT_EQ(seen[1].type, 25u);
  EXPECT_TRUE(seen[1].null);
  EXPECT_EQ(seen[2].type, 0u);
  EXPECT_FALSE(seen[2].null);
  EXPECT_EQ(earlier, "select $1");
}

TEST_P(Rulings, ARulingOnAnAnswerCanEndTheSession) {
  judge_.hook(Hooked::complete, [&](const policy::Subject& subject) -> policy::Judged {
    if (subject.completion->rows < 1000) return nullptr;
    auto ruling = std::make_shared<Ruling>();
    ruling->action = Ruling::Action::terminate;
    ruling->refusal.message = "too much";
    return ruling;
  });
  talk_.login()
      .client(query("select 1; select 2"), query("select 1; select 2"))
      .server(bytes(wire::RowDescription{}) + complete("SELECT 999"),
              bytes(wire::RowDescription{}) + complete("SELECT 999"))
      .server(bytes(wire::RowDescription{}) + complete("SELECT 1000"),
              bytes(wire::RowDescription{}) + complete("SELECT 1000") +
                  words('E', {"SFATAL", "VFATAL", "C57P01", "Mtoo much"}),
              kTerminate)
      .phase("closed");
}

TEST_P(Rulings, ACopyCanBeRefusedWhenTheServerHasBegunIt) {
  judge_.hook(Hooked::copy, [&](const policy::Subject& subject) -> policy::Judged {
    EXPECT_TRUE(subject.copy_in);
    auto ruling = std::make_shared<Ruling>();
    ruling->action = Ruling::Action::deny;
    ruling->refusal.message = "no";
    return ruling;
  });
  talk_.login()
      .client(query("copy t from stdin"), query("copy t from stdin"))
      .server(bytes(wire::CopyResponse{'G', 0, {}}), "", bytes(wire::CopyFail{kToken}))
      .server(error("57014", "COPY from stdin failed: " + kToken) + ready('I'),
              refused() + ready('I'))
      .owes(0);
}

TEST(RulingsInMonitor, ChangeNoByte) {
  TableJudge judge;
  judge.deny("drop it");
  judge.rewrite("select x", "select y");
  judge.set_local("select z", "a.b", "c");
  Ruling& end = judge.on("rob");
  end.action = Ruling::Action::terminate;
  end.findings = {finding(Finding::Action::terminate, Finding::Effect::done)};
  judge.on("warn").findings = {finding(Finding::Action::deny, Finding::Effect::would, true)};
  Conversation talk(Mode::monitor, judge);
  talk.login();
  for (const std::string text : {"drop it", "select x", "select z", "rob", "warn"}) {
    talk.client(query(text), query(text))
        .server(positioned(9) + ready('I'), positioned(9) + ready('I'));
  }
  EXPECT_EQ(talk.count_events<StatementJudged>(), 5);
  for (const auto& event : talk.events) {
    const auto* one = std::get_if<StatementJudged>(&event);
    EXPECT_TRUE(one == nullptr || !one->enforced);
  }
}

}  // namespace
}  // namespace pgmoat::test
