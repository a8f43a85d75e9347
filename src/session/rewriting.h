// Carrying out a rewrite. The text that goes to the server is the ruling's; the server's positions
// are told in the client's text. Settings for the statement's transaction are set by a statement of
// ours before it, whose answers are swallowed: a set_config() in front of a Query's text, and
// Parse, Bind, Execute and two Closes under the reserved name before an extended message, once in a
// segment as long as nothing of the client's ran in between. An error of ours is the client's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "session/phase.h"
#include "wire/frontend.h"

namespace pgmoat::session {

using SettingList = std::vector<std::pair<std::string, std::string>>;

// SELECT of set_config() for each; `local`: until the end of the transaction.
std::string set_config_text(const SettingList&, bool local);

// Why this rewrite cannot be carried out; none where it can.
std::optional<policy::Refusal> cannot_rewrite(const Scene&, const policy::Ruling&);

// The rewritten Query or Parse, and its entry.
void send_rewritten_query(Ready&, Scene&, Entry);
void send_rewritten_parse(Ready&, Scene&, const wire::Parse&, Entry);
// The settings of the statement that the next message is about, where they are not set already.
void apply_settings(Ready&, Scene&, const policy::Judged&);

// The server's error or notice about what we rewrote or set ourselves, with positions of the
// client's text. False: it can go on as it is.
bool restate(Ready&, Scene&, const wire::Report&);

// Whether this answer is to a statement of ours and not shown. Asked before it is explained.
bool is_swallowed(Ready&, char tag);

}  // namespace pgmoat::session
