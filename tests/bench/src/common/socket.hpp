#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// IPv4 address and port, host byte order.
struct Endpoint {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
};

/// Parses "a.b.c.d:port" ("localhost" is accepted). Throws std::invalid_argument.
Endpoint parse_endpoint(const std::string& text);

/// "a.b.c.d:port".
std::string to_string(const Endpoint& endpoint);

/// The endpoint with a free port in place of port 0. The port stays reserved for
/// this process's listeners while it runs. Throws std::system_error.
Endpoint with_port(const Endpoint& endpoint);

/// Non-blocking listening socket with SO_REUSEPORT. Throws std::system_error.
int listen_tcp(const Endpoint& endpoint);

/// Starts a non-blocking connect. Returns the descriptor, or -1 with errno set.
int connect_tcp(const Endpoint& endpoint);

/// Pending error of a socket, 0 if none.
int socket_error(int fd);

/// Makes close() send RST instead of FIN.
void set_reset_on_close(int fd);

void set_no_delay(int fd);

}  // namespace bench
