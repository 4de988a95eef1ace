// Byte-pair merging of one piece, exact for any list of ranked pairs: always the lowest rank, the leftmost of equals.
// Long pieces are merged window by window and stitched: a sequence of tokens is the encoding if every neighbouring
// pair of it encodes to itself, because the first merge across a border depends on the two tokens beside it alone. So
// the time is linear in the piece. One object for each thread; it holds scratch memory only.
#pragma once

#include "tokenizer/vocabulary.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

/// Serves one vocabulary.
class merger {
 public:
  /// Appends the tokens of `piece` to `out`, by merging alone (whole_first is the caller's). The piece is valid UTF-8
  /// or, for an alphabet of bytes, anything.
  void encode(const vocabulary&, std::string_view piece, std::vector<token_id>& out);
  /// Returns how many tokens that would be.
  size_t count(const vocabulary&, std::string_view piece);
  /// Returns the last token of the encoding of a text that is not empty.
  token_id last_token(const vocabulary&, std::string_view text);
  /// Returns whether `left` and `right` side by side encode to themselves.
  bool stable(const vocabulary&, token_id left, token_id right);

  /// Steps done so far (looks at a pair), so that tests can tell linear from quadratic.
  uint64_t steps() const { return steps_; }

 private:
  // Symbols that are merged in place by scanning for the lowest rank; more go by a heap.
  static constexpr size_t scanned_max = 128;
  // Bytes of a long piece that are merged at a time.
  static constexpr size_t window = 64;

  struct node {
    token_id id;
    uint32_t previous, next;
  };
  struct candidate {
    uint32_t rank, position;
    token_id left, right;
  };

  bool compute_stable(const vocabulary&, token_id left, token_id right);
  void append_symbols(const vocabulary&, std::string_view text);
  size_t merge_window(const vocabulary&, token_id* ids, size_t size);
  size_t merge_heap(const vocabulary&, token_id* ids, size_t size);
  size_t merge_any(const vocabulary& v, token_id* ids, size_t size) {
    return size <= scanned_max ? merge_window(v, ids, size) : merge_heap(v, ids, size);
  }
  void push_candidate(const vocabulary&, uint32_t position);
  void encode_long(const vocabulary&, std::string_view piece);
  void stitch(const vocabulary&, size_t begin);
  size_t reencode(const vocabulary&, size_t begin, size_t end);

  uint64_t steps_ = 0;
  std::vector<uint64_t> stable_pairs_;  // pair and answer, by hash of the pair
  std::vector<token_id> symbols_;       // scratch of the merges
  std::vector<token_id> tokens_;        // the stitched encoding
  std::vector<node> nodes_;
  std::vector<candidate> heap_;
  std::string text_;
};

}  // namespace nexus::tokenizer
