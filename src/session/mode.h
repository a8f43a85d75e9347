// What a session does with what it finds. Faults go by the failure matrix, whose defaults follow
// the mode, so that every choice is explicit and configurable.
#pragma once

#include <cstdint>

namespace pgmoat::session {

enum class Mode : std::uint8_t {
  enforce,  // refuse, and end sessions whose bytes cannot be trusted
  monitor,  // judge and report; no byte differs
  observe,  // as monitor, and nothing is sent at all: recordings and captures
};

enum class OnFault : std::uint8_t {
  close,  // FATAL 08P01 to the client, both sides closed
  pass,   // report, forward unchanged; a session whose framing is lost becomes Opaque
};

struct FailureMatrix {
  OnFault bad_frame = OnFault::close;
  OnFault oversize = OnFault::close;
};

inline FailureMatrix default_matrix(Mode mode) {
  const OnFault choice = mode == Mode::enforce ? OnFault::close : OnFault::pass;
  return {choice, choice};
}

enum class FunctionCalls : std::uint8_t {
  large_objects,  // only the 13 functions that clients' large-object interfaces call
  deny,
  allow,
};

}  // namespace pgmoat::session
