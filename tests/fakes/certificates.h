// Certificates that a test makes for itself.
#ifndef SLUICE_TESTS_FAKES_CERTIFICATES_H_
#define SLUICE_TESTS_FAKES_CERTIFICATES_H_

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace sluice {

// A certificate and its private key, in PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

// Signs certificates that are valid from an hour ago until tomorrow.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name) : key_(EVP_EC_gen("P-256")) {
    certificate_ = NewCertificate(name, *key_);
    X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
    AddExtension(*certificate_, NID_basic_constraints, "critical,CA:TRUE");
    EXPECT_GT(X509_sign(certificate_.get(), key_.get(), EVP_sha256()), 0);
  }

  std::string certificate() const { return Pem(*certificate_); }

  // `names` as OpenSSL's configuration has them: "DNS:localhost,URI:spiffe://acme/web"; empty: no
  // subjectAltName at all.
  Identity Issue(const std::string& common_name, const std::string& names = "") const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = NewCertificate(common_name, *key);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    if (!names.empty()) AddExtension(*certificate, NID_subject_alt_name, names);
    EXPECT_GT(X509_sign(certificate.get(), key_.get(), EVP_sha256()), 0);
    return {Pem(*certificate), Pem(*key)};
  }

 private:
  struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  };
  using Certificate = std::unique_ptr<X509, Free>;
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Bio = std::unique_ptr<BIO, Free>;

  static Certificate NewCertificate(const std::string& common_name, EVP_PKEY& key) {
    static int serial = 0;
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    X509_set_pubkey(certificate.get(), &key);
    return certificate;
  }
  static void AddExtension(X509& certificate, int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, Free> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(&certificate, extension.get(), -1);
  }
  static std::string TextOf(const Bio& bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return std::string(text, static_cast<size_t>(size));
  }
  static std::string Pem(X509& certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), &certificate);
    return TextOf(bio);
  }
  static std::string Pem(EVP_PKEY& key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
    return TextOf(bio);
  }

  const Key key_;
  Certificate certificate_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_CERTIFICATES_H_
