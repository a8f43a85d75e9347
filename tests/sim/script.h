// What a client is going to say: random, from one seed. Each step knows what an enforcing pgmoat
// should make of it: the bytes, or, where a word or an OID is refused, a message that PostgreSQL
// itself refuses in the same place. Speaking `instead` to a server directly is therefore the
// oracle for speaking `bytes` through the engine.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "sim/model_server.h"

namespace pgmoat::sim {

inline const std::string kToken = "PGMOAT_DENIED_0123456789abcdef";
inline const std::string kWord = "secrets";

// What the judge makes of texts besides refusing the word: what is run instead, "" for nothing; and
// which have settings put before them, or a warning.
std::string rewritten(std::string_view sql);
bool has_settings(std::string_view sql);
bool is_warned_of(std::string_view sql);

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& pick(const T (&from)[N]) {
    return from[below(N)];
  }

 private:
  std::mt19937_64 engine_;
};

struct Step {
  std::string bytes;
  std::string instead;  // what the oracle's server is told
  bool waits = false;   // not sent before every answer to the steps before it has come
};

struct Script {
  Login login = Login::trust;
  std::size_t encryption_requests = 0;  // each is answered by one 'N', before any frame
  std::vector<Step> steps;
  bool half_close = false;  // the client ends with a half-close; else it stays, or said Terminate
  bool terminates = false;
};

// For people: "Q(SELECT 1) S d(..)".
std::string in_short(const Script& script);

// Nothing that a strict relay ends a session for.
Script clean_script(Dice& dice);
// A clean script into which garbage was put: cut, repeated, invented and oversize frames.
Script wild_script(Dice& dice);

}  // namespace pgmoat::sim
