// JSON text as Python's json.dumps(ensure_ascii=False) writes it: chat templates put tools and arguments into prompts
// so, and its blanks are tokens. Pure.
#pragma once

#include "conf/json.hpp"

#include <string>

namespace nexus::tokenizer {

struct json_style {
  unsigned indent = 0;            // blanks for each level, as `tojson(indent=4)`; 0: one line
  bool sorted = false;            // members by name
  std::string_view comma = ", ";  // between members; without its blank where lines are broken
  std::string_view colon = ": ";
};

/// Appends `value`. Its nesting is bounded by the reader that made it.
void append_python_json(std::string& out, const json::value& value, const json_style& style = {});

/// Appends `text` as a JSON string with its quotes: only what JSON demands is escaped.
void append_python_string(std::string& out, std::string_view text);

/// Appends a number as Python's repr writes it: the shortest digits, exponents below 1e-4 and from 1e16.
void append_python_number(std::string& out, double number);

}  // namespace nexus::tokenizer
