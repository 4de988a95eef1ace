#include "actors/snapshot.hpp"

#include "actors/grants.hpp"
#include "conf/json.hpp"
#include "conf/version.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace nexus {
namespace {

// Fields that the hub sets itself or that would change the message's framing.
constexpr std::array<std::string_view, 12> reserved_headers = {
    "host",    "content-length", "content-type", "transfer-encoding", "connection",
    "upgrade", "authorization",  "accept",       "accept-encoding",   "expect",
    "te",      "trailer"};

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

bool is_token(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
  });
}

provider_ptr make_config(const std::shared_ptr<const storage::provider>& row, const control_state& state,
                         const options& options) {
  auto config = std::make_shared<provider_config>();
  config->row = row;
  for (const auto& [id, model] : state.models)
    if (model->provider_id == row->id) {
      config->models.push_back(model);
      config->by_name.emplace(model->model_name, model);
    }
  config->timeouts = options.upstream;
  if (auto timeouts = parse_provider_timeouts(row->timeouts, options.upstream)) config->timeouts = *timeouts;
  if (auto headers = parse_provider_headers(row->headers)) config->headers = *headers;
  config->call_headers = with_call_headers(config->headers);
  config->usable = row->enabled;
  if (config->is_demo()) return config;
  if (auto chat = net::chat_endpoint(row->server_url)) {
    config->chat = *chat;
  } else {
    config->usable = false;
  }
  return config;
}

void add_routes(principal& principal, const provider_ptr& config) {
  for (const auto& model : config->models) {
    if (!grants(principal, config->row->id, model->model_name)) continue;
    auto& providers = principal.routes[model->model_name];
    const auto place = std::upper_bound(providers.begin(), providers.end(), config, [](const auto& a, const auto& b) {
      return a->row->priority < b->row->priority;
    });
    providers.insert(place, config);
  }
}

std::shared_ptr<key_terms> make_terms(const storage::api_key& row) {
  auto terms = std::make_shared<key_terms>();
  terms->enabled = row.enabled;
  terms->expires_at = row.expires_at;
  terms->providers = row.providers;
  terms->models = row.models;
  for (const auto& text : row.addresses) {
    if (auto range = net::address_range::parse(text)) {
      terms->addresses.push_back(*range);
    } else {
      terms->enabled = false;  // checked when it was stored: rather nobody than everybody
    }
  }
  terms->last_used = row.last_used_at;
  return terms;
}

// A key stays known while it or its providers are switched off: for these it is 404, not 401.
void add_key(snapshot& made, const std::shared_ptr<const storage::api_key>& row) {
  made.key_rows.emplace(row->id, row);
  auto key = std::make_shared<principal>();
  key->id = static_cast<uint64_t>(row->id);
  key->key_id = row->id;
  key->limits = row->limits;
  key->terms = make_terms(*row);
  for (const auto& [id, config] : made.providers)
    if (config->usable) add_routes(*key, config);
  if (!row->former_digest.empty() && row->former_until != 0) {
    auto terms = make_terms(*row);
    terms->expires_at = row->expires_at == 0 ? row->former_until : std::min(row->expires_at, row->former_until);
    auto former = std::make_shared<principal>(*key);
    former->terms = std::move(terms);
    made.keys.emplace(row->former_digest, std::move(former));
  }
  made.keys.insert_or_assign(row->digest, std::move(key));
}

}  // namespace

net::header_list with_call_headers(const net::header_list& own) {
  auto headers = own;
  headers.add("accept-encoding", "identity");
  headers.add("user-agent", std::string("nexus-hub/") + version);
  return headers;
}

result<net::header_list> parse_provider_headers(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->IsObject())
    return make_error(errc::invalid_request, "'headers' must be an object of strings.");
  net::header_list headers;
  for (const auto& member : parsed->GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (!member.value.IsString()) return make_error(errc::invalid_request, "'headers' must be an object of strings.");
    const std::string_view value(member.value.GetString(), member.value.GetStringLength());
    const auto lowered = lower(name);
    if (!is_token(name) ||
        std::find(reserved_headers.begin(), reserved_headers.end(), lowered) != reserved_headers.end())
      return make_error(errc::invalid_request, "'headers' may not hold '" + std::string(name.substr(0, 64)) + "'.");
    if (!net::is_field_value(value))
      return make_error(errc::invalid_request,
                        "The header '" + std::string(name) + "' has a value that cannot be sent.");
    headers.add(lowered, value);
  }
  return headers;
}

result<upstream_options> parse_provider_timeouts(std::string_view text, const upstream_options& defaults) {
  constexpr int64_t longest_ms = 24 * 3600 * 1000;
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->IsObject())
    return make_error(errc::invalid_request, "'timeouts' must be an object of milliseconds.");
  auto timeouts = defaults;
  const std::pair<std::string_view, std::chrono::milliseconds*> known[] = {
      {"connect", &timeouts.connect_timeout},
      {"head", &timeouts.head_timeout},
      {"first_token", &timeouts.first_token_timeout},
      {"idle", &timeouts.idle_timeout},
      {"total", &timeouts.total_timeout}};
  for (const auto& member : parsed->GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    const auto row =
        std::find_if(std::begin(known), std::end(known), [&](const auto& entry) { return entry.first == name; });
    if (row == std::end(known))
      return make_error(errc::invalid_request, "'timeouts' knows connect, head, first_token, idle and total.");
    if (!member.value.IsInt64() || member.value.GetInt64() < 1 || member.value.GetInt64() > longest_ms)
      return make_error(errc::invalid_request,
                        "'timeouts." + std::string(name) + "' must be milliseconds between 1 and 86400000.");
    *row->second = std::chrono::milliseconds(member.value.GetInt64());
  }
  return timeouts;
}

snapshot_ptr make_snapshot(const control_state& state, const options& options, uint64_t version) {
  auto made = std::make_shared<snapshot>();
  made->version = version;
  auto administrator = std::make_shared<principal>();
  for (const auto& [id, row] : state.providers) {
    const auto config = make_config(row, state, options);
    made->providers.emplace(id, config);
    if (config->usable) add_routes(*administrator, config);
  }
  for (const auto& [id, row] : state.keys) add_key(*made, row);
  made->administrator = std::move(administrator);
  return made;
}

}  // namespace nexus
