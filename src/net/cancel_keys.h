// The keys that clients cancel by, of all workers' sessions: whose a key is, and what its server
// wants to hear instead. Enforcing, each client has a key of ours, so that no other one ever
// reaches a server:
//
//   protocol 3.2   32 octets: node (4), session (8), MAC (20): HMAC-SHA-256 under a key of this
//                  process, cut. A late request, or one for another node, is so told from a guess.
//   protocol 3.0   4 random octets, which is all that fits
//
// Monitoring, the client has the server's own. Any thread may call; a session does twice, never for
// a message.
#pragma once

#include <asio.hpp>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pgmoat::net {

// Where a session's server is, and that server's key for it.
struct CancelTarget {
  asio::ip::tcp::endpoint server;
  std::uint32_t pid = 0;
  std::string secret;
  bool tls = false;  // the session's own connection speaks it
};

class CancelKeys {
 public:
  // Short keys of ended sessions that are still known as such.
  static constexpr std::size_t kEnded = 4096;

  CancelKeys();
  void set_node(std::uint32_t node) { node_ = node; }  // before it is used

  // `session`: its number in this process, never given twice.
  std::string issue(std::uint64_t session) const;
  // From here on its client has `client_secret`.
  void own(std::uint64_t session, std::string client_secret, CancelTarget target);
  // Its server is no longer its own: its key reaches nobody.
  void disown(std::uint64_t session);

  enum class Whose : std::uint8_t {
    session,        // one that is open
    ended_session,  // one that was
    other_node,     // as the key says of itself; only that node can tell
    nobody,
  };
  struct Found {
    Whose whose = Whose::nobody;
    std::uint64_t session = 0;  // 0: not known
    CancelTarget target;        // of a session that is open
  };
  Found find(std::uint32_t pid, std::string_view secret) const;
  bool is_open(std::uint64_t session) const;

 private:
  struct Owner {
    std::string client_secret;
    CancelTarget target;
    bool open = true;
  };
  std::string code_of(std::string_view head) const;
  void forget(std::uint64_t session);

  std::uint32_t node_ = 0;
  std::string mac_key_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Owner> owners_;
  std::unordered_multimap<std::uint32_t, std::uint64_t> by_pid_;
  std::deque<std::uint64_t> ended_;
};

}  // namespace pgmoat::net
