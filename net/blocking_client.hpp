// One HTTP request and its whole answer, for the commands that talk to a running hub. Blocks: never on a shard's
// thread.
#pragma once

#include "conf/error.hpp"
#include "conf/secret.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::net {

class tls_context;

struct http_reply {
  int status = 0;
  std::string body;
};

/// Sends `body` as JSON if there is one. `base_url` is a server ("http://127.0.0.1:8000"), `path` begins with a slash.
/// `token` goes as `Authorization: Bearer`. Errors are one sentence each.
result<http_reply> fetch(std::string_view method, const std::string& base_url, std::string_view path,
                         const secret& token, const std::optional<std::string>& body,
                         const std::shared_ptr<tls_context>& tls, std::chrono::milliseconds timeout);

}  // namespace nexus::net
