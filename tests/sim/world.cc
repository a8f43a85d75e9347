#include "sim/world.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pgmoat::sim {

using wire::Side;

namespace {

constexpr std::size_t kMoves = 4'000'000;  // more than any script needs
constexpr int kDeadlines = 8;              // more than any session has

std::size_t frame_size(std::string_view text) {
  if (text.size() < 5) return 0;
  std::size_t length = 0;
  for (std::size_t i = 1; i < 5; ++i) length = length << 8 | static_cast<std::uint8_t>(text[i]);
  return length + 1;
}

void rule_on(std::string_view sql, policy::Ruling& ruling) {
  if (const std::string other = rewritten(sql); !other.empty()) test::rewrite(ruling, other);
  if (has_settings(sql)) test::set_local(ruling, "a.b", "it's");
  if (is_warned_of(sql)) test::warn(ruling);
}

}  // namespace

View view_of(std::string_view told, std::size_t encryption_answers) {
  View view;
  for (std::size_t i = 0; i < encryption_answers && told.starts_with('N'); ++i) {
    view.units.emplace_back(told.substr(0, 1));
    told.remove_prefix(1);
  }
  while (true) {
    const std::size_t size = frame_size(told);
    if (size == 0 || size > told.size()) break;
    view.units.emplace_back(told.substr(0, size));
    told.remove_prefix(size);
  }
  view.cut = told;
  return view;
}

std::string in_short(const Plan& plan) {
  static constexpr const char* kNames[kTroubles] = {
      "client ends",   "client resets", "client hangs", "client stops reading", "server ends",
      "server resets", "server hangs",  "server cut",   "server fatal",         "dial fails",
      "dial hangs",    "leave",         "leave now",    "early timer"};
  std::string out = "reads of " + std::to_string(plan.largest_read);
  for (const Plan::Event& event : plan.troubles) {
    out += std::string(", ") + kNames[static_cast<std::size_t>(event.what)] + " at " +
           std::to_string(event.at);
  }
  return out;
}

Direct::Direct(const Script& script, bool with_substitutes) {
  ModelServer server(script.login);
  std::size_t units = 0;
  std::size_t at = 0;
  for (const Step& step : script.steps) {
    units_before.push_back(units);
    server.feed(with_substitutes ? step.instead : step.bytes);
    told += server.take_output();
    while (units < script.encryption_requests && at < told.size()) ++units, ++at;
    for (std::size_t size = 0;; at += size, ++units) {
      size = frame_size(std::string_view(told).substr(at));
      if (size == 0 || at + size > told.size()) break;
    }
  }
  ended = server.ended();
  if (script.half_close) {
    server.end_of_input();
    told += server.take_output();
  }
  table = server.table();
}

World::World(const session::Setup& setup, const Script& script, const Direct& direct, Plan plan,
             Dice dice)
    : server(script.login),
      script_(script),
      direct_(direct),
      plan_(std::move(plan)),
      dice_(dice),
      judge_({kWord}, rule_on),
      engine_(std::make_unique<session::Engine>(
          setup, judge_, pool_,
          session::Origin{"sim", std::string(32, 'k'), "kkkk", kToken, now_})) {}

void World::Sent::add(std::string_view more) {
  if (left() == 0) bytes.clear(), at = 0;
  bytes += more;
}

std::string_view World::Sent::take(std::size_t size) {
  at += size;
  return std::string_view(bytes).substr(at - size, size);
}

void World::complain(std::string what) {
  if (complaint.empty()) complaint = std::move(what);
}

std::size_t World::chunk(std::size_t available) {
  if (plan_.largest_read == 0) return available;
  if (plan_.in_turns) return std::min(available, plan_.largest_read);
  return std::min(available, dice_.between(1, plan_.largest_read));
}

// ---- moves
// ---------------------------------------------------------------------------------------

bool World::client_speaks() {
  if (client_ended_ || client_hangs_) return false;
  if (next_step_ == script_.steps.size()) {
    all_said = true;
    if (!script_.half_close) return false;
    client_left = client_ended_ = true;
    return true;
  }
  const Step& step = script_.steps[next_step_];
  if (step.waits) {
    if (plan_.in_turns && (server_wire_.left() != 0 || !to_client_.empty())) return false;
    while (units_ < script_.encryption_requests && units_at_ < told.size()) ++units_, ++units_at_;
    while (true) {
      const std::size_t size = frame_size(std::string_view(told).substr(units_at_));
      if (size == 0 || units_at_ + size > told.size()) break;
      ++units_;
      units_at_ += size;
    }
    if (units_ < direct_.units_before[next_step_]) return false;
  }
  client_wire_.add(step.bytes);
  ++next_step_;
  if (next_step_ == script_.steps.size() && script_.terminates) client_left = true;
  return true;
}

