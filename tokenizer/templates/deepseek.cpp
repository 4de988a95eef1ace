// DeepSeek: V3 (2024), R1, V3.1 and V4.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

namespace {

constexpr std::string_view user = "<｜User｜>";
constexpr std::string_view assistant = "<｜Assistant｜>";
constexpr std::string_view end = "<｜end▁of▁sentence｜>";

/// All system messages stand together in front. Tools come behind them.
void say_system(rendering& out, std::string_view content, const place& where) {
  if (!where.first) out.say("\n\n");
  out.text(content);
}

bool last_is(const prompt& prompt, std::string_view role) {
  return !prompt.messages.empty() && prompt.messages.back().role == role;
}

}  // namespace

void deepseek_open(rendering& out, const prompt&) { out.say("<｜begin▁of▁sentence｜>"); }

namespace {

/// V3's template closes the list of calls only behind the second call of a conversation: kept, as the model sees it.
void say_v3_calls(rendering& out, const prompt_message& message, const place& where) {
  for (size_t i = 0; i < message.calls.size(); ++i) {
    const auto& call = message.calls[i];
    const bool very_first = where.call_number + i == 0;
    if (very_first)
      out.say(assistant).say("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>");
    else
      out.say("\n<｜tool▁call▁begin｜>");
    out.say("function<｜tool▁sep｜>").text(call.name).say("\n```json\n").text(call.arguments);
    out.say("\n```<｜tool▁call▁end｜>");
    if (!very_first) out.say("<｜tool▁calls▁end｜>").say(end);
  }
}

}  // namespace

void deepseek_v3_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (is_system(message)) return say_system(out, content, where);
  if (message.role == "assistant") {
    if (!message.calls.empty() && message.parts.empty()) return say_v3_calls(out, message, where);
    std::string_view shown = content;
    const size_t thought = where.thinking ? shown.rfind("</think>") : std::string_view::npos;  // R1 drops it
    if (thought != std::string_view::npos) shown.remove_prefix(thought + 8);
    out.say(where.after_tool ? "<｜tool▁outputs▁end｜>" : assistant).text(shown).say(end);
  } else if (message.role == "tool") {
    out.say(where.call_number == 0 ? "<｜tool▁outputs▁begin｜>" : "\n").say("<｜tool▁output▁begin｜>");
    out.text(content).say("<｜tool▁output▁end｜>");
  } else {
    out.say(user).text(content);
  }
}

void deepseek_v3_close(rendering& out, const prompt& prompt, bool thinking) {
  if (last_is(prompt, "tool")) {
    out.say("<｜tool▁outputs▁end｜>");
  } else {
    out.say(assistant).say(thinking ? "<think>\n" : "");
  }
}

void deepseek_v3_1_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (is_system(message)) return say_system(out, content, where);
  if (message.role == "tool") {
    out.say("<｜tool▁output▁begin｜>").text(content).say("<｜tool▁output▁end｜>");
    return;
  }
  if (message.role != "assistant") {
    out.say(user).text(content);
    return;
  }
  if (where.after_user) out.say(assistant).say("</think>");
  std::string_view shown = content;
  if (const size_t at = shown.find("</think>");
      at != std::string_view::npos && message.calls.empty() && !where.after_tool)
    shown.remove_prefix(at + 8);
  out.text(shown);
  for (const auto& call : message.calls) {
    if (&call == message.calls.data()) out.say("<｜tool▁calls▁begin｜>");
    out.say("<｜tool▁call▁begin｜>").text(call.name).say("<｜tool▁sep｜>").text(call.arguments);
    out.say("<｜tool▁call▁end｜>");
  }
  if (!message.calls.empty()) out.say("<｜tool▁calls▁end｜>");
  out.say(end);
}

void deepseek_v3_1_close(rendering& out, const prompt& prompt, bool thinking) {
  if (!last_is(prompt, "tool") && !last_is(prompt, "assistant")) {
    out.say(assistant).say(thinking ? "<think>" : "</think>");
  }
}

void deepseek_v4_tools(rendering& out, const prompt& prompt, const prompt_message*) {
  if (prompt.tools.empty()) return;
  out.say(
      "## Tools\n\nYou have access to a set of tools to help answer the user's question. You can invoke tools by "
      "writing "
      "a \"<｜DSML｜tool_calls>\" block like the following:\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke "
      "name=\"$TOOL_NAME\">\n<｜DSML｜parameter name=\"$PARAMETER_NAME\" "
      "string=\"true|false\">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n</｜DSML｜invoke>\n<｜DSML｜invoke "
      "name=\"$TOOL_NAME2\">\n...\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>\n\nString parameters should be specified "
      "as is "
      "and set `string=\"true\"`. For all other types (numbers, booleans, arrays, objects), pass the value in JSON "
      "format "
      "and set `string=\"false\"`.\n\nIf thinking_mode is enabled (triggered by <think>), you MUST output your "
      "complete "
      "reasoning inside <think>...</think> BEFORE any tool calls or final response.\n\nOtherwise, output directly "
      "after "
      "</think> with tool calls or final response.\n\n### Available Tool Schemas\n\n");
  std::string schemas;
  for (const auto* tool : prompt.tools) {
    append_python_json(schemas, function_of(*tool));
    schemas += '\n';
  }
  out.text(schemas);
  out.say("\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.\n");
}

namespace {

void say_v4_call(rendering& out, const prompt_call& call) {
  out.say("<｜DSML｜invoke name=\"").text(call.name).say("\">\n");
  bool any = false;
  std::string shown;
  const bool object = each_argument(call, [&](std::string_view name, const json::value& value) {
    any = true;
    shown.clear();
    if (value.IsString())
      shown.assign(value.GetString(), value.GetStringLength());
    else
      append_python_json(shown, value);
    out.say("<｜DSML｜parameter name=\"").text(name).say("\" string=\"").say(value.IsString() ? "true" : "false");
    out.say("\">").text(shown).say("</｜DSML｜parameter>\n");
  });
  if (!object) out.text(call.arguments);
  if (!any) out.say("\n");
  out.say("</｜DSML｜invoke>\n");
}

}  // namespace

void deepseek_v4_message(rendering& out, const prompt_message& message, const place& where) {
  const std::string content = text_of(message);
  if (where.first && is_system(message)) {
    out.text(content);
    if (where.tools && !content.empty()) out.say("\n\n");
    return;
  }
  if (message.role == "assistant") {
    out.say(assistant);
    const bool kept = where.thinking && (where.tools || where.past_input || where.tool_results);
    if (kept) out.say("<think>").text(message.reasoning);
    out.say("</think>").text(content);
    if (!message.calls.empty()) out.say("\n\n<｜DSML｜tool_calls>\n");
    for (const auto& call : message.calls) say_v4_call(out, call);
    if (!message.calls.empty()) out.say("</｜DSML｜tool_calls>");
    out.say(end);
    return;
  }
  out.say(where.after_user || where.after_tool ? "\n\n" : user);
  if (message.role == "tool")
    out.say("<tool_result>").text(content).say("</tool_result>");
  else
    out.text(content);
}

void deepseek_v4_close(rendering& out, const prompt&, bool thinking) {
  out.say(assistant).say(thinking ? "<think>" : "</think>");
}

}  // namespace nexus::tokenizer::templates
