// Counts a piece that does not end and cannot be cut, as its bytes come, in memory that does not grow: for the last
// positions of the text the last token of the encoding that would end there. Which token that is, is unique: the one
// that is stable behind the last token of the text before it. Nothing further back can ever matter, because no token is
// longer. Belongs to one stream.
#pragma once

#include "tokenizer/piece_counter.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

class long_piece {
 public:
  /// Begins at the absolute position `begin`.
  long_piece(const vocabulary& words, uint64_t begin);

  /// Takes the bytes that follow. They end at the end of a character.
  void push(merger&, const vocabulary&, std::string_view bytes);
  /// Begins a second count at `position`, not further back than `reach`: for a boundary that may still come there.
  /// Replaces an earlier one.
  void fork(merger&, const vocabulary&, uint64_t position);
  /// What came before the fork is a piece of its own: the second count becomes the only one. Returns the first's.
  uint64_t take_fork();

  uint64_t begin() const { return first_.begin; }
  uint64_t end() const { return end_; }
  /// Returns where the second count began, or `begin` if there is none.
  uint64_t forked_at() const { return second_.begin; }
  /// Returns the tokens from the beginning to `position`, not further back than `reach`.
  uint64_t count_at(uint64_t position) const { return count_at(first_, position); }
  /// Returns how many bytes before the end are remembered.
  size_t reach() const { return reach_; }
  /// Returns the last bytes from `position` on.
  std::string_view text_from(uint64_t position) const {
    return {text_.data() + text_.size() - (end_ - position), static_cast<size_t>(end_ - position)};
  }
  /// Returns the bytes of memory that are allocated beside the object.
  size_t memory() const { return text_.capacity() + first_.last.capacity() + second_.last.capacity(); }

 private:
  // Newest last. Two bytes for each position, or four if tokens are longer than 128 bytes: the length of the last
  // token, less one, and by how much the count differs from that of the position before.
  struct track {
    uint64_t begin = 0;
    uint64_t count = 0;
    std::vector<uint8_t> last;
  };

  const char* text_at(size_t index) const { return text_.data() + reach_ + index; }
  uint64_t count_at(const track&, uint64_t position) const;
  size_t length_of(const track&, size_t index) const;
  int delta_of(const track&, size_t index) const;
  void set(track&, size_t index, size_t length, int delta) const;
  void shift(track&, size_t bytes) const;
  void extend(merger&, const vocabulary&, track&, uint64_t position, size_t index) const;
  bool fits(merger&, const vocabulary&, const track&, uint64_t position, size_t index, token_id token) const;
  token_id last_token(const vocabulary&, const track&, size_t index) const;

  size_t reach_;
  size_t size_;  // of the arrays: the reach and one step
  bool wide_;
  uint64_t end_;
  uint64_t before_fork_ = 0;
  std::vector<char> text_;  // so far back that the last token at every position that is remembered can be read
  track first_;
  track second_;
};

}  // namespace nexus::tokenizer