bool World::engine_reads(Side side) {
  Sent& wire = side == Side::client ? client_wire_ : server_wire_;
  const Wire& far = side == Side::client ? to_server_ : to_client_;
  if (wire.left() == 0 || closing_ || !far.empty()) return false;
  const session::Appetite appetite = engine_->appetite();
  if (!(side == Side::client ? appetite.client : appetite.server)) return false;
  const auto room = engine_->room(side);
  const std::size_t size = std::min(room.size(), chunk(wire.left()));
  const std::string_view part = wire.take(size);
  std::memcpy(room.data(), part.data(), size);
  (side == Side::client ? client_said : server_said).append(part);
  engine_->on_read(side, size, now_, out_);
  collect();
  return true;
}

bool World::engine_learns_end(Side side) {
  const bool client = side == Side::client;
  bool& told_end = client ? client_end_told_ : server_end_told_;
  if (told_end || closing_ || !(client ? client_ended_ : server_ended_)) return false;
  if (!client && server_reset_) {
    told_end = true;
    server_wire_ = {};
    tell(session::Failed{Side::server, "reset"});
    return true;
  }
  const session::Appetite appetite = engine_->appetite();
  const Wire& far = client ? to_server_ : to_client_;
  if ((client ? client_wire_ : server_wire_).left() != 0 || !far.empty()) return false;
  if (!(client ? appetite.client : appetite.server)) return false;
  told_end = true;
  tell(session::Eof{side});
  return true;
}

std::string World::take(Wire& wire, Side read_from) {
  Parcel& parcel = wire.front();
  const std::size_t size = chunk(parcel.bytes.size() - parcel.at);
  std::string part = parcel.bytes.substr(parcel.at, size);
  if (parcel.borrowed != nullptr &&
      std::memcmp(parcel.borrowed + parcel.at, part.data(), size) != 0) {
    complain("a released span changed before it was written");
  }
  parcel.at += size;
  if (parcel.at == parcel.bytes.size()) wire.pop_front();
  if (wire.empty()) engine_->flushed(read_from);
  return part;
}

bool World::write_to_server() {
  if (to_server_.empty() || (server_hangs_ && !closing_)) return false;
  const std::string part = take(to_server_, Side::client);
  if (server_ended_) return true;
  server.feed(part);
  server_wire_.add(server.take_output());
  if (server.ended()) server_ended_ = true;
  return true;
}

bool World::write_to_client() {
  if (to_client_.empty() || !client_reads_) return false;
  told += take(to_client_, Side::server);
  return true;
}

bool World::server_hears_end() {
  if (!server_shut_ || server_shut_told_ || !to_server_.empty() || server_hangs_) return false;
  server_shut_told_ = true;
  if (server_ended_) return true;
  server.end_of_input();
  server_wire_.add(server.take_output());
  server_ended_ = true;
  return true;
}

bool World::dial() {
  if (!dial_wanted_ || dial_hangs_ || closing_) return false;
  dial_wanted_ = false;
  if (dial_fails_) {
    tell(session::ConnectFailed{"cannot connect"});
  } else {
    server_up_ = true;
    tell(session::Connected{});
  }
  return true;
}

void World::tell(const session::TransportEvent& event) {
  engine_->on_transport(event, now_, out_);
  collect();
}

// What one engine call wanted done.
void World::collect() {
  post(to_server_, out_.to_server, false);
  post(to_client_, out_.to_client, true);
  // A NoticeResponse begins with the same letter, but comes later.
  greeting_answers = std::min({made_for_client.find_first_not_of('N'), made_for_client.size(),
                               script_.encryption_requests});
  for (const session::Command& command : out_.commands) {
    if (std::holds_alternative<session::Dial>(command)) dial_wanted_ = true;
    if (std::holds_alternative<session::ShutdownServer>(command)) server_shut_ = true;
    if (std::holds_alternative<session::CloseAfterFlush>(command) ||
        std::holds_alternative<session::ForwardCancel>(command)) {
      closing_ = true;
    }
  }
  for (session::Event& event : out_.events) events.push_back(std::move(event));
  if (closing_ != engine_->closed()) complain("closed and told to close differ");
  out_.clear();
  if (to_server_.empty()) engine_->flushed(Side::client);
  if (to_client_.empty()) engine_->flushed(Side::server);
}

