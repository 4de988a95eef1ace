// Character classes by which pieces are cut, for two versions of Unicode, and a UTF-8 reader. The tables are generated
// at build time from the pinned Unicode packages. Pure, safe on every thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexus::tokenizer {

/// The version belongs to the encoding: it is the one that its reference implementation knows.
enum class unicode_version : uint8_t { v16, v17 };

/// General categories as far as a splitter tells them apart. `han_` is Script=Han of the same category; `newline` is CR
/// and LF, `space` all other White_Space.
enum class char_class : uint8_t {
  other,   // C, unassigned
  upper,   // Lu, Lt
  lower,   // Ll
  letter,  // Lm, Lo
  mark,
  digit,        // Nd
  number,       // Nl, No
  connector,    // Pc
  punctuation,  // the other P
  symbol,
  space,
  newline,
  han_letter,
  han_mark,
  han_number,
  han_punctuation,
  han_symbol,
};

namespace unicode_tables {
extern const uint16_t class_index_v16[], class_index_v17[];
extern const uint8_t class_blocks[][128];
}  // namespace unicode_tables

/// Returns the class of a code point; none above U+10FFFF has any.
inline char_class class_of(char32_t code_point, unicode_version version = unicode_version::v16) {
  if (code_point > 0x10ffff) return char_class::other;
  using namespace unicode_tables;
  const auto* index = version == unicode_version::v16 ? class_index_v16 : class_index_v17;
  return static_cast<char_class>(class_blocks[index[code_point >> 7]][code_point & 127]);
}

struct decoded {
  char32_t code_point;
  uint8_t size;     // bytes taken
  bool incomplete;  // cut off by the end of the text: more bytes may change it
};

/// Returns the character at `at` (less than the size). An invalid byte, and the longest beginning of a character that
/// is not completed, is U+FFFD (WHATWG).
decoded decode(std::string_view text, size_t at);

}  // namespace nexus::tokenizer
