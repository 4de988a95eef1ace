#include "tokenizer/image_tokens.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace nexus::tokenizer {
namespace {

using namespace std::string_literals;

int64_t tokens(std::string_view model, uint32_t width, uint32_t height, std::string_view detail = "high") {
  return image_tokens(image_rule_for(model), {width, height}, detail);
}

TEST(ImageTokens, CountTilesAsDocumented) {
  EXPECT_EQ(tokens("gpt-4o", 1024, 1024), 765);
  EXPECT_EQ(tokens("gpt-4o", 2048, 4096), 1105);
  EXPECT_EQ(tokens("gpt-4o", 4096, 8192, "low"), 85);
  EXPECT_EQ(tokens("openai/gpt-4.1", 512, 512), 255);
  EXPECT_EQ(tokens("gpt-4o-mini", 1024, 1024), 2833 + 4 * 5667);
  EXPECT_EQ(tokens("o1", 1024, 1024), 75 + 4 * 150);
  EXPECT_EQ(tokens("gpt-5", 1024, 1024), 70 + 4 * 140);
  EXPECT_EQ(tokens("gpt-4o", 1, 1), 255);
}

TEST(ImageTokens, CountPatchesAsDocumented) {
  EXPECT_EQ(tokens("gpt-4.1-mini", 1024, 1024), (1024 * 162 + 99) / 100);
  // The documentation's example: 1800 x 2400 shrinks to 1452 patches.
  EXPECT_EQ(tokens("gpt-4.1-mini", 1800, 2400), (1452 * 162 + 99) / 100);
  EXPECT_EQ(tokens("o4-mini", 32, 33), (2 * 172 + 99) / 100);
  EXPECT_EQ(tokens("gpt-5-mini", 1024, 1024), (1024 * 120 + 99) / 100);
  EXPECT_LE(tokens("gpt-5.5", 4000, 3000, "high"), 2940);
  EXPECT_GT(tokens("gpt-5.5", 4000, 3000, "auto"), 14000);
  EXPECT_LE(tokens("gpt-5.5", 4000, 3000, "auto"), 14364);
  EXPECT_LE(tokens("gpt-4.1-nano", 65535, 1), (1536 * 246 + 99) / 100);
}

TEST(ImageTokens, CountTheOthersByTheirRules) {
  EXPECT_EQ(tokens("claude-sonnet-4.5", 750, 1000), 1000);
  EXPECT_EQ(tokens("claude-sonnet-4.5", 3000, 3000), 1600);
  EXPECT_EQ(tokens("claude-opus-5.5", 1568, 1568), 3279);
  EXPECT_EQ(tokens("gemini-2.5-pro", 384, 384), 258);
  EXPECT_EQ(tokens("gemini-2.5-pro", 1536, 769), 4 * 258);
  EXPECT_EQ(tokens("gemini-3-pro", 10, 10, ""), 1120);
  EXPECT_EQ(tokens("gemini-3-pro", 10, 10, "low"), 280);
  EXPECT_EQ(tokens("gemini-3-pro", 10, 10, "medium"), 560);
  EXPECT_EQ(tokens("gemma-3-27b-it", 10, 10), 256);
  EXPECT_EQ(tokens("Qwen/Qwen2.5-VL-7B", 280, 560), 10 * 20 + 2);
  EXPECT_EQ(tokens("qwen3-vl-plus", 320, 640), 10 * 20 + 2);
  EXPECT_LE(tokens("qwen3-vl-plus", 65535, 65535), 16384 + 2);
  EXPECT_EQ(tokens("somebody", 1024, 1024), 765);
}

TEST(ImageTokens, NeverCountNothingNorWithoutBound) {
  for (const char* model : {"gpt-4o", "gpt-4.1-mini", "gpt-5.5", "claude", "gemini-2.5-pro", "qwen3-vl", "x"}) {
    for (const uint32_t width : {0U, 1U, 31U, 769U, 65535U}) {
      for (const uint32_t height : {0U, 1U, 33U, 65535U}) {
        for (const char* detail : {"", "low", "high", "auto", "odd"}) {
          const auto count = tokens(model, width, height, detail);
          EXPECT_GE(count, 1) << model << width << "x" << height << detail;
          EXPECT_LE(count, 2'000'000) << model << width << "x" << height << detail;
        }
      }
    }
  }
}

std::string big(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}
std::string little(uint32_t value, int bytes) {
  std::string text = big(value, bytes);
  return {text.rbegin(), text.rend()};
}

std::string png(uint32_t width, uint32_t height) {
  return "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s + big(width, 4) + big(height, 4) + "\x08\x06\0\0\0"s;
}
std::string gif(uint32_t width, uint32_t height) {
  return "GIF89a" + little(width, 2) + little(height, 2) + std::string(2, '\0');
}
std::string jpeg(uint32_t width, uint32_t height, size_t profile = 100) {
  std::string text = "\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"s;
  for (; profile > 0; profile -= std::min<size_t>(profile, 60000)) {
    const auto size = static_cast<uint32_t>(std::min<size_t>(profile, 60000));
    text += "\xff\xe2"s + big(size + 2, 2) + std::string(size, 'p');
  }
  return text + "\xff\xff\xc2"s + big(17, 2) + "\x08" + big(height, 2) + big(width, 2) + "\x03";
}
std::string webp(const std::string& chunk) { return "RIFF" + little(100, 4) + "WEBP" + chunk; }
std::string webp_lossy(uint32_t width, uint32_t height) {
  return webp("VP8 " + little(50, 4) + "\0\0\0\x9d\x01\x2a"s + little(width, 2) + little(height, 2));
}
std::string webp_lossless(uint32_t width, uint32_t height) {
  return webp("VP8L" + little(50, 4) + "\x2f" + little((width - 1) | (height - 1) << 14, 4) + std::string(8, '\0'));
}
std::string webp_extended(uint32_t width, uint32_t height) {
  return webp("VP8X" + little(10, 4) + std::string(4, '\0') + little(width - 1, 3) + little(height - 1, 3));
}

std::string base64(std::string_view bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6; held -= 6) text += letters[bits >> (held - 6) & 63];
  }
  if (held > 0) text += letters[bits << (6 - held) & 63];
  return text;
}

