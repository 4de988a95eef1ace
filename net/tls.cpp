#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>

namespace nexus::net {
namespace {

std::string last_error() {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

ssl_ctx_st* make_context(const SSL_METHOD* method) {
  auto* context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

// The hub speaks HTTP/1.1 only: whoever offers a choice by ALPN gets that.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void*) {
  static constexpr unsigned char http11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http11, sizeof http11 - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string tls_library_version() { return OpenSSL_version(OPENSSL_VERSION); }

result<std::shared_ptr<tls_context>> tls_context::server(const std::string& certificate_file,
                                                         const std::string& key_file) {
  std::shared_ptr<tls_context> made(new tls_context(make_context(TLS_server_method())));
  auto* context = made->native();
  if (context == nullptr) return make_error(errc::internal, "TLS could not be initialised.", last_error());
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return make_error(errc::invalid_request, "The TLS certificate '" + certificate_file + "' cannot be used.",
                      last_error());
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return make_error(errc::invalid_request, "The TLS key '" + key_file + "' cannot be used with the certificate.",
                      last_error());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return made;
}

result<std::shared_ptr<tls_context>> tls_context::client(const std::string& ca_file) {
  std::shared_ptr<tls_context> made(new tls_context(make_context(TLS_client_method())));
  auto* context = made->native();
  if (context == nullptr) return make_error(errc::internal, "TLS could not be initialised.", last_error());
  SSL_CTX_set_default_verify_paths(context);
  if (!ca_file.empty() && SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1)
    return make_error(errc::invalid_request, "The CA file '" + ca_file + "' cannot be used.", last_error());
  ERR_clear_error();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return made;
}

tls_context::~tls_context() { SSL_CTX_free(context_); }

std::unique_ptr<tls_session> tls_session::accept(const std::shared_ptr<tls_context>& context, int socket) {
  auto* ssl = SSL_new(context->native());
  SSL_set_fd(ssl, socket);
  SSL_set_accept_state(ssl);
  return std::unique_ptr<tls_session>(new tls_session(context, ssl));
}

std::unique_ptr<tls_session> tls_session::connect(const std::shared_ptr<tls_context>& context, int socket,
                                                  const std::string& host) {
  auto* ssl = SSL_new(context->native());
  SSL_set_fd(ssl, socket);
  SSL_set_connect_state(ssl);
  auto* parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, host.c_str());
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
  return std::unique_ptr<tls_session>(new tls_session(context, ssl));
}

tls_session::~tls_session() { SSL_free(ssl_); }

io_status tls_session::translate(int code) {
  switch (SSL_get_error(ssl_, code)) {
    case SSL_ERROR_NONE:
      return io_status::ok;
    case SSL_ERROR_WANT_READ:
      return io_status::want_read;
    case SSL_ERROR_WANT_WRITE:
      return io_status::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return io_status::closed;
    default: {
      const auto verified = SSL_get_verify_result(ssl_);
      failure_ = verified == X509_V_OK
                     ? last_error()
                     : std::string("certificate verify failed (") + X509_verify_cert_error_string(verified) + ")";
      ERR_clear_error();
      return io_status::failed;
    }
  }
}

io_status tls_session::handshake() {
  ERR_clear_error();
  return translate(SSL_do_handshake(ssl_));
}

io_result tls_session::read(std::span<char> into) {
  ERR_clear_error();
  size_t bytes = 0;
  const int code = SSL_read_ex(ssl_, into.data(), into.size(), &bytes);
  return code == 1 ? io_result{io_status::ok, bytes} : io_result{translate(code), 0};
}

io_result tls_session::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  ERR_clear_error();
  size_t written = 0;
  const int code = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
  return code == 1 ? io_result{io_status::ok, written} : io_result{translate(code), 0};
}

void tls_session::shutdown() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) != 0) SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::string tls_session::failure() const { return failure_; }

}  // namespace nexus::net
