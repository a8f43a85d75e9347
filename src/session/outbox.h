// Everything one engine call wants done, as a value: bytes for each side, commands that bytes
// cannot say, events. A driver carries it out; a test compares it. Released frames are spans of the
// read buffers, runs of them merged, so the ordinary case is one span and one write. What the
// engine wrote itself lives in the outbox until clear().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "session/event.h"

namespace pgmoat::session {

class Stream {
 public:
  struct Part {
    const std::uint8_t* borrowed = nullptr;  // null: our own bytes, at `at` in made()
    std::size_t at = 0;
    std::size_t size = 0;
  };

  // Bytes of a read buffer, unchanged. Adjacent spans become one part.
  void release(Bytes bytes);
  // Our own bytes: whatever `write` appends to the string it is given.
  template <class F>
  void say(F&& write) {
    const std::size_t at = made_.size();
    write(made_);
    add_made(at);
  }

  bool empty() const { return parts_.empty(); }
  const std::vector<Part>& parts() const { return parts_; }
  Bytes bytes_of(const Part& part) const {
    return part.borrowed != nullptr ? Bytes{part.borrowed, part.size}
                                    : as_bytes(std::string_view(made_).substr(part.at, part.size));
  }
  std::string flat() const;  // all of it, for tests
  void clear() {
    parts_.clear();
    made_.clear();
  }

 private:
  void add_made(std::size_t at);
  std::vector<Part> parts_;
  std::string made_;
};

struct Dial {};    // connect to the server; answer with Connected or ConnectFailed
struct StartTls {  // after what was said in the clear; answer with Secured or NotSecured
  wire::Side side = wire::Side::client;
  std::string early;  // what the peer has sent of it already
};
struct FindVerifier {  // ask the server what this user's password is checked with; VerifierFound
  std::string user;
};
struct ForwardCancel {  // a CancelRequest arrived; the connection ends when it was done
  std::uint32_t pid = 0;
  std::string secret;  // as the client sent it
};
struct OwnCancelKey {  // this session's server key, and the key its client was given
  std::uint32_t pid = 0;
  std::string server_secret;
  std::string client_secret;  // equal to server_secret when monitoring
};
struct ShutdownServer {};   // no more bytes for the server: half-close after what was written
struct CloseAfterFlush {};  // write what is there to both sides, then close both

using Command = std::variant<Dial, StartTls, FindVerifier, ForwardCancel, OwnCancelKey,
                             ShutdownServer, CloseAfterFlush>;

struct Outbox {
  Stream to_client;
  Stream to_server;
  std::vector<Command> commands;
  std::vector<Event> events;

  void clear() {
    to_client.clear();
    to_server.clear();
    commands.clear();
    events.clear();
  }
};

}  // namespace pgmoat::session
