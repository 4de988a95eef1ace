#include "tokenizer/templates/chat_template.hpp"

namespace nexus::tokenizer {

namespace {

// Python's str.strip() without the white space beyond ASCII.
constexpr std::string_view blanks = " \t\n\v\f\r\x1c\x1d\x1e\x1f";

}  // namespace

std::string text_of(const prompt_message& message, std::string_view joint) {
  std::string text;
  bool first = true;
  for (const auto& part : message.parts) {
    if (part.is != prompt_part::kind::text) continue;
    if (!first) text += joint;
    first = false;
    text += part.text;
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string_view without_leading(std::string_view text, char letter) {
  const size_t begin = text.find_first_not_of(letter);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

std::string_view without_trailing(std::string_view text, char letter) {
  return text.substr(0, text.find_last_not_of(letter) + 1);
}

bool is_system(const prompt_message& message) { return message.role == "system" || message.role == "developer"; }

const prompt_message* leading_system(const prompt& prompt) {
  return !prompt.messages.empty() && is_system(prompt.messages.front()) ? &prompt.messages.front() : nullptr;
}

thought split_thought(const prompt_message& message, std::string content, std::string_view stripped) {
  if (message.reasoning.data() != nullptr) return {std::string(message.reasoning), std::move(content)};
  const std::string_view whole = content;
  const size_t last = whole.rfind("</think>");
  if (last == std::string_view::npos) return {{}, std::move(content)};
  std::string_view before = whole.substr(0, whole.find("</think>"));
  std::string_view behind = whole.substr(last + 8);
  if (!stripped.empty()) before = without_trailing(before, stripped.front());
  if (const size_t open = before.rfind("<think>"); open != std::string_view::npos) before.remove_prefix(open + 7);
  if (!stripped.empty()) {
    before = without_leading(before, stripped.front());
    behind = without_leading(behind, stripped.front());
  }
  return {std::string(before), std::string(behind)};
}

bool each_argument(const prompt_call& call,
                   const std::function<void(std::string_view name, const json::value& value)>& visit) {
  const auto arguments = json::parse(call.arguments);
  if (!arguments || !arguments->IsObject()) return false;
  for (const auto& member : arguments->GetObject()) {
    visit({member.name.GetString(), member.name.GetStringLength()}, member.value);
  }
  return true;
}

void append_arguments(std::string& out, const prompt_call& call, const json_style& style) {
  const auto arguments = json::parse(call.arguments);
  if (arguments) {
    append_python_json(out, *arguments, style);
  } else {
    append_python_string(out, call.arguments);
  }
}

const json::value& function_of(const json::value& tool) {
  const auto* function = tool.IsObject() ? json::find(tool, "function") : nullptr;
  return function != nullptr && function->IsObject() ? *function : tool;
}

}  // namespace nexus::tokenizer
