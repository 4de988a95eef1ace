#include "net/http_reader.hpp"

#include "conf/limits.hpp"
#include "net/ascii.hpp"
#include "net/header_gate.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace nexus::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using beast_view = boost::beast::string_view;

/// What is reserved for a body ahead of its bytes: a client must send before we spend.
constexpr uint64_t reserve_bytes_max = 1024 * 1024;

/// A request's chunk framing: CRLF, sixteen hexadecimal digits with some leading zeros, the extension, CRLF, CRLF.
constexpr size_t request_framing_bytes_max = limits::chunk_extension_bytes_max + 64;

/// A response's chunk framing with its trailers.
constexpr size_t response_framing_bytes_max = limits::head_bytes_max;

/// Interim answers before the real one. One or two are normal; many are an attack.
constexpr int interim_heads_max = 16;

std::string_view view_of(beast_view text) { return {text.data(), text.size()}; }

/// True if one of the comma-separated lists under `name` holds `token`.
bool has_token(const fields& headers, std::string_view name, std::string_view token) {
  for (const auto& [header, value] : headers.all()) {
    if (header != name) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const auto item = rest.substr(0, rest.find(','));
      if (ascii::iequals(ascii::trim(item), token)) return true;
      rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    }
  }
  return false;
}

bool keeps_alive(const fields& headers, int version) {
  if (has_token(headers, "connection", "close")) return false;
  return version >= 11 || has_token(headers, "connection", "keep-alive");
}

/// Finds a head in a stream of bytes. Keeps bytes of its own only while a head spans several feeds.
class head_collector {
 public:
  enum class outcome { more, ready, bad_line, too_large };

  explicit head_collector(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Takes from `bytes` and says how many in `taken`. After `ready`, `head()` is valid until `reset()` and as long as
  /// `bytes` is.
  outcome take(std::string_view bytes, size_t& taken) {
    const size_t before = kept_.size();
    if (before > 0) kept_ += bytes.substr(0, bytes_max_ + 1 - before);
    const auto text = before > 0 ? std::string_view(kept_) : bytes;
    const auto within = text.substr(0, bytes_max_);
    const auto end = within.find("\r\n\r\n", std::max<size_t>(before, 3) - 3);
    if (end != std::string_view::npos) {
      head_ = text.substr(0, end + 4);
      taken = head_.size() - before;
      return outcome::ready;
    }
    taken = std::min(bytes.size(), bytes_max_ + 1 - before);
    if (!check_line_ends(within.substr(before > 0 && kept_[before - 1] == '\r' ? before - 1 : before))) {
      return outcome::bad_line;
    }
    if (text.size() > bytes_max_) return outcome::too_large;
    if (before == 0) kept_ = bytes;
    return outcome::more;
  }

  std::string_view head() const { return head_; }
  /// What has arrived of an unfinished head.
  std::string_view kept() const { return kept_; }
  void reset() {
    head_ = {};
    std::string().swap(kept_);
  }

 private:
  size_t bytes_max_;
  std::string kept_;
  std::string_view head_;
};

/// Beast's parser, writing into a message of ours instead of beast::fields. One object reads one message.
template <bool IsRequest>
class message_parser final : public http::basic_parser<IsRequest> {
 public:
  message_parser(fields& headers, std::string& body) : headers_(headers), body_(body) {}

  /// Valid while the bytes of the head are.
  beast_view method() const { return method_; }
  beast_view target() const { return target_; }
  int version() const { return version_; }
  int status() const { return status_; }
  /// Why a callback refused; empty if Beast itself did.
  std::string_view reason() const { return reason_; }
  /// True if the next bytes are a chunk's head, or the last chunk with its trailers.
  bool expects_chunk_head() const { return this->chunked() && chunk_left_ == 0; }

 private:
  void on_request_impl(http::verb, beast_view method, beast_view target, int version, error_code&) override {
    method_ = method;
    target_ = target;
    version_ = version;
  }

  void on_response_impl(int status, beast_view, int version, error_code&) override {
    status_ = status;
    version_ = version;
  }

