// What an OpenAI chat request says as far as it becomes tokens, and how many they are: the frame (begin, tools, the
// primed answer), and each message for itself, so that the count of a message that comes back in the next round can be
// kept. Pure; any thread.
#pragma once

#include "tokenizer/count_cache.hpp"
#include "tokenizer/image_tokens.hpp"

#include "conf/json.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

/// Counts a text in which special tokens are ordinary text.
using text_counter = std::function<int64_t(std::string_view)>;

/// One part of a message's content.
struct prompt_part {
  enum class kind : uint8_t { text, image, other };  // other: audio, files, what we do not know
  kind is = kind::text;
  std::string_view text;           // kind::text
  std::string_view detail;         // kind::image: "low", "high", "auto" or empty
  std::optional<image_size> size;  // kind::image: if its bytes came along
};

/// One tool call of an assistant's message.
struct prompt_call {
  std::string_view id;
  std::string_view name;
  std::string_view arguments;  // JSON text, as a model wrote it: perhaps none
};

/// One message. All views are into what the prompt was read from.
struct prompt_message {
  std::string_view role;
  std::string_view name;
  std::string_view call_id;    // of a tool's result
  std::string_view reasoning;  // reasoning_content
  std::vector<prompt_part> parts;
  std::vector<prompt_call> calls;
  uint64_t hash = 0;  // the caller's keyed hash of this message; 0: its count is not kept
};

/// A whole request.
struct prompt {
  std::vector<prompt_message> messages;
  std::vector<const json::value*> tools;         // the request's tool objects
  const json::value* response_schema = nullptr;  // response_format.json_schema
  std::string_view response_format;              // response_format.type, or empty
  std::string_view tool_choice;                  // "auto", "none", "required", or empty
  std::string_view chosen_tool;                  // the function that tool_choice names
  std::string_view effort;                       // reasoning_effort, or empty
  std::optional<bool> thinking;                  // chat_template_kwargs.enable_thinking or .thinking
};

struct prompt_count {
  int64_t tokens = 0;
  bool exact = false;  // by the rule; the caller adds whether its counter is
  int64_t images = 0;  // tokens of images among them
};

struct chat_rule;

/// Returns how many tokens the model is given. `cache` may be null; `salt` tells counters apart that share it.
prompt_count count_prompt(const chat_rule& rule, const prompt& prompt, const text_counter& counter,
                          count_cache* cache = nullptr, uint64_t salt = 0);

}  // namespace nexus::tokenizer
