#include "net/http_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace nexus::net {
namespace {

struct phrase {
  int status;
  std::string_view text;
};

constexpr phrase phrases[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {529, "Overloaded"},
};

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

constexpr std::string_view colon = ": ";
constexpr std::string_view line_end = "\r\n";

}  // namespace

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(colon).append(value).append(line_end);
}

header_list::header_list(std::initializer_list<field> fields) {
  for (const auto& [name, value] : fields) add(name, value);
}

void header_list::add(std::string_view name, std::string_view value) { append_field(lines_, name, value); }

header_list::field header_list::iterator::operator*() const {
  const auto line = rest_.substr(0, rest_.find(line_end));
  const auto name_end = line.find(colon);
  return {line.substr(0, name_end), line.substr(name_end + colon.size())};
}

header_list::iterator& header_list::iterator::operator++() {
  rest_.remove_prefix(rest_.find(line_end) + line_end.size());
  return *this;
}

std::string_view reason_phrase(int status) {
  for (const auto& row : phrases)
    if (row.status == status) return row.text;
  return "Status";
}

void append_response_head(std::string& out, const response_head& head, const header_list& headers) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(head.status));
  out.append(" ").append(reason_phrase(head.status)).append("\r\n");
  if (!head.content_type.empty()) append_field(out, "content-type", head.content_type);
  if (head.body == framing::length) {
    out.append("content-length: ");
    append_number(out, head.content_length);
    out.append("\r\n");
  } else if (head.body == framing::chunked) {
    append_field(out, "transfer-encoding", "chunked");
  }
  if (!head.keep_alive) append_field(out, "connection", "close");
  out.append(headers.lines()).append("\r\n");
}

std::string chunk_size_line(size_t size) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  std::string line(digits.data(), end);
  line.append("\r\n");
  return line;
}

bool is_field_value(std::string_view value) {
  return !value.empty() && value.size() <= 256 &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_label(std::string_view value) {
  return !value.empty() && value.size() <= 128 &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string request_head(std::string_view method, std::string_view path, std::string_view host_header,
                         const header_list& headers, std::optional<uint64_t> content_length) {
  std::string out;
  out.reserve(512);
  out.append(method).append(" ").append(path).append(" HTTP/1.1\r\n");
  append_field(out, "host", host_header);
  if (content_length) {
    append_field(out, "content-type", "application/json");
    out.append("content-length: ");
    append_number(out, *content_length);
    out.append("\r\n");
  }
  out.append(headers.lines()).append("\r\n");
  return out;
}

}  // namespace nexus::net
