#include "net/server_url.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

/// Returns "scheme host port path | Host header", or "refused".
std::string describe(const result<endpoint_url>& url) {
  if (!url)
    return url.error().code == errc::invalid_request && !url.error().message.empty() ? "refused" : "wrong error";
  return std::string(url->tls ? "https " : "http ") + url->host + " " + std::to_string(url->port) + " " + url->path +
         " | " + url->host_header;
}
std::string chat(std::string_view url) { return describe(chat_endpoint(url)); }
std::string models(std::string_view url) { return describe(models_endpoint(url)); }

TEST(ServerUrl, AppendsTheVersionAndThePathToAPlainBase) {
  EXPECT_EQ(chat("https://api.openai.com"), "https api.openai.com 443 /v1/chat/completions | api.openai.com");
  EXPECT_EQ(chat("http://x/openai"), "http x 80 /openai/v1/chat/completions | x");
  EXPECT_EQ(chat("http://x/v10"), "http x 80 /v10/v1/chat/completions | x");
  EXPECT_EQ(chat("http://x/apiv1"), "http x 80 /apiv1/v1/chat/completions | x");
}

TEST(ServerUrl, DoesNotDoubleATrailingVersion) {
  EXPECT_EQ(chat("https://api.openai.com/v1"), "https api.openai.com 443 /v1/chat/completions | api.openai.com");
  EXPECT_EQ(chat("http://x/openai/v1"), "http x 80 /openai/v1/chat/completions | x");
}

TEST(ServerUrl, AppendsOnlyThePathBehindASlash) {
  EXPECT_EQ(chat("https://x/openai/"), "https x 443 /openai/chat/completions | x");
  EXPECT_EQ(chat("https://x/"), "https x 443 /chat/completions | x");
  EXPECT_EQ(chat("https://x/v1/"), "https x 443 /v1/chat/completions | x");
}

TEST(ServerUrl, TakesAUrlThatEndsInAHashAsItStands) {
  EXPECT_EQ(chat("https://x/custom/path#"), "https x 443 /custom/path | x");
  EXPECT_EQ(chat("https://x/custom/#"), "https x 443 /custom/ | x");
  EXPECT_EQ(chat("https://x#"), "https x 443 / | x");
  EXPECT_EQ(chat("https://x/y?api-version=1#"), "https x 443 /y?api-version=1 | x");
  EXPECT_EQ(chat("https://x?k=v#"), "https x 443 /?k=v | x");
}

TEST(ServerUrl, KeepsTheQueryBehindThePath) {
  EXPECT_EQ(chat("https://x?k=v"), "https x 443 /v1/chat/completions?k=v | x");
  EXPECT_EQ(chat("https://x/v1?k=/"), "https x 443 /v1/chat/completions?k=/ | x");
  EXPECT_EQ(chat("https://x/a/?k=v?w"), "https x 443 /a/chat/completions?k=v?w | x");
}

TEST(ServerUrl, NamesThePortInTheHostHeaderUnlessItIsTheSchemesOwn) {
  EXPECT_EQ(chat("http://localhost:11434"), "http localhost 11434 /v1/chat/completions | localhost:11434");
  EXPECT_EQ(chat("https://x:443"), "https x 443 /v1/chat/completions | x");
  EXPECT_EQ(chat("http://x:80"), "http x 80 /v1/chat/completions | x");
  EXPECT_EQ(chat("https://x:80"), "https x 80 /v1/chat/completions | x:80");
  EXPECT_EQ(chat("http://x:65535"), "http x 65535 /v1/chat/completions | x:65535");
}

TEST(ServerUrl, UnderstandsAddressesAndCase) {
  EXPECT_EQ(chat("http://[::1]:8080"), "http ::1 8080 /v1/chat/completions | [::1]:8080");
  EXPECT_EQ(chat("https://[2001:DB8::1]/v1"), "https 2001:db8::1 443 /v1/chat/completions | [2001:db8::1]");
  EXPECT_EQ(chat("HTTPS://API.Example.ORG/Path/"),
            "https api.example.org 443 /Path/chat/completions | api.example.org");
  EXPECT_EQ(chat("http://10.0.0.1"), "http 10.0.0.1 80 /v1/chat/completions | 10.0.0.1");
  EXPECT_EQ(chat("http://my_host-1.local."), "http my_host-1.local. 80 /v1/chat/completions | my_host-1.local.");
}

TEST(ServerUrl, RefusesWhatIsNoServer) {
  for (const auto* url : {"",
                          "#",
                          "x",
                          "api.openai.com",
                          "ftp://x",
                          "ws://x",
                          "//x",
                          "://x",
                          "https:/x",
                          "https:x",
                          "https://",
                          "https:///v1",
                          "https://?k",
                          "https://#",
                          "https://:443",
                          "https://x:",
                          "https://x:0",
                          "https://x:65536",
                          "https://x:99999999999",
                          "https://x:80a",
                          "https://x:-1",
                          "https://x:+1",
                          "https://u@x",
                          "https://u:p@x",
                          "https://x y",
                          " https://x",
                          "https://x ",
                          "https://x/a b",
                          "https://x\t",
                          "https://x/\r\nA: b",
                          "https://x/\x7f",
                          "https://x/\xc3\xa9",
                          "https://\xc3\xa9",
                          "https://x\\y",
                          "https://x/a#b",
                          "https://x/##",
                          "https://[::1",
                          "https://::1",
                          "https://[x]",
                          "https://[]",
                          "https://[::1]x",
                          "https://[::1]:",
                          "https://[fe80::1%25eth0]",
                          "https://a..b",
                          "https://.a",
                          "https://a,b",
                          "https://a%41"}) {
    EXPECT_EQ(chat(url), "refused") << url;
    EXPECT_EQ(models(url), "refused") << url;
  }
  EXPECT_EQ(chat("https://" + std::string(254, 'a')), "refused");
  EXPECT_EQ(chat("https://x/\0"sv), "refused");
  EXPECT_EQ(chat_endpoint("ftp://x").error().param, "server_url");
}

