// What the audit log says of a change: who, what, before and after, without secrets. Pure.
#pragma once

#include "actors/protocols.hpp"

namespace nexus {

using audit_ptr = std::shared_ptr<const storage::audit_entry>;

/// Each answers null if nobody in particular asks (`by` is null). The entry's time and its resource's id are added when
/// the change is written.
template <class Row>
audit_ptr audit_creation(const change_origin_ptr& by, const Row& after);
template <class Row>
audit_ptr audit_update(const change_origin_ptr& by, const Row& before, const Row& after);
template <class Row>
audit_ptr audit_removal(const change_origin_ptr& by, const Row& before);

audit_ptr audit_rotation(const change_origin_ptr& by, const storage::api_key& before, const storage::api_key& after);

/// An entry of any other kind; `after` is a JSON object, or empty.
storage::audit_entry make_audit(const change_origin& by, std::string_view action, std::string_view resource,
                                std::string before, std::string after);

/// A row as a JSON object, every secret masked.
std::string describe_row(const storage::provider& row);
std::string describe_row(const storage::provider_model& row);
std::string describe_row(const storage::api_key& row);
std::string describe_row(const storage::administrator& row);

constexpr std::string_view resource_name(const storage::provider&) { return "provider"; }
constexpr std::string_view resource_name(const storage::provider_model&) { return "provider_model"; }
constexpr std::string_view resource_name(const storage::api_key&) { return "key"; }
constexpr std::string_view resource_name(const storage::administrator&) { return "administrator"; }

template <class Row>
audit_ptr audit_creation(const change_origin_ptr& by, const Row& after) {
  if (!by) return nullptr;
  return std::make_shared<const storage::audit_entry>(
      make_audit(*by, "create", resource_name(after), {}, describe_row(after)));
}

template <class Row>
audit_ptr audit_update(const change_origin_ptr& by, const Row& before, const Row& after) {
  if (!by) return nullptr;
  return std::make_shared<const storage::audit_entry>(
      make_audit(*by, "update", resource_name(after), describe_row(before), describe_row(after)));
}

template <class Row>
audit_ptr audit_removal(const change_origin_ptr& by, const Row& before) {
  if (!by) return nullptr;
  return std::make_shared<const storage::audit_entry>(
      make_audit(*by, "delete", resource_name(before), describe_row(before), {}));
}

}  // namespace nexus
