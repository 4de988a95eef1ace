// Cuts text into the pieces inside which an encoding merges: hand-written equivalents of the regular expressions that
// the references run, one row each in splitters.cpp. Pure, no allocation, safe on every thread. Invalid UTF-8 is read
// as U+FFFD, one for each maximal subpart (WHATWG).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tokenizer/unicode.hpp"

namespace nexus::tokenizer {

enum class splitter : uint8_t {
  none,     // the whole text is one piece (SentencePiece families)
  gpt2,     // r50k, p50k, legacy Claude
  cl100k,   // Llama 3, GLM
  qwen,     // cl100k with single digits
  qwen3_6,  // marks belong to words
  o200k,
  tekken,       // o200k without contractions, single digits
  kimi,         // runs of Han first, then o200k without Han and without the slash
  deepseek_v3,  // numbers, then runs of Han and kana, then words
  command_r,    // single digits, then gpt2
  command_a,    // Cohere Command A+
};

/// One row of the table. `patterns` are the reference's regular expressions in the order in which they split.
struct splitter_info {
  splitter kind;
  std::string_view name;
  std::span<const std::string_view> patterns;
};

/// Returns the table, in the order of the enum.
std::span<const splitter_info> splitters();

/// One step of a tokenizer.json's pre-tokenizer: `Split` with a regular expression (behaviour Isolated), `Digits` with
/// individual digits, or `ByteLevel` that uses its regular expression.
struct split_step {
  enum class type : uint8_t { regex, single_digits, byte_level_regex };
  type kind;
  std::string_view pattern = {};
};

/// Returns the splitter that cuts as these steps do; no steps are `none`. Nothing if there is no such row.
std::optional<splitter> recognise(std::span<const split_step> steps);
/// Returns the splitter of one regular expression.
std::optional<splitter> recognise(std::string_view pattern);

/// Returns the end of the piece that begins at `begin`, which must be less than the size and itself a boundary.
size_t piece_end(splitter, std::string_view text, size_t begin, unicode_version = unicode_version::v16);

/// What split() makes use of if the machine has it; all give the same ends. AVX-512 means with VBMI.
enum class instruction_set : uint8_t { plain, avx2, avx512 };

/// Writes the ends of the pieces that follow `begin` (a boundary) until `ends` is full and returns how many. Go on from
/// the last end; 0 says that all is done. With `last` false the text may go on, and only ends are written which no
/// continuation can change: then 0 says that more text is needed. The text must be shorter than 4 GiB.
size_t split(splitter, std::string_view text, size_t begin, std::span<uint32_t> ends, bool last = true,
             unicode_version = unicode_version::v16, instruction_set at_most = instruction_set::avx512);

/// The same boundaries from a text that comes in chunks, cut anywhere, also inside a character. It keeps of the open
/// piece, however long, only what decides how it can end: three positions tell where a boundary may still come.
/// Exact but for one case: of more than about 90 digits in a row Command A's groups lie elsewhere; there are as many.
class split_scanner {
 public:
  /// fed() - certain() is never more.
  static constexpr size_t lookback_max = 128;

  explicit split_scanner(splitter kind, unicode_version version = unicode_version::v16)
      : kind_(kind), version_(version) {}

  /// Reads `bytes` until they are at an end or `ends` is full. Writes the boundaries that have become certain, counted
  /// from the first byte ever fed and in order, takes what was read off `bytes` and returns how many were written. To
  /// be called again until `bytes` is empty.
  size_t feed(std::string_view& bytes, std::span<uint64_t> ends);
  /// Writes the boundaries that the end of the text makes, itself included. To be called until it returns 0; then the
  /// scanner begins anew.
  size_t finish(std::span<uint64_t> ends);

  /// Returns how many bytes were read.
  uint64_t fed() const { return fed_; }
  /// Returns where the open piece begins: the last boundary that was written.
  uint64_t open() const { return open_; }
  /// Returns the one place far back where a boundary may still come, or open() if there is none: behind the last
  /// newline of white space that goes on, behind the last letter without case of a word that goes on in upper case.
  uint64_t fork() const { return fork_; }
  /// Returns up to where it is certain that no boundary but fork() comes.
  uint64_t certain() const { return certain_; }

 private:
  struct progress {
    size_t taken, written;
  };
  progress take(std::string_view text, std::span<uint64_t> ends, bool last);
  bool keep(std::string_view text, size_t offset);
  size_t forced_piece(std::string_view text) const;
  uint64_t position(size_t offset, size_t size) const {
    return fed_ - (size - offset) - (offset < gap_ ? removed_ : 0);
  }

  splitter kind_;
  unicode_version version_;
  uint8_t size_ = 0;     // of kept_
  uint8_t gap_ = 0;      // where in kept_ text was left out: positions before it lie `removed_` further back
  char kept_[124] = {};  // stands for the open piece: can end in no other ways
  uint64_t removed_ = 0, fed_ = 0, open_ = 0, fork_ = 0, certain_ = 0;
};

}  // namespace nexus::tokenizer
