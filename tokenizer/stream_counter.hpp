// Counts the tokens of a text that comes in chunks, cut anywhere, also inside a character: the same number as of the
// whole. Special strings are ordinary text. Belongs to one stream; may move from thread to thread between calls.
//
// A stream keeps less than 1 KiB: the object (static_assert below), and while a piece goes on for more than 192 bytes
// without a place to cut it, what long_piece needs: 0.4 KiB where no token is longer than 128 bytes; 1 to 5 KiB
// where they are (Kimi, GLM-5, Command, legacy Claude), because any of that many bytes may begin the last token.
// Encodings that normalise (Qwen, legacy Claude) also keep the last letter with its marks, up to 4 KiB of them: more
// belong to no script, and only there may the number differ from that of the whole.
#pragma once

#include "tokenizer/long_piece.hpp"
#include "tokenizer/splitter.hpp"
#include "tokenizer/tokenizer.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nexus::tokenizer {

class stream_counter {
 public:
  explicit stream_counter(std::shared_ptr<const tokenizer> one);
  stream_counter(const stream_counter& other);
  stream_counter& operator=(const stream_counter& other);
  stream_counter(stream_counter&&) noexcept = default;
  stream_counter& operator=(stream_counter&&) noexcept = default;
  ~stream_counter() = default;

  void feed(std::string_view bytes);
  /// Says that the text is at its end and returns its tokens. The counter begins anew.
  uint64_t finish();
  /// Returns the tokens of what was fed so far, as if it ended here.
  uint64_t count() const;

 private:
  static constexpr size_t slice_bytes = 64;
  static constexpr size_t mark_bytes_max = 4096;
  static constexpr size_t open_bytes_max = split_scanner::lookback_max + slice_bytes;

  void feed_valid(std::string_view text);
  void feed_special(std::string_view text, bool last);
  void feed_plain(std::string_view text);
  void feed_settled(std::string_view text);
  void feed_normal(std::string_view text);
  void feed_form(std::string_view text);
  void feed_slice(std::string_view slice);
  void end_segment();
  void on_boundary(uint64_t end);
  void end_long_piece(uint64_t end);
  void take(std::string_view slice);
  void shorten();
  void shorten_long_piece();
  uint64_t certain() const;
  void open_again(std::string_view text, uint64_t begin);

  std::shared_ptr<const tokenizer> tokenizer_;
  split_scanner scanner_;
  uint64_t count_ = 0;                // of what is closed
  uint64_t begin_ = 0;                // where `open_` begins
  std::unique_ptr<long_piece> long_;  // instead of `open_`
  std::string held_;                  // what may still become a special string
  std::string marks_;                 // what may still become another letter by the marks that follow
  std::array<char, open_bytes_max> open_;
  uint16_t open_size_ = 0;
  uint8_t partial_size_ = 0;
  std::array<char, 4> partial_{};  // the beginning of a character
  bool cut_ = false;               // the open piece was cut: what is left is no whole piece
  bool segment_ = false;           // text has come since the last special string
};

static_assert(sizeof(stream_counter) <= 512);

}  // namespace nexus::tokenizer
