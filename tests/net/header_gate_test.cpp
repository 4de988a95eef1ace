#include "net/header_gate.hpp"

#include "conf/limits.hpp"
#include "tests/net/http_corpus.hpp"

#include <gtest/gtest.h>

#include <map>

namespace nexus::net {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

/// Returns the sentence with which the gate refuses, or "passes".
std::string verdict(const std::string& head, uint64_t body_bytes_max = corpus::body_bytes_max) {
  const auto checked = check_request_head(head, body_bytes_max);
  return checked ? "passes" : checked.error().message;
}

errc code_of(const std::string& head) {
  const auto checked = check_request_head(head, corpus::body_bytes_max);
  EXPECT_FALSE(checked);
  return checked ? errc::internal : checked.error().code;
}

TEST(HeaderGate, NamesTheBrokenRule) {
  using corpus::get;
  using corpus::host;
  using corpus::line;
  const std::map<std::string, std::string> rules{
      {get("A: b\nC: d\r\n"), "A line of the request head ends with a bare LF."},
      {get("A: b\rC: d\r\n"), "The request head contains a bare CR."},
      {get("A: \0\r\n"s), "The request head contains a NUL byte."},
      {"GET / HTTP/1.1\r\nHost: h\r\n", "The request head does not end with an empty line."},
      {get("") + "x\r\n\r\n", "Bytes follow the end of the request head."},
      {line("GET"), "The request line is not made of method, target and version."},
      {line("GET /"), "The request line is not made of method, target and version."},
      {line("G@T / HTTP/1.1"), "The method is not a token."},
      {line("BREW / HTTP/1.1"), "The method is none that this server knows."},
      {line("GET http://h/ HTTP/1.1"), "The request target does not start with '/'."},
      {line("GET /\x80 HTTP/1.1"), "The request target contains a byte that is not printable ASCII."},
      {line("GET /#a HTTP/1.1"), "The request target contains a fragment."},
      {line("GET /" + std::string(limits::target_bytes_max, 'a') + " HTTP/1.1"), "The request target is too long."},
      {line("GET / HTTP/2.0"), "The HTTP version is neither 1.1 nor 1.0."},
      {corpus::head_of(limits::head_bytes_max + 1), "The request head is too large."},
      {get(corpus::repeat("A: b\r\n", 100)), "The request has too many header fields."},
      {get(" folded\r\n"), "A header line is folded."},
      {get("nothing\r\n"), "A header line has no colon."},
      {get("A : b\r\n"), "White space stands between a header field's name and its colon."},
      {get("A@: b\r\n"), "A header field's name is not a token."},
      {get(": b\r\n"), "A header field's name is not a token."},
      {get("A: b\x1f\r\n"), "A header field's value contains a control character."},
      {"GET / HTTP/1.1\r\n\r\n", "The Host header is missing."},
      {get("Host: h\r\n"), "The Host header stands more than once."},
      {host(" h/"), "The Host header is not a plain host with an optional port."},
      {get("Content-Length: 1\r\ncontent-length: 1\r\n"), "The Content-Length header stands more than once."},
      {get("Content-Length: 1x\r\n"), "The Content-Length header is not a number of 1 to 19 digits."},
      {get("Content-Length: 1001\r\n"), "The request body is larger than this server accepts."},
      {get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       "The Transfer-Encoding header stands more than once."},
      {get("Transfer-Encoding: gzip\r\n"), "The Transfer-Encoding header is not exactly \"chunked\"."},
      {get("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
       "Content-Length and Transfer-Encoding stand together."},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "A Transfer-Encoding header stands in an HTTP/1.0 request."},
      {get("Content-Encoding: br\r\n"), "An encoded request body is not supported."},
      {get("Expect: coffee\r\n"), "The Expect header asks for something other than 100-continue."},
      {get(""), "passes"},
  };
  for (const auto& [head, sentence] : rules) EXPECT_EQ(verdict(head), sentence) << head.substr(0, 200);
}

TEST(HeaderGate, GivesEachKindOfRefusalItsCode) {
  EXPECT_EQ(code_of(corpus::get("A b\r\n")), errc::invalid_request);
  EXPECT_EQ(code_of(corpus::line("CONNECT h:1 HTTP/1.1")), errc::method_not_allowed);
  EXPECT_EQ(code_of(corpus::head_of(limits::head_bytes_max + 1)), errc::head_too_large);
  EXPECT_EQ(code_of(corpus::get("Content-Length: 1001\r\n")), errc::payload_too_large);
  EXPECT_EQ(code_of(corpus::get("Content-Encoding: gzip\r\n")), errc::unsupported_media_type);
}

TEST(HeaderGate, PassesBodiesUpToTheLimitItWasGiven) {
  EXPECT_EQ(verdict(corpus::get("Content-Length: 5\r\n"), 5), "passes");
  EXPECT_NE(verdict(corpus::get("Content-Length: 5\r\n"), 4), "passes");
  EXPECT_EQ(verdict(corpus::get("Content-Length: 9999999999999999999\r\n"), UINT64_MAX), "passes");
}

TEST(HeaderGate, PassesTheHeadOfEveryValidRequest) {
  for (const auto& sample : corpus::valid_requests()) {
    if (sample.bytes.starts_with("\r\n")) continue;  // the reader's business
    const auto end = sample.bytes.find("\r\n\r\n");
    EXPECT_EQ(verdict(sample.bytes.substr(0, end + 4)), "passes") << sample.name;
  }
}

TEST(HeaderGate, RefusesEveryControlCharacterInValuesButTheTab) {
  for (int c = 0; c < 256; ++c) {
    const bool refused = verdict(corpus::get(std::string("A: b") + static_cast<char>(c) + "c\r\n")) != "passes";
    EXPECT_EQ(refused, (c < 0x20 && c != '\t') || c == 0x7f) << c;
  }
}

TEST(HeaderGate, AllowsOnlyTokenCharactersInNames) {
  const std::string_view tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int c = 0; c < 256; ++c) {
    if (c == ':') continue;
    const bool passes = verdict(corpus::get(std::string("A") + static_cast<char>(c) + "B: c\r\n")) == "passes";
    EXPECT_EQ(passes, c != 0 && tokens.find(static_cast<char>(c)) != std::string_view::npos) << c;
  }
}

