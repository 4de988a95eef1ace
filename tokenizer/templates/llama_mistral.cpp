// Llama 2, 3, 3.1 to 3.3; Mistral with the Tekken vocabulary.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

// --- Llama 2: the system message stands in the first user's turn; its marks are only <s> and </s>.

void llama2_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (message.role == "assistant") {
    out.say(" ").text(trimmed(content)).say(" </s>");
    return;
  }
  out.say("<s>[INST] ");
  if (where.lead != nullptr) out.say("<<SYS>>\n").text(text_of(*where.lead)).say("\n<</SYS>>\n\n");
  out.text(trimmed(content)).say(" [/INST]");
}

// --- Llama 3

void llama3_open(rendering& out, const prompt&) { out.say("<|begin_of_text|>"); }

namespace {

void say_llama_turn(rendering& out, std::string_view role, std::string_view content) {
  out.say("<|start_header_id|>").text(role).say("<|end_header_id|>\n\n").text(content).say("<|eot_id|>");
}

}  // namespace

void llama3_message(rendering& out, const prompt_message& message, const place&) {
  say_llama_turn(out, message.role, trimmed(text_of(message)));
}

void llama3_close(rendering& out, const prompt&, bool) { out.say("<|start_header_id|>assistant<|end_header_id|>\n\n"); }

void llama3_1_open(rendering& out, const prompt& prompt) {
  out.say("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n");
  if (!prompt.tools.empty()) out.say("Environment: ipython\n");
  // 3.1 and 3.3 always say this day; 3.2 says today's, which is as many tokens.
  out.say("Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n");
}

void llama3_1_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (system == nullptr) out.say("<|eot_id|>");
  if (prompt.tools.empty()) return;
  // They open the first user's turn, which goes on behind them.
  out.say(
      "<|start_header_id|>user<|end_header_id|>\n\nGiven the following functions, please respond with a JSON for a "
      "function call with its proper arguments that best answers the given prompt.\n\nRespond in the format {\"name\": "
      "function name, \"parameters\": dictionary of argument name and its value}.Do not use variables.\n\n");
  std::string text;
  for (const auto* tool : prompt.tools) {
    append_python_json(text, *tool, {.indent = 4});
    text += "\n\n";
  }
  out.text(text);
}

void llama3_1_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  const bool calls = !message.calls.empty();
  // The turns of the system and, with tools, of the first user are begun already.
  const bool tools_before = where.tools && where.opens && !calls && message.role != "tool";
  const bool goes_on = tools_before || (where.first && is_system(message));
  if (goes_on) {
    out.text(trimmed(content)).say("<|eot_id|>");
  } else if (message.role == "tool") {
    std::string shown;
    append_python_string(shown, content);  // a string is iterable, so the template writes it as JSON
    say_llama_turn(out, "ipython", shown);
  } else if (calls) {
    for (const auto& call : message.calls) {
      std::string shown = "{\"name\": \"" + std::string(call.name) + "\", \"parameters\": ";
      append_arguments(shown, call);
      say_llama_turn(out, "assistant", shown + "}");
    }
  } else {
    say_llama_turn(out, message.role, trimmed(content));
  }
}

// --- Mistral

void mistral_open(rendering& out, const prompt&) { out.say("<s>"); }

namespace {

std::string mistral_tool(const json::value& tool) {
  std::string text = "{\"type\": \"function\", \"function\": {";
  bool first = true;
  for (const auto& member : function_of(tool).GetObject()) {
    if (!first) text += ", ";
    first = false;
    text += '"';
    text.append(member.name.GetString(), member.name.GetStringLength());
    text += "\": ";
    if (member.value.IsString()) {  // as it is, without escapes
      text += '"';
      text.append(member.value.GetString(), member.value.GetStringLength());
      text += '"';
    } else {
      append_python_json(text, member.value);
    }
  }
  return text + "}}";
}

}  // namespace

void mistral_nemo_tools(rendering& out, const prompt& prompt, const prompt_message*) {
  std::string list;
  for (const auto* tool : prompt.tools) {
    if (!function_of(*tool).IsObject()) continue;
    if (!list.empty()) list += ", ";
    list += mistral_tool(*tool);
  }
  if (!list.empty()) out.say("[AVAILABLE_TOOLS]").text("[" + list + "]").say("[/AVAILABLE_TOOLS]");
}

void mistral_nemo_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (!message.calls.empty()) {
    std::string list;
    for (const auto& call : message.calls) {
      list += list.empty() ? "[{\"name\": " : ", {\"name\": ";
      append_python_string(list, call.name);
      list += ", \"arguments\": ";
      append_arguments(list, call);
      list += ", \"id\": \"" + std::string(call.id) + "\"}";
    }
    out.say("[TOOL_CALLS]").text(list + "]").say("</s>");
  } else if (message.role == "assistant") {
    out.text(content).say("</s>");
  } else if (message.role == "tool") {
    out.say("[TOOL_RESULTS]{\"content\": ").text(content).say(", \"call_id\": \"").text(message.call_id);
    out.say("\"}[/TOOL_RESULTS]");
  } else {
    out.say("[INST]");
    if (where.lead != nullptr) out.text(text_of(*where.lead)).say("\n\n");
    out.text(content).say("[/INST]");
  }
}

void mistral_small_tools(rendering& out, const prompt& prompt, const prompt_message*) {
  if (prompt.tools.empty()) return;
  std::string list;
  for (const auto* tool : prompt.tools) {
    list += list.empty() ? "[" : ", ";
    append_python_json(list, *tool);
  }
  out.say("[AVAILABLE_TOOLS]").text(list + "]").say("[/AVAILABLE_TOOLS]");
}

void mistral_small_message(rendering& out, const prompt_message& message, const place&) {
  const std::string content = text_of(message, "");
  if (is_system(message)) {
    out.say("[SYSTEM_PROMPT]").text(content).say("[/SYSTEM_PROMPT]");
  } else if (!message.calls.empty()) {
    for (const auto& call : message.calls) {
      std::string arguments;
      append_arguments(arguments, call);
      out.say("[TOOL_CALLS]").text(call.name).say("[CALL_ID]").text(call.id).say("[ARGS]").text(arguments);
    }
    out.say("</s>");
  } else if (message.role == "assistant") {
    out.text(content).say("</s>");
  } else if (message.role == "tool") {
    out.say("[TOOL_RESULTS]").text(message.call_id).say("[TOOL_CONTENT]").text(content).say("[/TOOL_RESULTS]");
  } else {
    out.say("[INST]").text(content).say("[/INST]");
  }
}

}  // namespace nexus::tokenizer::templates
