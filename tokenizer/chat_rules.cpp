#include "tokenizer/chat_rules.hpp"

#include "tokenizer/model_name.hpp"
#include "tokenizer/templates/families.hpp"

#include <algorithm>
#include <cassert>

namespace nexus::tokenizer {

namespace {

using namespace templates;
using enum system_place;

// Marks: the added tokens of each family's tokenizer.json (or HTK file) as far as its template writes them.
constexpr std::string_view chatml_marks[] = {"<|im_start|>", "<|im_end|>"};
constexpr std::string_view qwen2_5_marks[] = {"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"};
constexpr std::string_view qwen3_marks[] = {"<|im_start|>",    "<|im_end|>",       "<tool_call>", "</tool_call>",
                                            "<tool_response>", "</tool_response>", "<think>",     "</think>"};
constexpr std::string_view deepseek_marks[] = {"<｜begin▁of▁sentence｜>",
                                               "<｜end▁of▁sentence｜>",
                                               "<｜User｜>",
                                               "<｜Assistant｜>",
                                               "<｜tool▁calls▁begin｜>",
                                               "<｜tool▁calls▁end｜>",
                                               "<｜tool▁call▁begin｜>",
                                               "<｜tool▁call▁end｜>",
                                               "<｜tool▁outputs▁begin｜>",
                                               "<｜tool▁outputs▁end｜>",
                                               "<｜tool▁output▁begin｜>",
                                               "<｜tool▁output▁end｜>",
                                               "<｜tool▁sep｜>",
                                               "<think>",
                                               "</think>",
                                               "｜DSML｜"};
constexpr std::string_view glm_marks[] = {
    "[gMASK]",     "<sop>",        "<|system|>",      "<|user|>",         "<|assistant|>", "<|observation|>",
    "<think>",     "</think>",     "<tool_call>",     "</tool_call>",     "<arg_key>",     "</arg_key>",
    "<arg_value>", "</arg_value>", "<tool_response>", "</tool_response>", "/nothink"};
constexpr std::string_view kimi_marks[] = {"<|im_system|>",
                                           "<|im_user|>",
                                           "<|im_assistant|>",
                                           "<|im_middle|>",
                                           "<|im_end|>",
                                           "<|tool_calls_section_begin|>",
                                           "<|tool_calls_section_end|>",
                                           "<|tool_call_begin|>",
                                           "<|tool_call_argument_begin|>",
                                           "<|tool_call_end|>",
                                           "<think>",
                                           "</think>"};
constexpr std::string_view kimi_k3_marks[] = {"<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"};
constexpr std::string_view llama2_marks[] = {"<s>", "</s>"};
constexpr std::string_view llama3_marks[] = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
                                             "<|eot_id|>"};
constexpr std::string_view mistral_marks[] = {
    "<s>",          "</s>",           "[INST]",          "[/INST]",         "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",  "[CALL_ID]",
    "[ARGS]",       "[TOOL_CONTENT]"};
// NeMo's vocabulary has no marks for what came with Small 3.
constexpr std::span<const std::string_view> nemo_marks = std::span(mistral_marks).first<9>();
constexpr std::string_view gemma_marks[] = {"<bos>", "<start_of_turn>", "<end_of_turn>"};
constexpr std::string_view gemma4_marks[] = {"<bos>",      "<|turn>",   "<turn|>",      "<|channel>",
                                             "<channel|>", "<|think|>", "<|tool_call>", "<tool_call|>"};
constexpr std::string_view command_r_marks[] = {"<BOS_TOKEN>",    "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>",
                                                "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>",       "<|SYSTEM_TOKEN|>"};
constexpr std::string_view harmony_marks[] = {"<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>"};
constexpr std::string_view phi_marks[] = {"<|system|>",    "<|user|>",       "<|assistant|>",
                                          "<|end|>",       "<|tool|>",       "<|/tool|>",
                                          "<|tool_call|>", "<|/tool_call|>", "<|tool_response|>"};
constexpr std::string_view phi4_marks[] = {"<|im_start|>", "<|im_sep|>", "<|im_end|>"};

constexpr std::string_view hf = "chat_template of tokenizer_config.json, ";

// name, marks, where the system message stands, thinks, writes tools, at the end, open, tools, message, close, source
constexpr chat_template shapes[] = {
    {"chatml", chatml_marks, own_turn, false, false, false, nullptr, nullptr, chatml_message, chatml_close,
     "the common form without a default system message"},
    {"qwen2_5", qwen2_5_marks, own_turn, false, true, false, nullptr, qwen2_5_tools, qwen2_5_message, chatml_close,
     "Qwen/Qwen2.5-7B-Instruct"},
    {"qwen3", qwen3_marks, own_turn, true, true, false, nullptr, qwen3_tools, qwen3_message, qwen3_close,
     "Qwen/Qwen3-0.6B"},
    {"qwen3_5", qwen3_marks, own_turn, true, true, false, qwen3_5_open, nullptr, qwen3_5_message, qwen3_5_close,
     "Qwen/Qwen3.5-4B"},
    {"deepseek_v3", deepseek_marks, own_turn, false, false, false, deepseek_open, nullptr, deepseek_v3_message,
     deepseek_v3_close, "deepseek-ai/DeepSeek-V3 (also R1, which thinks)"},
    {"deepseek_v3_1", deepseek_marks, own_turn, false, false, false, deepseek_open, nullptr, deepseek_v3_1_message,
     deepseek_v3_1_close, "deepseek-ai/DeepSeek-V3.1"},
    {"deepseek_v4", deepseek_marks, own_turn, false, true, false, deepseek_open, deepseek_v4_tools, deepseek_v4_message,
     deepseek_v4_close, "deepseek-ai/DeepSeek-V4 as in llama.cpp"},
    {"glm4_5", glm_marks, own_turn, true, true, false, glm4_5_open, nullptr, glm4_5_message, glm4_5_close,
     "zai-org/GLM-4.6"},
    {"glm4_7", glm_marks, own_turn, true, true, false, glm4_7_open, nullptr, glm4_7_message, glm4_7_close,
     "zai-org/GLM-4.7-Flash"},
    {"glm5_2", glm_marks, own_turn, true, true, false, glm5_2_open, nullptr, glm5_2_message, glm5_2_close,
     "zai-org/GLM-5.3"},
    {"kimi_k2", kimi_marks, own_turn, false, true, false, kimi_k2_open, nullptr, kimi_k2_message, kimi_close,
     "moonshotai/Kimi-K2-Instruct"},
    {"kimi_k2_thinking", kimi_marks, own_turn, true, true, false, kimi_k2_thinking_open, nullptr,
     kimi_k2_thinking_message, kimi_close, "moonshotai/Kimi-K2-Thinking"},
    {"kimi_k3", kimi_k3_marks, own_turn, true, true, false, kimi_k3_open, nullptr, kimi_k3_message, kimi_k3_close,
     "moonshotai/Kimi-K3"},
    {"llama2", llama2_marks, in_first, false, false, false, nullptr, nullptr, llama2_message, nullptr,
     "meta-llama/Llama-2-7b-chat-hf"},
    {"llama3", llama3_marks, own_turn, false, false, false, llama3_open, nullptr, llama3_message, llama3_close,
     "meta-llama/Meta-Llama-3-8B-Instruct"},
    {"llama3_1", llama3_marks, own_turn, false, true, false, llama3_1_open, llama3_1_tools, llama3_1_message,
     llama3_close, "meta-llama/Llama-3.1-8B-Instruct, Llama-3.3-70B-Instruct"},
    {"mistral_nemo", nemo_marks, in_last_if_user, false, true, true, mistral_open, mistral_nemo_tools,
     mistral_nemo_message, nullptr, "mistralai/Mistral-Nemo-Instruct-2407"},
    {"mistral_small", mistral_marks, own_turn, false, true, true, mistral_open, mistral_small_tools,
     mistral_small_message, nullptr,
     "mistralai/Mistral-Small-3.2-24B-Instruct-2506, without its default system message"},
    {"gemma3", gemma_marks, in_first, false, false, false, gemma_open, nullptr, gemma3_message, gemma3_close,
     "google/gemma-3-4b-it"},
    {"gemma4", gemma4_marks, own_turn, false, false, false, gemma4_open, gemma4_tools, gemma4_message, gemma4_close,
     "google/gemma-4-31B-it, without tools"},
    {"command_r", command_r_marks, own_turn, false, false, false, command_r_open, nullptr, command_r_message,
     command_r_close, "CohereForAI/c4ai-command-r-plus"},
    {"harmony", harmony_marks, own_turn, false, true, false, harmony_open, harmony_tools, harmony_message,
     harmony_close, "openai/gpt-oss-120b"},
    {"phi3", phi_marks, own_turn, false, false, false, nullptr, nullptr, phi3_message, phi3_close,
     "microsoft/Phi-3.5-mini-instruct"},
    {"phi4", phi4_marks, own_turn, false, false, false, nullptr, nullptr, phi4_message, phi4_close, "microsoft/phi-4"},
    {"phi4_mini", phi_marks, own_turn, false, true, false, nullptr, phi4_mini_tools, phi4_mini_message, phi4_mini_close,
     "microsoft/Phi-4-mini-instruct as in llama.cpp"},
};

/// What a template does if the model's name does not say otherwise.
enum class thinks : uint8_t { as_template, yes, no };

/// One row: names that begin so. `exact`: text messages are counted as the model sees them, if its text is.
struct model_row {
  std::string_view prefix;
  std::string_view shape;  // "cookbook", or a template
  bool exact = true;
  thinks thinking = thinks::as_template;
};

// From the special to the general: the first row that begins the name counts.
constexpr model_row models[] = {
    {"gpt-oss", "harmony"},
    // https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken names these.
    {"gpt-3.5", "cookbook"},
    {"gpt-35", "cookbook"},
    {"gpt-4", "cookbook"},
    {"chatgpt-4o", "cookbook"},
    {"gpt-5", "cookbook", false},  // one token less was measured where the rule says 110
    {"gpt-", "cookbook", false},
    {"o1", "cookbook", false},
    {"o3", "cookbook", false},
    {"o4", "cookbook", false},
    {"qwen3.5", "qwen3_5"},
    {"qwen3.6", "qwen3_5"},
    {"qwen3.", "qwen3_5", false},
    {"qwen3-coder", "qwen3", false, thinks::as_template},
    {"qwen3-max", "qwen3", false},
    {"qwen3", "qwen3"},
    {"qwq", "qwen3", false},
    {"qwen2.5", "qwen2_5"},
    {"qwen2", "qwen2_5", false},
    {"qwen", "qwen2_5", false},  // hosted names
    {"deepseek-r1-distill", "deepseek_v3", false, thinks::yes},
    {"deepseek-r1", "deepseek_v3", false, thinks::yes},
    {"deepseek-v3.1", "deepseek_v3_1"},
    {"deepseek-v3-0324", "deepseek_v3"},
    {"deepseek-v3-", "deepseek_v3"},
    {"deepseek-v3.", "deepseek_v4", false},
    {"deepseek-v3", "deepseek_v3"},
    {"deepseek-v4", "deepseek_v4", false},
    {"deepseek-reasoner", "deepseek_v4", false, thinks::yes},
    {"deepseek", "deepseek_v4", false},
    {"glm-4.7", "glm4_7"},
    {"glm-4", "glm4_5"},
    {"glm-5.2", "glm5_2"},
    {"glm-5.3", "glm5_2"},
    {"glm-5", "glm4_7"},
    {"glm", "glm5_2", false},
    {"kimi-k2-instruct", "kimi_k2"},
    {"kimi-k2-0", "kimi_k2"},
    {"kimi-k2-thinking", "kimi_k2_thinking"},
    {"kimi-k2.", "kimi_k2_thinking", false},
    {"kimi-k2", "kimi_k2", false},
    {"kimi-k3", "kimi_k3"},
    {"kimi", "kimi_k3", false},
    {"moonshot", "kimi_k2", false},
    {"llama-2", "llama2", false},
    {"llama2", "llama2", false},
    {"meta-llama-3-", "llama3"},
    {"llama-3-", "llama3"},
    {"llama3-", "llama3"},
    {"meta-llama-3.", "llama3_1"},
    {"llama-3.", "llama3_1"},
    {"llama3.", "llama3_1"},
    {"llama-v3p", "llama3_1"},
    {"llama3", "llama3"},
    {"mistral-nemo", "mistral_nemo"},
    {"open-mistral-nemo", "mistral_nemo"},
    {"mistral-small", "mistral_small", false},
    {"ministral", "mistral_small", false},
    {"devstral", "mistral_small", false},
    {"magistral", "mistral_small", false},
    {"pixtral", "mistral_small", false},
    {"mistral-7b", "llama2", false},
    {"gemma-4", "gemma4"},
    {"gemma", "gemma3"},
    {"command-r", "command_r"},
    {"phi-4-mini", "phi4_mini", false},
    {"phi-4", "phi4", false},
    {"phi-3", "phi3", false},  // its marks swallow blanks
};

}  // namespace

std::span<const chat_template> chat_templates() { return shapes; }

const chat_template* find_chat_template(std::string_view name) {
  const auto* found = std::ranges::find(shapes, name, &chat_template::name);
  return found == std::end(shapes) ? nullptr : found;
}

chat_rule chat_rule_for(std::string_view model) {
  const std::string name = plain_model_name(model);
  chat_rule rule;
  rule.images = &image_rule_for(model);
  const auto* row =
      std::ranges::find_if(models, [&](const model_row& entry) { return name.starts_with(entry.prefix); });
  if (row == std::end(models)) {
    rule.overheads = &chat_overheads_for(model);
    rule.name = "fitted";
    return rule;
  }
  rule.name = row->shape;
  rule.exact = row->exact;
  if (row->shape == "cookbook") {
    rule.kind = chat_kind::cookbook;
    return rule;
  }
  rule.kind = chat_kind::written;
  rule.shape = find_chat_template(row->shape);
  assert(rule.shape != nullptr);
  rule.thinks = row->thinking == thinks::as_template ? rule.shape->thinks : row->thinking == thinks::yes;
  return rule;
}

}  // namespace nexus::tokenizer
