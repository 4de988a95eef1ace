#include "tokenizer/special_finder.hpp"

#include <algorithm>

namespace nexus::tokenizer {

void special_finder::add(std::string_view text, token_id id) {
  ids_[std::string(text)] = id;
  texts_.emplace(id, text);
  auto& lengths = lengths_[static_cast<unsigned char>(text[0])];
  const auto size = static_cast<uint16_t>(text.size());
  const auto place = std::ranges::lower_bound(lengths, size, std::greater<>());
  if (place == lengths.end() || *place != size) lengths.insert(place, size);
}

special_finder::match special_finder::find(std::string_view text, size_t from) const {
  std::string key;
  for (size_t begin = from; begin < text.size(); ++begin) {
    for (const size_t length : lengths_[static_cast<unsigned char>(text[begin])]) {
      if (length > text.size() - begin) continue;
      key.assign(text, begin, length);
      const auto found = ids_.find(key);
      if (found != ids_.end()) return {begin, begin + length, found->second};
    }
  }
  return {};
}

std::string_view special_finder::text_of(token_id id) const {
  const auto found = texts_.find(id);
  return found == texts_.end() ? std::string_view() : found->second;
}

}  // namespace nexus::tokenizer
