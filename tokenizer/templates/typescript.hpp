// Tools as the TypeScript that OpenAI's models are given instead of JSON schemas. Pure.
#pragma once

#include "conf/json.hpp"

#include <string>
#include <vector>

namespace nexus::tokenizer {

/// Appends "namespace functions {...} // namespace functions" as gpt-oss's template writes it.
void append_harmony_tools(std::string& out, const std::vector<const json::value*>& tools);

/// Appends the same as OpenAI's hosted models are believed to get it
/// (https://github.com/hmarr/openai-chat-tokens, gpt-tokenizer's functionCalling.ts).
void append_hosted_tools(std::string& out, const std::vector<const json::value*>& tools);

}  // namespace nexus::tokenizer
