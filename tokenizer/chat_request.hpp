// Reads a chat request of the OpenAI dialect (or `{"messages": [...], "tools": [...]}` alone) into a prompt. Pure.
#pragma once

#include "tokenizer/chat_prompt.hpp"

#include "conf/error.hpp"

#include <memory>

namespace nexus::tokenizer {

/// A prompt with the document that its views are into. Movable: the views stay valid.
struct chat_request {
  std::unique_ptr<json::document> document;
  nexus::tokenizer::prompt prompt;
};

/// Errors are those of the strict JSON reader, or name the first member that has a wrong type in `param`. Members and
/// parts that are not known pass: they do not become tokens that we could count.
result<chat_request> read_chat_request(std::string_view body);
/// The same of a body that is parsed.
result<chat_request> read_chat_request(json::document parsed);

}  // namespace nexus::tokenizer
