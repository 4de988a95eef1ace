#include "web/assets.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace nexus::web {
namespace {

std::string text(const asset& from) { return std::string(from.content); }

std::set<std::string> matches(const std::string& in, const char* pattern) {
  std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(in.begin(), in.end(), regex), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

/// Returns the path of a module that `importer` names relatively.
std::string resolve(std::string_view importer, std::string name) {
  std::string folder(importer.substr(0, importer.rfind('/')));
  if (name.starts_with("./")) name = name.substr(2);
  while (name.starts_with("../")) {
    name = name.substr(3);
    folder = folder.substr(0, folder.rfind('/'));
  }
  return folder + "/" + name;
}

TEST(WebAssets, FindsThePageAtTheRoot) {
  const asset* page = find("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->content.starts_with("<!doctype html>"));
  EXPECT_TRUE(page->content.ends_with("</html>\n"));
}

TEST(WebAssets, FindsNothingElse) {
  for (auto path : {"", "/ui/", "/ui", "/index.html", "/ui/index.html", "/ui/app.j", "/ui/app.js?x", "/ui/../ui/app.js",
                    "/ui/package.json", "/ui/README.md"})
    EXPECT_EQ(find(path), nullptr) << path;
}

TEST(WebAssets, EveryAssetIsFoundUnderItsOwnPath) {
  EXPECT_GT(all().size(), 20u);
  for (const auto& each : all()) EXPECT_EQ(find(each.path), &each) << each.path;
}

TEST(WebAssets, ContentIsTheFileByteForByte) {
  for (const auto& each : all()) {
    std::string name = each.path == "/" ? "index.html" : std::string(each.path.substr(4));
    std::ifstream file(WEB_SOURCE_DIR "/" + name, std::ios::binary);
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), each.content) << name;
  }
}

TEST(WebAssets, EtagsAreQuotedAndDifferWithTheContent) {
  std::set<std::string_view> tags;
  for (const auto& each : all()) {
    EXPECT_TRUE(std::regex_match(std::string(each.etag), std::regex("\"[0-9a-f]{16}\""))) << each.etag;
    EXPECT_TRUE(tags.insert(each.etag).second) << each.path;
  }
}

TEST(WebAssets, TypesFollowTheExtension) {
  EXPECT_EQ(content_type_for("/ui/app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_for("styles/base.css"), "text/css; charset=utf-8");
  EXPECT_EQ(content_type_for("icon.svg"), "image/svg+xml");
  EXPECT_EQ(content_type_for("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_for("font.woff2"), "font/woff2");
  EXPECT_EQ(content_type_for("program.exe"), "application/octet-stream");
  EXPECT_EQ(content_type_for("js"), "application/octet-stream");
  EXPECT_EQ(content_type_for(""), "application/octet-stream");
  for (const auto& each : all()) EXPECT_NE(each.content_type, "application/octet-stream") << each.path;
}

TEST(WebAssets, PageReferencesOnlyEmbeddedAssets) {
  auto references = matches(text(*find("/")), R"re((?:src|href)="([^"]*)")re");
  EXPECT_TRUE(references.contains("/ui/app.js"));
  EXPECT_TRUE(references.contains("/ui/icon.svg"));
  for (const auto& path : references) EXPECT_NE(find(path), nullptr) << path;
}

TEST(WebAssets, PageLinksEveryStyle) {
  auto references = matches(text(*find("/")), R"re(href="([^"]*\.css)")re");
  for (const auto& each : all())
    if (each.path.ends_with(".css")) {
      EXPECT_TRUE(references.contains(std::string(each.path))) << each.path;
    }
}

TEST(WebAssets, ModulesImportOnlyEmbeddedModulesAndNoneIsForgotten) {
  std::set<std::string> reached{"/ui/app.js", "/ui/lib/first-paint.js"};
  for (const auto& each : all()) {
    if (!each.path.ends_with(".js")) continue;
    for (const auto& name : matches(text(each), R"re((?:^|\n)import [^;']*'([^']*)')re")) {
      auto path = resolve(each.path, name);
      EXPECT_NE(find(path), nullptr) << each.path << " imports " << name;
      reached.insert(path);
    }
  }
  for (const auto& each : all())
    if (each.path.ends_with(".js")) {
      EXPECT_TRUE(reached.contains(std::string(each.path))) << each.path;
    }
}

TEST(WebAssets, PageHasNoInlineScriptStyleOrHandler) {
  auto page = text(*find("/"));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<style|\sstyle\s*=|\son\w+\s*=|javascript:)", std::regex::icase)));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<script[^>]*>[^<])", std::regex::icase)));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<script(?![^>]*\ssrc=))", std::regex::icase)));
}

TEST(WebAssets, NoScriptTurnsTextIntoMarkupOrCode) {
  std::regex forbidden(R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|)"
                       R"(createContextualFragment|DOMParser|\beval\(|new Function|setAttribute\('style'|srcdoc)");
  for (const auto& each : all())
    if (each.path.ends_with(".js")) {
      EXPECT_FALSE(std::regex_search(text(each), forbidden)) << each.path;
    }
}

TEST(WebAssets, NothingIsFetchedFromElsewhere) {
  for (const auto& each : all()) {
    auto addresses = matches(text(each), R"re(((?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}))re");
    addresses.erase("http://www.w3.org");  // the name of the SVG namespace
    EXPECT_TRUE(addresses.empty()) << each.path << " " << (addresses.empty() ? "" : *addresses.begin());
  }
}

TEST(WebAssets, OnlyTheTokensNameColours) {
  for (const auto& each : all())
    if (each.path.ends_with(".css") && !each.path.ends_with("/tokens.css")) {
      EXPECT_TRUE(matches(text(each), R"re((:[^;{}]*(?:#[0-9a-fA-F]{3,8}\b|rgba?\()[^;{}]*;))re").empty()) << each.path;
    }
}

TEST(WebAssets, PolicyForbidsInlineCodeAndForeignFrames) {
  std::string policy(content_security_policy());
  for (auto directive :
       {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
        "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"})
    EXPECT_NE(policy.find(directive), std::string::npos) << directive;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find('*'), std::string::npos);
}

}  // namespace
}  // namespace nexus::web
