// The client's requests that are judged: each is decoded to its last byte, shown to the judge, and
// released, rewritten, substituted, or the end.
#pragma once

#include "session/judging.h"
#include "session/phase.h"

namespace pgmoat::session {

Step on_query(Ready&, Scene&, const wire::Piece&);
Step on_parse(Ready&, Scene&, const wire::Piece&);
Step on_bind(Ready&, Scene&, const wire::Piece&);
Step on_describe(Ready&, Scene&, const wire::Piece&);
Step on_execute(Ready&, Scene&, const wire::Piece&);
Step on_function_call(Ready&, Scene&, const wire::Piece&);

// A body that is not its message's grammar: the end, or (monitor) a message that is owed an answer
// like any other, since the server will answer it with an error.
Step malformed(Ready&, Scene&, const wire::Piece&, wire::Fault fault, Entry::Kind);
void release(Ready&, Scene&, Bytes bytes, Entry entry);
// The last request may start COPY IN: when enforcing, nothing further is read until the server has
// said which it is. For Execute it must be made to say so.
void raise_barrier(Ready&, Scene&, bool with_flush);

// Something of the client's runs: settings of ours may not be the last word any more, and how SQL is read,
// the transaction and the role may be others when it has run.
void runs(Ready&, Scene&, Entry& entry);

// Whether the next message of the client (its pending bytes) names a statement or portal, or may do so
// by SQL's EXECUTE, that may have either of two meanings: an answer that is under way decides, and has to be waited for.
bool has_open_meaning(Ready&, const Scene&, Bytes pending);

}  // namespace pgmoat::session
