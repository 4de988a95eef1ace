#include "net/socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace nexus::net {
namespace {

constexpr size_t pieces_max = 8;
// Beyond it, copying costs more than a call of its own.
constexpr size_t cork_bytes_max = 16 * 1024;
constexpr int backlog = 4096;  // the kernel's own limit cuts it further

io_status status_of_errno() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io_status::want_write : io_status::failed;
}

}  // namespace

connection::connection(tcp::socket socket) : socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
}

connection::~connection() = default;
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;

io_status connection::handshake() {
  if (!tls_) return io_status::ok;
  const auto status = tls_->handshake();
  drained_ = status == io_status::want_read;
  return status;
}

io_result connection::read(std::span<char> into) {
  const auto read_plain = [&]() -> io_result {
    ssize_t bytes = 0;
    do {
      bytes = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    } while (bytes < 0 && errno == EINTR);
    if (bytes > 0) return {io_status::ok, static_cast<size_t>(bytes)};
    if (bytes == 0) return {io_status::closed, 0};
    return {status_of_errno() == io_status::failed ? io_status::failed : io_status::want_read, 0};
  };
  const auto done = tls_ ? tls_->read(into) : read_plain();
  drained_ = done.status == io_status::want_read;
  return done;
}

io_status connection::write(std::initializer_list<std::string_view> pieces) {
  if (tls_ || unsent() > 0) {
    keep(pieces);
    return flush();
  }
  return write_plain(pieces);
}

io_status connection::cork(std::initializer_list<std::string_view> pieces) {
  size_t total = unsent();
  for (const auto piece : pieces) total += piece.size();
  if (total > cork_bytes_max || (unsent() > 0 && !corked_)) return write(pieces);
  if (total == 0) return io_status::ok;
  keep(pieces);
  corked_ = true;
  return io_status::ok;
}

// Into a string of its own size: what was sent is let go, and room is neither doubled nor left over. Readers that take
// little may be many.
void connection::keep(std::initializer_list<std::string_view> pieces) {
  size_t total = unsent();
  for (const auto piece : pieces) total += piece.size();
  std::string kept;
  kept.reserve(total);
  kept.append(unsent_, sent_);
  for (const auto piece : pieces) kept.append(piece);
  unsent_.swap(kept);
  sent_ = 0;
}

io_status connection::write_plain(std::initializer_list<std::string_view> pieces) {
  std::array<iovec, pieces_max> vectors;
  size_t count = 0;
  size_t total = 0;
  for (const auto piece : pieces) {
    if (piece.empty()) continue;
    vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
    total += piece.size();
  }
  if (total == 0) return io_status::ok;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (sent < 0 && status_of_errno() == io_status::failed) return io_status::failed;
  auto skip = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (skip == total) return io_status::ok;
  for (size_t i = 0; i < count; ++i) {
    const auto* data = static_cast<const char*>(vectors[i].iov_base);
    const auto size = vectors[i].iov_len;
    if (skip >= size) {
      skip -= size;
      continue;
    }
    unsent_.append(data + skip, size - skip);
    skip = 0;
  }
  return io_status::want_write;
}

io_status connection::flush() {
  corked_ = false;
  while (unsent() > 0) {
    const std::string_view rest(unsent_.data() + sent_, unsent());
    io_result step;
    if (tls_) {
      step = tls_->write(rest);
    } else {
      const auto sent = ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL);
      step = sent >= 0 ? io_result{io_status::ok, static_cast<size_t>(sent)} : io_result{status_of_errno(), 0};
    }
    if (step.status != io_status::ok) return step.status == io_status::closed ? io_status::failed : step.status;
    sent_ += step.bytes;
  }
  // Streams by the thousand: nothing is kept once it is sent.
  std::string().swap(unsent_);
  sent_ = 0;
  return io_status::ok;
}

void connection::cancel_waits() {
  error_code ignored;
  socket_.cancel(ignored);
  drained_ = false;
}

void connection::shutdown_send() {
  if (tls_) tls_->shutdown();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

std::string connection::peer_address() const {
  error_code ec;
  const auto endpoint = socket_.remote_endpoint(ec);
  return ec ? std::string() : endpoint.address().to_string();
}

result<std::pair<std::string, uint16_t>> split_address(std::string_view address) {
  const auto refuse = [&] {
    return make_error(errc::invalid_request, "'" + std::string(address) + "' is no HOST:PORT.");
  };
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refuse();
  auto host = address.substr(0, colon);
  const auto digits = address.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (ec != std::errc() || end != digits.data() + digits.size()) return refuse();
  if (host.front() == '[') {
    if (host.back() != ']') return refuse();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  return std::pair(std::string(host), port);
}

result<void> listener::open(const std::string& address, bool exclusive) {
  const auto split = split_address(address);
  if (!split) return split.error();
  const auto& [host, port] = *split;
  error_code ec;
  auto ip = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
  if (ec) return make_error(errc::invalid_request, "The hub can listen on an IP address only, not on '" + host + "'.");
  const tcp::endpoint endpoint(ip, port);
  const auto refuse = [&](const char* step) {
    if (ec == asio::error::address_in_use)
      return make_error(errc::conflict, address + " is in use by another program.");
    return make_error(errc::internal, "The hub cannot listen on " + address + ": " + ec.message() + ".", step);
  };
  if (exclusive && endpoint.port() != 0) {
    tcp::acceptor probe(acceptor_.get_executor());
    probe.open(endpoint.protocol(), ec);
    if (!ec) probe.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) probe.bind(endpoint, ec);
    if (!ec) probe.listen(1, ec);
    if (ec) return refuse("probe");
  }
  acceptor_.open(endpoint.protocol(), ec);
  if (ec) return refuse("open");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  const int on = 1;
  ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  acceptor_.bind(endpoint, ec);
  if (ec) return refuse("bind");
  acceptor_.listen(backlog, ec);
  if (ec) return refuse("listen");
  acceptor_.non_blocking(true, ec);
  return {};
}

uint16_t listener::port() const {
  error_code ec;
  const auto endpoint = acceptor_.local_endpoint(ec);
  return ec ? 0 : endpoint.port();
}

void listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace nexus::net
