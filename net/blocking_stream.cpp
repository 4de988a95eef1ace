#include "net/blocking_stream.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace nexus::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How soon a wait notices that it is to stop.
constexpr milliseconds stop_delay{100};
// Look-ups whose deadline passed and that the resolver has not given back yet: each holds a thread.
constexpr int lookups_max = 16;

enum class wait_result { ready, late, stopped, failed };

bool stopped(const patience& patience) { return patience.stop != nullptr && *patience.stop; }

milliseconds left(const patience& patience) {
  return std::chrono::ceil<milliseconds>(patience.until - steady_clock::now());
}

wait_result wait_for(int socket, short events, const patience& patience) {
  for (;;) {
    if (stopped(patience)) return wait_result::stopped;
    const auto rest = left(patience);
    if (rest <= 0ms) return wait_result::late;
    pollfd entry{socket, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min(rest, stop_delay).count()));
    if (ready > 0) return wait_result::ready;
    if (ready < 0 && errno != EINTR) return wait_result::failed;
  }
}

wait_result wait_for(int socket, io_status wanted, const patience& patience) {
  return wait_for(socket, wanted == io_status::want_read ? POLLIN : POLLOUT, patience);
}

std::string system_text(int code) { return std::system_category().message(code); }

error stop_error() { return make_error(errc::shutting_down, "The hub is shutting down."); }

error late_error(const std::string& what, const patience& patience) {
  return make_error(errc::upstream_timeout, what + " within " + time_text(patience.allowed) + ".");
}

error wait_error(wait_result result, const std::string& what, const patience& patience) {
  if (result == wait_result::stopped) return stop_error();
  if (result == wait_result::late) return late_error(what, patience);
  return make_error(errc::upstream_error, "The connection to the upstream was lost.", system_text(errno));
}

error name_error(const std::string& host, const std::string& why) {
  return make_error(errc::upstream_error, "The name '" + host + "' cannot be resolved: " + why + ".");
}

/// What the resolver's thread and the one that waits for it share.
struct lookup {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  int code = 0;
  std::vector<socket_address> found;
};

int look_up(const std::string& host, uint16_t port, int flags, std::vector<socket_address>& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) return code;
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    auto& address = found.emplace_back();
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    address.size = entry->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return 0;
}