  void on_field_impl(http::field name, beast_view text, beast_view value, error_code& ec) override {
    if (head_done_) {
      // Nobody here needs trailers; a request that smuggles fields in them is refused.
      if (IsRequest) refuse("The request has trailers.", ec);
      return;
    }
    // For requests the gate has checked all of this already.
    if (name == http::field::transfer_encoding) {
      if (version_ < 11 || !ascii::iequals(view_of(value), "chunked")) {
        return refuse("The transfer coding is not supported.", ec);
      }
    }
    headers_.add(view_of(text), view_of(value));
  }

  void on_header_impl(error_code&) override { head_done_ = true; }

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    if (IsRequest && length) body_.reserve(std::min<uint64_t>(*length, reserve_bytes_max));
  }

  size_t on_body_impl(beast_view bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(uint64_t size, beast_view extension, error_code& ec) override {
    chunk_left_ = size;
    if (!IsRequest || extension.empty()) return;
    if (extension.size() > limits::chunk_extension_bytes_max) return refuse("A chunk extension is too long.", ec);
    if (extension.front() != ';') return refuse("White space follows a chunk's size.", ec);
    // Beast accepts anything inside a quoted string, line ends included.
    const auto control = [](char c) { return ascii::is_control(c) && c != '\t'; };
    if (std::any_of(extension.begin(), extension.end(), control)) {
      refuse("A chunk extension contains a control character.", ec);
    }
  }

  size_t on_chunk_body_impl(uint64_t, beast_view bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    chunk_left_ -= bytes.size();
    return bytes.size();
  }

  void on_finish_impl(error_code&) override {}

  void refuse(std::string_view reason, error_code& ec) {
    reason_ = reason;
    ec = http::error::bad_field;
  }

  fields& headers_;
  std::string& body_;
  beast_view method_;
  beast_view target_;
  std::string_view reason_;
  uint64_t chunk_left_ = 0;
  int version_ = 0;
  int status_ = 0;
  bool head_done_ = false;
};

/// Drives a parser through a body. Keeps the bytes of a chunk's head that spans feeds, never more than `framing_max`.
class body_feeder {
 public:
  explicit body_feeder(size_t framing_max) : framing_max_(framing_max) {}

  /// Returns how many bytes were taken: all of them, unless the message ends before or `ec` is set.
  template <class Parser>
  size_t feed(Parser& parser, std::string_view bytes, error_code& ec) {
    size_t taken = 0;
    while (taken < bytes.size() && !parser.is_done() && !ec) {
      const auto rest = bytes.substr(taken);
      taken += parser.expects_chunk_head() ? feed_chunk_head(parser, rest, ec) : put(parser, rest, ec);
    }
    return taken;
  }

  void reset() { std::string().swap(kept_); }

 private:
  template <class Parser>
  static size_t put(Parser& parser, std::string_view bytes, error_code& ec) {
    return parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  }

  template <class Parser>
  size_t feed_chunk_head(Parser& parser, std::string_view bytes, error_code& ec) {
    if (kept_.empty()) {
      const auto size = try_chunk_head(parser, bytes.substr(0, framing_max_), ec);
      if (ec || size > 0) return size;
      kept_ = bytes;
      return bytes.size();
    }
    // In slices, since only the bytes up to the end of the chunk's head are needed side by side.
    for (size_t used = 0; used < bytes.size();) {
      const auto before = kept_.size();
      const auto slice = bytes.substr(used, std::min<size_t>(512, framing_max_ - before));
      kept_ += slice;
      const auto size = try_chunk_head(parser, kept_, ec);
      if (ec) return used;
      if (size > 0) {
        kept_.clear();
        return used + size - before;
      }
      used += slice.size();
    }
    return bytes.size();
  }

  /// Returns the size of a whole chunk head at the front of `bytes`, 0 if more bytes are needed. Beast must see at most
  /// `framing_max_` bytes at once, lest the answer depend on how the bytes were cut.
  template <class Parser>
  size_t try_chunk_head(Parser& parser, std::string_view bytes, error_code& ec) {
    // Beast 1.81 asserts that it gets five bytes when it comes back to a last chunk.
    if (bytes.size() < 5 && bytes.starts_with("0\r\n")) return 0;
    const auto size = put(parser, bytes, ec);
    if (ec != http::error::need_more) return size;
    ec = {};
    if (bytes.size() >= framing_max_) ec = http::error::header_limit;
    return 0;
  }

