// TLS on a socket, as OpenSSL does it over our own descriptor: no copy of ciphertext is kept but for what the
// socket could not take, and an idle connection gives its record buffers back. What is read goes
// straight into the reader's memory. A context is made from files once, shared by all workers,
// and replaced as a whole when the files change; connections keep the one they began with.
#pragma once

#include <openssl/types.h>
#include <sys/types.h>

#include <array>
#include <asio.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "session/tls.h"

namespace pgmoat::net {

// The versions' numbers on the wire, which OpenSSL takes.
inline constexpr int kTls12 = 0x0303, kTls13 = 0x0304;

// Files are PEM. `ca` may hold several; `crl` is looked at for each certificate of the chain.
struct TlsFiles {
  std::string certificate, key;  // the chain, leaf first
  std::string ca, crl;
};

struct ClientTls {
  session::ClientTlsMode mode = session::ClientTlsMode::disable;
  TlsFiles files;
  enum class Certificates : std::uint8_t { none, optional, require };
  Certificates certificates = Certificates::none;  // of clients
  int oldest = kTls12;
  bool given = false;  // `mode` was written out; else require, once there is a certificate
};

struct ServerTls {
  session::ServerTlsMode mode = session::ServerTlsMode::disable;
  TlsFiles files;
  std::string name;     // what the certificate must be for, and SNI; "": the backend's host
  bool direct = false;  // TLS from the first byte (PostgreSQL 17 and newer)
  int oldest = kTls12;
  bool given = false;  // `mode` was written out; else verify_full, once there is a ca
};

class TlsContext {
 public:
  // The error is a sentence that names the file.
  static Result<std::shared_ptr<const TlsContext>, std::string> for_clients(const ClientTls& tls);
  static Result<std::shared_ptr<const TlsContext>, std::string> for_server(const ServerTls& tls,
                                                                           const std::string& host);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  TlsContext() = default;
  SSL_CTX* context_ = nullptr;
  std::string name_;  // of the server
  bool verify_name_ = false, accepts_ = false;
};

// What both legs of new sessions use; null where a leg has no TLS.
struct TlsContexts {
  std::shared_ptr<const TlsContext> client, server;
};

class TlsStream {
 public:
  // `early`: what was read from the socket already and belongs to TLS.
  TlsStream(std::shared_ptr<const TlsContext> context, int socket, std::string early);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Progress : std::uint8_t { done, wants_read, wants_write, failed };
  Progress handshake();
  session::TlsFacts facts() const;
  std::string binding() const;                     // as session::Secured has it
  const std::string& why() const { return why_; }  // of failed, and of a read's -1 with EPROTO

  // Bytes were taken from the socket that no read has returned yet, in whole records or not.
  bool has_unread() const;
  // As recv(): bytes, 0 at the end, -1 with errno. `sure`: nothing more can be read before the
  // socket reports again.
  ssize_t read(std::span<std::uint8_t> room, bool& sure);
  // How many bytes were taken, in whole records; at least one record where nothing was unsent.
  // An error is one of the socket or of TLS; would_block where nothing could be taken.
  std::size_t write(std::span<const asio::const_buffer> parts, asio::error_code& error);
  // Ciphertext that the socket did not take yet, and trying again.
  bool unsent() const { return !unsent_.empty(); }
  void flush(asio::error_code& error);
  void drop_unsent() { unsent_ = {}; }  // nobody will take it
  // The close_notify that ends our half, as far as the socket takes it.
  void say_goodbye();

 private:
  friend struct SocketBio;
  int receive(char* into, int size);
  int send(const char* from, int size);
  bool write_record(Bytes record, asio::error_code& error);
  void note_failure(const char* what);

  std::shared_ptr<const TlsContext> context_;
  SSL* ssl_ = nullptr;
  int socket_;
  int broken_ = 0;  // errno of the socket's last failure
  bool drained_ = false, ended_ = false, direct_ = false;
  std::size_t received_ = 0;  // from the socket, in the read that is under way
  std::string early_;
  std::size_t early_read_ = 0;
  std::string unsent_;
  std::string why_;
};

}  // namespace pgmoat::net
