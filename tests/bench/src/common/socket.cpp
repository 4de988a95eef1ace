#include "common/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

sockaddr_in to_sockaddr(const Endpoint& endpoint) {
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(endpoint.address);
  addr.sin_port = htons(endpoint.port);
  return addr;
}

int set_flag(int fd, int level, int name) {
  const int one = 1;
  return setsockopt(fd, level, name, &one, sizeof one);
}

}  // namespace

Endpoint parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw std::invalid_argument("endpoint needs host:port: " + text);
  std::string host = text.substr(0, colon);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  in_addr addr{};
  if (inet_pton(AF_INET, host.c_str(), &addr) != 1)
    throw std::invalid_argument("not an IPv4 address: " + host);
  const int port = std::stoi(text.substr(colon + 1));
  return {ntohl(addr.s_addr), static_cast<std::uint16_t>(port)};
}

std::string to_string(const Endpoint& endpoint) {
  const auto addr = to_sockaddr(endpoint);
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &addr.sin_addr, text, sizeof text);
  return text + (':' + std::to_string(endpoint.port));
}

Endpoint with_port(const Endpoint& endpoint) {
  if (endpoint.port != 0) return endpoint;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto addr = to_sockaddr(endpoint);
  socklen_t size = sizeof addr;
  if (fd < 0 || set_flag(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
      set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&addr), sizeof addr) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&addr), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "bind");
  return {endpoint.address, ntohs(addr.sin_port)};  // fd stays open: bound, not listening
}

int listen_tcp(const Endpoint& endpoint) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto addr = to_sockaddr(endpoint);
  if (fd < 0 || set_flag(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
      set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&addr), sizeof addr) != 0 ||
      listen(fd, 16384) != 0)
    throw std::system_error(errno, std::generic_category(), "listen");
  return fd;
}

int connect_tcp(const Endpoint& endpoint) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_no_delay(fd);
  const auto addr = to_sockaddr(endpoint);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&addr), sizeof addr) != 0 &&
      errno != EINPROGRESS) {
    const int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void set_reset_on_close(int fd) {
  const linger reset{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void set_no_delay(int fd) { set_flag(fd, IPPROTO_TCP, TCP_NODELAY); }

}  // namespace bench