TEST(LineEnds, LeaveACarriageReturnAtTheEndUndecided) {
  EXPECT_TRUE(check_line_ends("GET / HTTP/1.1\r"));
  EXPECT_TRUE(check_line_ends("a\r\nb\r\n"));
  EXPECT_FALSE(check_line_ends("a\rb"));
  EXPECT_FALSE(check_line_ends("a\r\r\n"));
  EXPECT_FALSE(check_line_ends("a\n"));
  EXPECT_FALSE(check_line_ends("\n"));
  EXPECT_FALSE(check_line_ends("\0"sv));
}

TEST(Target, IsSplitAndDecodedOnce) {
  const auto parsed = parse_target("/v1/models/a%20b%C3%A9%2525?x=%2f&y#z");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->path, "/v1/models/a b\xc3\xa9%25");
  EXPECT_EQ(parsed->query, "x=%2f&y#z");
  EXPECT_EQ(parse_target("/")->path, "/");
  EXPECT_EQ(parse_target("/a/")->path, "/a/");
  EXPECT_EQ(parse_target("/a?")->query, "");
  EXPECT_EQ(parse_target("/a?b?c//../;")->query, "b?c//../;");
  EXPECT_EQ(parse_target("/.a/..b/c./...")->path, "/.a/..b/c./...");
  EXPECT_EQ(parse_target("/%41%7e%7E")->path, "/A~~");
}

TEST(Target, RefusesWhatOthersMayReadDifferently) {
  for (const auto* raw : {"",     "a",       "?",      "http://h/", "/%00",   "/a%5cb",    "/a%5Cb", "/a\\b",    "/.",
                          "/..",  "/a/../b", "/a/./b", "/a/..",     "/a/.",   "/%2e%2e/a", "/.%2E",  "/%2e",     "//",
                          "//a",  "/a//b",   "/a//",   "/a;b",      "/a%3bb", "/a%3B",     "/%",     "/%4",      "/%4g",
                          "/%g4", "/a%",     "/%-1",   "/%0a",      "/%0d",   "/%7f",      "/%1F",   "/a%2f%2fb"}) {
    const auto parsed = parse_target(raw);
    EXPECT_EQ(parsed ? errc::internal : parsed.error().code, errc::invalid_request) << raw;
  }
}

TEST(Target, SaysWhereASlashCameEncoded) {
  const auto none = std::string::npos;
  EXPECT_EQ(parse_target("/a/b")->encoded_slash, none);
  EXPECT_EQ(parse_target("/a%252Fb?x=%2F")->encoded_slash, none);
  EXPECT_EQ(parse_target("/a%20b/%c3%a9%2Fc%2fd")->path, "/a b/\xc3\xa9/c/d");
  EXPECT_EQ(parse_target("/a%20b/%c3%a9%2Fc%2fd")->encoded_slash, 7);
  EXPECT_EQ(parse_target("/%61%2fb")->encoded_slash, 2);
  for (const auto* raw : {"/a%2f..%2fb", "/a%2f%2e%2e", "/%2f", "/a/%2fb", "/a%2f/b", "/a%2f.", "/a%2", "/a%2f%"})
    EXPECT_FALSE(parse_target(raw)) << raw;
}

TEST(QueryParameter, IsDecodedAsAForm) {
  EXPECT_EQ(query_parameter("a=1&b=2", "b"), "2");
  EXPECT_EQ(query_parameter("a=x+y%20z%2B", "a"), "x y z+");
  EXPECT_EQ(query_parameter("a=1&a=2", "a"), "1");
  EXPECT_EQ(query_parameter("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_parameter("a+b=1", "a b"), "1");
  EXPECT_EQ(query_parameter("%61=1", "a"), "1");
  EXPECT_EQ(query_parameter("a", "a"), "");
  EXPECT_EQ(query_parameter("a=", "a"), "");
  EXPECT_EQ(query_parameter("&&a=1&", "a"), "1");
  EXPECT_EQ(query_parameter("", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("ab=1", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("&", ""), std::nullopt);
}

TEST(QueryParameter, KeepsBrokenEscapesAsTheyAre) {
  EXPECT_EQ(query_parameter("a=%", "a"), "%");
  EXPECT_EQ(query_parameter("a=%4", "a"), "%4");
  EXPECT_EQ(query_parameter("a=%zz%41", "a"), "%zzA");
  EXPECT_EQ(query_parameter("a=100%&b=1", "a"), "100%");
}

}  // namespace
}  // namespace nexus::net
