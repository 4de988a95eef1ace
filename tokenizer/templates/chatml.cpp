// ChatML and what grew from it: Qwen 2.5, 3 and 3.5, Phi.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

namespace {

void say_turn(rendering& out, std::string_view role, std::string_view content) {
  out.say("<|im_start|>").text(role).say("\n").text(content).say("<|im_end|>\n");
}

/// The content without trailing mark: where the request offers tools, they follow in the same turn.
void say_system(rendering& out, std::string_view content, const place& where) {
  if (!where.tools) return say_turn(out, "system", content);
  out.say("<|im_start|>system\n").text(content).say("\n\n");
}

/// Results that follow each other share one user's turn. Each brings the line break in front of the next.
void say_result(rendering& out, std::string_view content, const place& where) {
  if (!where.after_tool) out.say("<|im_start|>user\n");
  out.say("<tool_response>\n").text(content).say("\n</tool_response>");
  out.say(where.before_tool ? "\n" : "<|im_end|>\n");
}

void say_tool_lines(rendering& out, const prompt& prompt) {
  std::string line;
  for (const auto* tool : prompt.tools) {
    line = "\n";
    append_python_json(line, *tool);
    out.text(line);
  }
}

void say_hermes_tools(rendering& out, const prompt& prompt) {
  out.say(
      "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function "
      "signatures within <tools></tools> XML tags:\n<tools>");
  say_tool_lines(out, prompt);
  out.say(
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
      "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
      "<args-json-object>}\n</tool_call><|im_end|>\n");
}

/// Phi writes the role as a mark of its own.
void say_role(rendering& out, std::string_view role) {
  out.say(role == "assistant" ? "<|assistant|>" : role == "system" || role == "developer" ? "<|system|>" : "<|user|>");
}

void say_hermes_call(rendering& out, const prompt_call& call) {
  std::string arguments;
  append_arguments(arguments, call);
  out.say("<tool_call>\n{\"name\": \"").text(call.name).say("\", \"arguments\": ").text(arguments);
  out.say("}\n</tool_call>");
}

}  // namespace

void chatml_message(rendering& out, const prompt_message& message, const place&) {
  say_turn(out, message.role, text_of(message));
}

void chatml_close(rendering& out, const prompt&, bool) { out.say("<|im_start|>assistant\n"); }

void qwen2_5_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (system == nullptr) {
    out.say("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
    out.say(prompt.tools.empty() ? "<|im_end|>\n" : "\n\n");
  }
  if (!prompt.tools.empty()) say_hermes_tools(out, prompt);
}

void qwen2_5_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (where.first && is_system(message)) return say_system(out, content, where);
  if (message.role == "tool") return say_result(out, content, where);
  if (message.calls.empty()) return say_turn(out, message.role, content);
  out.say("<|im_start|>assistant");
  if (!content.empty()) out.say("\n").text(content);
  for (const auto& call : message.calls) {
    out.say("\n");
    say_hermes_call(out, call);
  }
  out.say("<|im_end|>\n");
}

void qwen3_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (prompt.tools.empty()) return;
  if (system == nullptr) out.say("<|im_start|>system\n");
  say_hermes_tools(out, prompt);
}

void qwen3_message(rendering& out, const prompt_message& message, const place& where) {
  std::string text = text_of(message);
  if (where.first && is_system(message)) return say_system(out, text, where);
  if (message.role == "tool") return say_result(out, text, where);
  if (message.role != "assistant") return say_turn(out, message.role, text);
  const auto [reasoning, content] = split_thought(message, std::move(text));
  out.say("<|im_start|>assistant\n");
  if (where.past_query && (where.last || !reasoning.empty())) {
    const auto bare = without_trailing(without_leading(reasoning, '\n'), '\n');
    out.say("<think>\n").text(bare).say("\n</think>\n\n").text(without_leading(content, '\n'));
  } else {
    out.text(content);
  }
  bool joins = !content.empty();
  for (const auto& call : message.calls) {
    if (joins) out.say("\n");
    joins = true;
    say_hermes_call(out, call);
  }
  out.say("<|im_end|>\n");
}

void qwen3_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|im_start|>assistant\n");
  if (!thinking) out.say("<think>\n\n</think>\n\n");
}

