// Tokens of images, by size and detail and the model's rule, and an image's size from its first bytes. Pure; any
// thread. Nothing is ever fetched: an image behind a URL counts with `unknown_image_size`. No figure here is exact:
// vendors change their rules without notice.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nexus::tokenizer {

struct image_size {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const image_size&) const = default;
};

/// What an image is taken for whose size is not known: the commonest size of screenshots and generated pictures.
constexpr image_size unknown_image_size = {1024, 1024};

/// How a family turns an image into tokens.
enum class image_method : uint8_t {
  fixed,         // `base` each
  tiles,         // OpenAI: within 2048 x 2048, shorter side to 768, `base` + `unit` for each tile of 512; low: `base`
  patches,       // OpenAI: patches of 32 x 32, at most `cap` (detail "high") or `cap_auto`, times `scale` / 100
  area,          // Claude: within 1568 a side, width * height / `unit`, at most `cap`
  gemini_tiles,  // `unit` if both sides are at most 384, else for each tile of 768
  levels,        // Gemini 3: by detail low, medium, high (default)
  merged,        // Qwen-VL: sides to multiples of `unit`, one token for each square of it, at most `cap`, + `base`
};

/// One row of the table.
struct image_rule {
  std::string_view prefix;  // of the model's name without its vendor, in small letters
  image_method method = image_method::fixed;
  int64_t base = 0;
  int64_t unit = 0;
  int64_t scale = 100;
  int64_t cap = 0;
  int64_t cap_auto = 0;
  std::string_view source;
};

/// Returns the rule of the first row that begins the model's name; the last row fits all.
const image_rule& image_rule_for(std::string_view model);

/// Returns the tokens of one image; `detail` is "low", "high", "auto" or empty.
int64_t image_tokens(const image_rule& rule, image_size size, std::string_view detail);

/// Reads width and height from the head of a PNG, JPEG, GIF or WebP file; nullopt if it is something else, is cut off,
/// or claims no or more than 65535 pixels a side.
std::optional<image_size> read_image_size(std::string_view bytes);

/// The same for "data:image/...;base64,...": decodes no more than `image_head_bytes_max`.
std::optional<image_size> read_data_url_size(std::string_view url);

/// How much of an image is looked at: a JPEG's size stands behind its thumbnail and colour profile.
constexpr size_t image_head_bytes_max = 256 * 1024;

}  // namespace nexus::tokenizer
