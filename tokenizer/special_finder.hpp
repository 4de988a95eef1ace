// Finds special strings in text: the first one, the longest of those that begin there. Constant once built.
#pragma once

#include "tokenizer/vocabulary.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace nexus::tokenizer {

class special_finder {
 public:
  struct match {
    size_t begin = std::string_view::npos;
    size_t end = std::string_view::npos;
    token_id id = no_token;
    bool open = false;  // more text may make it another, longer one
  };

  void add(std::string_view text, token_id id);
  /// Also keeps the beginnings of the text, for `match_at`.
  void add_with_beginnings(std::string_view text, token_id id);
  bool empty() const { return ids_.empty(); }
  /// Returns the first special string at or after `from`; its id is no_token if there is none.
  match find(std::string_view text, size_t from) const;
  /// Returns the longest special string that begins at `at`.
  match match_at(std::string_view text, size_t at) const;
  /// Returns the text of a special token, or an empty view.
  std::string_view text_of(token_id id) const;

 private:
  match walk(std::string_view text, size_t at) const;

  std::unordered_map<std::string, token_id> ids_;
  std::unordered_map<token_id, std::string> texts_;
  std::unordered_set<std::string> beginnings_;
  std::array<std::vector<uint16_t>, 256> lengths_;  // by first byte, longest first
};

}  // namespace nexus::tokenizer
