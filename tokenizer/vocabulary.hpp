// One vocabulary in memory: the bytes of every token, the merges by pair, the tokens by bytes. Built once from a table
// or a user's file, then constant: any number of threads read it.
#pragma once

#include "conf/error.hpp"
#include "tokenizer/short_bytes.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

using token_id = uint32_t;
constexpr token_id no_token = UINT32_MAX;
/// Ids have at most 20 bits, so that a pair and its rank fit into one word of the pair table.
constexpr uint32_t token_bits = 20;
constexpr size_t tokens_max = size_t{1} << token_bits;
constexpr uint32_t no_rank = (1U << 24) - 1;
/// Longest token that we accept. The longest known one is a run of 1,024 spaces.
constexpr size_t token_bytes_max = 2048;

/// What merging begins with.
enum class alphabet : uint8_t {
  bytes,       // every byte is a token
  characters,  // characters, and bytes for those that are no token (SentencePiece); a space stands for U+2581
};

enum class token_kind : uint8_t {
  merged,      // merging its bytes yields it
  whole_only,  // counts only when a whole piece equals it: merging never yields it
  inert,       // never comes out of text: control tokens, holes
};

/// `text` read as token `id` where special strings are allowed, or always.
struct special_token {
  std::string text;
  token_id id = 0;
  bool always = false;  // also in plain text (user-defined tokens of SentencePiece families)
};

/// A merge is told by its product and the length of its left part. Earlier ones go first.
struct merge_row {
  token_id merged = 0;
  uint32_t left_bytes = 0;
};

/// What a vocabulary is built from, and what a compact table holds.
struct vocabulary_parts {
  alphabet symbols = alphabet::bytes;
  bool whole_first = false;  // a piece that equals a token is that token, before any merge
  bool token_ranks = false;  // consecutive merges into one token are of one rank (tiktoken)
  std::string arena;         // the bytes of all tokens, in the order of their ids
  std::vector<uint32_t> lengths;
  std::vector<token_kind> kinds;
  std::array<token_id, 256> byte_tokens{};  // for `characters` what a byte outside the vocabulary is; or no_token
  std::vector<merge_row> merges;
  std::vector<special_token> specials;
};

class vocabulary {
 public:
  /// Errors name the token or the merge that is wrong.
  static result<vocabulary> build(vocabulary_parts parts);

  size_t size() const { return kinds_.size(); }
  alphabet symbols() const { return symbols_; }
  bool whole_first() const { return whole_first_; }
  /// Returns whether there are tokens that only a whole piece can be.
  bool whole_only() const { return whole_only_; }
  /// Returns the length of the longest token that can come out of text.
  size_t longest() const { return longest_; }
  /// Returns the lengths that tokens have, longest first.
  const std::vector<uint16_t>& lengths() const { return lengths_; }
  token_kind kind(token_id id) const { return kinds_[id]; }
  std::string_view bytes(token_id id) const { return {arena_.data() + offsets_[id], offsets_[id + 1] - offsets_[id]}; }
  token_id byte_token(unsigned char byte) const { return byte_tokens_[byte]; }
  const std::vector<special_token>& specials() const { return specials_; }

  /// Returns the token of these bytes, whether merged or whole-only, or no_token.
  token_id find(std::string_view bytes) const { return find(bytes, hash_bytes(bytes)); }
  token_id find(std::string_view bytes, uint64_t hash) const {
    if (bytes.size() > longest_) return no_token;
    for (size_t slot = hash & token_mask_;; slot = (slot + 1) & token_mask_) {
      const uint32_t entry = token_slots_[slot];
      if (entry == no_token) return no_token;
      if ((entry >> token_bits) != (hash >> 52)) continue;
      const token_id id = entry & (tokens_max - 1);
      if (offsets_[id + 1] - offsets_[id] == bytes.size() &&
          equal_bytes(arena_.data() + offsets_[id], bytes.data(), bytes.size())) {
        return id;
      }
    }
  }

  /// Returns the rank of the merge of this pair, or no_rank. Lower goes first.
  uint32_t rank(token_id left, token_id right) const {
    const uint64_t key = pair_key(left, right);
    for (size_t slot = hash_pair(key) >> pair_shift_;; slot = (slot + 1) & pair_mask_) {
      const uint64_t entry = pair_slots_[slot];
      if (entry >> 24 == key) return entry & no_rank;
      if (entry == empty_pair) return no_rank;
    }
  }
  token_id merged(uint32_t rank) const { return merged_[rank]; }

  /// Returns the bytes of memory held.
  size_t memory() const;

 private:
  static constexpr uint64_t empty_pair = ~uint64_t{0};
  static uint64_t pair_key(token_id left, token_id right) { return uint64_t{left} << token_bits | right; }
  static uint64_t hash_pair(uint64_t key) { return key * 0x9E3779B97F4A7C15; }

  result<void> index_tokens();
  result<void> index_merges(const std::vector<merge_row>& merges, bool token_ranks);
  result<void> index_batch(std::span<const merge_row> rows, size_t first, bool token_ranks);
  void insert_pair(token_id left, token_id right, uint32_t rank);

  alphabet symbols_ = alphabet::bytes;
  bool whole_first_ = false;
  bool whole_only_ = false;
  size_t longest_ = 0;
  std::vector<uint16_t> lengths_;
  std::string arena_;
  std::vector<uint32_t> offsets_;
  std::vector<token_kind> kinds_;
  std::array<token_id, 256> byte_tokens_{};
  std::vector<uint32_t> token_slots_;  // twelve bits of the hash above the id
  size_t token_mask_ = 0;
  std::vector<uint64_t> pair_slots_;  // left, right, rank
  size_t pair_mask_ = 0;
  unsigned pair_shift_ = 0;
  std::vector<token_id> merged_;  // by rank
  std::vector<special_token> specials_;
};

}  // namespace nexus::tokenizer
