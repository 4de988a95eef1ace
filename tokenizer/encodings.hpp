// Which encodings there are and which model uses which: two tables, read from top to bottom in encodings.cpp.
// Values only; safe on every thread.
#pragma once

#include <string_view>

namespace nexus::tokenizer {

struct encoding_info {
  std::string_view name;
};

/// Returns the encoding of that name, or null.
const encoding_info* encoding(std::string_view name);

}  // namespace nexus::tokenizer
