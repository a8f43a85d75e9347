// One message as one line of text, in the vocabulary of libpq's PQtrace, which PostgreSQL people
// read already: direction (F from the client, B from the server), length word, name, fields.
//
//     F<TAB>21<TAB>Parse<TAB> "" "SELECT $1" 1 23
//
// Secrets (passwords, SASL data, cancel keys) are never printed. Bytes that are no legal message
// are dumped as far as they go. Source: PostgreSQL's src/interfaces/libpq/fe-trace.c.
#pragma once

#include <string>

#include "base/bytes.h"
#include "wire/side.h"

namespace pgmoat::wire {

enum class DumpStyle : unsigned char {
  full,
  comparable,  // what differs from run to run is masked as in PQTRACE_REGRESS_MODE: OIDs, process
               // ids, source positions of errors
};

// Appends one line for `frame`, tag and length included.
void dump(Side from, Bytes frame, DumpStyle style, std::string& out);
// The same for a client's first packet, which has no tag.
void dump_first_packet(Bytes packet, DumpStyle style, std::string& out);

}  // namespace pgmoat::wire
