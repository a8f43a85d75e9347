// Why bytes were not a legal message. A Fault is a value with a constant sentence: making one
// allocates nothing, and the sentence never contains the peer's bytes.
#pragma once

#include <cstdint>

namespace pgmoat::wire {

struct Fault {
  enum class Kind : std::uint8_t {
    unknown_tag,   // no such message on this side, or not in this phase
    bad_length,    // the length word cannot belong to this message
    oversize,      // legal in PostgreSQL, over our configured limit
    malformed,     // the body is not what its message's grammar says
    out_of_place,  // a well-formed message that nothing asked for
  };
  Kind kind = Kind::malformed;
  char tag = 0;              // 0 for the untagged first packets
  std::uint32_t length = 0;  // the length word, where the fault is in the header
  std::uint32_t offset = 0;  // into the body, where the fault is in the body
  const char* what = "";     // static; completes the sentence "message 'B': ..."
};

}  // namespace pgmoat::wire
