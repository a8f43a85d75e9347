// The table of who may log in: the first row that fits.
#include "auth/plan.h"

#include <gtest/gtest.h>

namespace pgmoat::auth {
namespace {

Rule row(Method method) {
  Rule rule;
  rule.method = method;
  return rule;
}

TEST(Plan, TheFirstRowThatFitsDecides) {
  Plan plan;
  EXPECT_TRUE(plan.passes_through());
  EXPECT_EQ(plan.rule_for({"a", "b", "127.0.0.1", false}), nullptr);
  plan.rules.push_back(row(Method::trust));
  plan.rules.back().users = {"admin"};
  ASSERT_EQ(plan.rules.back().addresses.add("127.0.0.0/8"), "");
  plan.rules.push_back(row(Method::md5));
  plan.rules.back().databases = {"old"};
  plan.rules.push_back(row(Method::certificate));
  plan.rules.back().tls = Rule::Tls::required;
  plan.rules.push_back(row(Method::reject));
  plan.rules.back().tls = Rule::Tls::absent;
  const auto method = [&](const Applicant& applicant) {
    const Rule* rule = plan.rule_for(applicant);
    return rule == nullptr ? std::string_view("none") : name_of(rule->method);
  };
  EXPECT_EQ(method({"admin", "x", "127.0.0.1", false}), "trust");
  EXPECT_EQ(method({"admin", "x", "::ffff:127.0.0.1", false}), "trust");
  EXPECT_EQ(method({"admin", "x", "10.0.0.1", true}), "cert");
  EXPECT_EQ(method({"Admin", "x", "127.0.0.1", false}), "reject");
  EXPECT_EQ(method({"joe", "old", "10.0.0.1", false}), "md5");
  EXPECT_EQ(method({"joe", "new", "10.0.0.1", true}), "cert");
  EXPECT_EQ(method({"joe", "new", "10.0.0.1", false}), "reject");
  EXPECT_FALSE(plan.passes_through());
}

TEST(Plan, ACertificateIsForItsNameAndForWhatTheMapSays) {
  Rule rule = row(Method::certificate);
  rule.names.emplace("billing-app", "billing");
  rule.names.emplace("ops", "*");
  EXPECT_TRUE(certificate_fits(rule, "joe", {}, "joe"));
  EXPECT_TRUE(certificate_fits(rule, "other", {"billing-app"}, "billing"));
  EXPECT_TRUE(certificate_fits(rule, "ops", {}, "postgres"));
  EXPECT_FALSE(certificate_fits(rule, "billing-app", {}, "postgres"));
  EXPECT_FALSE(certificate_fits(rule, "billing", {}, "*"));
  EXPECT_FALSE(certificate_fits(rule, "other", {"joe"}, "joe"));  // only the common name is a user
  EXPECT_FALSE(certificate_fits(rule, "", {}, "joe"));
}

}  // namespace
}  // namespace pgmoat::auth
