// examine(): what a StartupMessage may ask for. The rows marked "PostgreSQL" were observed on
// PostgreSQL 15, spelling by spelling: what it accepts there, pgmoat must understand in the same
// way or refuse.
#include "session/startup_rules.h"

#include <gtest/gtest.h>

#include "support/conversation.h"

namespace pgmoat::test {
namespace {

using session::StartupVerdict;
using Pairs = std::vector<std::pair<std::string, std::string>>;

StartupVerdict examine(const Pairs& pairs,
                       const session::Setup& setup = setup_for(session::Mode::enforce)) {
  std::string bytes;
  for (const auto& [name, value] : pairs) bytes += name + '\0' + value + '\0';
  return session::examine({wire::kProtocol30, as_bytes(bytes)}, setup);
}
StartupVerdict with(const std::string& name, const std::string& value,
                    const session::Setup& setup = setup_for(session::Mode::enforce)) {
  return examine({{"user", "app"}, {name, value}}, setup);
}
// "" or the SQLSTATE.
std::string state(const std::string& name, const std::string& value) {
  return with(name, value).sqlstate;
}

TEST(Examine, KnowsWhoTheClientIs) {
  const StartupVerdict verdict =
      examine({{"user", "app"}, {"database", "shop"}, {"application_name", "psql"}});
  EXPECT_EQ(verdict.sqlstate, "");
  EXPECT_EQ(verdict.who.user, "app");
  EXPECT_EQ(verdict.who.database, "shop");
  EXPECT_EQ(verdict.who.application, "psql");
  EXPECT_FALSE(verdict.who.walsender);
  EXPECT_EQ(examine({{"user", "app"}}).who.database, "app") << "the user's name, as in PostgreSQL";
  EXPECT_EQ(examine({{"user", "app"}, {"database", ""}}).who.database, "app");
}

TEST(Examine, WantsAUser) {
  for (const Pairs& pairs : {Pairs{}, Pairs{{"database", "shop"}}, Pairs{{"user", ""}}}) {
    EXPECT_EQ(examine(pairs).sqlstate, "28000");
    EXPECT_NE(examine(pairs).sqlstate, "08P01");
  }
  // Names of PostgreSQL's own keys are case-sensitive: this is a parameter nobody knows.
  EXPECT_NE(examine({{"USER", "app"}}).sqlstate, "");
  EXPECT_EQ(state("DATABASE", "x"), "42501");
  EXPECT_EQ(state("Options", ""), "42501");
  EXPECT_EQ(state("Replication", "on"), "42501");
}

TEST(Examine, NamesAreAtMost63Bytes) {
  const std::string at(63, 'x'), past(64, 'x');
  EXPECT_EQ(examine({{"user", at}, {"database", at}}).sqlstate, "");
  EXPECT_EQ(examine({{"user", past}}).sqlstate, "08P01");
  EXPECT_EQ(examine({{"user", past}}).sqlstate, "08P01");
  EXPECT_EQ(examine({{"user", "app"}, {"database", past}}).sqlstate, "08P01");
  session::Setup setup = setup_for(session::Mode::enforce);
  setup.startup_parameters = {at, past};
  EXPECT_EQ(with(at, "1", setup).sqlstate, "");
  EXPECT_EQ(with(past, "1", setup).sqlstate, "08P01");
}

TEST(Examine, RefusesDuplicatesInAnyCase) {
  for (const auto& [one, two] :
       std::vector<std::pair<std::string, std::string>>{{"database", "database"},
                                                        {"database", "DataBase"},
                                                        {"DateStyle", "datestyle"},
                                                        {"_pq_.a", "_PQ_.A"},
                                                        {"replication", "replication"},
                                                        {"client_encoding", "CLIENT_ENCODING"}}) {
    const StartupVerdict verdict = examine({{"user", "app"}, {one, "off"}, {two, "off"}});
    EXPECT_EQ(verdict.sqlstate, "08P01") << one << " " << two;
    EXPECT_EQ(verdict.sqlstate, "08P01");
  }
  EXPECT_EQ(examine({{"user", "a"}, {"options", ""}, {"OPTIONS", ""}}).sqlstate, "08P01");
  EXPECT_EQ(examine({{"user", "a"}, {"user", "a"}}).sqlstate, "08P01");
  EXPECT_EQ(examine({{"user", "a"}, {"User", "b"}}).sqlstate, "08P01");
}

TEST(Examine, AllowsTheListInAnyCaseAndNothingElse) {
  for (const std::string& name : session::default_startup_parameters()) {
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(state(name, "utf8"), "") << name;
    EXPECT_EQ(state(upper, "utf8"), "") << upper;
  }
  for (const std::string name :
       {"local_preload_libraries", "session_preload_libraries", "role", "session_authorization",
        "log_statement", "backslash_quote", "allow_system_table_mods", "row_security", "",
        " datestyle", "datestyle ", "date-style", "client-encoding", "my.guc", "sort_mem"}) {
    EXPECT_EQ(state(name, "on"), "42501") << name;
    EXPECT_NE(with(name, "on").sqlstate, "08P01");
  }
  session::Setup none = setup_for(session::Mode::enforce);
  none.startup_parameters.clear();
  EXPECT_EQ(with("application_name", "x", none).sqlstate, "42501");
  EXPECT_EQ(with("standard_conforming_strings", "on", none).sqlstate, "");
}

TEST(Examine, TheFirstRefusalIsTheOneTold) {
  const StartupVerdict verdict =
      examine({{"user", "app"}, {"role", "x"}, {"local_preload_libraries", "y"}, {"role", "z"}});
  EXPECT_EQ(verdict.sqlstate, "42501");
  EXPECT_NE(verdict.reason.find("\"role\""), std::string::npos) << verdict.reason;
  EXPECT_NE(verdict.sqlstate, "08P01");
}

// PostgreSQL: pg_char_to_encoding() of each gives SJIS, BIG5, GBK, UHC, GB18030, JOHAB or
// SHIFT_JIS_2004, the client-only encodings, in which a quote byte can be half a character.
TEST(Encoding, RefusesEveryAliasOfTheUnsafeOnes) {
  for (const std::string name :
       {"sjis",      "mskanji",    "shiftjis", "win932",       "windows932",   "big5",
        "win950",    "windows950", "gbk",      "win936",       "windows936",   "uhc",
        "win949",    "windows949", "gb18030",  "johab",        "shiftjis2004", "SJIS",
        "Shift_JIS", "shift-jis",  "MS_KANJI", "Windows-932",  "GB_18030",     "SHIFT_JIS_2004",
        "'SJIS'",    "\"sjis\"",   "S-J_I S",  "sj\xc3\xa9is", " gbk ",        "g.b.k"}) {
    EXPECT_EQ(state("client_encoding", name), "42501") << name;
    EXPECT_EQ(state("Client_Encoding", name), "42501") << name;
    EXPECT_EQ(
        state("options", "-c client-encoding=" + std::string(name == " gbk " ? "gbk" : "sjis")),
        "42501");
  }
}

// PostgreSQL: safe for ASCII, or no encoding at all, which PostgreSQL refuses itself.
TEST(Encoding, AllowsTheOthers) {
  for (const std::string name :
       {"utf8",          "UTF8",      "'utf-8'", "\"UTF8\"", "U T F 8", "unicode", "latin1",
        "sqlascii",      "SQL_ASCII", "euc_jp",  "euc_cn",   "euc_kr",  "euc_tw",  "euc_jis_2004",
        "mule_internal", "koi8r",     "win1252", "iso88595", "",        "auto",    "windows31j",
        "cp932",         "big5hkscs", "5",       "35"}) {
    EXPECT_EQ(state("client_encoding", name), "") << name;
  }
}

// PostgreSQL: parse_bool(). Every prefix of true, yes, false, no; on; off from "of"; 1 and 0.
const std::vector<std::string> kOn = {"1",    "on", "ON",   "oN", "t",  "tr",  "tru",
                                      "true", "T",  "TRUE", "y",  "ye", "yes", "YES"};
const std::vector<std::string> kOff = {"0",    "of",    "off",   "oFf", "f",  "fa", "fal",
                                       "fals", "false", "FALSE", "n",   "no", "NO"};
const std::vector<std::string> kNeither = {"",     "o",   "truex", "yess", "nof",    "falses",
                                           "offf", "onn", "01",    "00",   "2",      "+",
                                           " on",  "on ", "0 ",    "1 ",   "enabled"};

TEST(StandardConformingStrings, MayOnlyBeOn) {
  for (const std::string& value : kOn) {
    EXPECT_EQ(state("standard_conforming_strings", value), "") << value;
    EXPECT_EQ(state("Standard_Conforming_Strings", value), "") << value;
    EXPECT_EQ(state("options", "--standard-conforming-strings=" + value), "") << value;
  }
  for (const auto& values : {kOff, kNeither}) {
    for (const std::string& value : values) {
      EXPECT_EQ(state("standard_conforming_strings", value), "42501") << value;
      EXPECT_EQ(state("STANDARD_CONFORMING_STRINGS", value), "42501") << value;
      if (value.ends_with(' ')) continue;  // in options that ends the word
      EXPECT_EQ(state("options", "-c standard_conforming_strings=" + value), "42501") << value;
    }
  }
}

TEST(Replication, IsRefusedUnlessCertainlyOff) {
  session::Setup allowed = setup_for(session::Mode::enforce);
  allowed.allow_replication = true;
  for (const std::string& value : kOff) {
    EXPECT_EQ(state("replication", value), "") << value;
    EXPECT_FALSE(with("replication", value).who.walsender) << value;
  }
  std::vector<std::string> rest = kOn;
  rest.insert(rest.end(), kNeither.begin(), kNeither.end());
  for (const char* value : {"database", "DATABASE", "databas"}) rest.push_back(value);
  for (const std::string& value : rest) {
    EXPECT_EQ(state("replication", value), "42501") << value;
    EXPECT_EQ(with("replication", value, allowed).sqlstate, "") << value;
    EXPECT_TRUE(with("replication", value, allowed).who.walsender) << value;
  }
}

struct Row {
  std::string options;
  std::string expected;  // "name=value|name=value", or "refused"
};

// PostgreSQL: pg_split_opts(), then getopt(). Words are split at white space, a backslash takes the
// next character as it is; -c and --.
TEST(Options, AreReadAsPostgreSQLReadsThem) {
  const std::vector<Row> rows = {
      {"", ""},
      {" \t\n\v\f\r ", ""},
      {"-c geqo=off", "geqo=off"},
      {"-cgeqo=off", "geqo=off"},
      {"--geqo=off", "geqo=off"},
      {"-c  geqo=off", "geqo=off"},
      {"-c\tgeqo=off", "geqo=off"},
      {"-c\ngeqo=off", "geqo=off"},
      {"-c\vgeqo=off", "geqo=off"},
      {"-c\fgeqo=off", "geqo=off"},
      {"-c\rgeqo=off", "geqo=off"},
      {" -c geqo=off ", "geqo=off"},
      {"-c ge\\qo=off", "geqo=off"},
      {"\\-c geqo=off", "geqo=off"},
      {"-c geqo=off\\", "geqo=off"},
      {"-c work_mem=64\\ kB", "work_mem=64 kB"},
      {"-c work_mem=64\\\\kB", "work_mem=64\\kB"},
      {"-c\\ geqo=off", " geqo=off"},
      {"-c work-mem=64kB", "work_mem=64kB"},
      {"--work-mem=64-kB", "work_mem=64-kB"},
      {"-c GEQO=off", "GEQO=off"},
      {"-c application_name=a=b", "application_name=a=b"},
      {"-c application_name=", "application_name="},
      {"-c search_path=a,b --search_path=c", "search_path=a,b|search_path=c"},
      {"-c --geqo=off", "__geqo=off"},
      {"---geqo=off", "_geqo=off"},
      {"-c 'geqo=off'", "'geqo=off'"},
      // PostgreSQL refuses these.
      {"-c", "refused"},
      {"-c geqo", "refused"},
      {"--geqo", "refused"},
      {"-c =off", "refused"},
      {"-c -c", "refused"},
      {"-", "refused"},
      {"-- -c geqo=off", "refused"},
      {"junk -c geqo=off", "refused"},
      {"-c geqo=off junk", "refused"},
      {"-c geqo=off \\", "refused"},
      {"\"-c\" geqo=off", "refused"},
      // PostgreSQL accepts these; pgmoat has no use for them.
      {"--", "refused"},
      {"-e", "refused"},
      {"-ec geqo=off", "refused"},
      {"-f h", "refused"},
      {"-W 0", "refused"},
      {"-d 1", "refused"},
      {"-c geqo=\xc2\xa0off", "refused"},
  };
  for (const Row& row : rows) {
    std::string said = "refused";
    if (const auto options = wire::parse_options(row.options)) {
      said.clear();
      for (const wire::Option& option : *options) {
        said += (said.empty() ? "" : "|") + option.name + "=" + option.value;
      }
    }
    EXPECT_EQ(said, row.expected) << testing::PrintToString(row.options);
    if (row.expected == "refused") {
      EXPECT_EQ(state("options", row.options), "42501");
    }
  }
}

TEST(Options, EachItemMustBeAllowed) {
  for (const std::string text :
       {"-c geqo=off", "-c DateStyle=ISO --work-mem=1MB", "", "--client-encoding='utf-8'",
        "-c standard_conforming_strings=yes"}) {
    EXPECT_EQ(state("options", text), "") << text;
  }
  for (const std::string text :
       {"-c role=x", "-c geqo=off -c role=x", "--role=x", "-c ROLE=x",
        "-c local-preload-libraries=x", "--local\\_preload\\_libraries=x", "-c\\ geqo=off",
        "-c --geqo=off", "-c client_encoding=gbk", "--Client-Encoding=SJIS",
        "-c standard_conforming_strings=of", "--Standard-Conforming-Strings=off",
        "-c replication=on", "-c options=x", "-c user=x"}) {
    EXPECT_EQ(state("options", text), "42501") << text;
  }
}

TEST(ProtocolOptions, AreCollected) {
  const StartupVerdict verdict = examine({{"user", "app"}, {"_pq_.a", "1"}, {"_pq_.", ""}});
  EXPECT_EQ(verdict.sqlstate, "");
  EXPECT_EQ(verdict.protocol_options, (std::vector<std::string>{"_pq_.a", "_pq_."}));
  EXPECT_EQ(state("_PQ_.a", "1"), "42501") << "PostgreSQL takes this for a parameter";
  EXPECT_EQ(state("_pq_", "1"), "42501");
}

// What goes to the server and what the client is told, by version and options asked for.
struct Version {
  std::uint32_t asked;
  std::string pairs;  // beyond user and database
  std::uint32_t to_server;
  bool negotiated;
};

TEST(Versions, NothingUnknownIsAgreedTo) {
  const std::string option = "_pq_.x\0on\0"s;
  const std::vector<Version> rows = {{wire::kProtocol30, "", wire::kProtocol30, false},
                                     {wire::kProtocol30 | 1, "", wire::kProtocol30 | 1, false},
                                     {wire::kProtocol32, "", wire::kProtocol32, false},
                                     {wire::kProtocol30 | 3, "", wire::kProtocol32, true},
                                     {wire::kProtocol30 | 9999, "", wire::kProtocol32, true},
                                     {wire::kProtocol30 | 0xffff, "", wire::kProtocol32, true},
                                     {wire::kProtocol30, option, wire::kProtocol30, true},
                                     {wire::kProtocol32, option, wire::kProtocol32, true}};
  for (const Version& row : rows) {
    Conversation talk(session::Mode::enforce);
    talk.client(startup(row.pairs, row.asked), "").phase("dialing");
    talk.event(session::Connected{}, "", startup("", row.to_server));
    std::string told;
    if (row.negotiated) {
      const std::string name = row.pairs.empty() ? "" : "_pq_.x\0"s;
      told = bytes(
          wire::NegotiateProtocolVersion{row.to_server, name.empty() ? 0u : 1u, as_bytes(name)});
    }
    talk.server(authentication_ok(), told + authentication_ok());
    Conversation monitor(session::Mode::monitor);
    const std::string same = startup(row.pairs, row.asked);
    monitor.client(same, "").event(session::Connected{}, "", same);
    monitor.server(authentication_ok(), authentication_ok());
  }
}

TEST(Versions, OtherMajorsAreRefused) {
  for (const std::uint32_t version : {1u << 16, 2u << 16, 4u << 16, 5u << 16, 0x7fff0000u}) {
    Conversation talk(session::Mode::enforce);
    talk.feed(wire::Side::client, startup("", version));
    EXPECT_EQ(talk.to_server(), "");
    EXPECT_EQ(talk.count_commands<session::Dial>(), 0);
    talk.phase("closed");
  }
}

TEST(Startup, MonitorReportsAndPasses) {
  for (const std::string& more :
       {"role\0x\0"s, "user\0x\0"s, "client_encoding\0sjis\0"s, "replication\0on\0"s}) {
    Conversation talk(session::Mode::monitor);
    talk.client(startup(more), "").event(session::Connected{}, "", startup(more));
    EXPECT_EQ(talk.count_events<session::StatementJudged>(), 1) << testing::PrintToString(more);
  }
}

}  // namespace
}  // namespace pgmoat::test
