// What can go wrong, in one table: name, HTTP status, API error type, whether a client may try again.
// Values only; safe on every thread.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nexus {

/// Every failure that the hub reports. The table in error.cpp holds one row for each, in this order.
enum class errc {
  // The caller's request.
  invalid_request,         // malformed HTTP, JSON or field
  invalid_api_key,         // missing or unknown credential
  forbidden,               // authenticated, but not allowed (for example a foreign Origin)
  not_found,               // no such resource
  route_not_found,         // no such URL
  model_not_found,         // the model is not among those that the key reaches
  method_not_allowed,      //
  request_timeout,         // the client did not finish its request in time
  conflict,                // the name is taken
  precondition_failed,     // If-Match does not hold
  payload_too_large,       //
  head_too_large,          // request head over its bound
  unsupported_media_type,  //
  rate_limited,            //
  insufficient_quota,      // the key's budget is spent
  client_closed,           // the client left before the end (logged, never answered)
  // The upstream.
  upstream_error,                 // refused, reset, or otherwise failed
  upstream_invalid_response,      // answered something that is not an answer
  upstream_credentials_rejected,  // rejected our key
  upstream_redirect,              // redirected: never followed with our key
  upstream_timeout,               // did not answer within its deadline
  upstream_unavailable,           // its circuit is open, or all its connections are busy
  upstream_status,                // an error answer of its own that passes through with its status
  // The hub.
  overloaded,     // a bound is reached
  shutting_down,  // draining
  storage_error,  // the database refused
  internal,       // a defect of ours
};

/// One row of the table.
struct error_info {
  errc code;
  std::string_view name;  // `error.code` of the OpenAI dialect
  int status;             // HTTP
  std::string_view type;  // `error.type` of the OpenAI dialect
  bool retryable;         // another try, perhaps elsewhere, may succeed
};

const error_info& info(errc code);

/// A failure on its way to whoever can act on it.
struct error {
  errc code = errc::internal;
  std::string message;                              // one sentence, safe for every client
  std::string detail;                               // for the log only
  std::string param;                                // the offending field, if one is to blame
  std::optional<std::chrono::seconds> retry_after;  // sent as Retry-After
  std::optional<int> status;                        // overrides the table's (errc::upstream_status)
  bool is_final = false;                            // the same request will fail again, whatever the table says

  int http_status() const { return status ? *status : info(code).status; }
};

template <class T>
using result = boost::system::result<T, error>;

/// Makes an error with a message for the client and, optionally, a detail for the log.
inline error make_error(errc code, std::string message, std::string detail = {}) {
  return {.code = code,
          .message = std::move(message),
          .detail = std::move(detail),
          .param = {},
          .retry_after = {},
          .status = {},
          .is_final = false};
}

/// Raised while starting only; `main` prints the message as one sentence and exits with `exit_code`.
[[noreturn]] void throw_exception_from_error(const error& error, const boost::source_location&);

}  // namespace nexus
