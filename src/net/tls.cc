#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/certificate.h"

namespace pgmoat::net {

using session::ClientTlsMode;
using session::ServerTlsMode;

namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// What a read takes from the socket before it has something to give: a record and what was asked for beyond
// it. OpenSSL goes on for as long as a peer sends what is no data (KeyUpdate, 27 bytes each, has no limit of
// its own): one that never stops would have the worker to itself.
constexpr std::size_t kMostWithoutData = 48u << 10;
// The one protocol that PostgreSQL speaks (ALPN, RFC 7301): its length, its name.
constexpr unsigned char kAlpn[] = "\012postgresql";
constexpr unsigned kAlpnSize = sizeof kAlpn - 1;

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown error";
  ERR_clear_error();
  return text;
}

// A name that stands in a list of protocols and is not ours means another server's client.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, kAlpn, kAlpnSize, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string load_key(SSL_CTX* context, const TlsFiles& files) {
  struct stat about {};
  if (::stat(files.key.c_str(), &about) == 0 && (about.st_mode & 07) != 0) {
    return files.key + ": everyone may read or write this private key; chmod 0640 or 0600";
  }
  // Without this, OpenSSL would ask the terminal for the passphrase of an encrypted key.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return files.certificate + ": no certificate can be read: " + last_reason();
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return files.key + ": no private key can be read, or not this certificate's: " + last_reason();
  }
  return {};
}

std::string load_authorities(SSL_CTX* context, const TlsFiles& files) {
  if (SSL_CTX_load_verify_file(context, files.ca.c_str()) != 1) {
    return files.ca + ": no certificates can be read: " + last_reason();
  }
  if (files.crl.empty()) return {};
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  if (X509_STORE_load_file(store, files.crl.c_str()) != 1) {
    return files.crl + ": no revocation list can be read: " + last_reason();
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

// What both directions have in common. PostgreSQL's own choices: no tickets, no session cache, no
// renegotiation, no compression. An end without close_notify is an end: the protocol above has its own.
SSL_CTX* make_context(const SSL_METHOD* method, int oldest) {
  SSL_CTX* const context = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(context, oldest);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

}  // namespace

// OpenSSL's view of the socket. A write never fails for want of room: what the socket does not take is
// kept, at most a record or a flight of the handshake, so that no record has to be offered again.
struct SocketBio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }
  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const int got = stream(bio).receive(into, size);
    if (got < 0 && stream(bio).broken_ == 0) BIO_set_retry_read(bio);
    return got;
  }
  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    return stream(bio).send(from, size);
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return stream(bio).ended_ ? 1 : 0;
    return 0;
  }
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      BIO_meth_set_read(fresh, read);
      BIO_meth_set_write(fresh, write);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }
};

Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::for_clients(
    const ClientTls& tls) {
  std::shared_ptr<TlsContext> made(new TlsContext);
  made->context_ = make_context(TLS_server_method(), tls.oldest);
  made->accepts_ = true;
  if (std::string wrong = load_key(made->context_, tls.files); !wrong.empty()) return wrong;
  SSL_CTX_set_alpn_select_cb(made->context_, choose_protocol, nullptr);
  if (tls.certificates == ClientTls::Certificates::none) return {std::move(made)};
  if (std::string wrong = load_authorities(made->context_, tls.files); !wrong.empty()) return wrong;
  SSL_CTX_set_client_CA_list(made->context_, SSL_load_client_CA_file(tls.files.ca.c_str()));
  const bool required = tls.certificates == ClientTls::Certificates::require;
  SSL_CTX_set_verify(made->context_,
                     SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return {std::move(made)};
}

Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::for_server(
    const ServerTls& tls, const std::string& host) {
  std::shared_ptr<TlsContext> made(new TlsContext);
  made->context_ = make_context(TLS_client_method(), tls.oldest);
  made->name_ = tls.name.empty() ? host : tls.name;
  made->verify_name_ = tls.mode == ServerTlsMode::verify_full;
  SSL_CTX_set_alpn_protos(made->context_, kAlpn, kAlpnSize);
  if (!tls.files.certificate.empty()) {
    if (std::string wrong = load_key(made->context_, tls.files); !wrong.empty()) return wrong;
  }
  if (tls.mode != ServerTlsMode::verify_ca && tls.mode != ServerTlsMode::verify_full) {
    return {std::move(made)};
  }
  if (std::string wrong = load_authorities(made->context_, tls.files); !wrong.empty()) return wrong;
  SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
  return {std::move(made)};
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, int socket, std::string early)
    : context_(std::move(context)),
      ssl_(SSL_new(context_->context_)),
      socket_(socket),
      direct_(!early.empty()),
      early_(std::move(early)) {
  BIO* const bio = BIO_new(SocketBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (context_->accepts_) {
    SSL_set_accept_state(ssl_);
    return;
  }
  SSL_set_connect_state(ssl_);
  asio::error_code no_address;
  asio::ip::make_address(context_->name_, no_address);
  const bool address = !no_address;
  if (!address) SSL_set_tlsext_host_name(ssl_, context_->name_.c_str());  // RFC 6066: names only
  if (!context_->verify_name_) return;
  if (address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), context_->name_.c_str());
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, context_->name_.c_str());
  }
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

