// Server-sent events (WHATWG HTML, section 9.2), read and written. Pure; one reader belongs to one stream.
#pragma once

#include "conf/error.hpp"

#include <string>
#include <string_view>

namespace nexus::net {

/// Splits a byte stream into whole events, whatever the reads.
class sse_reader {
 public:
  struct event {
    std::string_view raw;   // as received, with its terminating empty line
    std::string_view data;  // data lines joined by '\n'; empty for a comment
    std::string_view name;  // `event:` field, may be empty
    bool has_data = false;
  };

  /// Feeds bytes that must stay alive until `next()` returned false; errc::upstream_invalid_response if an event
  /// exceeds limits::sse_event_bytes_max.
  result<void> feed(std::string_view bytes);
  /// Moves to the next whole event; its views are valid until the next call of anything here. LF, CRLF and CR end
  /// lines. Stray empty lines are no event. An event that ends in CR is told at once: its LF, if it comes in a later
  /// feed, is dropped.
  bool next(event& out);
  /// True if bytes of an unfinished event are kept: at the end of a stream it was cut.
  bool has_partial() const;

 private:
  void parse(std::string_view raw, event& out);

  std::string kept_;        // the unfinished event of earlier feeds
  std::string_view fresh_;  // what is left of the last feed
  std::string joined_;      // the event in hand, if it spans feeds
  std::string data_;        // joined data lines, if there is more than one
  size_t bom_ = 0;          // bytes of a leading byte order mark seen; past its length: none can follow
};

/// Appends `data: <json>\n\n`. `json` holds no line ends.
void append_data(std::string& out, std::string_view json);
/// Appends `: <text>\n\n`: a keep-alive that every decoder skips.
void append_comment(std::string& out, std::string_view text);

constexpr std::string_view sse_done = "data: [DONE]\n\n";

}  // namespace nexus::net
