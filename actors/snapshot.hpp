// What the data plane knows of the control plane: immutable, built by the registry, published to every shard, shared by
// pointer. A request keeps the snapshot's parts that it uses for as long as it runs.
#pragma once

#include "conf/options.hpp"
#include "net/address_range.hpp"
#include "net/http_writer.hpp"
#include "net/server_url.hpp"
#include "storage/key_limits.hpp"
#include "storage/records.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace nexus {

/// A provider, ready for use: its row and what follows from it.
struct provider_config {
  std::shared_ptr<const storage::provider> row;
  std::vector<std::shared_ptr<const storage::provider_model>> models;  // ORDER BY id
  std::map<std::string, std::shared_ptr<const storage::provider_model>, std::less<>> by_name;
  net::endpoint_url chat;         // unused by the demo provider
  net::header_list headers;       // the provider's own
  net::header_list call_headers;  // of every call: these and the hub's, without credentials
  upstream_options timeouts;      // [upstream] with the provider's overrides
  bool usable = false;            // enabled, and its URL is sound
  bool is_demo() const { return row->kind == "demo"; }
  /// Null if the provider has no such model.
  const storage::provider_model* find_model(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second.get();
  }
};
using provider_ptr = std::shared_ptr<const provider_config>;

/// The conditions of a personalized key.
struct key_terms {
  bool enabled = true;
  int64_t expires_at = 0;                     // wall clock, ms; 0 never
  std::vector<int64_t> providers;             // granted; empty: all
  std::vector<std::string> models;            // granted patterns; empty: all
  std::vector<net::address_range> addresses;  // that it may be used from; empty: all
  mutable std::atomic<int64_t> last_used{0};  // wall clock, ms; as far as it was written down
};

/// What one caller may reach.
struct principal {
  uint64_t id = 0;     // tells callers apart: scopes conversations and running chats
  int64_t key_id = 0;  // of the personalized key's row; 0 for the administrator
  storage::key_limits limits;
  std::shared_ptr<const key_terms> terms;  // null for the administrator
  std::map<std::string, std::vector<provider_ptr>, std::less<>>
      routes;  // model -> providers that serve it, best first by priority

  const std::vector<provider_ptr>* find(std::string_view model) const {
    const auto found = routes.find(model);
    return found == routes.end() ? nullptr : &found->second;
  }
};
using principal_ptr = std::shared_ptr<const principal>;

struct snapshot {
  uint64_t version = 0;
  std::map<int64_t, provider_ptr> providers;
  std::unordered_map<std::string, principal_ptr>
      keys;  // keyed digest of a personalized key -> who it is, if disabled, too
  std::map<int64_t, std::shared_ptr<const storage::api_key>> key_rows;
  principal_ptr administrator;  // reaches every usable provider
};
using snapshot_ptr = std::shared_ptr<const snapshot>;

/// Rows of the control plane as shared values.
struct control_state {
  std::map<int64_t, std::shared_ptr<const storage::provider>> providers;
  std::map<int64_t, std::shared_ptr<const storage::provider_model>> models;
  std::map<int64_t, std::shared_ptr<const storage::api_key>> keys;
};

snapshot_ptr make_snapshot(const control_state& state, const options& options, uint64_t version);

/// Further settings of a provider, as stored in its JSON columns.
result<net::header_list> parse_provider_headers(std::string_view json);
/// A provider's own headers, and those that the hub adds to every call.
net::header_list with_call_headers(const net::header_list& own);
/// Members in milliseconds: connect, head, first_token, idle, total.
result<upstream_options> parse_provider_timeouts(std::string_view json, const upstream_options& defaults);

}  // namespace nexus
