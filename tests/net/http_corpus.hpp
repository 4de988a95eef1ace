// Raw HTTP/1.1 bytes from clients, each with the one right verdict: how many requests they hold and whether they end in
// a refusal. Readers must give it however the bytes are cut.
#pragma once

#include "conf/error.hpp"
#include "conf/limits.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::net::corpus {

using namespace std::string_literals;

constexpr uint64_t body_bytes_max = 1000;

struct request_case {
  std::string name;
  std::string bytes;
  size_t requests = 0;
  std::optional<errc> refusal;
};

/// What an attacker wants to have read as a request of its own.
inline const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

inline std::string line(const std::string& request_line) { return request_line + "\r\nHost: h\r\n\r\n"; }
inline std::string get(const std::string& lines) { return "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n"; }
inline std::string post(const std::string& lines, const std::string& body) {
  return "POST /v1 HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + body;
}
inline std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }
inline std::string host(const std::string& value) { return "GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n"; }
inline std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}
/// A head of exactly `size` bytes.
inline std::string head_of(size_t size) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
}

inline std::vector<request_case> valid_requests() {
  return {
      {"minimal", get(""), 1, {}},
      {"every known method",
       line("GET / HTTP/1.1") + line("HEAD / HTTP/1.1") + line("POST / HTTP/1.1") + line("PUT / HTTP/1.1") +
           line("DELETE / HTTP/1.1") + line("PATCH / HTTP/1.1") + line("OPTIONS / HTTP/1.1"),
       7,
       {}},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 1, {}},
      {"HTTP/1.0 with Host", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", 1, {}},
      {"HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", 1, {}},
      {"Content-Length", post("Content-Length: 5\r\n", "hello"), 1, {}},
      {"Content-Length of zero", post("Content-Length: 0\r\n", ""), 1, {}},
      {"Content-Length with leading zeros", post("Content-Length: 0005\r\n", "hello"), 1, {}},
      {"Content-Length of nineteen digits", post("Content-Length: 0000000000000000005\r\n", "hello"), 1, {}},
      {"Content-Length between spaces", post("Content-Length: \t 5 \t\r\n", "hello"), 1, {}},
      {"body of the largest size", post("Content-Length: 1000\r\n", std::string(1000, 'b')), 1, {}},
      {"GET with a body", get("Content-Length: 3\r\n") + "abc", 1, {}},
      {"POST without a body", post("", ""), 1, {}},
      {"chunked", chunked("5\r\nhello\r\n0\r\n\r\n"), 1, {}},
      {"chunked without a byte", chunked("0\r\n\r\n"), 1, {}},
      {"chunked in upper case", post("TRANSFER-ENCODING: CHUNKED\r\n", "1\r\nx\r\n0\r\n\r\n"), 1, {}},
      {"two chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 1, {}},
      {"chunk size with letters of both cases", chunked("0aF\r\n" + std::string(0xaf, 'c') + "\r\n0\r\n\r\n"), 1, {}},
      {"chunk size with leading zeros", chunked("0000000000000000000005\r\nhello\r\n000\r\n\r\n"), 1, {}},
      {"chunk sizes that begin with zero", chunked("01\r\nx\r\n002\r\nyz\r\n0\r\n\r\n"), 1, {}},
      {"chunk extension", chunked("5;name=value\r\nhello\r\n0;last\r\n\r\n"), 1, {}},
      {"chunk extension in quotes", chunked("5;a=\"b; \\\"c\"\r\nhello\r\n0\r\n\r\n"), 1, {}},
      {"chunk extension of the longest size",
       chunked("5;" + std::string(limits::chunk_extension_bytes_max - 1, 'e') + "\r\nhello\r\n0\r\n\r\n"),
       1,
       {}},
      {"chunk data with CRLF", chunked("8\r\n\r\n0\r\n\r\nx\r\n0\r\n\r\n"), 1, {}},
      {"chunked body of the largest size",
       chunked("1f4\r\n" + std::string(500, 'a') + "\r\n1F4\r\n" + std::string(500, 'b') + "\r\n0\r\n\r\n"),
       1,
       {}},
      {"pipelined requests", get("") + get("") + get(""), 3, {}},
      {"pipelined behind a body", post("Content-Length: 2\r\n", "hi") + get(""), 2, {}},
      {"pipelined behind chunks", chunked("2\r\nhi\r\n0\r\n\r\n") + get("") + chunked("0\r\n\r\n") + get(""), 4, {}},
      {"a body that looks like a request",
       post("Content-Length: " + std::to_string(smuggled.size()) + "\r\n", smuggled),
       1,
       {}},
      {"an empty line before a request", "\r\n" + get(""), 1, {}},
      {"an empty line behind a body", post("Content-Length: 2\r\n", "hi") + "\r\n" + get(""), 2, {}},
      {"a value without a space before it", get("X:y\r\n"), 1, {}},
      {"an empty value", get("X:\r\n"), 1, {}},
      {"a value with a tab and Latin-1", get("X: a\tb \xe9\r\n"), 1, {}},
      {"a value with colons", get("X: a:b::c\r\n"), 1, {}},
      {"a name of odd tokens", get("!#$%&'*+-.^_`|~9: v\r\n"), 1, {}},
      {"the same field twice", get("Accept: a\r\nAccept: b\r\n"), 1, {}},
      {"a hundred fields", "GET / HTTP/1.1\r\nHost: h\r\n" + repeat("X: y\r\n", 99) + "\r\n", 1, {}},
      {"the largest head", head_of(limits::head_bytes_max), 1, {}},
      {"the longest target", line("GET /" + std::string(limits::target_bytes_max - 1, 't') + " HTTP/1.1"), 1, {}},
      {"target with a query", line("GET /a/b?c=d&e=%20 HTTP/1.1"), 1, {}},
      {"target with odd ASCII", line("GET /a{}|\\^\"<> HTTP/1.1"), 1, {}},
      {"Host with a port", host(" h.example:8000"), 1, {}},
      {"Host as IPv4", host(" 127.0.0.1"), 1, {}},
      {"Host as IPv6", host(" [::1]:8000"), 1, {}},
      {"Expect", post("Expect: 100-Continue\r\nContent-Length: 2\r\n", "hi"), 1, {}},
      {"Content-Encoding identity", post("Content-Encoding: identity\r\nContent-Length: 2\r\n", "hi"), 1, {}},
      {"Connection close", get("Connection: close\r\n"), 1, {}},
      {"upgrade", get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"), 1, {}},
  };
}

/// Valid as far as they go.
inline std::vector<request_case> unfinished_requests() {
  return {
      {"nothing", "", 0, {}},
      {"an empty line", "\r\n", 0, {}},
      {"half a head", "GET / HTTP/1.1\r\nHost: h\r\n", 0, {}},
      {"a head but for its last byte", "GET / HTTP/1.1\r\nHost: h\r\n\r", 0, {}},
      {"half a body", post("Content-Length: 5\r\n", "hel"), 0, {}},
      {"a chunk's size alone", chunked("5\r\n"), 0, {}},
      {"half a chunk's size", chunked("5"), 0, {}},
      {"half a chunk", chunked("5\r\nhel"), 0, {}},
      {"a chunk without its line end", chunked("5\r\nhello"), 0, {}},
      {"no last chunk", chunked("5\r\nhello\r\n"), 0, {}},
      {"half the last chunk", chunked("5\r\nhello\r\n0\r\n"), 0, {}},
      {"half an empty body", chunked("0\r\n"), 0, {}},
      {"three quarters of an empty body", chunked("0\r\n\r"), 0, {}},
      {"a whole and half a request", get("") + "GET /", 1, {}},
  };
}

inline std::vector<request_case> broken_request_lines() {
  const auto bad = errc::invalid_request;
  return {
      {"bare LF everywhere", "GET / HTTP/1.1\nHost: h\n\n", 0, bad},
      {"bare LF behind the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 0, bad},
      {"bare CR behind the request line", "GET / HTTP/1.1\rHost: h\r\n\r\n", 0, bad},
      {"two empty lines before a request", "\r\n\r\n" + get(""), 0, bad},
      {"NUL in the method", "G\0T / HTTP/1.1\r\nHost: h\r\n\r\n"s, 0, bad},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"s, 0, bad},
      {"a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 0, bad},
      {"unknown method", line("BREW / HTTP/1.1"), 0, errc::method_not_allowed},
      {"method in lower case", line("get / HTTP/1.1"), 0, errc::method_not_allowed},
      {"TRACE", line("TRACE / HTTP/1.1"), 0, errc::method_not_allowed},
      {"CONNECT", line("CONNECT h:443 HTTP/1.1"), 0, errc::method_not_allowed},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, errc::method_not_allowed},
      {"method that is no token", line("G(T / HTTP/1.1"), 0, bad},
      {"no method", line(" / HTTP/1.1"), 0, bad},
      {"space before the method", line(" GET / HTTP/1.1"), 0, bad},
      {"tab between the parts", line("GET\t/\tHTTP/1.1"), 0, bad},
      {"two spaces before the target", line("GET  / HTTP/1.1"), 0, bad},
      {"two spaces before the version", line("GET /  HTTP/1.1"), 0, bad},
      {"space behind the version", line("GET / HTTP/1.1 "), 0, bad},
      {"a fourth word", line("GET / x HTTP/1.1"), 0, bad},
      {"no target", line("GET HTTP/1.1"), 0, bad},
      {"absolute-form target", line("GET http://h/ HTTP/1.1"), 0, bad},
      {"asterisk-form target", line("OPTIONS * HTTP/1.1"), 0, bad},
      {"relative target", line("GET a HTTP/1.1"), 0, bad},
      {"fragment in the target", line("GET /a#b HTTP/1.1"), 0, bad},
      {"target beyond ASCII", line("GET /\xc3\xa9 HTTP/1.1"), 0, bad},
      {"DEL in the target", line("GET /\x7f HTTP/1.1"), 0, bad},
      {"target too long", line("GET /" + std::string(limits::target_bytes_max, 't') + " HTTP/1.1"), 0,
       errc::head_too_large},
      {"no version (HTTP/0.9)", "GET /\r\n\r\n", 0, bad},
      {"version 2.0", line("GET / HTTP/2.0"), 0, bad},
      {"version 1.2", line("GET / HTTP/1.2"), 0, bad},
      {"version 1.10", line("GET / HTTP/1.10"), 0, bad},
      {"version 01.1", line("GET / HTTP/01.1"), 0, bad},
      {"version in lower case", line("GET / http/1.1"), 0, bad},
      {"version without a minor", line("GET / HTTP/1"), 0, bad},
      {"version of another protocol", line("GET / ICAP/1.1"), 0, bad},
  };
}

inline std::vector<request_case> broken_fields() {
  const auto bad = errc::invalid_request;
  return {
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 0, bad},
      {"two Hosts", host(" h\r\nHost: h"), 0, bad},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 0, bad},
      {"empty Host", host(""), 0, bad},
      {"Host as a list", host(" a, b"), 0, bad},
      {"Host with a user", host(" u@h"), 0, bad},
      {"Host as a URL", host(" http://h"), 0, bad},
      {"Host with a path", host(" h/p"), 0, bad},
      {"Host with a word for a port", host(" h:http"), 0, bad},
      {"Host with an empty port", host(" h:"), 0, bad},
      {"Host with port 0", host(" h:0"), 0, bad},
      {"Host with port 65536", host(" h:65536"), 0, bad},
      {"Host as bare IPv6", host(" ::1"), 0, bad},
      {"Host in broken brackets", host(" [::1"), 0, bad},
      {"Host beyond ASCII", host(" h\xc3\xa9"), 0, bad},
      {"bare LF between fields", get("A: b\nC: d\r\n"), 0, bad},
      {"bare CR in a value", get("A: b\rC: d\r\n"), 0, bad},
      {"NUL in a value", get("A: b\0c\r\n"s), 0, bad},
      {"control in a value", get("A: b\x01\r\n"), 0, bad},
      {"DEL in a value", get("A: b\x7f\r\n"), 0, bad},
      {"space before the colon", get("Content-Length : 5\r\n") + "hello", 0, bad},
      {"tab before the colon", get("Transfer-Encoding\t: chunked\r\n") + "0\r\n\r\n", 0, bad},
      {"no colon", get("Authorization\r\n"), 0, bad},
      {"empty name", get(": v\r\n"), 0, bad},
      {"name with a space", get("A B: v\r\n"), 0, bad},
      {"name in brackets", get("(A): v\r\n"), 0, bad},
      {"name beyond ASCII", get("\xc3\xa9: v\r\n"), 0, bad},
      {"obs-fold in Authorization", get("Authorization: Bearer\r\n key\r\n"), 0, bad},
      {"obs-fold with a tab", get("A: b\r\n\tc\r\n"), 0, bad},
      {"obs-fold behind the request line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 0, bad},
      {"obs-fold of nothing but a space", get("A: b\r\n \r\n"), 0, bad},
      {"101 fields", "GET / HTTP/1.1\r\nHost: h\r\n" + repeat("X: y\r\n", 100) + "\r\n", 0, errc::head_too_large},
      {"a head too large by one byte", head_of(limits::head_bytes_max + 1), 0, errc::head_too_large},
      {"an endless field", "GET / HTTP/1.1\r\nX: " + std::string(limits::head_bytes_max, 'x'), 0, errc::head_too_large},
      {"an endless request line", std::string(2 * limits::head_bytes_max, 'G'), 0, errc::head_too_large},
      {"endless fields", "GET / HTTP/1.1\r\n" + repeat("X: y\r\n", limits::head_bytes_max / 6), 0,
       errc::head_too_large},
      {"Expect of something else", get("Expect: 200-ok\r\n"), 0, bad},
      {"empty Expect", get("Expect:\r\n"), 0, bad},
      {"gzip body", post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "hi"), 0, errc::unsupported_media_type},
      {"two codings", post("Content-Encoding: identity, br\r\nContent-Length: 2\r\n", "hi"), 0,
       errc::unsupported_media_type},
      {"second Content-Encoding", post("Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", ""), 0,
       errc::unsupported_media_type},
      {"broken Connection list", get("Connection: \"close\"\r\n"), 0, bad},
  };
}

inline std::vector<request_case> smuggling_attempts() {
  const auto bad = errc::invalid_request;
  auto te = [](const std::string& value) {
    return post("Transfer-Encoding:" + value + "\r\n", "0\r\n\r\n" + smuggled);
  };
  auto cl = [](const std::string& value) { return post("Content-Length:" + value + "\r\n", "hello" + smuggled); };
  return {
      {"both framings", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled), 0, bad},
      {"both framings, other way round", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 0,
       bad},
      {"both framings, length of zero", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", smuggled), 0, bad},
      {"gzip and a length", post("Transfer-Encoding: gzip\r\nContent-Length: 2\r\n", "hi" + smuggled), 0, bad},
      {"xchunked", te(" xchunked"), 0, bad},
      {"chunked in quotes", te(" \"chunked\""), 0, bad},
      {"chunked twice in a list", te(" chunked, chunked"), 0, bad},
      {"chunked, identity", te(" chunked, identity"), 0, bad},
      {"identity, chunked", te(" identity, chunked"), 0, bad},
      {"gzip, chunked", te(" gzip, chunked"), 0, bad},
      {"identity", te(" identity"), 0, bad},
      {"empty Transfer-Encoding", te(""), 0, bad},
      {"chunked behind a comma", te(" ,chunked"), 0, bad},
      {"chunked before a comma", te(" chunked,"), 0, bad},
      {"chunked with a parameter", te(" chunked;q=1"), 0, bad},
      {"chunked behind a vertical tab",
       te(" \x0b"
          "chunked"),
       0, bad},
      {"chunked in a folded line", te("\r\n chunked"), 0, bad},
      {"two Transfer-Encodings", te(" chunked\r\nTransfer-Encoding: chunked"), 0, bad},
      {"second Transfer-Encoding that cancels", te(" chunked\r\nTransfer-Encoding: identity"), 0, bad},
      {"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, bad},
      {"two lengths", cl(" 5\r\nContent-Length: 6"), 0, bad},
      {"the same length twice", cl(" 5\r\nContent-Length: 5"), 0, bad},
      {"a list of lengths", cl(" 5, 5"), 0, bad},
      {"length with a plus", cl(" +5"), 0, bad},
      {"length with a minus", cl(" -5"), 0, bad},
      {"length in hexadecimal", cl(" 0x5"), 0, bad},
      {"length with a point", cl(" 5.0"), 0, bad},
      {"length of two words", cl(" 5 0"), 0, bad},
      {"empty length", cl(""), 0, bad},
      {"length of twenty digits", cl(" 00000000000000000005"), 0, bad},
      {"length that overflows", cl(" 18446744073709551621"), 0, bad},
      {"length over the limit", cl(" 1001"), 0, errc::payload_too_large},
      {"largest length", cl(" 9999999999999999999"), 0, errc::payload_too_large},
      {"a request behind a bad one", host("") + smuggled, 0, bad},
      {"a bad request behind a good one", get("") + host("") + smuggled, 1, bad},
      {"bytes behind a body that are no request", post("Content-Length: 5\r\n", "hello\x01\r\n\r\n"), 1, bad},
      {"a length shorter than the body", post("Content-Length: 1\r\n", "hello / HTTP/1.1\r\n\r\n"), 1,
       errc::method_not_allowed},
  };
}

inline std::vector<request_case> broken_chunks() {
  const auto bad = errc::invalid_request;
  const auto over = std::string(limits::chunk_extension_bytes_max, 'e');
  return {
      {"size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n" + smuggled), 0, bad},
      {"size with a minus", chunked("-5\r\nhello\r\n0\r\n\r\n" + smuggled), 0, bad},
      {"size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n" + smuggled), 0, bad},
      {"size behind a space", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"size before a space", chunked("5 \r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"space before an extension", chunked("5 ;x\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"tab before an extension", chunked("5\t;x\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"size that is a word", chunked("five\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"empty size", chunked("\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"size with an underscore", chunked("1_0\r\n0123456789abcdef\r\n0\r\n\r\n"), 0, bad},
      {"size that overflows", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"largest size", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 0, errc::payload_too_large},
      {"size over the limit", chunked("3e9\r\n" + std::string(1001, 'b')), 0, errc::payload_too_large},
      {"sum of sizes over the limit", chunked("3e8\r\n" + std::string(1000, 'b') + "\r\n1\r\nx\r\n0\r\n\r\n"), 0,
       errc::payload_too_large},
      {"size line that ends with LF", chunked("5\nhello\r\n0\r\n\r\n"), 0, bad},
      {"size line with a bare CR", chunked("5\rxhello\r\n0\r\n\r\n"), 0, bad},
      {"data longer than the size", chunked("5\r\nhello!\r\n0\r\n\r\n"), 0, bad},
      {"data that ends with LF", chunked("5\r\nhello\n0\r\n\r\n" + smuggled), 0, bad},
      {"data without a line end", chunked("5\r\nhello0\r\n\r\n" + smuggled), 0, bad},
      {"NUL behind the size", chunked("5\0\r\nhello\r\n0\r\n\r\n"s), 0, bad},
      {"extension too long", chunked("5;" + over + "\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"extension too long behind a size over the limit", chunked("fff;" + repeat(over, 3) + "\r\n"), 0, bad},
      {"extension too long at the last chunk", chunked("0;" + over + "\r\n\r\n"), 0, bad},
      {"endless extension", chunked("5;" + repeat(over, 300)), 0, bad},
      {"endless size", chunked(std::string(70'000, '0')), 0, bad},
      {"LF in a quoted extension", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"CR in a quoted extension", chunked("5;a=\"\r\"\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"CRLF in a quoted extension", chunked("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"NUL in a quoted extension", chunked("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s), 0, bad},
      {"extension without a name", chunked("5;\r\nhello\r\n0\r\n\r\n"), 0, bad},
      {"LF in the last chunk's extension", chunked("0;a=\"\n\"\r\n\r\n"), 0, bad},
      {"a trailer", chunked("0\r\nX: y\r\n\r\n"), 0, bad},
      {"a trailer behind chunks", chunked("1\r\nx\r\n0\r\nAuthorization: Bearer k\r\n\r\n" + smuggled), 0, bad},
      {"a framing trailer", chunked("0\r\nContent-Length: 5\r\n\r\nhello"), 0, bad},
      {"a request in place of the last line", chunked("0\r\n" + smuggled), 0, bad},
      {"endless trailers", chunked("0\r\n" + repeat("X: y\r\n", 12'000)), 0, bad},
      {"an endless trailer", chunked("0\r\nX: " + std::string(70'000, 'y')), 0, bad},
      {"bytes behind the last chunk", chunked("0\r\nxyz\r\n\r\n"), 0, bad},
      {"second last chunk", chunked("0\r\n\r\n0\r\n\r\n"), 1, bad},
  };
}

}  // namespace nexus::net::corpus