void TlsStream::note_failure(const char* what) {
  why_ = what;
  const long verified = SSL_get_verify_result(ssl_);
  if (broken_ != 0) {
    why_ += std::strerror(broken_);
    ERR_clear_error();
  } else if (verified != X509_V_OK) {
    why_ += X509_verify_cert_error_string(verified);
    ERR_clear_error();
  } else if (ended_ && ERR_peek_error() == 0) {
    why_ += "the connection was closed";
  } else {
    why_ += last_reason();
  }
}

TlsStream::Progress TlsStream::handshake() {
  if (unsent()) {
    asio::error_code error;
    flush(error);
    if (unsent() && !error) return Progress::wants_write;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &protocol, &size);
    if (!direct_ || size != 0) return Progress::done;
    why_ = "TLS from the first byte needs ALPN \"postgresql\"";
    return Progress::failed;
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) {
    return unsent() ? Progress::wants_write : Progress::wants_read;
  }
  note_failure("");
  return Progress::failed;
}

session::TlsFacts TlsStream::facts() const {
  session::TlsFacts facts;
  facts.version = SSL_get_version(ssl_);
  facts.cipher = SSL_get_cipher_name(ssl_);
  if (const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
    facts.sni = name;
  }
  if (const X509* const peer = SSL_get0_peer_certificate(ssl_)) describe(*peer, facts);
  return facts;
}

std::string TlsStream::binding() const {
  const X509* const certificate =
      context_->accepts_ ? SSL_get_certificate(ssl_) : SSL_get0_peer_certificate(ssl_);
  return certificate != nullptr ? binding_of(*certificate) : std::string();
}

bool TlsStream::has_unread() const { return SSL_has_pending(ssl_) != 0; }

ssize_t TlsStream::read(std::span<std::uint8_t> room, bool& sure) {
  ERR_clear_error();
  std::size_t size = 0;
  // Of this call: what the socket said earlier may have been followed by more, whose event has passed.
  drained_ = false;
  received_ = 0;
  const int result = SSL_read_ex(ssl_, room.data(), room.size(), &size);
  sure = drained_ && !has_unread();
  if (result == 1) return static_cast<ssize_t>(size);
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ: errno = EAGAIN; return -1;
    default: break;
  }
  note_failure("TLS: ");
  errno = broken_ != 0 ? broken_ : EPROTO;
  return -1;
}

bool TlsStream::write_record(Bytes record, asio::error_code& error) {
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(ssl_, record.data(), record.size(), &written) == 1) return true;
  note_failure("TLS: ");
  error = asio::error_code(broken_ != 0 ? broken_ : EPROTO, asio::error::get_system_category());
  return false;
}

std::size_t TlsStream::write(std::span<const asio::const_buffer> parts, asio::error_code& error) {
  static thread_local std::array<std::uint8_t, kRecord> gathered;
  error = {};
  if (unsent()) flush(error);
  if (unsent() && !error) error = asio::error::would_block;
  std::size_t taken = 0, part = 0, at = 0;
  while (!error && !unsent() && part < parts.size()) {
    Bytes record;
    if (parts[part].size() - at >= kRecord) {
      record = {static_cast<const std::uint8_t*>(parts[part].data()) + at, kRecord};
      at += kRecord;
    } else {
      std::size_t size = 0;
      while (part < parts.size() && size < kRecord) {
        const std::size_t more = std::min(parts[part].size() - at, kRecord - size);
        if (more != 0) {
          std::memcpy(gathered.data() + size,
                      static_cast<const std::uint8_t*>(parts[part].data()) + at, more);
        }
        size += more;
        at += more;
        if (at < parts[part].size()) break;
        ++part;
        at = 0;
      }
      record = Bytes(gathered).first(size);
    }
    if (!record.empty() && write_record(record, error)) taken += record.size();
    if (part < parts.size() && at == parts[part].size()) ++part, at = 0;
  }
  return taken;
}

void TlsStream::flush(asio::error_code& error) {
  error = {};
  while (unsent()) {
    const ssize_t sent = ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      unsent_.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      error = asio::error_code(errno, asio::error::get_system_category());
      return;
    }
  }
  unsent_.shrink_to_fit();
}

void TlsStream::say_goodbye() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

int TlsStream::receive(char* into, int size) {
  if (early_read_ < early_.size()) {
    const std::size_t left = std::min(early_.size() - early_read_, static_cast<std::size_t>(size));
    std::memcpy(into, early_.data() + early_read_, left);
    early_read_ += left;
    if (early_read_ == early_.size()) early_ = {}, early_read_ = 0;
    return static_cast<int>(left);
  }
  if (SSL_is_init_finished(ssl_) == 1 && received_ >= kMostWithoutData) {
    broken_ = EPROTO;
    return -1;
  }
  ssize_t got = 0;
  do {
    got = ::recv(socket_, into, static_cast<std::size_t>(size), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) received_ += static_cast<std::size_t>(got);
  drained_ = got < size;
  ended_ = got == 0;
  if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) broken_ = errno;
  return static_cast<int>(got);
}

int TlsStream::send(const char* from, int size) {
  const auto all = static_cast<std::size_t>(size);
  std::size_t sent = 0;
  if (unsent_.empty()) {
    ssize_t taken = 0;
    do {
      taken = ::send(socket_, from, all, MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    if (taken < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      broken_ = errno;
      return -1;
    }
    sent = taken > 0 ? static_cast<std::size_t>(taken) : 0;
  }
  if (sent < all) unsent_.append(from + sent, all - sent);
  return size;
}

}  // namespace pgmoat::net
