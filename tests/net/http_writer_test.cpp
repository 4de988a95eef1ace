#include "net/http_writer.hpp"

#include "net/http_reader.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

std::string head_text(const response_head& head, const header_list& headers = {}) {
  std::string out = "before|";
  append_response_head(out, head, headers);
  return out;
}

TEST(ResponseHead, SaysHowItsBodyEnds) {
  EXPECT_EQ(head_text({.content_type = "text/plain", .content_length = 18'446'744'073'709'551'615U}),
            "before|HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 18446744073709551615\r\n\r\n");
  EXPECT_EQ(head_text({.status = 404, .content_type = "a/b", .body = framing::chunked}),
            "before|HTTP/1.1 404 Not Found\r\ncontent-type: a/b\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(head_text({.content_type = "a/b", .body = framing::close, .keep_alive = false}),
            "before|HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(head_text({.status = 204, .content_type = {}, .body = framing::none}),
            "before|HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(ResponseHead, CarriesFurtherHeadersInOrder) {
  EXPECT_EQ(head_text({.content_type = {}}, {{"x-b", "1"}, {"x-a", "2"}}),
            "before|HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-b: 1\r\nx-a: 2\r\n\r\n");
}

TEST(ResponseHead, IsReadBackAsItWasMeant) {
  std::string text;
  append_response_head(text, {.status = 200, .content_type = "a/b", .body = framing::chunked}, {{"x", "y"}});
  for (const auto& bytes : {std::string("Hello "), std::string(300, 'w')})
    text += chunk_size_line(bytes.size()) + bytes + "\r\n";
  text += last_chunk;
  response_reader reader;
  const auto taken = reader.feed(text);
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, text.size());
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.current().headers.find("x"), "y");
  EXPECT_EQ(reader.body(), "Hello " + std::string(300, 'w'));
}

TEST(Chunk, HasItsSizeInHex) {
  EXPECT_EQ(chunk_size_line(31), "1f\r\n");
  EXPECT_EQ(chunk_size_line(1), "1\r\n");
  EXPECT_EQ(chunk_size_line(65'536), "10000\r\n");
}

TEST(FieldValue, IsVisibleAsciiOfBoundedLength) {
  EXPECT_TRUE(is_field_value("a b~!"));
  EXPECT_TRUE(is_field_value(std::string(256, 'x')));
  EXPECT_FALSE(is_field_value(std::string(257, 'x')));
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "a\r\nb"sv, "a\tb"sv, "a\0b"sv, "\x7f"sv, "é"sv})
    EXPECT_FALSE(is_field_value(text)) << text;
}

TEST(Label, HasNoSpaces) {
  EXPECT_TRUE(is_label("req_1-~!"));
  EXPECT_TRUE(is_label(std::string(128, 'x')));
  EXPECT_FALSE(is_label(std::string(129, 'x')));
  for (const auto* text : {"", "a b", "a\n", "\x7f", "é"}) EXPECT_FALSE(is_label(text)) << text;
}

TEST(ReasonPhrase, IsKnownForEveryStatusOfOurs) {
  for (const int status :
       {200, 201, 204, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 429, 431, 500, 502, 503, 504})
    EXPECT_NE(reason_phrase(status), "Status") << status;
  EXPECT_EQ(reason_phrase(299), "Status");
}

TEST(RequestHead, IsAPostWithABodyOrAGetWithout) {
  EXPECT_EQ(request_head("POST", "/v1/x?a=b", "host.example:81", {{"x-a", "1"}}, 12),
            "POST /v1/x?a=b HTTP/1.1\r\nhost: host.example:81\r\ncontent-type: application/json\r\ncontent-length: "
            "12\r\nx-a: 1\r\n\r\n");
  EXPECT_EQ(request_head("GET", "/v1/models", "[::1]", {}, std::nullopt),
            "GET /v1/models HTTP/1.1\r\nhost: [::1]\r\n\r\n");
  EXPECT_NE(request_head("POST", "/", "h", {}, 0).find("content-length: 0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace nexus::net
