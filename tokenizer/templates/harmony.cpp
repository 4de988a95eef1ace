// gpt-oss: the harmony format.
#include "tokenizer/templates/families.hpp"
#include "tokenizer/templates/typescript.hpp"

namespace nexus::tokenizer::templates {

void harmony_open(rendering& out, const prompt& prompt) {
  // The date is today's in the template; every date of this form is as many tokens.
  out.say(
      "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: "
      "2024-06\nCurrent date: 2025-06-28\n\nReasoning: ");
  out.text(prompt.effort.empty() ? "medium" : prompt.effort);
  out.say("\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message.");
  if (!prompt.tools.empty()) out.say("\nCalls to these tools must go to the commentary channel: 'functions'.");
  out.say("<|end|>");
}

void harmony_tools(rendering& out, const prompt& prompt, const prompt_message* system) {
  if (prompt.tools.empty()) return;
  if (system == nullptr || text_of(*system).empty()) out.say("<|start|>developer<|message|>");
  std::string text = "# Tools\n\n## functions\n\n";
  append_harmony_tools(text, prompt.tools);
  out.text(text).say("<|end|>");
}

namespace {

void say_calls(rendering& out, const prompt_message& message, std::string_view content, const place& where) {
  const std::string_view thought = content.empty() ? message.reasoning : content;
  if (!thought.empty() && !where.answered) {
    out.say("<|start|>assistant<|channel|>analysis<|message|>").text(thought).say("<|end|>");
  }
  for (const auto& call : message.calls) {
    std::string arguments;
    append_arguments(arguments, call);
    out.say("<|start|>assistant to=functions.").text(call.name).say("<|channel|>commentary json<|message|>");
    out.text(arguments).say("<|call|>");
  }
}

}  // namespace

void harmony_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (where.first && is_system(message)) {
    if (content.empty()) return;
    out.say("<|start|>developer<|message|># Instructions\n\n").text(content).say("\n\n");
    if (!where.tools) out.say("<|end|>");
  } else if (message.role == "tool") {
    std::string shown;
    append_python_string(shown, content);
    const auto name = where.call != nullptr ? where.call->name : message.name;
    out.say("<|start|>functions.").text(name).say(" to=assistant<|channel|>commentary<|message|>").text(shown);
    out.say("<|end|>");
  } else if (message.role != "assistant") {
    out.say("<|start|>user<|message|>").text(content).say("<|end|>");
  } else if (!message.calls.empty()) {
    say_calls(out, message, content, where);
  } else {
    out.say("<|start|>assistant<|channel|>final<|message|>").text(content).say("<|end|>");
  }
}

void harmony_close(rendering& out, const prompt&, bool) { out.say("<|start|>assistant"); }

}  // namespace nexus::tokenizer::templates
