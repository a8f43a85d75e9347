// Where passwords come from: what is read, how much of it, and programs that do not end.
#include "app/secret_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pgmoat::app {
namespace {

using namespace std::chrono_literals;

std::string file_of(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/pgmoat_secret";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string got(const std::string& source, Duration patience = 5s) {
  const auto parsed = parse_source(source, "/etc/pgmoat.toml");
  if (!parsed) return "no source: " + parsed.error();
  const auto secret = fetch(*parsed, patience);
  return secret ? std::string(secret->text()) : "wrong: " + secret.error();
}

TEST(SecretSource, APathIsRelativeToTheConfiguration) {
  const auto source = parse_source("file:keys/a", "/etc/pgmoat/pgmoat.toml");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->what, "/etc/pgmoat/keys/a");
}

TEST(SecretSource, OneNewlineAtTheEndIsNoPartOfIt) {
  EXPECT_EQ(got("file:" + file_of("a b\n")), "a b");
  EXPECT_EQ(got("file:" + file_of("a b\r\n")), "a b");
  EXPECT_EQ(got("file:" + file_of("a b")), "a b");
  for (const std::string& text : {std::string(), std::string("\n"), std::string("a\n\n"),
                                  std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(got("file:" + file_of(text)).substr(0, 6), "wrong:");
  }
}

TEST(SecretSource, HasAMostThatItReads) {
  EXPECT_EQ(got("file:" + file_of(std::string(kMostSecretBytes, 'x'))).size(), kMostSecretBytes);
  EXPECT_NE(got("file:" + file_of(std::string(kMostSecretBytes + 1, 'x'))).find("longer than"),
            std::string::npos);
}

TEST(SecretSource, AProgramIsRunWithoutAShell) {
  EXPECT_EQ(got("exec:/bin/echo $HOME;id  x"), "$HOME;id x");
  EXPECT_EQ(got("exec:false"), "wrong: false ended with status 1");
}

TEST(SecretSource, AProgramHasNoneOfOurConnections) {
  const int ours = ::fcntl(STDIN_FILENO, F_DUPFD, 200);
  ASSERT_GE(ours, 200);
  const std::string script = ::testing::TempDir() + "/pgmoat_inherits.sh";
  std::ofstream(script) << "#!/bin/sh\n[ -e /proc/$$/fd/" << ours
                        << " ] && echo has || echo none\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_EQ(got("exec:" + script), "none");
  ::close(ours);
}

// It, or what it has started, keeps the pipe open; or it has answered and does not end.
TEST(SecretSource, AProgramThatDoesNotEndIsEnded) {
  const std::string script = ::testing::TempDir() + "/pgmoat_program.sh";
  for (const char* const text :
       {"sleep 60", "sleep 60 & echo secret", "echo secret; exec >&-; sleep 60"}) {
    std::ofstream(script) << "#!/bin/sh\n" << text << '\n';
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    const Instant began = Instant::clock::now();
    EXPECT_EQ(got("exec:" + script, 300ms).substr(0, 6), "wrong:") << text;
    EXPECT_LT(Instant::clock::now() - began, 5s) << text;
  }
}

}  // namespace
}  // namespace pgmoat::app
