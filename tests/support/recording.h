// What real programs and real servers said to each other, and an order in which they may have said
// it. A recording keeps each side's bytes but not how they interleaved, so Script puts them in turn
// again: the client goes on until it must wait for an answer (Query, Sync, Flush, a password...),
// then the server says what it owes. Script is a second, much smaller reading of the protocol than
// the engine's, so that each checks the other; it also works out what must come out of the far
// side: in monitor mode the same bytes, in enforce mode those with the few changes that it makes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wire/side.h"

namespace pgmoat::test {

struct Recording {
  std::string name;
  std::string client, server;  // raw bytes of each direction
  bool truncated = false;      // the server's side was cut when it was stored
};

// All of corpus/sessions, in the order of their names.
std::vector<Recording> recordings();

// A frame with its tag; tag 0 is a first packet. Empty when no whole frame is left.
struct Frame {
  char tag = 0;
  std::string_view bytes;
  std::string_view body() const { return bytes.substr(tag == 0 ? 4 : 5); }
};
Frame next_frame(std::string_view& rest);
Frame next_first_packet(std::string_view& rest);
std::uint32_t word_at(std::string_view bytes, std::size_t at);

class Script {
 public:
  struct Turn {
    wire::Side side;
    std::string_view bytes;
  };
  struct Output {
    std::string to_server, to_client;
    std::size_t turns = 0;  // how many of `turns` lead to it
  };
  enum class Kind { session, cancel, tls, no_client };

  // An error that ends COPY IN may come while the client still sends, or when it has ended.
  enum class Errors { late, early };

  Script(const Recording& recording, std::string own_key, Errors errors = Errors::late);

  Kind kind = Kind::session;
  std::vector<Turn> turns;
  std::size_t login_turns = 0;  // as far as the first ReadyForQuery
  Output monitor, enforce;
  bool complete = false;  // each request was answered, to the last byte of both sides
  bool logged_in = false;
  bool copy_both = false;              // a replication stream: the two sides speak independently
  std::map<std::string, int> changes;  // what enforce mode changed, by name; how often

 private:
  void greet();
  void converse();
  void request(const Frame& frame);
  bool in_copy(const Frame& frame);
  void hear(const Frame& frame);  // a server's frame is given and accounted for
  void hear_login(const Frame& frame);
  void serve();
  void say(std::string_view bytes, bool enforced_too = true);
  void note(const char* change) {
    if (!starved_) ++changes[change];
  }
  bool may_copy(const Frame& execute) const;
  void learn(const Frame& frame);

  const std::string key_;
  const Errors errors_;
  std::string_view client_, server_;
  std::deque<char> owed_;  // tags of requests; Describe of a statement is 'd'
  std::map<std::string, bool, std::less<>> statements_, portals_;  // name -> may start a COPY
  bool copy_in_ = false, skipping_ = false, waiting_login_ = true, left_ = false;
  bool starved_ = false;  // the server's recording has ended: enforcing may wait for ever
};

}  // namespace pgmoat::test
