// GLM 4.5 to 5.3, and Kimi K2 to K3.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

namespace {

constexpr std::string_view glm_tools_head =
    "<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
    "function signatures within <tools></tools> XML tags:\n<tools>\n";

void say_glm_tools(rendering& out, const prompt& prompt, bool functions, std::string_view between) {
  out.say(glm_tools_head);
  std::string line;
  for (const auto* tool : prompt.tools) {
    line.clear();
    append_python_json(line, functions ? function_of(*tool) : *tool);
    line += between;
    out.text(line);
  }
  out.say(
      "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n");
}

std::string shown(const json::value& value) {
  if (value.IsString()) return {value.GetString(), value.GetStringLength()};
  std::string text;
  append_python_json(text, value);
  return text;
}

/// `broken`: GLM 4.5 and 4.6 put each part on a line of its own.
void say_glm_call(rendering& out, const prompt_call& call, bool broken) {
  const std::string_view line = broken ? "\n" : "";
  out.say(line).say("<tool_call>").text(call.name).say(line);
  const bool object = each_argument(call, [&](std::string_view name, const json::value& value) {
    out.say("<arg_key>").text(name).say("</arg_key>").say(line);
    out.say("<arg_value>").text(shown(value)).say("</arg_value>").say(line);
  });
  if (!object) out.text(call.arguments);
  out.say("</tool_call>");
}

void say_glm_system(rendering& out, std::string_view content, std::string_view line) {
  out.say("<|system|>").say(line).text(content);
}

}  // namespace

void glm4_5_open(rendering& out, const prompt& prompt) {
  out.say("[gMASK]<sop>");
  if (prompt.tools.empty()) return;
  say_glm_tools(out, prompt, false, "\n");
  out.say(
      "<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n"
      "<arg_key>{arg-key-2}</arg_key>\n<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>");
}

void glm4_5_message(rendering& out, const prompt_message& message, const place& where) {
  std::string text = text_of(message, "");
  if (is_system(message)) return say_glm_system(out, text, "\n");
  if (message.role == "tool") {
    if (!where.after_tool) out.say("<|observation|>");
    out.say("\n<tool_response>\n").text(text).say("\n</tool_response>");
    return;
  }
  if (message.role != "assistant") {
    out.say("<|user|>\n").text(text);
    if (!where.thinking && !text.ends_with("/nothink")) out.say("/nothink");
    return;
  }
  const auto [reasoning, content] = split_thought(message, std::move(text));
  out.say("<|assistant|>\n<think>");
  if (where.past_query) out.text(trimmed(reasoning));
  out.say("</think>");
  if (!trimmed(content).empty()) out.say("\n").text(trimmed(content));
  for (const auto& call : message.calls) say_glm_call(out, call, true);
}

void glm4_5_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|assistant|>").say(thinking ? "" : "\n<think></think>");
}

void glm4_7_open(rendering& out, const prompt& prompt) {
  out.say("[gMASK]<sop>");
  if (prompt.tools.empty()) return;
  say_glm_tools(out, prompt, false, "\n");
  out.say(
      "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
      "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>");
}

namespace {

void glm_message(rendering& out, const prompt_message& message, const place& where, bool newer) {
  std::string text = text_of(message, "");
  if (is_system(message)) return say_glm_system(out, text, "");
  if (message.role == "tool") {
    if (!where.after_tool) out.say("<|observation|>");
    out.say("<tool_response>").text(text).say("</tool_response>");
    return;
  }
  if (message.role != "assistant") {
    out.say("<|user|>").text(text);
    return;
  }
  const auto [reasoning, content] = split_thought(message, std::move(text), newer ? "" : "\n");
  out.say("<|assistant|>");
  if (newer) {
    out.say("<think>").text(reasoning);
  } else if (where.past_query && !reasoning.empty()) {
    out.say("<think>").text(trimmed(reasoning));
  }
  out.say("</think>").text(trimmed(content));
  for (const auto& call : message.calls) say_glm_call(out, call, false);
}

}  // namespace

void glm4_7_message(rendering& out, const prompt_message& message, const place& where) {
  glm_message(out, message, where, false);
}

