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
  const auto slash = importer.rfind('/');
  std::string folder(slash == std::string_view::npos ? "" : importer.substr(0, slash + 1));
  if (name.starts_with("./")) name = name.substr(2);
  while (name.starts_with("../")) {
    name = name.substr(3);
    folder = folder.substr(0, folder.find_last_of('/', folder.size() - 2) + 1);
  }
  return folder + name;
}

/// Returns the name of an asset from an address of the page: "/ui/<build>/app.js".
std::string without_build(const std::string& path) { return path.substr(std::min(path.size(), path.find('/', 4)) + 1); }

bool is_own_script(const asset& from) { return from.name.ends_with(".js") && !from.name.starts_with("vendor/"); }

TEST(WebAssets, FindsThePage) {
  const asset* page = find("index.html");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->content.starts_with("<!doctype html>"));
  EXPECT_TRUE(page->content.ends_with("</html>\n"));
}

TEST(WebAssets, FindsNothingElse) {
  for (auto name : {"", "/", "/app.js", "app.j", "app.js?x", "../app.js", "package.json", "README.md", "collect.mjs"})
    EXPECT_EQ(find(name), nullptr) << name;
}

TEST(WebAssets, EveryAssetIsFoundUnderItsOwnName) {
  EXPECT_GT(all().size(), 60u);
  for (const auto& each : all()) EXPECT_EQ(find(each.name), &each) << each.name;
}

TEST(WebAssets, OwnFilesAreEmbeddedByteForByte) {
  size_t own = 0;
  for (const auto& each : all()) {
    std::ifstream file(WEB_SOURCE_DIR "/" + std::string(each.name), std::ios::binary);
    if (!file || each.name == "index.html") continue;
    ++own;
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), each.content) << each.name;
  }
  EXPECT_GT(own, 40u);
}

TEST(WebAssets, ThePageNamesFilesOfItsOwnBuildOnly) {
  const auto page = text(*find("index.html"));
  EXPECT_EQ(build_id().size(), 12u);
  EXPECT_EQ(page.find("/ui/dev/"), std::string::npos);
  EXPECT_NE(page.find("/ui/" + std::string(build_id()) + "/app.js"), std::string::npos);
}

TEST(WebAssets, TextsAreThereCompressed) {
  for (const auto& each : all()) {
    const bool packed = each.name.ends_with(".js") || each.name.ends_with(".css") || each.name.ends_with(".svg");
    if (!packed) continue;
    EXPECT_FALSE(each.brotli.empty()) << each.name;
    EXPECT_TRUE(each.gzip.starts_with("\x1f\x8b")) << each.name;
    if (each.content.size() > 1000) {
      EXPECT_LT(each.brotli.size(), each.content.size()) << each.name;
    }
  }
}

TEST(WebAssets, EtagsAreQuotedAndDifferWithTheContent) {
  std::set<std::string_view> tags;
  for (const auto& each : all()) {
    EXPECT_TRUE(std::regex_match(std::string(each.etag), std::regex("\"[0-9a-f]{16}\""))) << each.etag;
    EXPECT_TRUE(tags.insert(each.etag).second) << each.name;
  }
}

TEST(WebAssets, TypesFollowTheExtension) {
  EXPECT_EQ(content_type_for("/ui/x/app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_for("styles/base.css"), "text/css; charset=utf-8");
  EXPECT_EQ(content_type_for("icon.svg"), "image/svg+xml");
  EXPECT_EQ(content_type_for("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_for("font.woff2"), "font/woff2");
  EXPECT_EQ(content_type_for("program.exe"), "application/octet-stream");
  EXPECT_EQ(content_type_for("js"), "application/octet-stream");
  EXPECT_EQ(content_type_for(""), "application/octet-stream");
  for (const auto& each : all()) EXPECT_NE(each.content_type, "application/octet-stream") << each.name;
}

TEST(WebAssets, PageReferencesOnlyEmbeddedAssets) {
  auto references = matches(text(*find("index.html")), R"re((?:src|href)="([^"]*)")re");
  EXPECT_GT(references.size(), 20u);
  for (const auto& path : references) EXPECT_NE(find(without_build(path)), nullptr) << path;
}

TEST(WebAssets, PageLinksEveryStyle) {
  auto references = matches(text(*find("index.html")), R"re(href="([^"]*\.css)")re");
  for (const auto& each : all())
    if (each.name.starts_with("styles/")) {
      EXPECT_TRUE(references.contains("/ui/" + std::string(build_id()) + "/" + std::string(each.name))) << each.name;
    }
}

TEST(WebAssets, ModulesImportOnlyEmbeddedModulesAndNoneIsForgotten) {
  std::set<std::string> reached{"app.js", "lib/first-paint.js", "workers/highlight.js"};
  for (const auto& each : all()) {
    if (!is_own_script(each)) continue;
    auto names = matches(text(each), R"re((?:^|\n)import [^;']*'([^']*)')re");
    names.merge(matches(text(each), R"re(import\('([^']*)'\))re"));
    for (const auto& name : names) {
      auto path = resolve(each.name, name);
      EXPECT_NE(find(path), nullptr) << each.name << " imports " << name;
      reached.insert(path);
    }
  }
  for (const auto& each : all())
    if (is_own_script(each)) {
      EXPECT_TRUE(reached.contains(std::string(each.name))) << each.name;
    }
}

TEST(WebAssets, EveryIconIsInTheSprite) {
  const auto sprite = text(*find("icons.svg"));
  for (const auto& each : all()) {
    if (!is_own_script(each)) continue;
    for (const auto& name : matches(text(each), R"re(\bicon\('([a-z0-9-]+)'\))re"))
      EXPECT_NE(sprite.find("id=\"" + name + "\""), std::string::npos) << each.name << " " << name;
  }
}

TEST(WebAssets, PageHasNoInlineScriptStyleOrHandler) {
  auto page = text(*find("index.html"));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<style|\sstyle\s*=|\son\w+\s*=|javascript:)", std::regex::icase)));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<script[^>]*>[^<])", std::regex::icase)));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<script(?![^>]*\ssrc=))", std::regex::icase)));
}

TEST(WebAssets, NoScriptTurnsTextIntoMarkupOrCode) {
  std::regex forbidden(R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|)"
                       R"(createContextualFragment|DOMParser|\beval\(|new Function|setAttribute\('style'|srcdoc)");
  for (const auto& each : all())
    if (is_own_script(each)) {
      EXPECT_FALSE(std::regex_search(text(each), forbidden)) << each.name;
    }
}

TEST(WebAssets, OnlyTheTokensNameColours) {
  for (const auto& each : all())
    if (each.name.starts_with("styles/") && !each.name.ends_with("/tokens.css")) {
      EXPECT_TRUE(matches(text(each), R"re((:[^;{}]*(?:#[0-9a-fA-F]{3,8}\b|rgba?\()[^;{}]*;))re").empty()) << each.name;
    }
}

TEST(WebAssets, PolicyForbidsInlineCodeAndForeignFrames) {
  std::string policy(content_security_policy());
  for (auto directive :
       {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
        "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types nexus"})
    EXPECT_NE(policy.find(directive), std::string::npos) << directive;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find('*'), std::string::npos);
}

}  // namespace
}  // namespace nexus::web
