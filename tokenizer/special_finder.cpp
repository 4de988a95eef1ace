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

void special_finder::add_with_beginnings(std::string_view text, token_id id) {
  add(text, id);
  for (size_t size = 1; size < text.size(); ++size) beginnings_.emplace(text.substr(0, size));
}

special_finder::match special_finder::match_at(std::string_view text, size_t at) const {
  const auto& lengths = lengths_[static_cast<unsigned char>(text[at])];
  match found;
  if (lengths.empty()) return found;
  if (!beginnings_.empty()) return walk(text, at);
  std::string key(text.substr(at, lengths.front()));
  for (const size_t length : lengths) {
    if (length > text.size() - at) continue;
    key.resize(length);
    const auto known = ids_.find(key);
    if (known == ids_.end()) continue;
    found.begin = at;
    found.end = at + length;
    found.id = known->second;
    break;
  }
  return found;
}

// Goes on as long as some special string begins so.
special_finder::match special_finder::walk(std::string_view text, size_t at) const {
  match found;
  std::string key;
  for (size_t end = at + 1; end <= text.size(); ++end) {
    key.push_back(text[end - 1]);
    const auto known = ids_.find(key);
    if (known != ids_.end()) {
      found.begin = at;
      found.end = end;
      found.id = known->second;
    }
    if (!beginnings_.contains(key)) return found;
  }
  found.open = true;
  return found;
}

special_finder::match special_finder::find(std::string_view text, size_t from) const {
  for (size_t at = from; at < text.size(); ++at) {
    const match found = match_at(text, at);
    if (found.id != no_token) return found;
  }
  return {};
}

std::string_view special_finder::text_of(token_id id) const {
  const auto found = texts_.find(id);
  return found == texts_.end() ? std::string_view() : found->second;
}

}  // namespace nexus::tokenizer
