// What a rule may see of a session: one value per session, kept by the engine and changed only
// through these functions, so that each field's hash is at hand. A ruling is cached under the hashes of the
// fields that its rules read.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/tls_facts.h"

namespace pgmoat::policy {

enum class SessionField : std::uint8_t {
  id,  // never equal between sessions
  user,
  database,
  application,
  client,       // address
  role,         // SET ROLE, SET SESSION AUTHORIZATION
  transaction,  // idle, in_transaction, failed
  guc,          // every tracked setting
  tags,
  server,   // version
  percent,  // the session's place in percentage roll-outs
  tls,      // of the client's connection, with its certificate
  method,   // by which the client has proved itself; "" before it has
};
inline constexpr std::size_t kSessionFields = 13;
using FieldSet = std::uint32_t;  // bits 1 << SessionField
constexpr FieldSet bit(SessionField field) { return 1u << static_cast<unsigned>(field); }

class SessionView {
 public:
  // SET ROLE to a name that was computed.
  static constexpr std::string_view kUnknownRole = "?";
  // What may begin or end a transaction is under way.
  static constexpr char kUnknownTransaction = '?';

  SessionView() = default;
  // `id`: random text, the prefix of the session's decision ids.
  void open(std::string id, std::string client_ip, std::uint16_t client_port);
  void set(SessionField field,
           std::string value);        // user, database, application, role, server, method
  void set_transaction(char status);  // 'I', 'T', 'E' or unknown; no hash is computed for it ahead
  // While what may change the role is under way the role reads as unknown.
  void set_role_unsettled(bool unsettled);
  void set_guc(std::string name, std::string value);  // lower-case name
  void drop_guc(std::string_view name);
  void add_tag(std::string tag);
  void set_tls(std::shared_ptr<const TlsFacts> tls);

  std::string_view get(SessionField field) const;
  std::string_view guc(std::string_view name) const;  // "" where not known
  bool has_guc(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& gucs() const { return gucs_; }
  const std::vector<std::string>& tags() const { return tags_; }
  bool has_tag(std::string_view tag) const;
  const TlsFacts* tls() const { return tls_.get(); }  // null: in the clear
  std::string_view id() const;
  std::string_view client_ip() const;
  std::uint16_t client_port() const { return client_port_; }
  char transaction() const { return transaction_; }
  // 0..99, the same for the whole session: which percentages of sessions it belongs to.
  std::uint32_t place() const { return place_; }
  std::uint64_t statements = 0;  // judged so far
  std::uint64_t refused = 0;     // of what was judged
  std::int64_t score = 0;        // of the statement being judged

  // One hash over the values of the fields in `fields`; seeded per process.
  std::uint64_t hash(FieldSet fields) const;
  std::uint64_t revision() const { return revision_; }  // moves with every change but transaction

 private:
  void changed(SessionField field);
  std::array<std::string, kSessionFields> values_;
  std::array<std::uint64_t, kSessionFields> hashes_{};
  std::map<std::string, std::string, std::less<>> gucs_;
  std::vector<std::string> tags_;
  std::shared_ptr<const TlsFacts> tls_;
  std::uint16_t client_port_ = 0;
  std::uint32_t place_ = 0;
  char transaction_ = 'I';
  bool role_unsettled_ = false;
  std::uint64_t revision_ = 0;
};

}  // namespace pgmoat::policy
