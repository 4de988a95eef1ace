// What a request and its tools cost around their text on hosted models whose template nobody knows: fitted constants,
// one row for each model. Pure; any thread.
#pragma once

#include "tokenizer/chat_prompt.hpp"

namespace nexus::tokenizer {

struct chat_overheads {
  std::string_view model;  // with its vendor
  int64_t request = 0;     // once
  int64_t message = 0;     // each
  int64_t tools_exist = 0;
  int64_t further_tool = 0;  // each but the first
  int64_t tool_text = 0;     // a tool's description
  int64_t first_property = 0;
  int64_t further_property = 0;
  int64_t property_text = 0;
  int64_t choice = 0;  // an enum
  int64_t nested_object = 0;
  int64_t object_array = 0;
};

/// Returns the row with the longest name that begins the model's, else that of its kin, else the medians of all.
const chat_overheads& chat_overheads_for(std::string_view model);

/// Returns what the tools cost with their names, descriptions and schemas.
int64_t count_overhead_tools(const chat_overheads& row, const std::vector<const json::value*>& tools,
                             const text_counter& counter);

}  // namespace nexus::tokenizer