/// Starts a look-up on a thread of its own; null if too many hang, or there is no thread for it.
std::shared_ptr<lookup> start_look_up(const std::string& host, uint16_t port) {
  static std::atomic<int> running{0};
  if (running.fetch_add(1) >= lookups_max) {
    running.fetch_sub(1);
    return nullptr;
  }
  auto shared = std::make_shared<lookup>();
  try {
    std::thread([shared, host, port] {
      std::vector<socket_address> found;
      const int code = look_up(host, port, AI_ADDRCONFIG, found);
      running.fetch_sub(1);
      const std::lock_guard lock(shared->mutex);
      shared->code = code;
      shared->found = std::move(found);
      shared->done = true;
      shared->finished.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    running.fetch_sub(1);
    return nullptr;
  }
  return shared;
}

}  // namespace

std::string time_text(milliseconds time) {
  if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
  return std::to_string(time.count()) + " ms";
}

std::string socket_address::text() const {
  char host[NI_MAXHOST];
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (::getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return host;
}

result<std::vector<socket_address>> resolve(const std::string& host, uint16_t port, const patience& patience) {
  std::vector<socket_address> found;
  if (look_up(host, port, AI_NUMERICHOST, found) == 0) return found;
  const auto shared = start_look_up(host, port);
  if (!shared) return make_error(errc::overloaded, "Too many names wait to be resolved; try again later.");
  std::unique_lock lock(shared->mutex);
  while (!shared->done) {
    if (stopped(patience)) return stop_error();
    const auto rest = left(patience);
    if (rest <= 0ms) return late_error("The name '" + host + "' was not resolved", patience);
    shared->finished.wait_for(lock, std::min(rest, stop_delay));
  }
  if (shared->code != 0) return name_error(host, ::gai_strerror(shared->code));
  if (shared->found.empty()) return name_error(host, "it has no address");
  return std::move(shared->found);
}

void blocking_stream::close() {
  if (tls_) tls_->shutdown();
  tls_.reset();
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

result<void> blocking_stream::connect_one(const socket_address& address, const patience& patience) {
  close();
  socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return make_error(errc::upstream_error, "There is no socket: " + system_text(errno) + ".");
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int code = 0;
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) code = errno;
  if (code == EINPROGRESS) {
    const auto waited = wait_for(socket_, POLLOUT, patience);
    if (waited != wait_result::ready) return wait_error(waited, "The upstream accepted no connection", patience);
    socklen_t size = sizeof code;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
  }
  if (code == 0) return {};
  return make_error(errc::upstream_error, "The upstream accepted no connection: " + system_text(code) + ".");
}

result<socket_address> blocking_stream::connect(const std::vector<socket_address>& addresses,
                                                const patience& patience) {
  auto failure = make_error(errc::upstream_error, "The upstream has no address.");
  for (size_t i = 0; i < addresses.size(); ++i) {
    // An address that swallows packets must leave time for those behind it.
    auto share = patience;
    share.until = steady_clock::now() + left(patience) / static_cast<int>(addresses.size() - i);
    const auto connected = connect_one(addresses[i], share);
    if (connected) return addresses[i];
    failure = connected.error();
    if (failure.code == errc::shutting_down) break;
  }
  close();
  return failure;
}

result<void> blocking_stream::start_tls(const std::shared_ptr<tls_context>& context, const std::string& host,
                                        const patience& patience) {
  tls_ = tls_session::connect(context, socket_, host);
  for (;;) {
    const auto status = tls_->handshake();
    if (status == io_status::ok) return {};
    if (status != io_status::want_read && status != io_status::want_write) {
      const auto why = status == io_status::closed ? std::string("the upstream closed it") : tls_->failure();
      return make_error(errc::upstream_error, "The TLS connection to the upstream failed: " + why + ".");
    }
    const auto waited = wait_for(socket_, status, patience);
    if (waited != wait_result::ready) {
      return wait_error(waited, "The upstream did not finish the TLS handshake", patience);
    }
  }
}

io_result blocking_stream::write_some(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {io_status::ok, static_cast<size_t>(sent)};
  return {errno == EAGAIN || errno == EINTR ? io_status::want_write : io_status::failed, 0};
}

io_result blocking_stream::read_some(std::span<char> into) {
  if (tls_) return tls_->read(into);
  const auto got = ::recv(socket_, into.data(), into.size(), 0);
  if (got > 0) return {io_status::ok, static_cast<size_t>(got)};
  if (got == 0) return {io_status::closed, 0};
  return {errno == EAGAIN || errno == EINTR ? io_status::want_read : io_status::failed, 0};
}

result<void> blocking_stream::write(std::string_view bytes, const patience& patience) {
  while (!bytes.empty()) {
    const auto [status, written] = write_some(bytes);
    bytes.remove_prefix(written);
    if (status == io_status::ok) continue;
    if (status == io_status::closed || status == io_status::failed) {
      return make_error(errc::upstream_error, "The upstream closed the connection before it took the request.");
    }
    const auto waited = wait_for(socket_, status, patience);
    if (waited != wait_result::ready) return wait_error(waited, "The upstream did not take the request", patience);
  }
  return {};
}

result<size_t> blocking_stream::read(std::span<char> into, const patience& patience) {
  for (;;) {
    // Also here: a peer that always has a little more to say must not outlast the deadline.
    if (left(patience) <= 0ms) return wait_error(wait_result::late, "The upstream did not answer", patience);
    const auto [status, bytes] = read_some(into);
    if (status == io_status::ok) return bytes;
    if (status == io_status::closed) return size_t{0};
    if (status == io_status::failed) {
      return make_error(errc::upstream_error, "The upstream reset the connection before its answer was complete.");
    }
    const auto waited = wait_for(socket_, status, patience);
    if (waited != wait_result::ready) return wait_error(waited, "The upstream did not answer", patience);
  }
}

}  // namespace nexus::net
