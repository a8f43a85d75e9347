// The judge is asked here, and what it answers becomes what the session does: a course to take, an
// event for each finding, warnings that wait for their place in the answer. Monitoring asks and
// reports the same, and always goes on.
#pragma once

#include <optional>
#include <string_view>

#include "policy/judge.h"
#include "session/phase.h"

namespace pgmoat::session {

enum class Course : std::uint8_t { go, rewrite, refuse, end };

struct Opinion {
  policy::Judged ruling;  // null: nothing is known of the statement, and nothing found
  Course course = Course::go;
  std::optional<policy::Refusal> refusal;  // of refuse and end
};

// A subject of this session.
policy::Subject subject_of(Scene&, policy::Subject::Kind);
// Asks and reports. `message`: what the event calls it.
Opinion ask(Scene&, const policy::Subject&, std::string_view message);
Opinion ask(Scene&, const policy::Subject&, char tag);
// As ask(), where the judge wants to be asked at all.
Opinion ask_if_wanted(Scene&, const policy::Subject&, char tag);
// An objection of the session's own (limits, unknown functions): the same, without asking.
Opinion object_to(Scene&, policy::Refusal, char tag);

// One of our limits on names is reached.
policy::Refusal too_many(const char* what, std::uint32_t limit);
// The rule that a refusal names when the text that the server has is not what would be let through now.
inline constexpr std::string_view kPolicyChanged = "policy.changed";

// FATAL in the words of a ruling, Terminate for the server, and the end. `sqlstate` is said where the
// rule has not chosen one.
Step end_by_ruling(Scene&, const policy::Refusal&, std::string_view sqlstate = "57P01");

// The ruling, where the client is to be told of a finding that did not act; else null.
policy::Judged warning_of(const Scene&, const policy::Judged&);
// Says them: the next frame of the answer must not have begun.
void say_warnings(Scene&, const policy::Ruling&);

// An ErrorResponse or NoticeResponse (`tag`) in the words of a refusal; appends the frame.
void encode_words(char tag, std::string_view severity, const policy::Refusal&, std::string& out);

}  // namespace pgmoat::session
