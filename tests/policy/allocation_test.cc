// The warm judge allocates nothing: a text that is known, with a ruling that holds for the session.
// A program of its own, because it counts by replacing operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "policy/policy_judge.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// Not inlined: g++ 12 would take malloc() and operator delete, or the other two, for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
[[gnu::noinline]] void* operator new(std::size_t size,
                                     const std::nothrow_t&) noexcept {  // std::stable_sort's
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace pgmoat::test {
namespace {

using policy::SessionField;
using policy::Subject;

policy::Match leaf(std::string key, std::string operand) {
  policy::Match match;
  match.op = policy::Match::Op::leaf;
  match.key = std::move(key);
  match.operands = {std::move(operand)};
  return match;
}

// Rules that read the user, alert and are only monitored: the ruling has findings and is still shared.
TEST(WarmJudge, AllocatesNothing) {
  policy::Source source;
  for (const char* user : {"mallory", "app"}) {
    policy::Rule rule;
    rule.id = user;
    rule.match.parts = {leaf("kind", "select"), leaf("user", user)};
    rule.verdict = policy::Verdict{};
    rule.mode = policy::Mode::monitor;
    source.rules.push_back(rule);
  }
  auto bundle = policy::Bundle::compile(source, {});
  ASSERT_TRUE(bool(bundle));
  policy::JudgeSettings settings;
  auto prepared = policy::prepare(*bundle, settings);
  ASSERT_TRUE(bool(prepared));
  policy::PolicyJudge judge(std::move(*prepared), settings);
  policy::SessionView session;
  session.open("s1", "10.1.2.3", 5000);
  session.set(SessionField::user, "app");
  Subject subject;
  subject.session = &session;
  for (const Subject::Kind kind : {Subject::Kind::query, Subject::Kind::parse}) {
    subject.kind = kind;
    subject.sql = "SELECT abalance FROM pgbench_accounts WHERE aid = $1";
    EXPECT_EQ(judge.judge(subject)->findings.size(), 1u);
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) judge.judge(subject);
    EXPECT_EQ(allocations, before);
  }
  subject.sql = "SELECT 1, 2";
  const std::size_t before = allocations;
  judge.judge(subject);
  EXPECT_GT(allocations, before) << "allocations are counted";
}

}  // namespace
}  // namespace pgmoat::test
