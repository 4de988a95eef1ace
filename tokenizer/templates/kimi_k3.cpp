// Kimi K3: messages as tags with attributes.
#include "tokenizer/templates/families.hpp"

namespace nexus::tokenizer::templates {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '&')
      out += "&amp;";
    else if (letter == '"')
      out += "&quot;";
    else
      out += letter;
  }
  return out;
}

void open_tag(rendering& out, std::string_view tag,
              std::initializer_list<std::pair<std::string_view, std::string_view>> attributes = {}) {
  out.say("<|open|>").text(tag);
  for (const auto& [name, value] : attributes) {
    if (value.data() != nullptr) out.say(" ").text(name).say("=\"").text(escaped(value)).say("\"");
  }
  out.say("<|sep|>");
}

void close_tag(rendering& out, std::string_view tag) { out.say("<|close|>").text(tag).say("<|sep|>"); }

void close_message(rendering& out) {
  close_tag(out, "message");
  out.say("<|end_of_msg|>");
}

void say_note(rendering& out, std::string_view type, std::string_view body) {
  open_tag(out, "message", {{"role", "system"}, {"type", type}});
  out.text(body);
  close_message(out);
}

constexpr json_style tight = {.indent = 0, .sorted = true, .comma = ",", .colon = ":"};

std::string_view type_of(const json::value& value) {
  if (value.IsBool()) return "boolean";
  if (value.IsNull()) return "null";
  if (value.IsNumber()) return "number";
  if (value.IsString()) return "string";
  return value.IsObject() ? "object" : "array";
}

void say_call(rendering& out, const prompt_call& call, size_t index) {
  open_tag(out, "call", {{"tool", call.name}, {"index", std::to_string(index)}});
  const bool object = each_argument(call, [&](std::string_view name, const json::value& value) {
    std::string shown;
    if (value.IsString())
      shown.assign(value.GetString(), value.GetStringLength());
    else
      append_python_json(shown, value);
    open_tag(out, "argument", {{"key", name}, {"type", type_of(value)}});
    out.text(shown);
    close_tag(out, "argument");
  });
  if (!object && !trimmed(call.arguments).empty()) {
    open_tag(out, "json", {{"type", "object"}});
    out.text(call.arguments);
    close_tag(out, "json");
  }
  close_tag(out, "call");
}

void say_answer(rendering& out, const prompt_message& message, const place& where) {
  if (where.thinking) {
    open_tag(out, "think");
    if (!trimmed(message.reasoning).empty()) out.text(message.reasoning);
    close_tag(out, "think");
  }
  open_tag(out, "response");
  out.text(text_of(message, ""));
  close_tag(out, "response");
  if (message.calls.empty()) return;
  open_tag(out, "tools");
  for (size_t i = 0; i < message.calls.size(); ++i) say_call(out, message.calls[i], i + 1);
  close_tag(out, "tools");
}

}  // namespace

void kimi_k3_open(rendering& out, const prompt& prompt) {
  if (!prompt.tools.empty()) {
    std::string list;
    for (const auto* tool : prompt.tools) {
      list += list.empty() ? "[" : ",";
      append_python_json(list, *tool, tight);
    }
    list += ']';
    say_note(out, "tool-declare",
             "# Tools\nHere are the available tools, described in JSONSchema.\n\n```json\n" + list + "\n```");
  }
  if (!prompt.thinking.value_or(true)) return;
  const bool known = prompt.effort == "low" || prompt.effort == "medium" || prompt.effort == "high";
  say_note(
      out, "thinking-effort",
      "`thinking_effort` guides on how much to think in your thinking channel (not including the response channel), "
      "supported values include `low`, `medium`, `high`, and `max`.\nNow the system is invoked with "
      "`thinking_effort=" +
          std::string(known ? prompt.effort : "max") + "`.");
}

void kimi_k3_message(rendering& out, const prompt_message& message, const place& where) {
  if (message.role == "tool") {
    const auto name = where.call != nullptr ? where.call->name : message.name;
    const size_t base = where.caller != nullptr && where.call != nullptr
                            ? static_cast<size_t>(where.call - where.caller->calls.data())
                            : 0;
    open_tag(out, "message", {{"role", "tool"}, {"tool", name}, {"index", std::to_string(base + 1)}});
  } else {
    const std::string_view name = message.name.empty() ? std::string_view{} : message.name;
    open_tag(out, "message", {{"role", is_system(message) ? "system" : message.role}, {"name", name}});
  }
  if (message.role == "assistant")
    say_answer(out, message, where);
  else
    out.text(text_of(message, ""));
  close_message(out);
}

void kimi_k3_close(rendering& out, const prompt& prompt, bool thinking) {
  if (prompt.tool_choice == "required") {
    say_note(out, "tool-choice",
             "The system is invoked with `tool_choice=required`.\nYou MUST call tools in the next message.");
  } else if (prompt.tool_choice == "none") {
    say_note(out, "tool-choice",
             "The system is invoked with `tool_choice=none`.\nYou MUST NOT call any tools in the next message.");
  }
  constexpr std::string_view raw =
      "Your response must be raw JSON data without markdown code blocks (```json) or any additional formatting.";
  if (prompt.response_format == "json_object") {
    say_note(out, "response-format", "The system is invoked with `response_format=json_object`.\n" + std::string(raw));
  } else if (prompt.response_format == "json_schema" && prompt.response_schema != nullptr) {
    const auto* schema = json::find(*prompt.response_schema, "schema");
    std::string text;
    append_python_json(text, schema != nullptr ? *schema : *prompt.response_schema, tight);
    say_note(out, "response-format",
             "The system is invoked with `response_format=json_schema`.\n" + std::string(raw) +
                 "\nThe JSON data must match the following schema:\n```json\n" + text + "\n```");
  }
  open_tag(out, "message", {{"role", "assistant"}});
  open_tag(out, thinking ? "think" : "response");
}

}  // namespace nexus::tokenizer::templates
