// One server-side WebSocket (RFC 6455) on Beast, over our own connection. One read and one write at a time; callbacks
// run on the shard's thread, never from within the call that starts them, and hold the caller's reference until they
// ran.
#pragma once

#include "net/http_reader.hpp"
#include "net/http_writer.hpp"
#include "net/socket.hpp"

#include <functional>
#include <memory>

namespace nexus::net {

struct websocket_settings {
  uint64_t message_bytes_max = 0;
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};  // a peer that answers no ping within this is gone
};

class websocket {
 public:
  websocket(connection connection, const websocket_settings& settings);
  ~websocket();

  /// Completes the upgrade that `request` asks for; `headers` join the 101 answer.
  void accept(const request& request, const header_list& headers, std::function<void(error_code)> done);
  /// Reads one message. A message that is too long or no UTF-8 ends the connection with the right close code.
  void read(std::function<void(error_code, std::string text, bool is_text)> done);
  void write(std::string text, std::function<void(error_code)> done);
  /// Says goodbye (`code` of RFC 6455 section 7.4.1) and closes.
  void close(uint16_t code, std::string_view reason, std::function<void(error_code)> done);
  /// Drops the connection at once: pending callbacks are called with an error.
  void abort();

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

/// True if `request` is a WebSocket handshake that Beast will accept.
bool is_websocket_handshake(const request& request);

}  // namespace nexus::net
