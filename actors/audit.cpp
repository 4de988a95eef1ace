#include "actors/audit.hpp"

#include "actors/key_json.hpp"

namespace nexus {

storage::audit_entry make_audit(const change_origin& by, std::string_view action, std::string_view resource,
                                std::string before, std::string after) {
  return {.id = 0,
          .at = 0,
          .actor = by.actor,
          .action = std::string(action),
          .resource = std::string(resource),
          .resource_id = 0,
          .before = std::move(before),
          .after = std::move(after),
          .address = by.address,
          .request_id = by.request_id};
}

audit_ptr audit_rotation(const change_origin_ptr& by, const storage::api_key& before, const storage::api_key& after) {
  if (!by) return nullptr;
  return std::make_shared<const storage::audit_entry>(
      make_audit(*by, "rotate", "key", describe_row(before), describe_row(after)));
}

std::string describe_row(const storage::provider& row) {
  json::writer out;
  out.object().key("name").string(row.name).key("kind").string(row.kind).key("server_url").string(row.server_url);
  out.key("server_key").string(row.server_key.masked()).key("personalized_key").string(row.personalized_key.masked());
  out.key("description").string(row.description).key("enabled").boolean(row.enabled);
  out.key("weight").number(row.weight).key("priority").number(row.priority).key("headers").object();
  if (const auto headers = parse_provider_headers(row.headers))
    for (const auto& [name, value] : *headers) out.key(name).string(secret(std::string(value)).masked());
  out.end_object().key("timeouts").raw(row.timeouts).end_object();
  return out.take();
}

std::string describe_row(const storage::provider_model& row) {
  json::writer out;
  out.object().key("provider_id").number(row.provider_id).key("model_name").string(row.model_name);
  out.key("description").string(row.description).end_object();
  return out.take();
}

std::string describe_row(const storage::api_key& row) {
  json::writer out;
  out.object().key("key").string(row.masked);
  write_key_terms(out, row);
  out.key("former_key_until");
  if (row.former_until == 0) {
    out.null();
  } else {
    out.number(row.former_until);
  }
  out.end_object();
  return out.take();
}

std::string describe_row(const storage::administrator& row) {
  json::writer out;
  out.object().key("name").string(row.name);
  out.key("role").string(row.role == storage::admin_role::viewer ? "viewer" : "administrator").end_object();
  return out.take();
}

}  // namespace nexus
