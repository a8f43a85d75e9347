// A TLS stream against OpenSSL's own client, over a pair of sockets.
#include "net/tls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>

namespace pgmoat::net {
namespace {

// A key and a certificate that it has signed itself, in files of the test's own folder.
TlsFiles made_files() {
  TlsFiles files;
  files.certificate = testing::TempDir() + "pgmoat-tls-test.crt";
  files.key = testing::TempDir() + "pgmoat-tls-test.key";
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  if (FILE* const file = std::fopen(files.certificate.c_str(), "w")) {
    PEM_write_X509(file, certificate);
    std::fclose(file);
  }
  if (FILE* const file = std::fopen(files.key.c_str(), "w")) {
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  ::chmod(files.key.c_str(), 0600);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

class TlsStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    ClientTls tls;
    tls.mode = session::ClientTlsMode::require;
    tls.files = made_files();
    auto context = TlsContext::for_clients(tls);
    ASSERT_TRUE(context) << context.error();
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_.data()), 0);
    ::fcntl(sockets_[0], F_SETFL, O_NONBLOCK);
    stream_ = std::make_unique<TlsStream>(*context, sockets_[0], "");
    client_context_ = SSL_CTX_new(TLS_client_method());
    client_ = SSL_new(client_context_);
    SSL_set_fd(client_, sockets_[1]);
    std::thread other([this] { SSL_connect(client_); });
    while (stream_->handshake() == TlsStream::Progress::wants_read) std::this_thread::yield();
    other.join();
  }
  void TearDown() override {
    SSL_free(client_);
    SSL_CTX_free(client_context_);
    for (const int socket : sockets_) ::close(socket);
  }
  // The first answer of read() that is not "wait".
  ssize_t read() {
    ssize_t got = -1;
    bool last = false;
    do {
      got = stream_->read(room_, last);
    } while (got < 0 && errno == EAGAIN);
    return got;
  }

  std::array<int, 2> sockets_{-1, -1};
  std::unique_ptr<TlsStream> stream_;
  SSL_CTX* client_context_ = nullptr;
  SSL* client_ = nullptr;
  std::array<std::uint8_t, 4096> room_{};
};

TEST_F(TlsStreamTest, ReadsWhatWasSaid) {
  EXPECT_EQ(stream_->facts().version, "TLSv1.3");
  ASSERT_EQ(SSL_write(client_, "hello", 5), 5);
  EXPECT_EQ(read(), 5);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(room_.data()), 5), "hello");
}

TEST_F(TlsStreamTest, KeyUpdatesBetweenDataAreTaken) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(SSL_key_update(client_, SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_write(client_, "x", 1), 1);
    ASSERT_EQ(read(), 1) << i;
  }
}

// 20,000 of them are 540 KB, written ahead so that there is always one more to be read.
TEST_F(TlsStreamTest, KeyUpdatesWithoutEndAreAnError) {
  SSL_set0_wbio(client_, BIO_new(BIO_s_mem()));
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(SSL_key_update(client_, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_), 1);
  }
  char* flood = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(SSL_get_wbio(client_), &flood));
  ASSERT_GT(size, 500'000u);
  std::thread other([&] {
    for (std::size_t sent = 0; sent < size;) {
      const ssize_t more = ::send(sockets_[1], flood + sent, size - sent, MSG_NOSIGNAL);
      if (more <= 0) return;
      sent += static_cast<std::size_t>(more);
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const ssize_t got = read();
  const int why = errno;
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  ::shutdown(sockets_[0], SHUT_RD);
  other.join();
  EXPECT_EQ(got, -1);
  EXPECT_EQ(why, EPROTO);
}

}  // namespace
}  // namespace pgmoat::net