void World::post(Wire& wire, const session::Stream& stream, bool to_client) {
  for (const session::Stream::Part& part : stream.parts()) {
    Parcel parcel{part.borrowed, std::string(as_text(stream.bytes_of(part))), 0};
    if (to_client) {
      (part.borrowed != nullptr ? passed_to_client : made_for_client) += parcel.bytes;
    } else if (part.borrowed == nullptr) {
      made_for_server = true;
    }
    wire.push_back(std::move(parcel));
  }
}

bool World::move() {
  constexpr std::size_t kActions = 9;
  const std::size_t first = plan_.in_turns ? 0 : dice_.below(kActions);
  for (std::size_t i = 0; i < kActions; ++i) {
    bool moved = false;
    switch ((first + i) % kActions) {
      case 0: moved = client_speaks(); break;
      case 1: moved = engine_reads(Side::client); break;
      case 2: moved = write_to_server(); break;
      case 3: moved = engine_reads(Side::server); break;
      case 4: moved = write_to_client(); break;
      case 5: moved = dial(); break;
      case 6: moved = server_hears_end(); break;
      case 7: moved = engine_learns_end(Side::client); break;
      default: moved = engine_learns_end(Side::server); break;
    }
    if (moved) return true;
  }
  return false;
}

void World::run() {
  std::size_t struck = 0;
  while (complaint.empty()) {
    while (struck < plan_.troubles.size() && plan_.troubles[struck].at <= moves_) {
      strike(plan_.troubles[struck++].what);
    }
    if (++moves_ > kMoves) return complain("endless");
    if (move()) continue;
    if (struck == plan_.troubles.size()) return;
    moves_ = std::max(moves_, plan_.troubles[struck].at);
  }
}

// ---- trouble
// -------------------------------------------------------------------------------------

void World::strike(Trouble trouble) {
  if (closing_) return;
  switch (trouble) {
    case Trouble::client_ends: client_left = client_ended_ = true; break;
    case Trouble::client_resets:
      client_left = client_ended_ = client_end_told_ = true;
      client_wire_ = {};
      client_reads_ = true;  // no more bytes will come to it
      to_client_.clear();
      tell(session::Failed{Side::client, "reset"});
      break;
    case Trouble::client_hangs: client_hangs_ = true; break;
    case Trouble::client_stops_reading: client_reads_ = false; break;
    case Trouble::server_ends: server_ended_ = server_up_; break;
    case Trouble::server_resets: server_ended_ = server_reset_ = server_up_; break;
    case Trouble::server_hangs: server_hangs_ = true; break;
    case Trouble::server_cut:
      if (!server_up_ || server_ended_) break;
      server_wire_.bytes.resize(server_wire_.at + dice_.below(server_wire_.left() + 1));
      server_ended_ = true;
      break;
    case Trouble::server_fatal:
      if (!server_up_ || server_ended_) break;
      server.shut_down();
      server_wire_.add(server.take_output());
      server_ended_ = true;
      break;
    case Trouble::dial_fails: dial_fails_ = true; break;
    case Trouble::dial_hangs: dial_hangs_ = true; break;
    case Trouble::leave: tell(session::Leave{false}); break;
    case Trouble::leave_now: tell(session::Leave{true}); break;
    case Trouble::early_timer: tell(session::Timer{}); break;
  }
}

// Something must give once nothing moves: a peer that is still there and silent is given up by the
// operating system (keepalive, TCP_USER_TIMEOUT), a client that waits in vain goes away.
bool World::lose_patience() {
  if (!client_reads_ && dice_.chance(50)) {
    client_reads_ = true;  // it was only slow
  } else if (!client_reads_) {
    strike(Trouble::client_resets);
  } else if (!client_ended_) {
    client_ended_ = client_left = true;
  } else if (!server_ended_) {
    server_hangs_ = false;
    server_ended_ = server_reset_ = true;
  } else {
    return false;
  }
  return true;
}

void World::settle() {
  for (int deadlines = 0; complaint.empty();) {
    run();
    if (!complaint.empty()) return;
    if (closing_) {
      if (client_reads_ || client_left) return;
      client_reads_ = true;  // at last it reads what it was told
      continue;
    }
    if (const Instant deadline = engine_->deadline(); deadline != kNever) {
      if (++deadlines > kDeadlines) return complain("deadlines without end");
      now_ = std::max(now_, deadline);
      tell(session::Timer{});
    } else if (!lose_patience()) {
      const session::Appetite appetite = engine_->appetite();
      return complain("hangs in phase " + std::string(engine_->phase_name()) +
                      (client_end_told_ ? ", client's end told" : "") +
                      (server_end_told_ ? ", server's end told" : "") +
                      (appetite.client ? ", wants the client" : "") +
                      (appetite.server ? ", wants the server" : ""));
    }
  }
}

}  // namespace pgmoat::sim
