// Heads of HTTP/1.1 messages as text. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::net {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// How an answer's body ends.
enum class framing { length, chunked, close, none };

struct response_head {
  int status = 200;
  std::string_view content_type;  // empty: no body, no Content-Type
  framing body = framing::length;
  uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Appends status line, the fields of `head`, `headers`, and the empty line. Values must hold no line ends: ours never
/// do, foreign ones pass `is_field_value` first.
void append_response_head(std::string& out, const response_head& head, const header_list& headers);

/// Appends one chunk of a chunked body. `bytes` is not empty: that would end the body.
void append_chunk(std::string& out, std::string_view bytes);
constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Returns the size line that opens a chunk of `size` bytes ("1f\r\n"); "\r\n" closes it.
std::string chunk_size_line(size_t size);

/// True if `value` may stand in a header: 1 to 256 visible ASCII characters or spaces.
bool is_field_value(std::string_view value);
/// True if a caller's request or conversation id may be taken over: 1 to 128 visible ASCII characters, no spaces.
bool is_label(std::string_view value);

std::string_view reason_phrase(int status);

/// Returns `path` with its query as the head of a POST with a JSON body, or of a GET without one (`content_length`
/// empty).
std::string request_head(std::string_view method, std::string_view path, std::string_view host_header,
                         const header_list& headers, std::optional<uint64_t> content_length);

}  // namespace nexus::net
