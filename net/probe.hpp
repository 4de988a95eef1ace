// A look at one upstream, step by step: does its name resolve, does it accept us, our credentials, a chat? Blocks, so
// only for threads of their own. Nothing here follows a redirect, and no text of its making holds the key.
#pragma once

#include "net/blocking_stream.hpp"
#include "net/http_writer.hpp"

#include <optional>

namespace nexus::net {

/// One step: "dns", "tcp", "tls" (of https), "authentication", "models", "chat" (if there is a model to chat with).
struct probe_step {
  std::string name;
  std::chrono::milliseconds duration{0};
  std::optional<error> failure;
  std::string detail;  // what was found, may be empty

  bool ok() const { return !failure; }
};

struct probe_report {
  std::vector<probe_step> steps;  // those that were made, in order
  bool ok() const;
};

/// What to look at.
struct probe_target {
  std::string server_url;
  header_list headers;                                // further ones of the provider
  std::string_view key;                               // must outlive the probe; may be empty
  std::shared_ptr<tls_context> tls;                   // for https
  std::chrono::milliseconds connect_timeout{10'000};  // DNS, TCP and TLS together
  std::chrono::milliseconds total_timeout{30'000};
  const std::atomic<bool>* stop = nullptr;  // ends the probe early once true; must outlive it
};

/// Makes every step up to the first that rules out the next. `model` is what the chat asks for; empty: no chat.
probe_report run_probe(const probe_target& target, const std::string& model);

/// Returns what the upstream lists, sorted, at most `upstream_models_max`; else the error of the step that failed.
result<std::vector<std::string>> upstream_models(const probe_target& target);
constexpr size_t upstream_models_max = 10'000;

}  // namespace nexus::net
