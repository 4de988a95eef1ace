#include "net/sse.hpp"

#include "conf/limits.hpp"

#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>

namespace nexus::net {

namespace {

constexpr size_t none = std::string_view::npos;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
static_assert(std::endian::native == std::endian::little, "line ends are found by the lowest flagged byte");

bool ends_line(char c) { return c == '\n' || c == '\r'; }

/// Returns where the line ends that holds `at`, eight bytes at a time, or none.
size_t find_line_end(std::string_view text, size_t at) {
  constexpr uint64_t ones = ~uint64_t{0} / 255;
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    // Flags bytes up to CR. The lowest flag is exact; those above it may be borrowed.
    auto flags = (word - ones * ('\r' + 1)) & ~word & (ones * 0x80);
    if (flags == 0) {
      at += 8;
      continue;
    }
    at += static_cast<size_t>(std::countr_zero(flags)) / 8;
    if (ends_line(text[at])) return at;
    ++at;
  }
  for (; at < text.size(); ++at)
    if (ends_line(text[at])) return at;
  return none;
}

/// Returns the start of the line behind the line end at `at`.
size_t behind_line_end(std::string_view text, size_t at) {
  bool pair = text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
  return at + (pair ? 2 : 1);
}

/// Returns the end of the event that goes on in `text`, or none. `previous` is the byte before it.
size_t find_event_end(std::string_view text, char previous) {
  size_t at = previous == '\r' && !text.empty() && text[0] == '\n' ? 1 : 0;
  bool line_start = ends_line(previous);
  while (at < text.size()) {
    if (line_start && ends_line(text[at])) return behind_line_end(text, at);
    at = find_line_end(text, at);
    if (at == none) return none;
    at = behind_line_end(text, at);
    line_start = true;
  }
  return none;
}

std::string_view without_empty_lines(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && ends_line(text[at])) ++at;
  return text.substr(at);
}

/// True if an event in `kept` and `fresh`, finished or not, is longer than allowed.
bool holds_oversized(std::string_view kept, std::string_view fresh) {
  auto before = kept.size();
  auto previous = kept.empty() ? '\0' : kept.back();
  while (before + fresh.size() > limits::sse_event_bytes_max) {
    if (before == 0) fresh = without_empty_lines(fresh);
    auto end = find_event_end(fresh, previous);
    if (before + (end == none ? fresh.size() : end) > limits::sse_event_bytes_max) return true;
    if (end == none) return false;
    fresh.remove_prefix(end);
    before = 0;
    previous = '\0';
  }
  return false;
}

}  // namespace

result<void> sse_reader::feed(std::string_view bytes) {
  assert(fresh_.empty());
  while (bom_ < byte_order_mark.size() && !bytes.empty()) {
    if (bytes[0] != byte_order_mark[bom_]) {
      kept_ = byte_order_mark.substr(0, bom_);
      bom_ = byte_order_mark.size();
      break;
    }
    bytes.remove_prefix(1);
    ++bom_;
  }
  if (kept_.size() + bytes.size() > limits::sse_event_bytes_max && holds_oversized(kept_, bytes)) {
    kept_.clear();
    return make_error(errc::upstream_invalid_response, "The upstream sent an event that is too long.");
  }
  fresh_ = bytes;
  return {};
}

bool sse_reader::next(event& out) {
  if (kept_.empty()) fresh_ = without_empty_lines(fresh_);
  auto end = find_event_end(fresh_, kept_.empty() ? '\0' : kept_.back());
  if (end == none) {
    kept_ += fresh_;
    fresh_ = {};
    return false;
  }
  auto raw = fresh_.substr(0, end);
  fresh_.remove_prefix(end);
  if (!kept_.empty()) {
    kept_ += raw;
    joined_.swap(kept_);
    kept_.clear();
    raw = joined_;
  }
  parse(raw, out);
  return true;
}

bool sse_reader::has_partial() const { return !kept_.empty(); }

void sse_reader::parse(std::string_view raw, event& out) {
  out = {};
  out.raw = raw;
  bool several = false;
  for (size_t at = 0; at < raw.size();) {
    auto end = find_line_end(raw, at);
    auto line = raw.substr(at, end - at);
    at = behind_line_end(raw, end);
    auto colon = line.find(':');
    auto field = line.substr(0, colon);
    auto value = colon == none ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") out.name = value;
    if (field != "data") continue;
    if (out.has_data) {
      if (!several) data_ = out.data;
      several = true;
      data_ += '\n';
      data_ += value;
    }
    out.has_data = true;
    out.data = several ? std::string_view(data_) : value;
  }
}

void append_data(std::string& out, std::string_view json) {
  assert(json.find_first_of("\r\n") == none);
  out += "data: ";
  out += json;
  out += "\n\n";
}

void append_comment(std::string& out, std::string_view text) {
  assert(text.find_first_of("\r\n") == none);
  out += ": ";
  out += text;
  out += "\n\n";
}

}  // namespace nexus::net