  size_t framing_max_;
  std::string kept_;
};

}  // namespace

void fields::add(std::string_view name, std::string_view value) {
  all_.emplace_back(ascii::to_lower(name), std::string(value));
}

std::optional<std::string_view> fields::find(std::string_view name) const {
  for (const auto& [header, value] : all_) {
    if (header == name) return value;
  }
  return std::nullopt;
}

size_t fields::count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(all_.begin(), all_.end(), [&](const auto& field) { return field.first == name; }));
}

struct request_reader::implementation {
  explicit implementation(uint64_t bytes_max) : body_bytes_max(bytes_max) { reset(); }

  void reset() {
    state = progress::head;
    current = {};
    head.reset();
    body.reset();
    parser.emplace(current.headers, current.body);
    parser->header_limit(limits::head_bytes_max + 1);
    parser->body_limit(body_bytes_max);
  }

  result<size_t> feed(std::string_view bytes) {
    if (failure) return *failure;
    size_t taken = 0;
    if (state == progress::head && !bytes.empty()) {
      if (auto fed = feed_head(bytes, taken); !fed) return fail(fed.error());
    }
    if (state != progress::body) return taken;
    error_code ec;
    taken += body.feed(*parser, bytes.substr(taken), ec);
    if (ec) return fail(translate(ec));
    if (parser->is_done()) state = progress::complete;
    return taken;
  }

  result<void> feed_head(std::string_view bytes, size_t& taken) {
    switch (head.take(bytes, taken)) {
      case head_collector::outcome::more:
        return {};
      case head_collector::outcome::bad_line:
        return make_error(errc::invalid_request, "A line of the request head does not end with CRLF, or contains NUL.");
      case head_collector::outcome::too_large:
        return make_error(errc::head_too_large, "The request head is too large.");
      case head_collector::outcome::ready:
        break;
    }
    auto text = head.head();
    // One empty line may stand before a request (RFC 9112 section 2.2): old clients send it after a body.
    if (text.starts_with("\r\n")) text.remove_prefix(2);
    if (auto checked = check_request_head(text, body_bytes_max); !checked) return checked.error();
    error_code ec;
    parser->put(boost::asio::const_buffer(text.data(), text.size()), ec);
    if (ec) return translate(ec);
    describe();
    state = parser->is_done() ? progress::complete : progress::body;
    head.reset();
    return {};
  }

  void describe() {
    current.method = view_of(parser->method());
    current.target = view_of(parser->target());
    current.version_minor = parser->version() % 10;
    current.keep_alive = keeps_alive(current.headers, parser->version());
    // RFC 9110 sections 7.8 and 10.1.1: both are ignored in HTTP/1.0.
    const bool version_11 = parser->version() >= 11;
    current.expects_continue = version_11 && !parser->is_done() && current.headers.find("expect").has_value();
    current.upgrade = version_11 && has_token(current.headers, "connection", "upgrade") &&
                      current.headers.find("upgrade").has_value();
  }

  error translate(error_code ec) const {
    if (ec == http::error::body_limit) {
      return make_error(errc::payload_too_large, "The request body is larger than this server accepts.");
    }
    if (ec == http::error::header_limit) {
      return make_error(errc::invalid_request, "A chunk's size line is too long, or trailers follow the last chunk.");
    }
    auto reason = parser->reason().empty() ? "The request is not valid HTTP." : parser->reason();
    return make_error(errc::invalid_request, std::string(reason), ec.message());
  }

  error fail(error why) {
    failure = std::move(why);
    return *failure;
  }

  uint64_t body_bytes_max;
  progress state = progress::head;
  request current;
  head_collector head{limits::head_bytes_max};
  body_feeder body{request_framing_bytes_max};
  std::optional<message_parser<true>> parser;
  std::optional<error> failure;
};

request_reader::request_reader(uint64_t body_bytes_max) : self_(std::make_unique<implementation>(body_bytes_max)) {}
request_reader::~request_reader() = default;

result<size_t> request_reader::feed(std::string_view bytes) { return self_->feed(bytes); }
request_reader::progress request_reader::state() const { return self_->state; }
bool request_reader::started() const {
  // A mere empty line is no request yet.
  const auto kept = self_->head.kept();
  return self_->state == progress::body || !(kept.empty() || kept == "\r" || kept == "\r\n");
}
request& request_reader::current() { return self_->current; }
void request_reader::next() { self_->reset(); }

