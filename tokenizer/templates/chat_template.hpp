// How an open model's chat template is written down: one row each in chat_rules.cpp, three functions that write what
// the published Jinja template writes. Values only; any thread.
#pragma once

#include "tokenizer/python_json.hpp"
#include "tokenizer/templates/rendering.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace nexus::tokenizer {

/// What a message's text depends on besides the message itself.
struct place {
  bool first = false;                 // the first message
  bool opens = false;                 // the first message that is not the leading system's
  bool last = false;                  // the last message
  bool after_tool = false;            // the message before is a tool's result
  bool before_tool = false;           // so is the message behind
  bool after_user = false;            // the message before is a user's
  bool past_query = false;            // no user's message follows
  bool past_input = false;            // no user's, developer's or tool's message follows
  bool answered = false;              // an assistant's message without calls follows
  bool last_user = false;             // the last user's message
  bool tools = false;                 // the request offers tools
  bool tool_results = false;          // some message is a tool's result
  bool thinking = false;              // as the request or else the template has it
  uint16_t call_number = 0;           // of the first call, or of the call that is answered, over the whole conversation
  const prompt_call* call = nullptr;  // a tool's result: the call that it answers
  const prompt_message* caller = nullptr;  // and the message that made it
  const prompt_message* lead = nullptr;    // the system message that is written into this one
};

/// Where the first system message stands.
enum class system_place : uint8_t {
  own_turn,         // where it is
  in_first,         // within the message behind it (Gemma)
  in_last_if_user,  // within the last message if that is a user's, else nowhere (Mistral NeMo)
};

struct chat_template {
  std::string_view name;
  std::span<const std::string_view> marks;  // strings that are one token each where the template writes them
  system_place system = system_place::own_turn;
  bool thinks = false;  // if the request does not say
  bool writes_tools = false;
  bool tools_at_end = false;                                     // they stand in front of the last user's message
  void (*open)(rendering& out, const prompt& prompt) = nullptr;  // before all messages
  /// What stands behind the first system message (null if the request brings none), or in front of the last user's. It
  /// begins where no token can reach across.
  void (*tools)(rendering& out, const prompt& prompt, const prompt_message* system) = nullptr;
  void (*message)(rendering& out, const prompt_message& message, const place& where) = nullptr;
  void (*close)(rendering& out, const prompt& prompt, bool thinking) = nullptr;  // behind all messages
  std::string_view source;
};

/// Returns the text of a message's parts, with `joint` between them.
std::string text_of(const prompt_message& message, std::string_view joint = "\n");

/// Returns `text` without white space at both ends, as Python's strip.
std::string_view trimmed(std::string_view text);
std::string_view without_leading(std::string_view text, char letter);
std::string_view without_trailing(std::string_view text, char letter);

/// Returns whether the first message is the system's (or the developer's, which servers treat alike).
bool is_system(const prompt_message& message);
const prompt_message* leading_system(const prompt& prompt);

/// A message's reasoning and its answer: from `reasoning_content`, else around the last "</think>" of the content,
/// without `stripped` (nothing, or a letter) at the ends.
struct thought {
  std::string reasoning;
  std::string content;
};
thought split_thought(const prompt_message& message, std::string content, std::string_view stripped = "\n");

/// Calls `visit(name, value)` for each argument of a call whose arguments are a JSON object; returns false if they are
/// something else.
bool each_argument(const prompt_call& call,
                   const std::function<void(std::string_view name, const json::value& value)>& visit);

/// Appends the call's arguments as `tojson` of the parsed object, or as a JSON string if they are no JSON.
void append_arguments(std::string& out, const prompt_call& call, const json_style& style = {});

/// Returns the tool's `function` object, or the tool itself if it has none.
const json::value& function_of(const json::value& tool);

}  // namespace nexus::tokenizer