void glm4_7_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|assistant|>").say(thinking ? "<think>" : "</think>");
}

void glm5_2_open(rendering& out, const prompt& prompt) {
  out.say("[gMASK]<sop><|system|>Reasoning Effort: ");
  out.say(prompt.effort == "low" ? "Low" : prompt.effort == "high" ? "High" : "Max");
  if (prompt.tools.empty()) return;
  say_glm_tools(out, prompt, true, "\n");
  out.say(
      "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
      "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>");
}

void glm5_2_message(rendering& out, const prompt_message& message, const place& where) {
  glm_message(out, message, where, true);
}

void glm5_2_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|assistant|>").say(thinking ? "<think>" : "<think></think>");
}

namespace {

void say_kimi_tools(rendering& out, const prompt& prompt) {
  if (prompt.tools.empty()) return;
  std::string list = "[";
  for (const auto* tool : prompt.tools) {
    if (list.size() > 1) list += ", ";
    append_python_json(list, *tool);
  }
  list += ']';
  out.say("<|im_system|>tool_declare<|im_middle|>").text(list).say("<|im_end|>");
}

void say_kimi_role(rendering& out, const prompt_message& message) {
  const std::string_view name = message.name.empty() ? message.role : message.name;
  if (message.role == "user")
    out.say("<|im_user|>");
  else if (message.role == "assistant")
    out.say("<|im_assistant|>");
  else
    out.say("<|im_system|>");
  out.text(name).say("<|im_middle|>");
}

/// K2 numbers the calls over the whole conversation; from K2-Thinking on their ids stand as they are.
std::string kimi_call_name(std::string_view name, size_t number) {
  return "functions." + std::string(name) + ":" + std::to_string(number);
}

void say_kimi_calls(rendering& out, const prompt_message& message, const place& where, bool numbered) {
  if (message.calls.empty()) return;
  out.say("<|tool_calls_section_begin|>");
  for (size_t i = 0; i < message.calls.size(); ++i) {
    const auto& call = message.calls[i];
    out.say("<|tool_call_begin|>");
    if (numbered)
      out.text(kimi_call_name(call.name, where.call_number + i));
    else
      out.text(call.id);
    out.say("<|tool_call_argument_begin|>").text(call.arguments).say("<|tool_call_end|>");
  }
  out.say("<|tool_calls_section_end|>");
}

constexpr std::string_view kimi_system =
    "<|im_system|>system<|im_middle|>You are Kimi, an AI assistant created by Moonshot AI.<|im_end|>";

}  // namespace

void kimi_k2_open(rendering& out, const prompt& prompt) {
  say_kimi_tools(out, prompt);
  if (leading_system(prompt) == nullptr) out.say(kimi_system).say("\n");  // a line break that slipped into the template
}

void kimi_k2_thinking_open(rendering& out, const prompt& prompt) {
  say_kimi_tools(out, prompt);
  if (leading_system(prompt) == nullptr) out.say(kimi_system);
}

void kimi_k2_message(rendering& out, const prompt_message& message, const place& where) {
  say_kimi_role(out, message);
  if (message.role == "tool") {
    const auto name = where.call != nullptr ? where.call->name : message.name.empty() ? "unknown" : message.name;
    out.say("## Return of ").text(kimi_call_name(name, where.call_number)).say("\n");
  }
  out.text(text_of(message, ""));
  say_kimi_calls(out, message, where, true);
  out.say("<|im_end|>");
}

void kimi_k2_thinking_message(rendering& out, const prompt_message& message, const place& where) {
  say_kimi_role(out, message);
  if (message.role == "assistant") {
    out.say("<think>");
    if (!where.answered && !message.calls.empty()) out.text(message.reasoning);
    out.say("</think>").text(text_of(message, ""));
    say_kimi_calls(out, message, where, false);
  } else {
    if (message.role == "tool") out.say("## Return of ").text(message.call_id).say("\n");
    out.text(text_of(message, ""));
  }
  out.say("<|im_end|>");
}

void kimi_close(rendering& out, const prompt&, bool) { out.say("<|im_assistant|>assistant<|im_middle|>"); }

}  // namespace nexus::tokenizer::templates
