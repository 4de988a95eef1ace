// What a text consists of, by script: the features from which tokens are estimated without any vocabulary. Pure; a text
// may come in pieces cut anywhere, also inside a character: the sums are the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexus::tokenizer {

/// One feature each; all are counts. Runs are unbroken sequences. Characters of several bytes are classed by their
/// first byte (and by the second after E3), so broken UTF-8 counts as something, too.
enum class feature : uint8_t {
  word_blank,   // runs of ASCII letters behind a blank
  word_joined,  // behind a single mark that stands behind no blank: most splitters take it in, as in "x.name"
  word_mark,    // behind other punctuation
  word_other,   // at the start, behind a line break, a digit, another script
  letter_5,     // letters behind the fourth of their run
  letter_8,     // behind the seventh
  letter_12,    // behind the eleventh
  case_change,  // a capital behind a small letter
  capital,      // a capital behind a capital
  digit_blank,  // runs of digits behind a blank, which they do not take in
  digit_other,  // other runs of digits
  digit,
  mark_run,     // runs of ASCII punctuation and symbols
  mark_second,  // the second of such a run
  mark_more,    // those behind it
  line_mark,    // runs of line breaks behind punctuation, which most splitters join: ";\n"
  line_other,   // other runs of line breaks
  blank_run,    // runs of two blanks or tabs or more
  blank_more,   // blanks behind the second of their run
  accented,     // Latin beyond ASCII
  han,          // CJK ideographs
  han_run,
  kana,
  hangul,
  cjk_mark,  // punctuation of full width
  letter_2,  // Greek, Cyrillic, Hebrew, Arabic...
  word_2,    // their runs
  letter_3,  // three bytes: Indic, Thai...; symbols
  letter_4,  // four bytes: emoji, rare ideographs
};
constexpr size_t feature_count = 29;

using feature_sums = std::array<uint64_t, feature_count>;

/// The state of one text: some 300 bytes, no memory beside.
class text_features {
 public:
  void add(std::string_view piece);
  feature_sums sums() const { return sums_; }
  uint64_t bytes() const { return bytes_; }

  /// For every class the last 64 bytes, the newest in the highest bit. Kinds of bytes, see text_features.cpp.
  static constexpr size_t kinds = 16;
  using history = std::array<uint64_t, kinds>;

 private:
  feature_sums sums_{};
  history past_{};
  uint64_t bytes_ = 0;
};

/// For tests: the ways to read 64 bytes that this processor has ("scalar", "sse2", "avx2"). All give the same sums.
std::array<std::string_view, 3> feature_paths();
void add_features(std::string_view path, std::string_view piece, text_features::history& past, feature_sums& sums);

}  // namespace nexus::tokenizer
