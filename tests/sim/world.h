// The world around one engine: a client that follows a script, a model server, two wires, and a
// driver that keeps the engine's rules (appetite, room, flushed) but is otherwise as unhelpful as a
// network may be: it cuts everything anywhere and lets anyone go first. All chance comes from one
// seed. What was released from a read buffer stays borrowed until it is "written", and must not
// have changed by then.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session/engine.h"
#include "sim/script.h"
#include "support/scripted_judge.h"

namespace pgmoat::sim {

enum class Trouble : std::uint8_t {
  client_ends,
  client_resets,
  client_hangs,
  client_stops_reading,
  server_ends,
  server_resets,
  server_hangs,
  server_cut,
  server_fatal,
  dial_fails,
  dial_hangs,
  leave,
  leave_now,
  early_timer,
};
constexpr std::size_t kTroubles = 14;

struct Plan {
  struct Event {
    Trouble what;
    std::size_t at;
  };  // after so many moves
  std::vector<Event> troubles;
  std::size_t largest_read = 0;  // 0: as much as there is
  bool in_turns = false;  // no chance at all: the client speaks while it may, then the server
};

std::string in_short(const Plan& plan);

// What a client makes of the bytes it was told: 'N's, then frames.
struct View {
  std::vector<std::string> units;
  std::string cut;  // an incomplete last frame
};
View view_of(std::string_view told, std::size_t encryption_answers);

// The same script spoken to a server with nothing between: what must come out.
struct Direct {
  explicit Direct(const Script& script, bool with_substitutes);
  std::string told;
  std::vector<std::size_t> units_before;  // what was answered before each step
  std::vector<std::string> table;
  bool ended = false;
};

class World {
 public:
  World(const session::Setup& setup, const Script& script, const Direct& direct, Plan plan,
        Dice dice);

  void run();     // until nothing moves any more
  void settle();  // then: patience ends everywhere; complaint if something hangs
  const session::Engine& engine() const { return *engine_; }
  std::size_t borrowed() const { return pool_.borrowed_bytes(); }
  void destroy_engine() { engine_.reset(); }

  std::string complaint;                 // the first thing that must not be
  std::string told;                      // the client
  std::string client_said, server_said;  // as far as the engine read it
  std::string passed_to_client;          // of `told`, what was released from the server's bytes
  std::string made_for_client;           // and what the engine wrote itself
  std::size_t greeting_answers = 0;
  bool made_for_server = false;  // the engine said something of its own to the server
  bool client_left = false;      // it ended, reset, hangs or reads no more: nobody to tell
  bool all_said = false;
  std::vector<session::Event> events;
  ModelServer server;

 private:
  struct Parcel {
    const std::uint8_t* borrowed = nullptr;
    std::string bytes;
    std::size_t at = 0;
  };
  using Wire = std::deque<Parcel>;
  struct Sent {  // by a peer, not yet read
    std::string bytes;
    std::size_t at = 0;
    std::size_t left() const { return bytes.size() - at; }
    void add(std::string_view more);
    std::string_view take(std::size_t size);
  };

  bool move();
  bool client_speaks();
  bool engine_reads(wire::Side side);
  bool engine_learns_end(wire::Side side);
  bool write_to_server();
  bool write_to_client();
  bool server_hears_end();
  bool dial();
  void tell(const session::TransportEvent& event);
  void collect();
  void post(Wire& wire, const session::Stream& stream, bool to_client);
  std::string take(Wire& wire, wire::Side read_from);
  void flush_buffers();
  void strike(Trouble trouble);
  void complain(std::string what);
  std::size_t chunk(std::size_t available);
  bool lose_patience();

  const Script& script_;
  const Direct& direct_;
  Plan plan_;
  Dice dice_;
  Instant now_{};
  test::ScriptedJudge judge_;
  wire::BufferPool pool_;
  session::Outbox out_;
  std::unique_ptr<session::Engine> engine_;

  Wire to_server_, to_client_;
  Sent client_wire_, server_wire_;
  std::size_t next_step_ = 0, moves_ = 0, units_ = 0, units_at_ = 0;
  bool client_ended_ = false, client_end_told_ = false, client_hangs_ = false, client_reads_ = true;
  bool server_up_ = false, server_ended_ = false, server_end_told_ = false, server_hangs_ = false;
  bool server_reset_ = false;
  bool server_shut_ = false, server_shut_told_ = false;
  bool dial_wanted_ = false, dial_fails_ = false, dial_hangs_ = false;
  bool closing_ = false;
};

}  // namespace pgmoat::sim
