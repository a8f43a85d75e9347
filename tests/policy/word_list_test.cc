// The word list: every text it reads, and what counts as the word.
#include "policy/word_list.h"

#include <gtest/gtest.h>

namespace pgmoat::test {
namespace {

using namespace std::string_literals;
using policy::Subject;
using policy::WordList;

// The rule that refused, or "".
std::string rule(WordList& judge, const Subject& subject) {
  return judge.judge(subject)->refusal.rule;
}
std::string rule_for(std::vector<std::string> words, std::string_view sql) {
  WordList judge(std::move(words));
  Subject subject;
  subject.sql = sql;
  return rule(judge, subject);
}

TEST(WordList, ReadsEveryTextOfASubject) {
  WordList judge({"secret"});
  EXPECT_EQ(rule(judge, {}), "");
  Subject subject;
  const std::string text = "a secret b";
  subject = {};
  subject.sql = text;
  EXPECT_EQ(rule(judge, subject), "words.secret");
  subject = {};
  subject.statement = text;
  EXPECT_EQ(rule(judge, subject), "words.secret");
  subject = {};
  subject.portal = text;
  EXPECT_EQ(rule(judge, subject), "words.secret");
  subject = {};
  subject.values = as_bytes(text);
  EXPECT_EQ(rule(judge, subject), "words.secret");
}

TEST(WordList, ReadsTheSameWhateverTheKind) {
  WordList judge({"secret"});
  using Kind = Subject::Kind;
  for (const Kind kind : {Kind::query, Kind::parse, Kind::bind, Kind::describe, Kind::execute,
                          Kind::function_call, Kind::copy_data}) {
    Subject subject;
    subject.kind = kind;
    subject.values = as_bytes("secret");
    EXPECT_EQ(rule(judge, subject), "words.secret");
  }
}

// Who the client is does not make its text refused.
TEST(WordList, DoesNotReadTheSession) {
  WordList judge({"secret"});
  policy::SessionView session;
  session.set(policy::SessionField::user, "secret");
  session.set(policy::SessionField::database, "secret");
  session.set(policy::SessionField::application, "secret");
  Subject subject;
  subject.session = &session;
  EXPECT_EQ(rule(judge, subject), "");
}

TEST(WordList, FindsAWordAnywhereInAnyAsciiCase) {
  for (const std::string_view sql :
       {"secret", "SECRET", "sEcReT", "xsecretx", "/* secret */", "'secret'", "secretsecret",
        "secresecret", "  secret", "secret;"}) {
    EXPECT_EQ(rule_for({"secret"}, sql), "words.secret") << sql;
    EXPECT_EQ(rule_for({"SeCrEt"}, sql), "words.secret") << sql;
  }
  for (const std::string_view sql :
       {"", "secre", "ecret", "sec ret", "s3cret", "sec\0ret", "secr\xc3\xa9t"}) {
    EXPECT_EQ(rule_for({"secret"}, sql), "") << sql;
  }
  EXPECT_EQ(rule_for({"secret"}, "a\0secret"s), "words.secret");
}

// Only ASCII letters have two cases here: a multi-byte character is its bytes.
TEST(WordList, ComparesOtherBytesExactly) {
  EXPECT_EQ(rule_for({"\xc3\xa9"}, "caf\xc3\xa9"), "words.\xc3\xa9");
  EXPECT_EQ(rule_for({"\xc3\x89"}, "caf\xc3\xa9"), "");
  EXPECT_EQ(rule_for({"a[b"}, "A{B"), "");
  EXPECT_EQ(rule_for({"@"}, "`"), "");
}

TEST(WordList, IgnoresEmptyWords) {
  EXPECT_EQ(rule_for({}, "anything"), "");
  EXPECT_EQ(rule_for({""}, "anything"), "");
  EXPECT_EQ(rule_for({""}, ""), "");
  EXPECT_EQ(rule_for({"", "thing"}, "anything"), "words.thing");
  EXPECT_FALSE(WordList({}).reads_copy_data());
  EXPECT_FALSE(WordList({""}).reads_copy_data());
  EXPECT_TRUE(WordList({"a"}).reads_copy_data());
}

TEST(WordList, NamesTheFirstWordOfItsList) {
  EXPECT_EQ(rule_for({"b", "a"}, "a b"), "words.b");
  EXPECT_EQ(rule_for({"a", "b"}, "b a"), "words.a");
  WordList judge({"first", "second"});
  Subject subject;
  subject.sql = "second";
  subject.portal = "first";
  EXPECT_EQ(rule(judge, subject), "words.second") << "SQL is read before names";
}

TEST(WordList, RefusalIsWordedLikeAnErrorOfPostgreSQL) {
  WordList judge({"Secret"});
  Subject subject;
  subject.sql = "select secret";
  const policy::Judged ruling = judge.judge(subject);
  ASSERT_EQ(ruling->action, policy::Ruling::Action::deny);
  const policy::Refusal* refusal = &ruling->refusal;
  EXPECT_EQ(refusal->sqlstate, "42501");
  EXPECT_EQ(refusal->message, "statement refused by pgmoat");
  EXPECT_EQ(refusal->detail, "Rule \"words.secret\" refuses text that contains this word.");
  EXPECT_EQ(refusal->hint, "The words are in [refuse] of pgmoat's configuration.");
}

TEST(AllowAll, AllowsAndReadsNoCopyData) {
  policy::AllowAll judge;
  Subject subject;
  subject.sql = "drop table secrets";
  EXPECT_EQ(judge.judge(subject)->action, policy::Ruling::Action::allow);
  EXPECT_FALSE(judge.reads_copy_data());
}

}  // namespace
}  // namespace pgmoat::test
