// A model's name as the tables know it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nexus::tokenizer {

/// Returns the name in small letters, without the vendor in front ("openai/gpt-4o") and the variant behind
/// ("deepseek-r1:free").
inline std::string plain_model_name(std::string_view model) {
  if (const size_t slash = model.rfind('/'); slash != std::string_view::npos) model.remove_prefix(slash + 1);
  if (const size_t colon = model.find(':'); colon != std::string_view::npos && colon != 0)
    model = model.substr(0, colon);
  std::string name(model);
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return name;
}

}  // namespace nexus::tokenizer
