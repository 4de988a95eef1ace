// What the control plane's handlers share: bodies, numbers in paths, ETags, pages of lists.
#pragma once

#include "actors/session.hpp"
#include "conf/json.hpp"

namespace nexus::endpoints {

/// Longest a control request waits for the registry or the stats-writer.
constexpr std::chrono::seconds control_timeout{20};

/// errc::unsupported_media_type unless the body is declared as JSON (or not at all).
result<void> require_json(session& session);
/// Parses the body into a JSON object.
result<json::document> read_object(session& session);

/// Parses a path parameter as an id. errc::not_found if it is no positive number.
result<int64_t> id_parameter(const session& session, size_t index, const char* what);

/// `"v3"`, the ETag of a row's version; and what an If-Match asks for (none, or "*": anything).
std::string etag(int64_t version);
result<std::optional<int64_t>> if_match(session& session);

/// A page of a list: rows behind `after`, at most `limit`.
struct page_request {
  int64_t after = 0;
  size_t limit = 0;
};
result<page_request> read_page(const session& session);

/// Runs `write` for each row of the page and appends `next_cursor` (a string, or null at the end). `rows` maps ids to
/// rows.
template <class Rows, class Write>
void write_page(json::writer& out, std::string_view name, const Rows& rows, const page_request& page, Write write) {
  out.key(name).array();
  size_t left = page.limit;
  int64_t last = 0;
  auto row = rows.upper_bound(page.after);
  for (; row != rows.end() && left > 0; ++row, --left) {
    write(row->second);
    last = row->first;
  }
  out.end_array();
  out.key("next_cursor");
  if (row == rows.end()) {
    out.null();
  } else {
    out.string(std::to_string(last));
  }
}

/// Who makes this request, for the audit log.
change_origin_ptr origin_of(const session& session);

/// Sends a change to the registry and answers with what `show` makes of the changed row's id, or with its failure.
template <class Message, class Show>
void change_and_answer(session& session, Message message, Show show) {
  message.by = origin_of(session);
  session.caf::event_based_actor::request(session.hub().registry, control_timeout, std::move(message))
      .then(
          [&session, show](const change_reply& reply) {
            if (reply.failure) return session.fail(*reply.failure);
            show(session, reply.id);
          },
          [&session](const caf::error&) {
            session.fail(make_error(errc::storage_error,
                                    "The change took too long; look whether it was made before you try again."));
          });
}

/// Members of a JSON object, taken one after the other; complains about the rest.
class member_reader {
 public:
  explicit member_reader(const json::value& object) : object_(object) {}

  /// Each returns nothing if the member is absent (or null), and notes an error for a wrong type or length.
  std::optional<std::string> text(std::string_view name, size_t bytes_max);
  std::optional<bool> boolean(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  /// A nested object as JSON text.
  std::optional<std::string> object(std::string_view name);
  /// Any value but null, for its own reader.
  const json::value* any(std::string_view name) { return take(name); }
  /// Known, but not for changing: skipped.
  void ignore(std::initializer_list<std::string_view> names);
  /// Notes an error if `name` is absent.
  void require(std::string_view name);

  /// The first error of all, a member that nobody asked for included.
  result<void> finish();

 private:
  const json::value* take(std::string_view name);
  void complain(std::string_view name, std::string message);
  const json::value& object_;
  std::vector<std::string_view> seen_;
  std::optional<error> error_;
};

}  // namespace nexus::endpoints
