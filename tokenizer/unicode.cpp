#include "tokenizer/unicode.hpp"

namespace nexus::tokenizer {
namespace unicode_tables {
#include "tokenizer/unicode_tables.inc"
}  // namespace unicode_tables

namespace {

/// Returns how many bytes a character takes that begins with this one; 0 if none does.
constexpr uint8_t sequence_size(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/// Returns whether `byte` may follow the lead: the second byte shuts out overlong forms, surrogates and what lies above
/// U+10FFFF.
constexpr bool may_follow(uint8_t lead, size_t position, uint8_t byte) {
  uint8_t low = 0x80, high = 0xbf;
  if (position == 1) {
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  }
  return low <= byte && byte <= high;
}

}  // namespace

decoded decode(std::string_view text, size_t at) {
  auto lead = static_cast<uint8_t>(text[at]);
  auto size = sequence_size(lead);
  if (size == 1) return {lead, 1, false};
  if (size == 0) return {0xfffd, 1, false};
  char32_t code = lead & (0x7fU >> size);
  for (uint8_t i = 1; i < size; ++i) {
    if (at + i >= text.size()) return {0xfffd, i, true};
    auto byte = static_cast<uint8_t>(text[at + i]);
    if (!may_follow(lead, i, byte)) return {0xfffd, i, false};
    code = code << 6 | (byte & 0x3f);
  }
  return {code, size, false};
}

}  // namespace nexus::tokenizer
