// Width and height from the first bytes of an image. Every offset is checked: the bytes come from anywhere.
#include "tokenizer/image_tokens.hpp"

#include <array>
#include <string>

namespace nexus::tokenizer {

namespace {

constexpr uint32_t side_max = 65535;

class reader {
 public:
  explicit reader(std::string_view bytes) : bytes_(bytes) {}

  bool has(size_t at, size_t count) const { return at <= bytes_.size() && bytes_.size() - at >= count; }
  /// The caller has checked with `has`.
  uint32_t byte(size_t at) const { return static_cast<unsigned char>(bytes_[at]); }
  uint32_t big16(size_t at) const { return byte(at) << 8 | byte(at + 1); }
  uint32_t little16(size_t at) const { return byte(at) | byte(at + 1) << 8; }
  uint32_t little24(size_t at) const { return little16(at) | byte(at + 2) << 16; }
  uint32_t big32(size_t at) const { return big16(at) << 16 | big16(at + 2); }
  bool is(size_t at, std::string_view text) const {
    return has(at, text.size()) && bytes_.substr(at, text.size()) == text;
  }

 private:
  std::string_view bytes_;
};

std::optional<image_size> believable(uint32_t width, uint32_t height) {
  if (width == 0 || height == 0 || width > side_max || height > side_max) return {};
  return image_size{width, height};
}

std::optional<image_size> png_size(const reader& in) {
  if (!in.is(12, "IHDR") || !in.has(16, 8)) return {};
  return believable(in.big32(16), in.big32(20));
}

std::optional<image_size> gif_size(const reader& in) {
  if (!in.has(6, 4)) return {};
  return believable(in.little16(6), in.little16(8));
}

std::optional<image_size> webp_size(const reader& in) {
  if (!in.has(12, 18)) return {};
  if (in.is(12, "VP8X")) return believable(in.little24(24) + 1, in.little24(27) + 1);
  if (in.is(12, "VP8L")) {
    if (in.byte(20) != 0x2f) return {};
    const uint32_t bits = in.little16(21) | in.little16(23) << 16;
    return believable((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
  }
  if (in.is(12, "VP8 ") && in.is(23, "\x9d\x01\x2a")) {
    return believable(in.little16(26) & 0x3fff, in.little16(28) & 0x3fff);
  }
  return {};
}

/// Walks the segments to the first start of frame. Each step moves on, so it ends with the bytes.
std::optional<image_size> jpeg_size(const reader& in) {
  size_t at = 2;
  while (in.has(at, 4)) {
    if (in.byte(at) != 0xff) return {};
    const uint32_t marker = in.byte(at + 1);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {  // stands alone
      at += 2;
      continue;
    }
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) return in.has(at, 9) ? believable(in.big16(at + 7), in.big16(at + 5)) : std::nullopt;
    if (marker == 0xd9 || marker == 0xda) return {};  // the end, or the picture itself, without a frame
    const uint32_t length = in.big16(at + 2);
    if (length < 2) return {};
    at += 2 + length;
  }
  return {};
}

constexpr std::array<int8_t, 256> make_base64() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < letters.size(); ++i) table[static_cast<unsigned char>(letters[i])] = static_cast<int8_t>(i);
  table['-'] = 62;  // the alphabet for URLs
  table['_'] = 63;
  return table;
}

/// Decodes until the bound, the end, or the first letter that does not belong.
std::string decode_head(std::string_view text) {
  static constexpr auto values = make_base64();
  std::string bytes;
  uint32_t bits = 0;
  unsigned held = 0;
  for (const char letter : text) {
    const int8_t value = values[static_cast<unsigned char>(letter)];
    if (value < 0 || bytes.size() >= image_head_bytes_max) break;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  return bytes;
}

}  // namespace

std::optional<image_size> read_image_size(std::string_view bytes) {
  const reader in(bytes.substr(0, image_head_bytes_max));
  if (in.is(0, "\x89PNG\r\n\x1a\n")) return png_size(in);
  if (in.is(0, "\xff\xd8")) return jpeg_size(in);
  if (in.is(0, "GIF87a") || in.is(0, "GIF89a")) return gif_size(in);
  if (in.is(0, "RIFF") && in.is(8, "WEBP")) return webp_size(in);
  return {};
}

std::optional<image_size> read_data_url_size(std::string_view url) {
  constexpr std::string_view scheme = "data:";
  constexpr std::string_view coding = ";base64,";
  if (!url.starts_with(scheme)) return {};
  const size_t at = url.substr(0, 256).find(coding);
  if (at == std::string_view::npos) return {};
  return read_image_size(decode_head(url.substr(at + coding.size())));
}

}  // namespace nexus::tokenizer