struct response_reader::implementation {
  implementation() { reset(); }

  void reset() {
    current = {};
    body_text.clear();
    has_head = false;
    interim_heads = 0;
    collector.reset();
    feeder.reset();
    renew_parser();
  }

  void renew_parser() {
    current.headers.clear();
    parser.emplace(current.headers, body_text);
    parser->header_limit(limits::upstream_head_bytes_max + 1);
    parser->body_limit(boost::none);
  }

  result<size_t> feed(std::string_view bytes) {
    if (failure) return *failure;
    size_t taken = 0;
    while (!has_head && taken < bytes.size()) {
      auto fed = feed_head(bytes.substr(taken));
      if (!fed) return fail(fed.error());
      taken += *fed;
    }
    if (!has_head || parser->is_done()) return taken;
    error_code ec;
    taken += feeder.feed(*parser, bytes.substr(taken), ec);
    if (ec) return fail(invalid(ec.message()));
    return taken;
  }

  result<size_t> feed_head(std::string_view bytes) {
    size_t taken = 0;
    const auto outcome = collector.take(bytes, taken);
    const auto seen = collector.head().empty() ? collector.kept() : collector.head();
    if (!looks_like_http(seen)) return invalid("not HTTP/1");
    if (outcome == head_collector::outcome::bad_line) return invalid("a bare CR, LF or NUL in the head");
    if (outcome == head_collector::outcome::too_large) return invalid("the head is too large");
    if (outcome == head_collector::outcome::more) return taken;
    error_code ec;
    parser->put(boost::asio::const_buffer(seen.data(), seen.size()), ec);
    if (ec) return invalid(parser->reason().empty() ? ec.message() : std::string(parser->reason()));
    collector.reset();
    if (auto accepted = accept_head(); !accepted) return accepted.error();
    return taken;
  }

  /// Tells at the first bytes that the peer speaks something else, instead of waiting for its deadline.
  static bool looks_like_http(std::string_view seen) {
    static constexpr std::string_view start = "HTTP/1.";
    return seen.substr(0, start.size()) == start.substr(0, seen.size());
  }

  result<void> accept_head() {
    const int status = parser->status();
    if (status < 100 || status > 599 || status == 101) return invalid("status " + std::to_string(status));
    if (status < 200) {
      if (++interim_heads > interim_heads_max) return invalid("too many interim answers");
      renew_parser();
      return {};
    }
    has_head = true;
    current.status = status;
    current.keep_alive = !parser->need_eof() && keeps_alive(current.headers, parser->version());
    return {};
  }

  result<void> feed_end() {
    if (failure) return *failure;
    if (has_head && parser->is_done()) return {};
    if (!has_head || !parser->need_eof()) {
      return fail(
          make_error(errc::upstream_error, "The upstream closed the connection before its answer was complete."));
    }
    error_code ec;
    parser->put_eof(ec);
    if (ec) return fail(invalid(ec.message()));
    return {};
  }

  static error invalid(std::string detail) {
    return make_error(errc::upstream_invalid_response, "The upstream's answer is not valid HTTP.", std::move(detail));
  }

  error fail(error why) {
    failure = std::move(why);
    return *failure;
  }

  response_reader::head current;
  std::string body_text;
  bool has_head = false;
  int interim_heads = 0;
  head_collector collector{limits::upstream_head_bytes_max};
  body_feeder feeder{response_framing_bytes_max};
  std::optional<message_parser<false>> parser;
  std::optional<error> failure;
};

response_reader::response_reader() : self_(std::make_unique<implementation>()) {}
response_reader::~response_reader() = default;

result<size_t> response_reader::feed(std::string_view bytes) { return self_->feed(bytes); }
result<void> response_reader::feed_end() { return self_->feed_end(); }
bool response_reader::has_head() const { return self_->has_head; }
const response_reader::head& response_reader::current() const { return self_->current; }
bool response_reader::complete() const { return self_->has_head && self_->parser->is_done(); }
std::string& response_reader::body() { return self_->body_text; }
void response_reader::clear_body() { self_->body_text.clear(); }
void response_reader::next() { self_->reset(); }

}  // namespace nexus::net
