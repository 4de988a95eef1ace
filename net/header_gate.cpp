#include "net/header_gate.hpp"

#include "conf/limits.hpp"
#include "net/ascii.hpp"
#include "net/server_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace nexus::net {
namespace {

error refuse(std::string_view sentence) { return make_error(errc::invalid_request, std::string(sentence)); }

bool is_token_char(char c) {
  return ascii::is_digit(c) || ascii::is_alpha(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

/// Checks "METHOD SP target SP HTTP/1.x".
class request_line {
 public:
  result<void> check(std::string_view line) {
    const auto first = line.find(' ');
    if (first == std::string_view::npos) return refuse("The request line is not made of method, target and version.");
    if (auto checked = check_method(line.substr(0, first)); !checked) return checked;
    line.remove_prefix(first + 1);
    const auto second = line.find(' ');
    if (second == std::string_view::npos) return refuse("The request line is not made of method, target and version.");
    if (auto checked = check_target(line.substr(0, second)); !checked) return checked;
    const auto version = line.substr(second + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse("The HTTP version is neither 1.1 nor 1.0.");
    version_11_ = version == "HTTP/1.1";
    return {};
  }
  bool version_11() const { return version_11_; }

 private:
  static result<void> check_method(std::string_view method) {
    static constexpr std::array<std::string_view, 7> known{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    if (!is_token(method)) return refuse("The method is not a token.");
    if (std::find(known.begin(), known.end(), method) != known.end()) return {};
    return make_error(errc::method_not_allowed, "The method is none that this server knows.");
  }

  static result<void> check_target(std::string_view target) {
    if (target.empty() || target.front() != '/') return refuse("The request target does not start with '/'.");
    if (target.size() > limits::target_bytes_max) {
      return make_error(errc::head_too_large, "The request target is too long.");
    }
    for (const char c : target) {
      if (c <= 0x20 || c >= 0x7f) return refuse("The request target contains a byte that is not printable ASCII.");
      if (c == '#') return refuse("The request target contains a fragment.");
    }
    return {};
  }

  bool version_11_ = false;
};

/// The field lines of one head, checked one after the other.
class field_lines {
 public:
  field_lines(bool version_11, uint64_t body_bytes_max) : version_11_(version_11), body_bytes_max_(body_bytes_max) {}

  result<void> add(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') return refuse("A header line is folded.");
    if (++lines_ > limits::header_fields_max) {
      return make_error(errc::head_too_large, "The request has too many header fields.");
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return refuse("A header line has no colon.");
    const auto name = line.substr(0, colon);
    if (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
      return refuse("White space stands between a header field's name and its colon.");
    }
    if (!is_token(name)) return refuse("A header field's name is not a token.");
    const auto value = ascii::trim(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), [](char c) { return ascii::is_control(c) && c != '\t'; })) {
      return refuse("A header field's value contains a control character.");
    }
    return check_known(name, value);
  }

  /// Checks what only the whole head shows.
  result<void> finish() const {
    if (hosts_ == 0 && version_11_) return refuse("The Host header is missing.");
    if (content_length_ && transfer_encoding_) return refuse("Content-Length and Transfer-Encoding stand together.");
    if (encoded_) return make_error(errc::unsupported_media_type, "An encoded request body is not supported.");
    if (content_length_ && *content_length_ > body_bytes_max_) {
      return make_error(errc::payload_too_large, "The request body is larger than this server accepts.");
    }
    return {};
  }

 private:
  result<void> check_known(std::string_view name, std::string_view value) {
    if (ascii::iequals(name, "host")) return check_host(value);
    if (ascii::iequals(name, "content-length")) return check_content_length(value);
    if (ascii::iequals(name, "transfer-encoding")) return check_transfer_encoding(value);
    if (ascii::iequals(name, "content-encoding") && !ascii::iequals(value, "identity")) encoded_ = true;
    if (ascii::iequals(name, "expect") && !ascii::iequals(value, "100-continue")) {
      return refuse("The Expect header asks for something other than 100-continue.");
    }
    return {};
  }

  result<void> check_host(std::string_view value) {
    if (++hosts_ > 1) return refuse("The Host header stands more than once.");
    if (!parse_authority(value)) return refuse("The Host header is not a plain host with an optional port.");
    return {};
  }

  result<void> check_content_length(std::string_view value) {
    if (content_length_) return refuse("The Content-Length header stands more than once.");
    // Nineteen digits always fit 64 bits.
    if (value.empty() || value.size() > 19 || !std::all_of(value.begin(), value.end(), ascii::is_digit)) {
      return refuse("The Content-Length header is not a number of 1 to 19 digits.");
    }
    content_length_ = 0;
    std::from_chars(value.data(), value.data() + value.size(), *content_length_);
    return {};
  }

  result<void> check_transfer_encoding(std::string_view value) {
    if (transfer_encoding_) return refuse("The Transfer-Encoding header stands more than once.");
    if (!ascii::iequals(value, "chunked")) return refuse("The Transfer-Encoding header is not exactly \"chunked\".");
    if (!version_11_) return refuse("A Transfer-Encoding header stands in an HTTP/1.0 request.");
    transfer_encoding_ = true;
    return {};
  }

  bool version_11_;
  uint64_t body_bytes_max_;
  size_t lines_ = 0;
  size_t hosts_ = 0;
  std::optional<uint64_t> content_length_;
  bool transfer_encoding_ = false;
  bool encoded_ = false;
};

/// Appends the decoded `text`. Returns false at a broken escape.
bool decode(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? ascii::hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? ascii::hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

/// Decodes a form value: '+' is a space, broken escapes stay.
std::string decode_form(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto escape = text.substr(i, 3);
    if (text[i] == '%' && decode(escape, out)) {
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// Returns where the first encoded slash of `path`, which has no broken escapes, stands once it is decoded, or npos.
size_t find_encoded_slash(std::string_view path) {
  for (size_t i = 0, decoded = 0; i < path.size(); ++i, ++decoded) {
    if (path[i] != '%') continue;
    if (ascii::iequals(path.substr(i, 3), "%2f")) return decoded;
    i += 2;
  }
  return std::string::npos;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

result<void> check_line_ends(std::string_view part) {
  for (size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    if (static_cast<unsigned char>(c) > '\r') continue;
    if (c == '\0') return refuse("The request head contains a NUL byte.");
    if (c == '\n') return refuse("A line of the request head ends with a bare LF.");
    if (c != '\r') continue;
    if (i + 1 < part.size() && part[i + 1] != '\n') return refuse("The request head contains a bare CR.");
    ++i;
  }
  return {};
}

result<void> check_request_head(std::string_view head, uint64_t body_bytes_max) {
  // Goes first, because a reader that collects a head refuses such bytes as they arrive: both must say the same.
  if (auto checked = check_line_ends(head.substr(0, limits::head_bytes_max)); !checked) return checked;
  if (head.size() > limits::head_bytes_max) return make_error(errc::head_too_large, "The request head is too large.");
  if (!head.ends_with("\r\n\r\n")) return refuse("The request head does not end with an empty line.");
  head.remove_suffix(2);

  auto next_line = [&head] {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    return line;
  };
  request_line first;
  if (auto checked = first.check(next_line()); !checked) return checked;
  field_lines lines(first.version_11(), body_bytes_max);
  while (!head.empty()) {
    const auto line = next_line();
    if (line.empty()) return refuse("Bytes follow the end of the request head.");
    if (auto checked = lines.add(line); !checked) return checked;
  }
  return lines.finish();
}

result<target> parse_target(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') return refuse("The request target does not start with '/'.");
  target out;
  const auto question = raw.find('?');
  if (question != std::string_view::npos) out.query = raw.substr(question + 1);
  const auto path = raw.substr(0, question);
  if (!decode(path, out.path)) return refuse("The path contains a broken percent escape.");
  if (std::any_of(out.path.begin(), out.path.end(), ascii::is_control)) {
    return refuse("The path contains a control character.");
  }
  out.encoded_slash = find_encoded_slash(path);
  if (out.path.find('\\') != std::string::npos) return refuse("The path contains a backslash.");
  if (out.path.find(';') != std::string::npos) return refuse("The path contains a semicolon.");
  if (out.path.find("//") != std::string::npos) return refuse("The path contains an empty segment.");
  if (has_dot_segment(out.path)) return refuse("The path contains a dot segment.");
  return out;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = pair.find('=');
    if (decode_form(pair.substr(0, equals)) != name || pair.empty()) continue;
    return equals == std::string_view::npos ? std::string() : decode_form(pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace nexus::net