TEST(ServerUrl, NeverRepeatsCredentialsInTheError) {
  EXPECT_EQ(chat_endpoint("https://user:hunter2@x").error().message.find("hunter2"), std::string::npos);
}

TEST(ModelsUrl, StandsBesideTheChatUrl) {
  EXPECT_EQ(models("https://api.openai.com"), "https api.openai.com 443 /v1/models | api.openai.com");
  EXPECT_EQ(models("https://x/openai/v1"), "https x 443 /openai/v1/models | x");
  EXPECT_EQ(models("https://x/openai/"), "https x 443 /openai/models | x");
  EXPECT_EQ(models("https://x/?k=v"), "https x 443 /models?k=v | x");
  EXPECT_EQ(models("https://x/a/chat/completions#"), "https x 443 /a/models | x");
  EXPECT_EQ(models("https://x/chat/completions?k=v#"), "https x 443 /models?k=v | x");
}

TEST(ModelsUrl, CannotBeGuessedBesideOtherLiteralUrls) {
  EXPECT_EQ(models("https://x/custom#"), "refused");
  EXPECT_EQ(models("https://x#"), "refused");
  EXPECT_EQ(models("https://x/chat/completions/#"), "refused");
}

TEST(Authority, IsAHostWithAnOptionalPort) {
  const auto parsed = parse_authority("[2001:DB8::1]:8000");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->host, "2001:db8::1");
  EXPECT_EQ(parsed->port, 8000);
  EXPECT_EQ(parse_authority("Hub.Example")->host, "hub.example");
  EXPECT_EQ(parse_authority("h")->port, std::nullopt);
  for (const auto* text : {"", ":1", "h:", "h:x", "h:1:2", "h/", "a b", "u@h", "[::1", "[::1]1", "::1"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

bool allows(std::string_view origin, std::string_view host, bool tls, const std::vector<std::string>& allowed = {}) {
  return origin_allowed(origin, host, tls, allowed);
}

TEST(Origin, IsAllowedIfItIsTheServerItself) {
  EXPECT_TRUE(allows("http://hub:8000", "hub:8000", false));
  EXPECT_TRUE(allows("https://hub", "hub", true));
  EXPECT_TRUE(allows("https://hub", "hub:443", true));
  EXPECT_TRUE(allows("http://hub:80", "hub", false));
  EXPECT_TRUE(allows("HTTP://Hub", "hUB", false));
  EXPECT_TRUE(allows("http://[::1]:8000", "[::1]:8000", false));
}

TEST(Origin, IsAllowedBehindAProxyThatEndsTls) {
  EXPECT_TRUE(allows("https://hub", "hub", false));
  EXPECT_TRUE(allows("https://hub:8443", "hub:8443", false));
  EXPECT_FALSE(allows("https://hub:8443", "hub", false));
  EXPECT_FALSE(allows("https://hub", "hub:80", false));
}

TEST(Origin, IsRefusedIfItIsAnyoneElse) {
  EXPECT_FALSE(allows("http://evil", "hub", false));
  EXPECT_FALSE(allows("http://hub.evil", "hub", false));
  EXPECT_FALSE(allows("http://evil.hub", "hub", false));
  EXPECT_FALSE(allows("http://hub:8001", "hub:8000", false));
  EXPECT_FALSE(allows("http://hub", "hub:8000", false));
  EXPECT_FALSE(allows("http://hub", "hub", true)) << "a page in clear must not speak to the TLS server";
}

TEST(Origin, IsRefusedIfItIsNoOrigin) {
  for (const auto* origin : {"", "null", "hub", "http://", "http://hub/", "http://hub/a", "http://u@hub", "file://hub",
                             "http://hub, http://hub", "http://hub http://hub", " http://hub", "ws://hub"}) {
    EXPECT_FALSE(allows(origin, "hub", false, {"null", "", "hub"})) << origin;
  }
  EXPECT_FALSE(allows("http://hub", "", false));
  EXPECT_FALSE(allows("http://hub", "h ub", false));
}

TEST(Origin, IsAllowedIfTheOperatorListsIt) {
  const std::vector<std::string> allowed{"nonsense", "https://Chat.Example.org/", "http://lan:3000"};
  EXPECT_TRUE(allows("https://chat.example.org", "hub", false, allowed));
  EXPECT_TRUE(allows("https://chat.example.org:443", "hub", true, allowed));
  EXPECT_TRUE(allows("http://lan:3000", "hub", true, allowed));
  EXPECT_TRUE(allows("http://lan:3000", "", true, allowed));
  EXPECT_FALSE(allows("http://chat.example.org", "hub", false, allowed));
  EXPECT_FALSE(allows("http://lan", "hub", false, allowed));
  EXPECT_FALSE(allows("nonsense", "hub", false, allowed));
}

}  // namespace
}  // namespace nexus::net
