// The functions of every template, by what they write. Their rows are in chat_rules.cpp.
#pragma once

#include "tokenizer/templates/chat_template.hpp"

namespace nexus::tokenizer::templates {

void chatml_message(rendering& out, const prompt_message& message, const place& where);
void chatml_close(rendering& out, const prompt& prompt, bool thinking);
void qwen2_5_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void qwen2_5_message(rendering& out, const prompt_message& message, const place& where);
void qwen3_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void qwen3_message(rendering& out, const prompt_message& message, const place& where);
void qwen3_close(rendering& out, const prompt& prompt, bool thinking);
void qwen3_5_open(rendering& out, const prompt& prompt);
void qwen3_5_message(rendering& out, const prompt_message& message, const place& where);
void qwen3_5_close(rendering& out, const prompt& prompt, bool thinking);
void phi3_message(rendering& out, const prompt_message& message, const place& where);
void phi3_close(rendering& out, const prompt& prompt, bool thinking);
void phi4_message(rendering& out, const prompt_message& message, const place& where);
void phi4_close(rendering& out, const prompt& prompt, bool thinking);
void phi4_mini_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void phi4_mini_message(rendering& out, const prompt_message& message, const place& where);
void phi4_mini_close(rendering& out, const prompt& prompt, bool thinking);

void deepseek_open(rendering& out, const prompt& prompt);
void deepseek_v3_message(rendering& out, const prompt_message& message, const place& where);
void deepseek_v3_close(rendering& out, const prompt& prompt, bool thinking);
void deepseek_v3_1_message(rendering& out, const prompt_message& message, const place& where);
void deepseek_v3_1_close(rendering& out, const prompt& prompt, bool thinking);
void deepseek_v4_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void deepseek_v4_message(rendering& out, const prompt_message& message, const place& where);
void deepseek_v4_close(rendering& out, const prompt& prompt, bool thinking);

void glm4_5_open(rendering& out, const prompt& prompt);
void glm4_5_message(rendering& out, const prompt_message& message, const place& where);
void glm4_5_close(rendering& out, const prompt& prompt, bool thinking);
void glm4_7_open(rendering& out, const prompt& prompt);
void glm4_7_message(rendering& out, const prompt_message& message, const place& where);
void glm4_7_close(rendering& out, const prompt& prompt, bool thinking);
void glm5_2_open(rendering& out, const prompt& prompt);
void glm5_2_message(rendering& out, const prompt_message& message, const place& where);
void glm5_2_close(rendering& out, const prompt& prompt, bool thinking);
void kimi_k2_open(rendering& out, const prompt& prompt);
void kimi_k2_thinking_open(rendering& out, const prompt& prompt);
void kimi_k2_message(rendering& out, const prompt_message& message, const place& where);
void kimi_k2_thinking_message(rendering& out, const prompt_message& message, const place& where);
void kimi_close(rendering& out, const prompt& prompt, bool thinking);

void kimi_k3_open(rendering& out, const prompt& prompt);
void kimi_k3_message(rendering& out, const prompt_message& message, const place& where);
void kimi_k3_close(rendering& out, const prompt& prompt, bool thinking);

void llama2_message(rendering& out, const prompt_message& message, const place& where);
void llama3_open(rendering& out, const prompt& prompt);
void llama3_message(rendering& out, const prompt_message& message, const place& where);
void llama3_close(rendering& out, const prompt& prompt, bool thinking);
void llama3_1_open(rendering& out, const prompt& prompt);
void llama3_1_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void llama3_1_message(rendering& out, const prompt_message& message, const place& where);
void mistral_open(rendering& out, const prompt& prompt);
void mistral_nemo_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void mistral_nemo_message(rendering& out, const prompt_message& message, const place& where);
void mistral_small_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void mistral_small_message(rendering& out, const prompt_message& message, const place& where);

void gemma_open(rendering& out, const prompt& prompt);
void gemma3_message(rendering& out, const prompt_message& message, const place& where);
void gemma3_close(rendering& out, const prompt& prompt, bool thinking);
void gemma4_open(rendering& out, const prompt& prompt);
void gemma4_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void gemma4_message(rendering& out, const prompt_message& message, const place& where);
void gemma4_close(rendering& out, const prompt& prompt, bool thinking);
void command_r_open(rendering& out, const prompt& prompt);
void command_r_message(rendering& out, const prompt_message& message, const place& where);
void command_r_close(rendering& out, const prompt& prompt, bool thinking);

void harmony_open(rendering& out, const prompt& prompt);
void harmony_tools(rendering& out, const prompt& prompt, const prompt_message* system);
void harmony_message(rendering& out, const prompt_message& message, const place& where);
void harmony_close(rendering& out, const prompt& prompt, bool thinking);

}  // namespace nexus::tokenizer::templates
