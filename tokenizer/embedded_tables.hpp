// The compact tables inside the binary. Values only; safe on every thread.
#pragma once

#include <string_view>

namespace nexus::tokenizer {

/// Returns the table of that name, or an empty view.
std::string_view embedded_table(std::string_view name);

}  // namespace nexus::tokenizer
