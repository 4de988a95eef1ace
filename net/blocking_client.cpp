#include "net/blocking_client.hpp"

#include "conf/version.hpp"
#include "net/blocking_stream.hpp"
#include "net/http_reader.hpp"
#include "net/http_writer.hpp"
#include "net/server_url.hpp"

#include <array>

namespace nexus::net {
namespace {

constexpr size_t reply_bytes_max = 64 * 1024 * 1024;

secret make_head(std::string_view method, const endpoint_url& url, const secret& token,
                 const std::optional<std::string>& body) {
  header_list headers{
      {"accept", "application/json"}, {"user-agent", std::string("nexus-hub/") + version}, {"connection", "close"}};
  if (body) headers.add("content-type", "application/json");
  auto head = request_head(method, url.path, url.host_header, headers,
                           body ? std::optional<uint64_t>(body->size()) : std::nullopt);
  head.resize(head.size() - 2);  // the empty line comes after the credentials
  head.reserve(head.size() + token.reveal().size() + 32);
  head.append("authorization: Bearer ").append(token.reveal()).append("\r\n\r\n");
  return secret(std::move(head));
}

result<http_reply> read_reply(blocking_stream& stream, const patience& patience) {
  response_reader reader;
  std::array<char, 16 * 1024> buffer;
  while (!reader.complete()) {
    const auto got = stream.read(buffer, patience);
    if (!got) return got.error();
    if (*got == 0) {
      if (auto ended = reader.feed_end(); !ended) return ended.error();
    } else if (auto fed = reader.feed({buffer.data(), *got}); !fed) {
      return fed.error();
    }
    if (reader.body().size() > reply_bytes_max)
      return make_error(errc::upstream_invalid_response, "The answer is too large.");
  }
  return http_reply{reader.current().status, std::move(reader.body())};
}

}  // namespace

result<http_reply> fetch(std::string_view method, const std::string& base_url, std::string_view path,
                         const secret& token, const std::optional<std::string>& body,
                         const std::shared_ptr<tls_context>& tls, std::chrono::milliseconds timeout) {
  // The mark at the end takes the URL as it stands.
  auto base = base_url;
  while (base.ends_with('/')) base.pop_back();
  const auto url = chat_endpoint(base.append(path).append("#"));
  if (!url) return url.error();
  const auto patience = patience::lasting(timeout);
  const auto addresses = resolve(url->host, url->port, patience);
  if (!addresses) return addresses.error();
  blocking_stream stream;
  if (auto connected = stream.connect(*addresses, patience); !connected) return connected.error();
  if (url->tls)
    if (auto secured = stream.start_tls(tls, url->host, patience); !secured) return secured.error();
  if (auto written = stream.write(make_head(method, *url, token, body).reveal(), patience); !written)
    return written.error();
  if (body)
    if (auto written = stream.write(*body, patience); !written) return written.error();
  return read_reply(stream, patience);
}

}  // namespace nexus::net
