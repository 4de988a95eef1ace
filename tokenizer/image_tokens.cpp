#include "tokenizer/image_tokens.hpp"

#include "tokenizer/model_name.hpp"

#include <algorithm>
#include <cmath>

namespace nexus::tokenizer {

namespace {

constexpr std::string_view vision_guide = "https://platform.openai.com/docs/guides/images-vision";
constexpr std::string_view measured = "billed, as measured by users in 2025 and 2026; the documentation says 1.62";
constexpr std::string_view dataset = "measured: Hugging Face data set JOHNISKING/image-token-cost";
constexpr std::string_view claude_docs = "https://docs.claude.com/en/docs/build-with-claude/vision";
constexpr std::string_view gemini_docs = "https://ai.google.dev/gemini-api/docs/tokens";
constexpr std::string_view gemini3_docs = "https://ai.google.dev/gemini-api/docs/media-resolution";
constexpr std::string_view qwen_docs = "preprocessor_config.json of Qwen2.5-VL and Qwen3-VL: patch 14 or 16, merge 2";

using enum image_method;

// From the special to the general: the first row that begins the name counts.
constexpr image_rule rules[] = {
    {"gpt-4o-mini", tiles, 2833, 5667, 100, 0, 0, vision_guide},
    {"gpt-4.1-mini", patches, 0, 0, 162, 1536, 1536, vision_guide},
    {"gpt-4.1-nano", patches, 0, 0, 246, 1536, 1536, vision_guide},
    {"gpt-4", tiles, 85, 170, 100, 0, 0, vision_guide},
    {"chatgpt-4o", tiles, 85, 170, 100, 0, 0, vision_guide},
    {"o4-mini", patches, 0, 0, 172, 1536, 1536, vision_guide},
    {"o1", tiles, 75, 150, 100, 0, 0, vision_guide},
    {"o3", tiles, 75, 150, 100, 0, 0, vision_guide},
    {"gpt-5-mini", patches, 0, 0, 120, 1536, 1536, measured},
    {"gpt-5-nano", patches, 0, 0, 150, 1536, 1536, measured},
    {"gpt-5.5", patches, 0, 0, 120, 2450, 11970, dataset},
    {"gpt-6", patches, 0, 0, 120, 2450, 11970, dataset},
    {"gpt-5", tiles, 70, 140, 100, 0, 0, vision_guide},
    {"claude-opus-5.5", area, 0, 750, 100, 4000, 0, claude_docs},
    {"claude-sonnet-5.5", area, 0, 750, 100, 4000, 0, claude_docs},
    {"claude", area, 0, 750, 100, 1600, 0, claude_docs},
    {"gemini-3", levels, 1120, 0, 100, 0, 0, gemini3_docs},
    {"gemini", gemini_tiles, 0, 258, 100, 0, 0, gemini_docs},
    {"gemma-3", fixed, 256, 0, 100, 0, 0, "https://ai.google.dev/gemma/docs/core/model_card_3"},
    {"qwen2.5-vl", merged, 2, 28, 100, 16384, 0, qwen_docs},
    {"qwen2-vl", merged, 2, 28, 100, 16384, 0, qwen_docs},
    {"qwen", merged, 2, 32, 100, 16384, 0, qwen_docs},
    {"", tiles, 85, 170, 100, 0, 0, "no published rule: as gpt-4o"},
};

int64_t ceil_of(double value) { return static_cast<int64_t>(std::ceil(value - 1e-9)); }

int64_t count_tiles(double width, double height) {
  if (const double longer = std::max(width, height); longer > 2048) {
    width *= 2048 / longer;
    height *= 2048 / longer;
  }
  if (const double shorter = std::min(width, height); shorter > 768) {
    width *= 768 / shorter;
    height *= 768 / shorter;
  }
  return ceil_of(width / 512) * ceil_of(height / 512);
}

int64_t count_patches(double width, double height, int64_t cap) {
  const int64_t all = ceil_of(width / 32) * ceil_of(height / 32);
  if (all <= cap) return all;
  // Shrunk until the area fits, then until one side is whole patches.
  double shrink = std::sqrt(32.0 * 32.0 * static_cast<double>(cap) / (width * height));
  const double across = width * shrink / 32;
  const double down = height * shrink / 32;
  shrink *= std::min(std::floor(across) / across, std::floor(down) / down);
  return std::clamp<int64_t>(ceil_of(width * shrink / 32) * ceil_of(height * shrink / 32), 1, cap);
}

int64_t count_area(double width, double height, const image_rule& rule) {
  if (const double longer = std::max(width, height); longer > 1568) {
    width *= 1568 / longer;
    height *= 1568 / longer;
  }
  return std::min(ceil_of(width * height / static_cast<double>(rule.unit)), rule.cap);
}

int64_t count_merged(double width, double height, const image_rule& rule) {
  const auto unit = static_cast<double>(rule.unit);
  const auto cap = static_cast<double>(rule.cap);
  double across = std::max(std::round(width / unit), 1.0);
  double down = std::max(std::round(height / unit), 1.0);
  if (across * down > cap) {
    const double shrink = std::sqrt(width * height / (cap * unit * unit));
    across = std::max(std::floor(width / shrink / unit), 1.0);
    down = std::max(std::floor(height / shrink / unit), 1.0);
  }
  return static_cast<int64_t>(across * down) + rule.base;
}

}  // namespace

const image_rule& image_rule_for(std::string_view model) {
  const std::string name = plain_model_name(model);
  return *std::ranges::find_if(rules, [&](const image_rule& rule) { return name.starts_with(rule.prefix); });
}

int64_t image_tokens(const image_rule& rule, image_size size, std::string_view detail) {
  const double width = std::max(size.width, 1U);
  const double height = std::max(size.height, 1U);
  switch (rule.method) {
    case fixed:
      return rule.base;
    case tiles:
      return detail == "low" ? rule.base : rule.base + rule.unit * count_tiles(width, height);
    case patches: {
      const int64_t cap = detail == "high" ? rule.cap : rule.cap_auto;
      // "low" is a picture of 512 x 512 at most.
      const int64_t found = detail == "low" ? std::min<int64_t>(count_patches(width, height, cap), 256)
                                            : count_patches(width, height, cap);
      return (found * rule.scale + 99) / 100;
    }
    case area:
      return count_area(width, height, rule);
    case gemini_tiles:
      if (width <= 384 && height <= 384) return rule.unit;
      return rule.unit * ceil_of(width / 768) * ceil_of(height / 768);
    case levels:
      return detail == "low" ? 280 : detail == "medium" ? 560 : rule.base;
    case merged:
      return count_merged(width, height, rule);
  }
  return rule.base;
}

}  // namespace nexus::tokenizer
