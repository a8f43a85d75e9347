#include "net/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <asio.hpp>
#include <memory>
#include <string>

namespace pgmoat::net {

namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// As UTF-8; "" where it holds a NUL.
std::string text_of(const ASN1_STRING* string) {
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, string);
  if (size < 0) return {};
  std::string copy(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return copy.find('\0') == std::string::npos ? copy : std::string();
}

std::string common_name(const X509_NAME* subject) {
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) last = at;
  if (last < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
}

std::string alternative(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS: return text_of(name.d.dNSName);
    case GEN_EMAIL: return text_of(name.d.rfc822Name);
    case GEN_URI: return text_of(name.d.uniformResourceIdentifier);
    case GEN_IPADD: {
      const unsigned char* const bytes = ASN1_STRING_get0_data(name.d.iPAddress);
      const int size = ASN1_STRING_length(name.d.iPAddress);
      asio::ip::address_v4::bytes_type four{};
      asio::ip::address_v6::bytes_type six{};
      if (size == static_cast<int>(four.size())) {
        std::copy_n(bytes, four.size(), four.begin());
        return asio::ip::make_address_v4(four).to_string();
      }
      if (size != static_cast<int>(six.size())) return {};
      std::copy_n(bytes, six.size(), six.begin());
      return asio::ip::make_address_v6(six).to_string();
    }
    default: return {};
  }
}

std::vector<std::string> alternatives(const X509& certificate) {
  std::vector<std::string> names;
  auto* const list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    std::string name = alternative(*sk_GENERAL_NAME_value(list, i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  GENERAL_NAMES_free(list);
  return names;
}

std::string serial(const X509& certificate) {
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr);
  char* const digits = BN_bn2hex(number);
  std::string text = digits != nullptr ? digits : "";
  OPENSSL_free(digits);
  BN_free(number);
  return text;
}

}  // namespace

void describe(const X509& certificate, session::TlsFacts& facts) {
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  facts.subject = text_of(subject);
  facts.issuer = text_of(X509_get_issuer_name(&certificate));
  facts.common_name = common_name(subject);
  facts.serial = serial(certificate);
  facts.names = alternatives(certificate);
  facts.digest = digest_of(certificate);
}

std::string digest_of(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return hex(digest.data(), size);
}

std::string binding_of(const X509& certificate) {
  int method = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(&certificate), &method, nullptr, nullptr,
                              nullptr) != 1) {
    return {};
  }
  // MD5 and SHA-1 give way to SHA-256.
  if (method == NID_md5 || method == NID_sha1) method = NID_sha256;
  const EVP_MD* const digest = EVP_get_digestbynid(method);
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  if (digest == nullptr || X509_digest(&certificate, digest, octets.data(), &size) != 1) return {};
  return {reinterpret_cast<const char*>(octets.data()), size};
}

}  // namespace pgmoat::net
