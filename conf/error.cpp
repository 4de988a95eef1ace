#include "conf/error.hpp"

#include <array>
#include <stdexcept>

namespace nexus {
namespace {

constexpr std::string_view request_type = "invalid_request_error";
constexpr std::string_view upstream_type = "upstream_error";
constexpr std::string_view server_type = "server_error";

constexpr std::array table{
    error_info{errc::invalid_request, "invalid_request", 400, request_type, false},
    error_info{errc::invalid_api_key, "invalid_api_key", 401, "authentication_error", false},
    error_info{errc::forbidden, "forbidden", 403, "permission_error", false},
    error_info{errc::not_found, "not_found", 404, request_type, false},
    error_info{errc::route_not_found, "route_not_found", 404, request_type, false},
    error_info{errc::model_not_found, "model_not_found", 404, request_type, false},
    error_info{errc::method_not_allowed, "method_not_allowed", 405, request_type, false},
    error_info{errc::request_timeout, "request_timeout", 408, request_type, true},
    error_info{errc::conflict, "conflict", 409, request_type, false},
    error_info{errc::precondition_failed, "precondition_failed", 412, request_type, false},
    error_info{errc::payload_too_large, "payload_too_large", 413, request_type, false},
    error_info{errc::head_too_large, "head_too_large", 431, request_type, false},
    error_info{errc::unsupported_media_type, "unsupported_media_type", 415, request_type, false},
    error_info{errc::rate_limited, "rate_limit_exceeded", 429, "rate_limit_error", true},
    error_info{errc::insufficient_quota, "insufficient_quota", 429, "rate_limit_error", false},
    error_info{errc::client_closed, "client_closed", 499, request_type, false},
    // Another provider may do what this one refused, so most of these are worth another try.
    error_info{errc::upstream_error, "upstream_error", 502, upstream_type, true},
    error_info{errc::upstream_invalid_response, "upstream_invalid_response", 502, upstream_type, true},
    error_info{errc::upstream_credentials_rejected, "upstream_credentials_rejected", 502, upstream_type, true},
    error_info{errc::upstream_redirect, "upstream_redirect", 502, upstream_type, true},
    error_info{errc::upstream_timeout, "upstream_timeout", 504, upstream_type, true},
    error_info{errc::upstream_unavailable, "upstream_unavailable", 503, upstream_type, true},
    // Whether to try again depends on the status that passes through.
    error_info{errc::upstream_status, "upstream_status", 502, upstream_type, false},
    error_info{errc::overloaded, "overloaded", 503, server_type, true},
    error_info{errc::shutting_down, "shutting_down", 503, server_type, true},
    error_info{errc::storage_error, "storage_error", 503, server_type, true},
    error_info{errc::internal, "internal", 500, server_type, false},
};

constexpr bool in_order() {
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i].code != static_cast<errc>(i)) return false;
  return table.size() == static_cast<size_t>(errc::internal) + 1;
}
static_assert(in_order(), "one row for each errc, in the order of the enum");

}  // namespace

const error_info& info(errc code) { return table[static_cast<size_t>(code)]; }

void throw_exception_from_error(const error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace nexus
