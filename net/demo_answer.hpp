// What the built-in demo provider says: an answer in the user's language with Markdown, code and a table, in pieces of
// the size of tokens. Pure and deterministic: the same question gets the same answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nexus::net {

/// Returns the answer's pieces for the last user message; Chinese if the message holds Chinese, else English. It refers
/// to the question (safely shortened at a character's end).
std::vector<std::string> demo_answer(std::string_view question);

/// Returns the text of the last user message of a validated chat request (text parts joined), or "".
std::string last_user_text(std::string_view body);

}  // namespace nexus::net
