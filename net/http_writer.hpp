// Heads of HTTP/1.1 messages as text. Pure.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nexus::net {

/// Fields of a head in their order, kept as the lines that they become. Names and values hold no line ends: ours never
/// do, foreign ones pass `is_field_value` first.
class header_list {
 public:
  using field = std::pair<std::string_view, std::string_view>;

  header_list() = default;
  header_list(std::initializer_list<field> fields);
  void add(std::string_view name, std::string_view value);
  void add(const header_list& more) { lines_ += more.lines_; }

  /// "name: value\r\n" each.
  std::string_view lines() const { return lines_; }
  bool empty() const { return lines_.empty(); }
  bool operator==(const header_list&) const = default;

  /// Goes over the fields; valid as long as the list is unchanged.
  class iterator {
   public:
    explicit iterator(std::string_view rest) : rest_(rest) {}
    field operator*() const;
    iterator& operator++();
    bool operator!=(const iterator& other) const { return rest_.size() != other.rest_.size(); }

   private:
    std::string_view rest_;
  };
  iterator begin() const { return iterator(lines_); }
  iterator end() const { return iterator({}); }

 private:
  std::string lines_;
};

/// How an answer's body ends.
enum class framing { length, chunked, close, none };

struct response_head {
  int status = 200;
  std::string_view content_type;  // empty: no body, no Content-Type
  framing body = framing::length;
  uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Appends "name: value\r\n".
void append_field(std::string& out, std::string_view name, std::string_view value);

/// Appends status line, the fields of `head`, `headers`, and the empty line.
void append_response_head(std::string& out, const response_head& head, const header_list& headers);

/// Ends a chunked body.
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
