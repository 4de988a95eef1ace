#include "actors/endpoints.hpp"

#include "actors/endpoints/handlers.hpp"
#include "net/route_match.hpp"

namespace nexus {
namespace {

using namespace endpoints;

constexpr endpoint table[] = {
    // The client's side.
    {"POST", "/v1/chat/completions", access::key, true, chat_completions},
    {"POST", "/chat/completions", access::key, true, chat_completions},
    {"POST", "/v1/tokenize", access::key, true, tokenize},
    {"GET", "/v1/models", access::key, false, list_models},
    {"GET", "/models", access::key, false, list_models},
    {"GET", "/v1/models/{id...}", access::key, false, show_model},
    {"GET", "/ws/chat", access::chat, false, chat_socket},
    // The team's side.
    {"GET", "/providers", access::viewer, false, list_providers},
    {"POST", "/providers", access::administrator, false, create_provider},
    {"GET", "/providers/{provider_id}", access::viewer, false, show_provider},
    {"PUT", "/providers/{provider_id}", access::administrator, false, update_provider},
    {"DELETE", "/providers/{provider_id}", access::administrator, false, delete_provider},
    {"GET", "/providers/{provider_id}/models", access::viewer, false, list_provider_models},
    {"POST", "/providers/{provider_id}/test", access::administrator, false, test_provider},
    {"GET", "/providers/{provider_id}/upstream_models", access::viewer, false, list_upstream_models},
    {"POST", "/provider_models", access::administrator, false, create_provider_model},
    {"GET", "/provider_models/{model_id}", access::viewer, false, show_provider_model},
    {"PUT", "/provider_models/{model_id}", access::administrator, false, update_provider_model},
    {"DELETE", "/provider_models/{model_id}", access::administrator, false, delete_provider_model},
    {"GET", "/keys", access::viewer, false, list_keys},
    {"POST", "/keys", access::administrator, false, create_key},
    {"GET", "/keys/{key_id}", access::viewer, false, show_key},
    {"PUT", "/keys/{key_id}", access::administrator, false, update_key},
    {"DELETE", "/keys/{key_id}", access::administrator, false, delete_key},
    {"POST", "/keys/{key_id}/rotate", access::administrator, false, rotate_key},
    {"GET", "/stats/conversation/{conversation_id}", access::viewer, false, conversation_stats},
    {"GET", "/stats/total", access::viewer, false, total_stats},
    {"GET", "/stats/usage", access::viewer, false, usage_stats},
    {"GET", "/stats/drift", access::viewer, false, drift_stats},
    {"GET", "/stats/audit", access::viewer, false, audit_stats},
    {"GET", "/session", access::viewer, false, show_session},
    {"POST", "/session", access::anyone, false, sign_in},
    {"DELETE", "/session", access::viewer, false, sign_out},
    {"PUT", "/session/password", access::viewer, false, change_password},
    {"GET", "/setup", access::anyone, false, show_setup},
    {"POST", "/setup", access::anyone, false, set_up},
    {"GET", "/administrators", access::viewer, false, list_administrators},
    {"POST", "/administrators", access::administrator, false, create_administrator},
    {"GET", "/administrators/{administrator_id}", access::viewer, false, show_administrator},
    {"PUT", "/administrators/{administrator_id}", access::administrator, false, update_administrator},
    {"DELETE", "/administrators/{administrator_id}", access::administrator, false, delete_administrator},
    {"GET", "/secrets", access::viewer, false, show_secrets},
    {"POST", "/secrets/rotate", access::administrator, false, rotate_secrets},
    {"GET", "/audit_log", access::viewer, false, list_audit_log},
    // Operation and the interface.
    {"GET", "/healthz", access::anyone, false, healthz},
    {"GET", "/readyz", access::anyone, false, readyz},
    {"GET", "/version", access::viewer, false, show_version},
    {"GET", "/", access::anyone, false, page},
    {"GET", "/app", access::anyone, false, page},
    {"GET", "/app/{page...}", access::anyone, false, page},
    {"GET", "/ui/{file...}", access::anyone, false, page_file},
};

}  // namespace

std::span<const endpoint> endpoint_table() { return table; }

endpoint_match find_endpoint(std::string_view method, std::string_view path) {
  endpoint_match match;
  std::vector<std::string> parameters;
  for (const auto& row : table) {
    if (!net::match_path(row.pattern, path, parameters)) continue;
    if (row.method == method) {
      match.found = &row;
      match.parameters = std::move(parameters);
      return match;
    }
    if (!match.allow.empty()) match.allow.append(", ");
    match.allow.append(row.method);
  }
  return match;
}

bool takes_encoded_slash(const endpoint& endpoint, size_t at) {
  return endpoint.pattern.ends_with("...}") && at > endpoint.pattern.rfind('{');
}

}  // namespace nexus