TEST(ImageSize, IsReadFromEveryKind) {
  const image_size size{640, 480};
  for (const auto& bytes : {png(640, 480), gif(640, 480), jpeg(640, 480), jpeg(640, 480, 150'000), webp_lossy(640, 480),
                            webp_lossless(640, 480), webp_extended(640, 480)}) {
    EXPECT_EQ(read_image_size(bytes), size) << bytes.substr(0, 4);
    EXPECT_EQ(read_data_url_size("data:image/any;base64," + base64(bytes)), size) << bytes.substr(0, 4);
  }
}

TEST(ImageSize, IsUnknownWhereTheFileIsCut) {
  for (const auto& bytes : {png(640, 480).substr(0, 24), gif(640, 480).substr(0, 10), jpeg(640, 480).substr(0, 133),
                            webp_lossy(640, 480), webp_lossless(640, 480), webp_extended(640, 480)}) {
    for (size_t length = 0; length < 24 && length < bytes.size(); ++length) {
      const auto size = read_image_size(bytes.substr(0, length));
      if (size) {
        EXPECT_EQ(*size, (image_size{640, 480}));
      }
    }
  }
  EXPECT_EQ(read_image_size(png(640, 480).substr(0, 23)), std::nullopt);
  EXPECT_EQ(read_image_size(gif(640, 480).substr(0, 9)), std::nullopt);
  EXPECT_EQ(read_image_size(webp_extended(640, 480).substr(0, 29)), std::nullopt);
  const auto whole = jpeg(640, 480);
  EXPECT_EQ(read_image_size(whole.substr(0, whole.size() - 3)), std::nullopt);
}

TEST(ImageSize, DoesNotBelieveLies) {
  EXPECT_EQ(read_image_size(png(0, 480)), std::nullopt);
  EXPECT_EQ(read_image_size(png(640, 0xffffffff)), std::nullopt);
  EXPECT_EQ(read_image_size(png(65536, 1)), std::nullopt);
  EXPECT_EQ(read_image_size(gif(0, 0)), std::nullopt);
  EXPECT_EQ(read_image_size(webp_extended(1 << 24, 1)), std::nullopt);
  EXPECT_EQ(read_image_size(webp("VP8L" + little(50, 4) + std::string(20, 'x'))), std::nullopt);
  EXPECT_EQ(read_image_size(webp("VP8 " + std::string(30, 'x'))), std::nullopt);
  EXPECT_EQ(read_image_size(webp("XXXX" + std::string(30, 'x'))), std::nullopt);
  EXPECT_EQ(read_image_size("\xff\xd8\xff\xe0\x00\x01"s + std::string(50, 'x')), std::nullopt);  // a length of one
  EXPECT_EQ(read_image_size("\xff\xd8\xff\xe0\xff\xff"s + std::string(50, 'x')), std::nullopt);  // beyond the end
  EXPECT_EQ(read_image_size("\xff\xd8"s + std::string(100'000, '\xff')), std::nullopt);
  EXPECT_EQ(read_image_size("\xff\xd8\xff\xda\0\0"s + std::string(50, 'x')), std::nullopt);  // a scan without a frame
  EXPECT_EQ(read_image_size("\xff\xd8xxxxxxxx"), std::nullopt);
  EXPECT_EQ(read_image_size(jpeg(640, 480, image_head_bytes_max)), std::nullopt);  // too far behind
  EXPECT_EQ(read_image_size("BM not one of ours"), std::nullopt);
  EXPECT_EQ(read_image_size(""), std::nullopt);
}

TEST(ImageSize, OfAUrlThatHoldsNoImageIsUnknown) {
  for (const auto& url : {"https://example.org/a.png"s, "data:image/png,plain"s, "data:image/png;base64,"s,
                          "data:image/png;base64,!!!!"s, "data:"s + std::string(1000, 'x') + ";base64,AAAA", ""s}) {
    EXPECT_EQ(read_data_url_size(url), std::nullopt) << url.substr(0, 40);
  }
}

TEST(ImageSize, SurvivesRandomBytes) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): repeatable
  const std::string heads[] = {"\x89PNG\r\n\x1a\n"s, "\xff\xd8\xff"s, "GIF89a"s, "RIFFxxxxWEBPVP8 "s,
                               "RIFFxxxxWEBPVP8L"s};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = heads[random() % std::size(heads)];
    for (size_t length = random() % 60; length > 0; --length) bytes += static_cast<char>(random());
    const auto size = read_image_size(bytes);
    if (size) {
      EXPECT_TRUE(size->width > 0 && size->height > 0 && size->width <= 65535 && size->height <= 65535);
    }
  }
}

}  // namespace
}  // namespace nexus::tokenizer
