// A prompt's text while a template writes it: the template's own words, in which its marks ("<|im_start|>") are one
// token each, and foreign text, in which nothing is. Text between marks is counted as one piece, as the models'
// tokenizers cut it. Pure.
#pragma once

#include "tokenizer/chat_prompt.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

class rendering {
 public:
  /// `marks` must outlive it.
  explicit rendering(std::span<const std::string_view> marks) : marks_(marks) {}

  /// Appends the template's own words.
  rendering& say(std::string_view own);
  /// Appends what came from outside.
  rendering& text(std::string_view foreign);

  int64_t count(const text_counter& counter) const;
  const std::string& written() const { return text_; }
  /// Whether text before, or behind, could join with it into one token.
  bool begins_open() const { return !text_.empty() && (marked_.empty() || marked_.front().begin != 0); }
  bool ends_open() const { return !text_.empty() && (marked_.empty() || marked_.back().end != text_.size()); }

 private:
  size_t mark_length(std::string_view rest) const;

  std::span<const std::string_view> marks_;
  std::string text_;
  std::vector<json::range> marked_;  // where the marks stand in text_
};

}  // namespace nexus::tokenizer
