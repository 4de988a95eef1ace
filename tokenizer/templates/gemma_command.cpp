// Gemma 2 to 4 and Command R.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

void gemma_open(rendering& out, const prompt&) { out.say("<bos>"); }

void gemma3_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message, "");
  out.say("<start_of_turn>").text(message.role == "assistant" ? "model" : message.role).say("\n");
  if (where.lead != nullptr) out.text(text_of(*where.lead, "")).say("\n\n");
  out.text(trimmed(content)).say("<end_of_turn>\n");
}

void gemma3_close(rendering& out, const prompt&, bool) { out.say("<start_of_turn>model\n"); }

void gemma4_open(rendering& out, const prompt& prompt) {
  out.say("<bos>");
  if (prompt.thinking.value_or(false)) out.say("<|turn>system\n<|think|>\n");
}

void gemma4_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (prompt.thinking.value_or(false) && system == nullptr) out.say("<turn|>\n");
}

namespace {

std::string without_channels(std::string_view text) {
  std::string kept;
  while (true) {
    const size_t end = text.find("<channel|>");
    const std::string_view part = text.substr(0, end);
    kept += part.substr(0, part.find("<|channel>"));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 10);
  }
  return std::string(trimmed(kept));
}

}  // namespace

void gemma4_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message, "");
  const bool model = message.role == "assistant";
  if (!where.first || !is_system(message) || !where.thinking) {
    out.say("<|turn>").text(model ? "model" : is_system(message) ? "system" : message.role).say("\n");
  }
  for (const auto& call : message.calls) {
    out.say("<|tool_call>call:").text(call.name).text(call.arguments).say("<tool_call|>");
  }
  if (model) {
    out.text(without_channels(content));
  } else {
    out.text(trimmed(content));
  }
  out.say("<turn|>\n");
}

void gemma4_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|turn>model\n");
  if (!thinking) out.say("<|channel>thought\n<channel|>");
}

void command_r_open(rendering& out, const prompt&) { out.say("<BOS_TOKEN>"); }

void command_r_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  out.say("<|START_OF_TURN_TOKEN|>");
  if (message.role == "assistant") {
    out.say("<|CHATBOT_TOKEN|>");
  } else {
    out.say(is_system(message) ? "<|SYSTEM_TOKEN|>" : "<|USER_TOKEN|>");
  }
  out.text(where.first && is_system(message) ? std::string_view(content) : trimmed(content));
  out.say("<|END_OF_TURN_TOKEN|>");
}

void command_r_close(rendering& out, const prompt&, bool) { out.say("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"); }

}  // namespace nexus::tokenizer::templates
