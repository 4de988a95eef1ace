#include "tokenizer/templates/rendering.hpp"

namespace nexus::tokenizer {

size_t rendering::mark_length(std::string_view rest) const {
  size_t longest = 0;
  for (const std::string_view mark : marks_) {
    if (mark.size() > longest && rest.starts_with(mark)) longest = mark.size();
  }
  return longest;
}

rendering& rendering::say(std::string_view own) {
  const size_t begin = text_.size();
  text_ += own;
  for (size_t at = begin; at < text_.size();) {
    const size_t length = mark_length(std::string_view(text_).substr(at));
    if (length != 0) marked_.push_back({at, at + length});
    at += length != 0 ? length : 1;
  }
  return *this;
}

rendering& rendering::text(std::string_view foreign) {
  text_ += foreign;
  return *this;
}

int64_t rendering::count(const text_counter& counter) const {
  const std::string_view whole = text_;
  auto tokens = static_cast<int64_t>(marked_.size());
  size_t begin = 0;
  for (const auto& mark : marked_) {
    if (mark.begin > begin) tokens += counter(whole.substr(begin, mark.begin - begin));
    begin = mark.end;
  }
  if (begin < whole.size()) tokens += counter(whole.substr(begin));
  return tokens;
}

}  // namespace nexus::tokenizer
