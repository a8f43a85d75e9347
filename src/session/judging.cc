#include "session/judging.h"

#include <string>
#include <utility>

#include "wire/backend.h"
#include "wire/frontend.h"

namespace pgmoat::session {

namespace {

using policy::Refusal;
using policy::Ruling;

std::string_view name_of(Ruling::Action action) {
  switch (action) {
    case Ruling::Action::allow: return "allow";
    case Ruling::Action::deny: return "deny";
    case Ruling::Action::terminate: return "terminate";
    case Ruling::Action::rewrite: return "rewrite";
  }
  return "";
}

// "k3jd9f2m1q.17": the session's random text and a number. None where the session has none (tests).
std::string next_decision(Scene& scene) {
  const std::string_view id = scene.view.id();
  ++scene.decisions;
  return id.empty() ? std::string() : std::string(id) + "." + std::to_string(scene.decisions);
}

void report_finding(Scene& scene, const policy::Finding& finding, std::string_view message,
                    const std::string& decision) {
  StatementJudged event;
  event.message = message;
  event.rule = finding.rule;
  const bool speaks = !finding.refusal.message.empty();
  if (speaks) event.sqlstate = finding.refusal.sqlstate;
  event.reason = clipped(finding.refusal.message);
  event.enforced = scene.enforcing() && finding.effect == policy::Finding::Effect::done;
  event.action = policy::name_of(finding.action);
  event.severity = finding.severity;
  event.decision = decision;
  scene.report(std::move(event));
}

// A judge without findings (a list of words) has its refusal told.
void report_refusal(Scene& scene, const Ruling& ruling, std::string_view message) {
  StatementJudged event;
  event.message = message;
  event.rule = ruling.refusal.rule;
  if (ruling.action != Ruling::Action::rewrite) {
    event.sqlstate = ruling.refusal.sqlstate;
    event.reason = clipped(ruling.refusal.message);
  }
  event.enforced = scene.enforcing();
  event.action = name_of(ruling.action);
  scene.report(std::move(event));
}

Refusal told(const Ruling& ruling, const std::string& decision) {
  Refusal refusal = ruling.refusal;
  if (decision.empty()) return refusal;
  if (!refusal.detail.empty()) refusal.detail += ' ';
  refusal.detail += "Decision " + decision + ".";
  return refusal;
}

bool is_plain(const Ruling& ruling) {
  return ruling.action == Ruling::Action::allow && ruling.findings.empty() && ruling.tags.empty();
}

// What was ruled, told and turned into a course.
void carry_out(Scene& scene, Opinion& opinion, std::string_view message) {
  const Ruling& ruling = *opinion.ruling;
  for (const std::string& tag : ruling.tags) scene.view.add_tag(tag);
  std::string decision;
  if (!ruling.findings.empty()) decision = next_decision(scene);
  for (const policy::Finding& finding : ruling.findings) {
    report_finding(scene, finding, message, decision);
  }
  if (ruling.action == Ruling::Action::allow) return;
  if (ruling.findings.empty()) report_refusal(scene, ruling, message);
  if (!scene.enforcing()) return;
  if (ruling.action == Ruling::Action::rewrite) {
    opinion.course = Course::rewrite;
    return;
  }
  opinion.course = ruling.action == Ruling::Action::deny ? Course::refuse : Course::end;
  opinion.refusal = told(ruling, decision);
}

}  // namespace

policy::Subject subject_of(Scene& scene, policy::Subject::Kind kind) {
  policy::Subject subject;
  subject.kind = kind;
  subject.session = &scene.view;
  subject.reading.known = scene.settings.dialect();
  return subject;
}

Opinion ask(Scene& scene, const policy::Subject& subject, std::string_view message) {
  Opinion opinion;
  opinion.ruling = scene.judge.judge(subject);
  if (opinion.ruling == policy::allowed()) {
    opinion.ruling.reset();
  } else if (!is_plain(*opinion.ruling)) {
    carry_out(scene, opinion, message);
  }
  return opinion;
}

Opinion ask(Scene& scene, const policy::Subject& subject, char tag) {
  return ask(scene, subject, wire::message_name(wire::Side::client, tag));
}

Opinion ask_if_wanted(Scene& scene, const policy::Subject& subject, char tag) {
  return scene.judge.wants(subject.kind) ? ask(scene, subject, tag) : Opinion{};
}

Opinion object_to(Scene& scene, Refusal refusal, char tag) {
  scene.report(StatementJudged{std::string(wire::message_name(wire::Side::client, tag)),
                               refusal.rule, refusal.sqlstate, clipped(refusal.message),
                               scene.enforcing()});
  Opinion opinion;
  if (!scene.enforcing()) return opinion;
  opinion.course = Course::refuse;
  opinion.refusal = std::move(refusal);
  return opinion;
}

Step end_by_ruling(Scene& scene, const Refusal& refusal, std::string_view sqlstate) {
  if (scene.opened && !scene.client_eof && !scene.shutdown_sent) {
    scene.out->to_server.say([](std::string& to) { wire::encode(wire::Terminate{}, to); });
  }
  const bool chosen = !refusal.sqlstate.empty() && refusal.sqlstate != Refusal{}.sqlstate;
  return end(scene, chosen ? std::string_view(refusal.sqlstate) : sqlstate, refusal.message,
             refusal.hint, refusal.detail);
}

policy::Judged warning_of(const Scene& scene, const policy::Judged& judged) {
  if (judged == nullptr || judged->findings.empty() || !scene.enforcing()) return nullptr;
  for (const policy::Finding& finding : judged->findings) {
    if (finding.warn) return judged;
  }
  return nullptr;
}

void say_warnings(Scene& scene, const Ruling& ruling) {
  for (const policy::Finding& finding : ruling.findings) {
    if (!finding.warn) continue;
    Refusal words = finding.refusal;
    words.sqlstate = "01000";  // a warning, whatever it would be when it is refused
    scene.out->to_client.say([&](std::string& to) { encode_words('N', "WARNING", words, to); });
  }
}

void encode_words(char tag, std::string_view severity, const Refusal& refusal, std::string& out) {
  std::string fields;
  const auto field = [&](char code, std::string_view text) {
    if (text.empty()) return;
    fields.push_back(code);
    fields.append(text.substr(0, text.find('\0'))).push_back('\0');
  };
  field('S', severity);
  field('V', severity);
  field('C', refusal.sqlstate);
  field('M', refusal.message);
  field('D', refusal.detail);
  field('H', refusal.hint);
  // Drivers tell a plan that went stale from other missing features by the routine.
  if (refusal.rule == kPolicyChanged) field('R', "RevalidateCachedQuery");
  if (refusal.position != 0) field('P', std::to_string(refusal.position));
  wire::encode(wire::Report{tag, as_bytes(fields), {}, {}, {}}, out);
}

}  // namespace pgmoat::session
