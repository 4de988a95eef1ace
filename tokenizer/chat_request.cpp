#include "tokenizer/chat_request.hpp"

#include <array>

namespace nexus::tokenizer {

namespace {

std::string_view view(const json::value& text) { return {text.GetString(), text.GetStringLength()}; }

std::string_view string_of(const json::value& object, std::string_view name) {
  return json::string_member(object, name).value_or(std::string_view{});
}

const json::value* object_of(const json::value& object, std::string_view name) {
  const auto* value = json::find(object, name);
  return value != nullptr && value->IsObject() ? value : nullptr;
}

error wrong(std::string param, std::string_view wanted) {
  error problem = make_error(errc::invalid_request, "`" + param + "` must be " + std::string(wanted) + ".");
  problem.param = std::move(param);
  return problem;
}

prompt_part read_image(const json::value& part) {
  prompt_part image{.is = prompt_part::kind::image, .text = {}, .detail = {}, .size = {}};
  const auto* member = json::find(part, "image_url");
  std::string_view url;
  if (member != nullptr && member->IsString()) url = view(*member);
  if (member != nullptr && member->IsObject()) {
    url = string_of(*member, "url");
    image.detail = string_of(*member, "detail");
  }
  image.size = read_data_url_size(url);
  return image;
}

prompt_part read_part(const json::value& part) {
  const auto type = string_of(part, "type");
  if (type == "image_url" || type == "image" || type == "input_image") return read_image(part);
  for (const std::string_view name : {"text", "refusal"}) {
    if (const auto text = json::string_member(part, name)) {
      return {.is = prompt_part::kind::text, .text = *text, .detail = {}, .size = {}};
    }
  }
  return {.is = prompt_part::kind::other, .text = {}, .detail = {}, .size = {}};
}

result<void> read_content(const json::value& message, const std::string& path, prompt_message& out) {
  const auto* content = json::find(message, "content");
  if (content == nullptr || content->IsNull()) return {};
  if (content->IsString()) {
    out.parts.push_back({.is = prompt_part::kind::text, .text = view(*content), .detail = {}, .size = {}});
    return {};
  }
  if (!content->IsArray()) return wrong(path + ".content", "a string, an array or null");
  for (const auto& part : content->GetArray()) {
    if (part.IsString()) {
      out.parts.push_back({.is = prompt_part::kind::text, .text = view(part), .detail = {}, .size = {}});
    } else if (part.IsObject()) {
      out.parts.push_back(read_part(part));
    } else {
      return wrong(path + ".content", "an array of objects");
    }
  }
  return {};
}

prompt_call read_function(const json::value& function, std::string_view id) {
  return {.id = id, .name = string_of(function, "name"), .arguments = string_of(function, "arguments")};
}

result<void> read_calls(const json::value& message, const std::string& path, prompt_message& out) {
  if (const auto* function = object_of(message, "function_call")) out.calls.push_back(read_function(*function, {}));
  const auto* calls = json::find(message, "tool_calls");
  if (calls == nullptr || calls->IsNull()) return {};
  if (!calls->IsArray()) return wrong(path + ".tool_calls", "an array");
  for (const auto& call : calls->GetArray()) {
    if (!call.IsObject()) return wrong(path + ".tool_calls", "an array of objects");
    const auto* function = object_of(call, "function");
    out.calls.push_back(read_function(function != nullptr ? *function : call, string_of(call, "id")));
  }
  return {};
}

result<prompt_message> read_message(const json::value& message, const std::string& path) {
  if (!message.IsObject()) return wrong(path, "an object");
  prompt_message out;
  const auto role = json::string_member(message, "role");
  if (!role) return wrong(path + ".role", "a string");
  out.role = *role;
  out.name = string_of(message, "name");
  out.call_id = string_of(message, "tool_call_id");
  if (const auto reasoning = json::string_member(message, "reasoning_content"))
    out.reasoning = *reasoning;
  else if (const auto other = json::string_member(message, "reasoning"))
    out.reasoning = *other;
  if (auto read = read_content(message, path, out); !read) return read.error();
  if (auto read = read_calls(message, path, out); !read) return read.error();
  return out;
}

result<void> read_tools(json::document& root, prompt& out) {
  constexpr std::array<std::string_view, 2> names = {"tools", "functions"};
  for (const auto name : names) {
    const auto* tools = json::find(root, name);
    if (tools == nullptr || tools->IsNull()) continue;
    if (!tools->IsArray()) return wrong(std::string(name), "an array");
    for (const auto& tool : tools->GetArray()) {
      if (!tool.IsObject()) return wrong(std::string(name), "an array of objects");
      out.tools.push_back(&tool);
    }
  }
  return {};
}

void read_choice(const json::value& root, prompt& out) {
  out.tool_choice = string_of(root, "tool_choice");
  if (const auto* choice = object_of(root, "tool_choice")) {
    if (const auto* function = object_of(*choice, "function")) out.chosen_tool = string_of(*function, "name");
  }
  out.effort = string_of(root, "reasoning_effort");
  if (const auto* format = object_of(root, "response_format")) {
    out.response_format = string_of(*format, "type");
    out.response_schema = object_of(*format, "json_schema");
  }
  if (const auto* settings = object_of(root, "chat_template_kwargs")) {
    for (const std::string_view name : {"enable_thinking", "thinking"}) {
      const auto* value = json::find(*settings, name);
      if (value != nullptr && value->IsBool()) out.thinking = value->GetBool();
    }
  }
}

}  // namespace

result<chat_request> read_chat_request(std::string_view body) {
  auto parsed = json::parse(body);
  if (!parsed) return parsed.error();
  return read_chat_request(std::move(*parsed));
}

result<chat_request> read_chat_request(json::document parsed) {
  chat_request request{.document = std::make_unique<json::document>(std::move(parsed)), .prompt = {}};
  auto& root = *request.document;
  if (!root.IsObject()) return wrong("messages", "a member of a JSON object");
  const auto* messages = json::find(root, "messages");
  if (messages == nullptr || !messages->IsArray()) return wrong("messages", "an array");
  request.prompt.messages.reserve(messages->Size());
  size_t index = 0;
  for (const auto& message : messages->GetArray()) {
    auto read = read_message(message, "messages." + std::to_string(index++));
    if (!read) return read.error();
    request.prompt.messages.push_back(std::move(*read));
  }
  if (auto read = read_tools(root, request.prompt); !read) return read.error();
  read_choice(root, request.prompt);
  return request;
}

}  // namespace nexus::tokenizer
