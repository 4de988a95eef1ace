#include "tokenizer/text_form.hpp"

#include "conf/utf8.hpp"
#include "tokenizer/unicode.hpp"

#include <cstring>
#include <utility>

namespace nexus::tokenizer {
namespace {

constexpr std::string_view word_mark = "\xE2\x96\x81";
constexpr std::string_view replacement = "\xEF\xBF\xBD";

void spaces_for_marks(std::string& text) {
  size_t out = text.find(word_mark);
  if (out == std::string::npos) return;
  for (size_t in = out; in < text.size();) {
    if (text.compare(in, word_mark.size(), word_mark) == 0) {
      text[out++] = ' ';
      in += word_mark.size();
    } else {
      text[out++] = text[in++];
    }
  }
  text.resize(out);
}

}  // namespace

size_t find_invalid(std::string_view text, size_t from) {
  const char* p = text.data() + from;
  const char* end = text.data() + text.size();
  while (p != end) {
    for (uint64_t word = 0; end - p >= 8; p += 8) {
      std::memcpy(&word, p, 8);
      if (word & 0x8080808080808080) break;
    }
    // Runs of wide characters, but for those with a narrower second byte.
    for (uint32_t word = 0; end - p >= 4; p += 3) {
      std::memcpy(&word, p, 4);
      const bool three = (word & 0xC0C0F0) == 0x8080E0;
      if (!three || (word & 0xFF) == 0xE0 || (word & 0xFF) == 0xED) break;
    }
    if (p == end) break;
    const size_t length = utf8_sequence(p, end);
    if (length == 0) break;
    p += length;
  }
  return static_cast<size_t>(p - text.data());
}

void append_valid(std::string& out, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t bad = find_invalid(text, at);
    out.append(text, at, bad - at);
    at = bad;
    if (at == text.size()) break;
    at += decode(text, at).size;
    out.append(replacement);
  }
}

std::string_view merging_form(std::string_view text, normalizer normal, bool marked, bool prefix_space,
                              std::string& own) {
  const bool valid = find_invalid(text) == text.size();
  const bool spaced = !marked || text.find(word_mark) == std::string_view::npos;
  if (!valid || !spaced || prefix_space) {
    own.reserve(text.size() + 1);
    own = prefix_space ? " " : "";
    append_valid(own, text);
    if (marked) spaces_for_marks(own);
    text = own;
  }
  std::string form;
  const auto normalised = normalise(text, normal, form);
  if (normalised.data() != form.data()) return normalised;
  own = std::move(form);
  return own;
}

}  // namespace nexus::tokenizer
