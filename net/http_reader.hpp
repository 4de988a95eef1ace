// Incremental readers of HTTP/1.1 messages on Beast's parser: bytes in, facts out; no sockets. Each belongs to one
// thread.
#pragma once

#include "conf/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::net {

/// Header fields in order of arrival; names in lower case.
class fields {
 public:
  void add(std::string_view name, std::string_view value);
  /// Returns the first value of a name given in lower case, or nullopt.
  std::optional<std::string_view> find(std::string_view name) const;
  size_t count(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }
  void clear() { all_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct request {
  std::string method;
  std::string target;  // as sent
  fields headers;
  std::string body;
  int version_minor = 1;  // of HTTP/1.x
  bool keep_alive = true;
  bool expects_continue = false;  // wants "100 Continue" before it sends its body
  bool upgrade = false;           // asks for another protocol
};

/// Reads one request after the other from a connection.
class request_reader {
 public:
  explicit request_reader(uint64_t body_bytes_max);
  ~request_reader();

  enum class progress { head, body, complete };

  /// Consumes bytes up to the end of the present request and returns how many it took. Bytes behind the end are left to
  /// the caller, who feeds them again after `next()`. Errors are final: answer, then close.
  result<size_t> feed(std::string_view bytes);
  progress state() const;
  /// True if bytes of an unfinished request were taken.
  bool started() const;
  /// Valid from `progress::body` on (the body grows), complete at `progress::complete`. Becomes the caller's by move.
  request& current();
  /// Forgets the present request and awaits another.
  void next();

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

/// Reads the responses of one upstream connection.
class response_reader {
 public:
  response_reader();
  ~response_reader();

  struct head {
    int status = 0;
    fields headers;
    bool keep_alive = false;
  };

  /// Consumes bytes and returns how many it took; body bytes become visible in `body()`. "1xx" heads are skipped.
  /// errc::upstream_invalid_response if it is no HTTP.
  result<size_t> feed(std::string_view bytes);
  /// The peer closed: an answer framed by the end of the connection is complete now; errc::upstream_error otherwise.
  result<void> feed_end();
  bool has_head() const;
  const head& current() const;
  bool complete() const;
  /// Body bytes that arrived since the last `clear_body()`.
  std::string& body();
  void clear_body();
  void next();

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace nexus::net
