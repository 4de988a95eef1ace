#include "tokenizer/cut_table.hpp"

#include "conf/utf8.hpp"

#include <algorithm>

namespace nexus::tokenizer {
namespace {

size_t length_by_lead(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// The code points whose UTF-8 begins with these bytes: [first, last].
struct code_points {
  char32_t first, last;
};

code_points beginning_with(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const size_t length = length_by_lead(lead);
  uint32_t value = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t i = 1; i < bytes.size(); ++i) value = value << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3F);
  const auto open = static_cast<unsigned>(6 * (length - bytes.size()));
  return {value << open, (value << open) | ((1U << open) - 1)};
}

}  // namespace

cut_table::cut_table(const vocabulary& words)
    : ascii_((1 << 14) / 64), pairs_((1 << pair_bits) / 64), tails_((1 << tail_bits) / 64) {
  for (token_id id = 0; id < words.size(); ++id) {
    if (words.kind(id) == token_kind::merged && words.bytes(id).size() > 1) add(words.bytes(id));
  }
}

void cut_table::add_border(std::string_view left, bool left_whole, std::string_view right) {
  const code_points rights = beginning_with(right);
  if (left_whole && left.size() == 1 && right.size() == 1 && static_cast<signed char>(right[0]) >= 0) {
    return mark(ascii_, static_cast<uint32_t>(left[0]) << 7 | static_cast<uint32_t>(right[0]));
  }
  const char32_t first = left_whole ? beginning_with(left).first : 0;
  // One of each group of four-byte characters is enough.
  const char32_t last = std::min<char32_t>(rights.last, 0x10FFFF);
  for (char32_t c = rights.first; c <= last; c = c < 0x10000 ? c + 1 : (c | 0xFFF) + 1) {
    if (left_whole) {
      mark(pairs_, pair_slot(first, c));
    } else {
      mark(tails_, tail_slot(static_cast<unsigned char>(left.back()), c));
    }
  }
}

// A token may begin and end inside a character.
void cut_table::add(std::string_view token) {
  size_t begin = 0;
  size_t end = 0;
  while (end < token.size() && is_continuation(token[end])) ++end;
  bool whole = false;
  if (end == 0) {
    end = std::min(length_by_lead(static_cast<unsigned char>(token[0])), token.size());
    whole = true;
  }
  while (end < token.size()) {
    const size_t length = length_by_lead(static_cast<unsigned char>(token[end]));
    const size_t next = std::min(end + length, token.size());
    add_border(token.substr(begin, end - begin), whole, token.substr(end, next - end));
    begin = end;
    end = next;
    whole = true;
  }
}

size_t cut_table::next(std::string_view text, size_t begin) const {
  const char* p = text.data() + begin;
  const char* end = text.data() + text.size();
  char32_t left = read(p);
  while (p != end) {
    const char* border = p;
    const char32_t right = read(p);
    if (!may_join(left, right, static_cast<unsigned char>(border[-1])))
      return static_cast<size_t>(border - text.data());
    left = right;
  }
  return text.size();
}

}  // namespace nexus::tokenizer
