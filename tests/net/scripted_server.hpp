// An upstream for tests: a real TCP server on a port of the system's choice that gives one scripted answer for each
// connection and keeps what it was asked.
#pragma once

#include "net/http_reader.hpp"
#include "net/tls.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace nexus::net {

/// A socket bound to 127.0.0.1 at a free port; nobody is let in before it listens.
class local_socket {
 public:
  local_socket() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~local_socket() { ::close(socket_); }
  local_socket(const local_socket&) = delete;
  local_socket& operator=(const local_socket&) = delete;
  int native() const { return socket_; }
  uint16_t port() const { return port_; }

 private:
  int socket_;
  uint16_t port_ = 0;
};

class scripted_server {
 public:
  enum class manner {
    answer,       // reads a request, answers, closes
    stall,        // answers too, then keeps the connection until the client leaves
    mute,         // reads and writes nothing until the client leaves
    speak_first,  // says its text at once, as other protocols do
  };
  struct turn {
    std::string text;
    manner how = manner::answer;
  };

  /// Serves the turns in order and whoever comes later not at all. With a context it speaks TLS.
  explicit scripted_server(std::vector<turn> turns, std::shared_ptr<tls_context> tls = nullptr)
      : turns_(std::move(turns)), tls_(std::move(tls)) {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::listen(socket_.native(), 16), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~scripted_server() { stop(); }

  std::string url() const {
    return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(socket_.port());
  }

  /// What was asked, one request for each connection; ends the server.
  std::vector<request> requests() {
    stop();
    return std::move(requests_);
  }

 private:
  void stop() {
    ::shutdown(socket_.native(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }

  void serve() {
    for (const auto& turn : turns_) {
      const int client = ::accept(socket_.native(), nullptr, nullptr);
      if (client < 0) return;
      converse(client, turn);
      ::close(client);
    }
  }

  void converse(int client, const turn& turn) {
    if (turn.how == manner::speak_first) write_all(client, nullptr, turn.text);
    if (turn.how == manner::mute || turn.how == manner::speak_first) return await_end(client);
    std::unique_ptr<tls_session> session;
    if (tls_) {
      session = tls_session::accept(tls_, client);
      if (session->handshake() != io_status::ok) return;
    }
    if (!read_request(client, session.get())) return;
    write_all(client, session.get(), turn.text);
    if (turn.how == manner::stall) return await_end(client);
    if (session) session->shutdown();
    // A plain close would turn into a reset if something were left unread.
    ::shutdown(client, SHUT_WR);
    await_end(client);
  }

  static void await_end(int client) {
    std::array<char, 4096> buffer;
    while (::recv(client, buffer.data(), buffer.size(), 0) > 0) {
    }
  }

  static size_t read_some(int client, tls_session* session, std::span<char> into) {
    if (session != nullptr) return session->read(into).bytes;
    const auto got = ::recv(client, into.data(), into.size(), 0);
    return got < 0 ? 0 : static_cast<size_t>(got);
  }

  bool read_request(int client, tls_session* session) {
    request_reader reader(1 << 20);
    std::array<char, 4096> buffer;
    while (reader.state() != request_reader::progress::complete) {
      const auto got = read_some(client, session, buffer);
      if (got == 0) return false;
      const auto fed = reader.feed({buffer.data(), got});
      if (!fed) {
        ADD_FAILURE() << fed.error().message;
        return false;
      }
    }
    requests_.push_back(std::move(reader.current()));
    return true;
  }

  static void write_all(int client, tls_session* session, std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = 0;
      if (session != nullptr) {
        sent = static_cast<ssize_t>(session->write(bytes).bytes);
      } else {
        sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      }
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  local_socket socket_;
  std::vector<turn> turns_;
  std::shared_ptr<tls_context> tls_;
  std::vector<request> requests_;
  std::thread thread_;
};

}  // namespace nexus::net
