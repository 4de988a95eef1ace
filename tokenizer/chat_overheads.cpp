#include "tokenizer/chat_overheads.hpp"

#include "tokenizer/model_name.hpp"
#include "tokenizer/templates/chat_template.hpp"

#include <algorithm>

namespace nexus::tokenizer {

namespace {

// Fitted against the vendors' APIs and published under the MIT licence by the npm package ai-tokenizer 1.0.6
// (https://github.com/coder/ai-tokenizer). Not truth: a start, until an upstream's reports say better. Its factors for
// the text itself are left out, since a model's text is counted with its own encoding or estimator here.
constexpr chat_overheads rows[] = {
    // model, request, message, tools: any, each further, description, first property, further ones, their descriptions,
    // enum, nested object, array of objects
    {"alibaba/qwen-3-14b", 7, 4, 138, 56, 0, 14, 11, 5, 9, 9, 11},
    {"alibaba/qwen-3-235b", 7, 4, 142, 60, 0, 14, 11, 5, 9, 10, 11},
    {"alibaba/qwen-3-30b", 7, 4, 138, 56, 0, 14, 11, 5, 9, 9, 11},
    {"alibaba/qwen-3-32b", 7, 4, 137, 55, 1, 14, 11, 5, 9, 10, 11},
    {"alibaba/qwen3-235b-a22b-thinking", 7, 4, 138, 56, 0, 14, 11, 5, 9, 9, 11},
    {"alibaba/qwen3-coder", 7, 4, 229, 24, -1, 27, 22, 6, 12, -9, -16},
    {"alibaba/qwen3-coder-plus", 7, 4, 260, 52, -1, 27, 22, 6, 12, -9, -15},
    {"alibaba/qwen3-max", 7, 4, 245, 56, 0, 14, 11, 5, 9, 10, 11},
    {"alibaba/qwen3-next-80b-a3b-instruct", 7, 4, 138, 56, 0, 14, 11, 5, 9, 10, 11},
    {"alibaba/qwen3-next-80b-a3b-thinking", 9, 4, 133, 51, 0, 14, 11, 5, 9, 9, 11},
    {"alibaba/qwen3-vl-instruct", 7, 4, 137, 55, 1, 14, 11, 5, 9, 10, 11},
    {"amazon/nova-lite", -1, 2, 394, 41, 5, 14, 11, 5, 9, 10, 11},
    {"amazon/nova-micro", -1, 2, 394, 41, 5, 14, 11, 5, 9, 10, 11},
    {"amazon/nova-pro", -1, 2, 394, 41, 5, 14, 11, 5, 9, 10, 11},
    {"anthropic/claude-3-haiku", 6, 2, 317, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-3-opus", 6, 2, 586, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-3.5-haiku", 6, 2, 317, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-3.5-sonnet", 6, 2, 366, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-3.5-sonnet-20240620", 6, 2, 347, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-3.7-sonnet", 6, 2, 366, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-haiku-4.5", 6, 2, 549, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-opus-4", 6, 2, 366, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-opus-4.1", 6, 2, 366, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-opus-4.5", 6, 2, 549, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-sonnet-4", 6, 2, 366, 53, 5, 13, 12, 5, 9, 12, 13},
    {"anthropic/claude-sonnet-4.5", 6, 2, 549, 53, 5, 13, 12, 5, 9, 12, 13},
    {"deepseek/deepseek-r1", 4, 1, -3, -1, -1, -1, -1, -1, -3, 0, 1},
    {"deepseek/deepseek-v3", 5, 1, 149, 71, 0, 14, 11, 5, 9, 10, 11},
    {"deepseek/deepseek-v3.1", 7, 3, 143, 71, 0, 14, 11, 5, 9, 10, 11},
    {"deepseek/deepseek-v3.1-terminus", 4, 1, 144, 43, 0, 14, 11, 5, 9, 10, 11},
    {"deepseek/deepseek-v3.2-exp", 3, 1, 142, 42, 0, 14, 11, 5, 9, 9, 10},
    {"deepseek/deepseek-v3.2-exp-thinking", 3, 1, 142, 42, 0, 14, 11, 5, 9, 9, 10},
    {"google/gemini-2.0-flash", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"google/gemini-2.0-flash-lite", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"google/gemini-2.5-flash", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"google/gemini-2.5-flash-lite", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"google/gemini-2.5-flash-lite-preview-09-2025", 0, 0, 18, 18, 0, 10, 10, -1, 5, 29, 29},
    {"google/gemini-2.5-flash-preview-09-2025", 0, 0, 18, 18, 0, 10, 10, -1, 5, 29, 29},
    {"google/gemini-2.5-pro", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"google/gemini-3-pro-preview", -1, -1, 0, 0, 0, 3, 2, 0, 0, -1, 0},
    {"meituan/longcat-flash-chat", 9, 4, 173, 42, -1, 8, 8, -59, -3, 146, 84},
    {"meta/llama-3.1-8b", 14, 4, 193, 47, 1, 8, 7, 3, 5, 9, 10},
    {"meta/llama-3.3-70b", 34, 4, 173, 47, 1, 8, 7, 3, 5, 9, 10},
    {"meta/llama-4-scout", 34, 4, 532, 40, 1, 40, 17, 6, 16, -9, -8},
    {"minimax/minimax-m2", 40, 4, 147, 51, 1, 14, 11, 5, 9, 10, 11},
    {"mistral/codestral", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/devstral-small", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/magistral-medium", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/magistral-small", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/mistral-large", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/mistral-medium", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/mistral-small", 2, 1, 60, 57, 1, 14, 11, 5, 9, 9, 11},
    {"mistral/pixtral-large", 2, 1, 63, 60, 1, 14, 11, 5, 9, 10, 11},
    {"moonshotai/kimi-k2", 24, 3, 67, 54, 1, 14, 11, 5, 9, 10, 11},
    {"moonshotai/kimi-k2-0905", 24, 3, 67, 54, 1, 14, 11, 5, 9, 10, 11},
    {"moonshotai/kimi-k2-thinking", 6, 4, 33, 17, 2, 4, 4, 3, 6, 9, 11},
    {"moonshotai/kimi-k2-thinking-turbo", 6, 4, 33, 17, 2, 4, 4, 3, 6, 9, 11},
    {"moonshotai/kimi-k2-turbo", 6, 3, 48, 40, 3, 8, 7, 3, 5, 9, 10},
    {"openai/gpt-4-turbo", 6, 3, 16, 6, 2, 5, 3, 3, 7, -3, 1},
    {"openai/gpt-4.1", 6, 3, 16, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-4.1-mini", 6, 3, 16, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-4o", 6, 3, 16, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-4o-mini", 6, 3, 16, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5", 5, 4, 24, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5-chat", 6, 3, 16, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5-codex", 5, 4, 24, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5-mini", 5, 4, 21, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5-nano", 5, 4, 21, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5-pro", 5, 4, 24, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5.1-codex", 5, 4, 103, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5.1-codex-mini", 5, 4, 21, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5.1-instant", 5, 4, 103, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-5.1-thinking", 5, 4, 103, 6, 2, 5, 3, 2, 7, -3, 1},
    {"openai/gpt-oss-120b", 66, 4, 40, 9, 1, 3, 3, 1, 6, 11, 9},
    {"openai/gpt-oss-20b", 68, 4, 38, 9, -1, 3, 3, 1, 6, 11, 9},
    {"openai/gpt-oss-safeguard-20b", 70, 4, 42, 15, 1, 3, 3, 1, 6, 19, 17},
    {"openai/o1", 5, 3, 19, 6, -28, 5, 3, 2, 7, -3, 1},
    {"openai/o3", 5, 4, 19, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/o3-mini", 5, 3, 19, 6, 1, 5, 3, 2, 7, -3, 1},
    {"openai/o4-mini", 5, 4, 19, 6, 1, 5, 3, 2, 7, -3, 1},
    {"prime-intellect/intellect-3", 8, 4, 267, 51, -1, 27, 22, 6, 12, -9, -16},
    {"stealth/sonoma-dusk-alpha", 167, 3, 185, 32, 3, 9, 7, 3, 6, 7, 8},
    {"stealth/sonoma-sky-alpha", 155, 3, 186, 32, 3, 9, 7, 3, 6, 7, 8},
    {"vercel/v0-1.0-md", 2216, 2, 351, 37, 5, 9, 12, 5, 9, 16, 17},
    {"vercel/v0-1.5-md", 2216, 2, 351, 37, 5, 9, 12, 5, 9, 16, 17},
    {"xai/grok-2", 5, 3, 107, 35, 3, 8, 7, 3, 6, 9, 10},
    {"xai/grok-2-vision", 5, 3, 107, 35, 3, 8, 7, 3, 6, 9, 10},
    {"xai/grok-3", 5, 3, 240, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-3-fast", 5, 3, 240, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-3-mini", 6, 3, 262, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-3-mini-fast", 6, 3, 262, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-4", 683, 3, 187, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-4-fast-non-reasoning", 167, 3, 185, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-4-fast-reasoning", 155, 3, 186, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-4.1-fast-non-reasoning", 167, 3, 186, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-4.1-fast-reasoning", 155, 3, 186, 32, 3, 9, 7, 3, 6, 7, 8},
    {"xai/grok-code-fast-1", 203, 61, 167, 37, 3, 9, 7, 3, 6, 7, 8},
    {"zai/glm-4.5", 9, 3, 127, 28, 1, 14, 11, 5, 9, 10, 11},
    {"zai/glm-4.5-air", 4, 3, 128, 28, 1, 14, 11, 5, 9, 9, 11},
    {"zai/glm-4.5v", 9, 3, 133, 33, 1, 14, 11, 5, 9, 10, 11},
};

constexpr chat_overheads unknown = {"", 6, 3, 135, 36, 1, 9, 10, 3, 7, 9, 10};  // the medians of the table

/// What a name that no row begins is taken for.
struct kin_row {
  std::string_view prefix;
  std::string_view model;
};
constexpr kin_row kin[] = {
    {"claude", "claude-sonnet-4-5"}, {"gemini", "gemini-2-5-pro"}, {"gpt", "gpt-5"}, {"grok", "grok-4"},
    {"mistral", "mistral-large"},    {"qwen", "qwen3-max"},
};

/// "claude-sonnet-4-5" is what others call "claude-sonnet-4.5".
std::string dashed(std::string_view model) {
  std::string name = plain_model_name(model);
  std::ranges::replace(name, '.', '-');
  return name;
}

const chat_overheads* longest_row(std::string_view name) {
  const chat_overheads* best = nullptr;
  size_t length = 0;
  for (const auto& row : rows) {
    const std::string prefix = dashed(row.model);
    const bool whole = name.size() <= prefix.size() || name[prefix.size()] == '-';  // "gpt-4" is not "gpt-4o"
    if (name.starts_with(prefix) && whole && prefix.size() > length) {
      best = &row;
      length = prefix.size();
    }
  }
  return best;
}

}  // namespace

const chat_overheads& chat_overheads_for(std::string_view model) {
  const std::string name = dashed(model);
  if (const auto* row = longest_row(name)) return *row;
  for (const auto& relation : kin) {
    if (!name.starts_with(relation.prefix)) continue;
    if (const auto* row = longest_row(relation.model)) return *row;
  }
  return unknown;
}

namespace {

std::string_view view(const json::value& text) { return {text.GetString(), text.GetStringLength()}; }

const json::value* member(const json::value& object, std::string_view name) {
  return object.IsObject() ? json::find(object, name) : nullptr;
}

/// Depth is bounded by the reader of the JSON text.
int64_t count_schema(const chat_overheads& row, const json::value& schema, const text_counter& counter) {
  const auto* properties = member(schema, "properties");
  if (properties == nullptr || !properties->IsObject()) return 0;
  int64_t tokens = 0;
  bool first = true;
  for (const auto& property : properties->GetObject()) {
    tokens += counter(view(property.name)) + (first ? row.first_property : row.further_property);
    first = false;
    const auto* description = member(property.value, "description");
    if (description != nullptr && description->IsString()) tokens += row.property_text + counter(view(*description));
    if (const auto* choice = member(property.value, "enum"); choice != nullptr && choice->IsArray()) {
      tokens += row.choice;
      for (const auto& value : choice->GetArray()) {
        if (value.IsString())
          tokens += counter(view(value));
        else
          tokens += 1;
      }
    }
    if (member(property.value, "properties") != nullptr) {
      tokens += row.nested_object + count_schema(row, property.value, counter);
    }
    if (const auto* items = member(property.value, "items")) {
      if (member(*items, "properties") != nullptr) tokens += row.object_array;
      tokens += count_schema(row, *items, counter);
    }
  }
  return tokens;
}

}  // namespace

int64_t count_overhead_tools(const chat_overheads& row, const std::vector<const json::value*>& tools,
                             const text_counter& counter) {
  if (tools.empty()) return 0;
  int64_t tokens = row.tools_exist;
  bool first = true;
  for (const auto* tool : tools) {
    const auto& function = function_of(*tool);
    if (!first) tokens += row.further_tool;
    first = false;
    const auto* name = member(function, "name");
    if (name != nullptr && name->IsString()) tokens += counter(view(*name));
    const auto* description = member(function, "description");
    if (description != nullptr && description->IsString()) tokens += row.tool_text + counter(view(*description));
    if (const auto* parameters = member(function, "parameters")) tokens += count_schema(row, *parameters, counter);
  }
  return tokens;
}

}  // namespace nexus::tokenizer