void qwen3_5_open(rendering& out, const prompt& prompt) {
  if (prompt.tools.empty()) return;
  out.say("<|im_start|>system\n# Tools\n\nYou have access to the following functions:\n\n<tools>");
  say_tool_lines(out, prompt);
  out.say(
      "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO "
      "suffix:\n\n<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n"
      "</parameter>\n<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can "
      "span\nmultiple lines\n</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n- Function calls MUST "
      "follow the specified format: an inner <function=...></function> block must be nested within "
      "<tool_call></tool_call> XML tags\n- Required parameters MUST be specified\n- You may provide optional reasoning "
      "for your function call in natural language BEFORE the function call, but NOT after\n- If there is no function "
      "call available, answer the question like normal with your current knowledge and do not tell the user about "
      "function calls\n</IMPORTANT>");
  const auto* system = leading_system(prompt);
  const bool speaks = system != nullptr && !trimmed(text_of(*system, "")).empty();
  out.say(speaks ? "\n\n" : "<|im_end|>\n");
}

void qwen3_5_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string joined = text_of(message, "");
  const auto text = trimmed(joined);
  if (where.first && is_system(message)) {
    if (!where.tools) return say_turn(out, "system", text);
    if (!text.empty()) out.text(text).say("<|im_end|>\n");
    return;
  }
  if (message.role == "tool") return say_result(out, text, where);
  if (message.role != "assistant") return say_turn(out, message.role, text);
  const auto [reasoning, content] = split_thought(message, std::string(text));
  out.say("<|im_start|>assistant\n");
  if (where.past_query) out.say("<think>\n").text(trimmed(reasoning)).say("\n</think>\n\n");
  out.text(content);
  bool joins = !trimmed(content).empty();
  for (const auto& call : message.calls) {
    if (&call != message.calls.data())
      out.say("\n");
    else if (joins)
      out.say("\n\n");
    out.say("<tool_call>\n<function=").text(call.name).say(">\n");
    const bool object = each_argument(call, [&](std::string_view name, const json::value& value) {
      std::string shown;
      if (value.IsString())
        shown.assign(value.GetString(), value.GetStringLength());
      else
        append_python_json(shown, value);
      out.say("<parameter=").text(name).say(">\n").text(shown).say("\n</parameter>\n");
    });
    if (!object) out.text(call.arguments);
    out.say("</function>\n</tool_call>");
  }
  out.say("<|im_end|>\n");
}

void qwen3_5_close(rendering& out, const prompt&, bool thinking) {
  out.say("<|im_start|>assistant\n").say(thinking ? "<think>\n" : "<think>\n\n</think>\n\n");
}

void phi3_message(rendering& out, const prompt_message& message, const place&) {
  const std::string content = text_of(message);
  if ((is_system(message) && content.empty()) || message.role == "tool") return;
  say_role(out, message.role);
  out.say("\n").text(content).say("<|end|>\n");
}

void phi3_close(rendering& out, const prompt&, bool) { out.say("<|assistant|>\n"); }

void phi4_message(rendering& out, const prompt_message& message, const place&) {
  out.say("<|im_start|>").text(message.role).say("<|im_sep|>").text(text_of(message)).say("<|im_end|>");
}

void phi4_close(rendering& out, const prompt&, bool) { out.say("<|im_start|>assistant<|im_sep|>"); }

void phi4_mini_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (prompt.tools.empty()) return;
  if (system == nullptr) out.say("<|system|>");
  std::string function;
  for (const auto* tool : prompt.tools) {
    function.clear();
    append_python_json(function, function_of(*tool));
    out.say("<|tool|>").text(function).say("<|/tool|>");
  }
  if (system == nullptr || text_of(*system).find("<|tool_call|>") == std::string::npos) {
    out.say(
        "You are a helpful assistant with some tools.\nTo use a tool, respond in this format: <|tool_call|>{\"name\": "
        "\"foo\", \"arguments\": {\"a\": 1}}<|/tool_call|>");
  }
  out.say("<|end|>");
}

void phi4_mini_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (is_system(message)) {
    out.say("<|system|>").text(content);
    if (!where.tools || !where.first) out.say("<|end|>");
    return;
  }
  std::string shown;
  if (message.role == "tool") {
    append_python_string(shown, content);
    out.say("<|tool_response|>").text(shown).say("<|end|>");
    return;
  }
  say_role(out, message.role);
  out.text(content);
  for (const auto& call : message.calls) {
    shown = "{\"name\": ";
    append_python_string(shown, call.name);
    shown += ", \"arguments\": ";
    append_arguments(shown, call);
    shown += '}';
    out.say("<|tool_call|>").text(shown).say("<|/tool_call|>");
  }
  out.say("<|end|>");
}

void phi4_mini_close(rendering& out, const prompt&, bool) { out.say("<|assistant|>"); }

}  // namespace nexus::tokenizer::templates
