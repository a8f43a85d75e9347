// Plays a recording to the engine in its turns, in chunks of any size, and keeps what came out.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/conversation.h"
#include "support/recording.h"

namespace pgmoat::test {

constexpr std::size_t kWhole = 0, kRandom = static_cast<std::size_t>(-1);

inline session::Setup product_setup(session::Mode mode) {
  session::Setup setup = setup_for(mode);
  setup.frame_limits.gather_copy_data = false;
  setup.allow_replication = true;
  setup.prepare();
  return setup;
}

// Plays turns, and dials when the engine wants it. What came out is kept, for both sides.
class Player {
 public:
  Player(session::Mode mode, std::size_t chunk)
      : talk_(product_setup(mode), std::vector<std::string>()), chunk_(chunk) {}
  Player(session::Mode mode, std::size_t chunk, policy::Judge& judge)
      : talk_(product_setup(mode), judge), chunk_(chunk) {}

  void say(wire::Side side, std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(next_size(bytes.size()), bytes.size());
      talk_.feed(side, bytes.substr(0, size));
      keep();
      bytes.remove_prefix(size);
      if (!dialled_ && talk_.count_commands<session::Dial>() == 1) {
        dialled_ = true;
        event(session::Connected{});
      }
    }
  }
  void event(const session::TransportEvent& what) {
    talk_.begin();
    talk_.engine().on_transport(what, Instant{}, talk_.outbox());
    talk_.collect();
    keep();
  }
  // Runs of one side's turns are one read, or are cut into chunks without regard to frames.
  void play(const std::vector<Script::Turn>& turns, std::size_t count) {
    std::string run;
    for (std::size_t i = 0; i < count; ++i) {
      run += turns[i].bytes;
      if (i + 1 < count && turns[i + 1].side == turns[i].side) continue;
      say(turns[i].side, run);
      run.clear();
    }
  }
  Conversation& talk() { return talk_; }
  std::string to_server, to_client;

 private:
  void keep() {
    to_server += talk_.to_server();
    to_client += talk_.to_client();
  }
  std::size_t next_size(std::size_t left) {
    if (chunk_ == kWhole) return left;
    if (chunk_ != kRandom) return chunk_;
    return std::uniform_int_distribution<std::size_t>(1, random_() % 4 == 0 ? 5000 : 20)(random_);
  }
  Conversation talk_;
  std::size_t chunk_;
  bool dialled_ = false;
  std::mt19937 random_{20240501};
};

inline void expect_bytes(const std::string& got, const std::string& want, const char* where) {
  if (got == want) return;
  const auto [at, other] = std::mismatch(got.begin(), got.end(), want.begin(), want.end());
  const auto offset = static_cast<std::size_t>(at - got.begin());
  ADD_FAILURE() << where << ": " << got.size() << " bytes, wanted " << want.size()
                << ", first difference at " << offset << ": got "
                << testing::PrintToString(got.substr(offset, 40)) << ", wanted "
                << testing::PrintToString(want.substr(offset, 40));
}

}  // namespace pgmoat::test
