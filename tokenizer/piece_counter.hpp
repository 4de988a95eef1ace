// Counts pieces for one thread: first in its cache, then as a token, then cut where merging cannot cross, at last by
// merging. Scratch memory and cache only; what it returns depends on the vocabulary alone.
#pragma once

#include "tokenizer/cut_table.hpp"
#include "tokenizer/merger.hpp"
#include "tokenizer/piece_cache.hpp"
#include "tokenizer/vocabulary.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

/// A vocabulary and what is derived from it; tokenizers of one vocabulary share it.
struct lexicon {
  explicit lexicon(vocabulary made) : words(std::move(made)), cuts(words) {}
  vocabulary words;
  cut_table cuts;
};

class piece_counter {
 public:
  /// The lexicon must outlive it.
  explicit piece_counter(const lexicon& lexicon) : words_(lexicon.words), cuts_(lexicon.cuts) {}

  /// Returns the number of tokens of the pieces of `text` that begin at `begin` and end at `ends`.
  size_t count(std::string_view text, size_t begin, std::span<const uint32_t> ends);
  /// Returns the number of tokens of one piece.
  size_t count(std::string_view piece);
  /// The same for what is left of a piece after a cut, or before one: it cannot be a whole-only token.
  size_t count_part(std::string_view part);
  void encode(std::string_view piece, std::vector<token_id>& out);

  merger& merging() { return merger_; }

 private:
  static bool is_wide(std::string_view piece);
  size_t count_any(std::string_view piece, const char* readable_end);
  size_t count_long_unit(std::string_view unit);
  size_t count_unit(std::string_view unit, const char* readable_end);
  size_t count_units(std::string_view piece, const char* readable_end);
  size_t count_new(std::string_view piece, size_t line, const piece_key& key);

  const vocabulary& words_;
  const cut_table& cuts_;
  piece_cache cache_;
  long_piece_cache long_cache_;  // of parts only
  merger merger_;
};

}  // namespace nexus::tokenizer
