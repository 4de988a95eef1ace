// TLS on OpenSSL's non-blocking calls: contexts and one session over a connected socket. Contexts may be shared between
// threads once made; a session belongs to its connection's thread.
#pragma once

#include "conf/error.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace nexus::net {

/// What a non-blocking step came to.
enum class io_status {
  ok,
  want_read,   // try again when the socket is readable
  want_write,  // try again when the socket is writable
  closed,      // the peer ended the stream in order
  failed,      // the connection is lost
};

struct io_result {
  io_status status = io_status::ok;
  size_t bytes = 0;
};

/// "OpenSSL 3.0.17 ...", as loaded.
std::string tls_library_version();

class tls_context {
 public:
  /// A server's context from PEM files. The error names the file that cannot be used.
  static result<std::shared_ptr<tls_context>> server(const std::string& certificate_file, const std::string& key_file);
  /// A client's context: TLS 1.2 and later, certificates verified against the system's roots and those of `ca_file`.
  static result<std::shared_ptr<tls_context>> client(const std::string& ca_file);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;
  ssl_ctx_st* native() const { return context_; }

 private:
  explicit tls_context(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

/// One TLS session over a non-blocking socket that outlives it.
class tls_session {
 public:
  static std::unique_ptr<tls_session> accept(const std::shared_ptr<tls_context>& context, int socket);
  /// `host` is sent as SNI (unless it is an IP address) and must be a name or address of the certificate.
  static std::unique_ptr<tls_session> connect(const std::shared_ptr<tls_context>& context, int socket,
                                              const std::string& host);
  ~tls_session();

  io_status handshake();
  io_result read(std::span<char> into);
  io_result write(std::string_view bytes);
  /// Sends close_notify, without waiting for the peer's.
  void shutdown();
  /// Why the last step failed, for logs: "certificate verify failed (self-signed certificate)".
  std::string failure() const;

 private:
  tls_session(std::shared_ptr<tls_context> context, ssl_st* ssl) : context_(std::move(context)), ssl_(ssl) {}
  io_status translate(int code);
  std::shared_ptr<tls_context> context_;
  ssl_st* ssl_;
  std::string failure_;
};

}  // namespace nexus::net
