// SQL text and the protocol share one namespace: PREPARE, EXECUTE and DEALLOCATE mean the statements
// of Parse and Bind, DECLARE and CLOSE the portals. What a text will do to names is read from its
// facts when it is sent, and holds when its CommandComplete comes. A name that nothing seen can have made
// is refused: what it stands for was never judged.
#pragma once

#include <string_view>

#include "session/judging.h"
#include "session/phase.h"

namespace pgmoat::session {

// The statements of an entry, where they could be read; empty else.
std::span<const sql::Facts> statements_of(const policy::Judged&);

// Before a text is run: EXECUTE of what is unknown or was judged under another policy, PREPARE and
// DECLARE without room.
Opinion judge_names(Ready&, Scene&, const policy::Judged&, char tag);
// Whether it may start a COPY FROM STDIN: by its facts, else by its letters.
bool starts_copy(Ready&, const Scene&, const policy::Judged&, std::string_view sql);

// The text was sent, and will make these names; `undo`: from this statement on it will not. `segment`: in
// which a failure would have the server skip what comes behind; kNoSegment for a Query's.
void expect_names(Ready&, const Scene&, const policy::Judged&, std::uint64_t segment);
void undo_names(Ready&, const policy::Judged&, std::size_t from);
// Its statement `facts` was completed.
void confirm_names(Ready&, Scene&, const policy::Judged&, const sql::Facts& facts);
// A statement without facts was completed: what the tag tells.
void follow_tag(Ready&, std::string_view tag);

// A statement or portal is used: it is unknown where it cannot be (`object` null), or was judged under
// another policy and is judged again.
enum class Table : std::uint8_t { statements, portals };
Opinion judge_use(Ready&, Scene&, Table, Object*, std::string_view name, char tag);

}  // namespace pgmoat::session
