// Which model's prompts are put together how: one visible table in chat_rules.cpp. Values only; any thread.
#pragma once

#include "tokenizer/chat_overheads.hpp"
#include "tokenizer/image_tokens.hpp"
#include "tokenizer/templates/chat_template.hpp"

#include <span>
#include <string_view>

namespace nexus::tokenizer {

enum class chat_kind : uint8_t {
  written,   // an open model: its template is written down
  cookbook,  // OpenAI's published rule and the believed form of tools
  fitted,    // constants from a fit
};

/// How the prompts of one model are counted.
struct chat_rule {
  chat_kind kind = chat_kind::fitted;
  const chat_template* shape = nullptr;       // written
  const chat_overheads* overheads = nullptr;  // fitted
  const image_rule* images = nullptr;
  bool thinks = false;  // written: if the request does not say
  bool exact = false;   // for text messages
  std::string_view name;
};

/// Returns the rule for a model by its name; unknown models get fitted constants.
chat_rule chat_rule_for(std::string_view model);

/// Returns the whole text that a written template makes of a prompt, its marks as they are spelled (for tests, and to
/// look at).
std::string write_prompt(const chat_rule& rule, const prompt& prompt);

/// All templates, for tests and documentation.
std::span<const chat_template> chat_templates();
const chat_template* find_chat_template(std::string_view name);

}  // namespace nexus::tokenizer
