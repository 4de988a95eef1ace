#include "net/websocket.hpp"

#include <boost/asio/compose.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <array>

namespace nexus::net {
namespace beast = boost::beast;

namespace {

// After our close frame: how long, and how much of what the peer had already sent, is drained.
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr size_t linger_bytes_max = 64 * 1024 * 1024;

// Asio's stream concept over a connection: each step waits for readiness first, so nothing completes inside its own
// call.
class stream_adapter {
 public:
  using executor_type = tcp::socket::executor_type;

  explicit stream_adapter(connection connection)
      : connection_(std::move(connection)), linger_timer_(connection_.socket().get_executor()) {}
  executor_type get_executor() { return connection_.socket().get_executor(); }
  connection& inner() { return connection_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, size_t)>(
        [this, buffer = first_of<asio::mutable_buffer>(buffers), started = false](auto& self,
                                                                                  error_code ec = {}) mutable {
          if (!started) {
            started = true;
            return connection_.wait_readable(std::move(self));
          }
          if (ec) return self.complete(ec, 0);
          const auto [status, bytes] = connection_.read({static_cast<char*>(buffer.data()), buffer.size()});
          switch (status) {
            case io_status::ok:
              return self.complete({}, bytes);
            case io_status::want_read:
              return connection_.wait_readable(std::move(self));
            case io_status::want_write:
              return connection_.wait_writable(std::move(self));
            case io_status::closed:
              return self.complete(asio::error::eof, 0);
            case io_status::failed:
              return self.complete(asio::error::connection_reset, 0);
          }
        },
        token, connection_.socket());
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, size_t)>(
        [this, buffer = first_of<asio::const_buffer>(buffers), stage = 0](auto& self, error_code ec = {}) mutable {
          if (ec) return self.complete(ec, 0);
          if (stage == 2) return self.complete({}, buffer.size());
          const auto status = stage == 0 ? connection_.write({{static_cast<const char*>(buffer.data()), buffer.size()}})
                                         : connection_.flush();
          stage = status == io_status::ok ? 2 : 1;
          switch (status) {
            case io_status::ok:
              return asio::post(get_executor(), std::move(self));
            case io_status::want_read:
              return connection_.wait_readable(std::move(self));
            case io_status::want_write:
              return connection_.wait_writable(std::move(self));
            default:
              stage = 3;
              return asio::post(get_executor(),
                                beast::bind_front_handler(std::move(self), error_code(asio::error::connection_reset)));
          }
        },
        token, connection_.socket());
  }

  friend void teardown(beast::role_type, stream_adapter& stream, error_code& ec) {
    stream.connection_.close();
    ec = {};
  }
  // Our goodbye is read only if the peer's bytes are taken first: closing over them would reset the connection.
  template <class Handler>
  friend void async_teardown(beast::role_type, stream_adapter& stream, Handler&& handler) {
    stream.connection_.shutdown_send();
    stream.linger_timer_.expires_after(linger_time);
    stream.linger_timer_.async_wait([&stream](error_code ec) {
      if (!ec) stream.connection_.close();
    });
    asio::async_compose<Handler, void(error_code)>(
        [&stream](auto& self, error_code ec = {}) mutable {
          if (ec || stream.drained_ > linger_bytes_max || !stream.drain()) {
            stream.linger_timer_.cancel();
            stream.connection_.close();
            // The first call comes from within the initiation, which must not complete.
            return asio::post(stream.get_executor(), [self = std::move(self)]() mutable { self.complete({}); });
          }
          stream.connection_.wait_readable(std::move(self));
        },
        handler, stream.connection_.socket());
  }
  friend void beast_close_socket(stream_adapter& stream) { stream.connection_.close(); }

 private:
  /// Discards what is there; false at the end of the peer's stream.
  bool drain() {
    std::array<char, 16 * 1024> sink;
    for (;;) {
      const auto [status, bytes] = connection_.read(sink);
      if (status != io_status::ok) return status == io_status::want_read;
      drained_ += bytes;
      if (drained_ > linger_bytes_max) return false;
    }
  }

  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it)
      if (Buffer(*it).size() > 0) return Buffer(*it);
    return {};
  }
  connection connection_;
  asio::steady_timer linger_timer_;
  size_t drained_ = 0;
};

beast::http::request<beast::http::empty_body> beast_request(const request& request) {
  beast::http::request<beast::http::empty_body> made(beast::http::string_to_verb(request.method), request.target, 11);
  for (const auto& [name, value] : request.headers.all()) made.insert(name, value);
  return made;
}

}  // namespace

struct websocket::implementation {
  explicit implementation(connection connection) : stream(std::move(connection)) {}
  beast::websocket::stream<stream_adapter, false>
      stream;  // no compression: deltas are short, and CRIME-like leaks are avoided
  beast::flat_buffer buffer;
  std::string outgoing;
  beast::http::request<beast::http::empty_body> handshake;
};

websocket::websocket(connection connection, const websocket_settings& settings)
    : self_(std::make_unique<implementation>(std::move(connection))) {
  auto& stream = self_->stream;
  stream.read_message_max(settings.message_bytes_max);
  stream.auto_fragment(false);
  stream.set_option(beast::websocket::stream_base::timeout{settings.handshake_timeout, settings.idle_timeout, true});
}

websocket::~websocket() = default;

void websocket::accept(const request& request, const header_list& headers, std::function<void(error_code)> done) {
  self_->stream.set_option(
      beast::websocket::stream_base::decorator([headers](beast::websocket::response_type& response) {
        for (const auto& [name, value] : headers) response.set(name, value);
        response.erase(beast::http::field::server);
      }));
  self_->handshake = beast_request(request);
  self_->stream.async_accept(self_->handshake, std::move(done));
}

void websocket::read(std::function<void(error_code, std::string, bool)> done) {
  self_->stream.async_read(self_->buffer, [this, done = std::move(done)](error_code ec, size_t) {
    std::string text;
    if (!ec) {
      const auto data = self_->buffer.cdata();
      text.assign(static_cast<const char*>(data.data()), data.size());
      self_->buffer = beast::flat_buffer();  // an idle socket keeps no buffer
    }
    done(ec, std::move(text), self_->stream.got_text());
  });
}

void websocket::write(std::string text, std::function<void(error_code)> done) {
  self_->outgoing = std::move(text);
  self_->stream.text(true);
  self_->stream.async_write(asio::buffer(self_->outgoing), [this, done = std::move(done)](error_code ec, size_t) {
    std::string().swap(self_->outgoing);
    done(ec);
  });
}

void websocket::close(uint16_t code, std::string_view reason, std::function<void(error_code)> done) {
  beast::websocket::close_reason why(static_cast<beast::websocket::close_code>(code));
  why.reason.assign(reason.data(), std::min<size_t>(reason.size(), why.reason.max_size()));
  self_->stream.async_close(why, std::move(done));
}

void websocket::abort() { self_->stream.next_layer().inner().close(); }

bool is_websocket_handshake(const request& request) {
  return request.upgrade && beast::websocket::is_upgrade(beast_request(request));
}

}  // namespace nexus::net
