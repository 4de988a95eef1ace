#include "tokenizer/normalizer.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "tokenizer/unicode.hpp"

namespace nexus::tokenizer {
namespace {

struct decomposition {
  uint32_t code, at, size;
};
struct composition {
  uint32_t first, second, code;
};

#include "tokenizer/normalizer_tables.inc"

// https://www.unicode.org/versions/latest/core-spec/chapter-3/#G24646
namespace hangul {
constexpr char32_t syllables = 0xac00, leading = 0x1100, vowels = 0x1161, trailing = 0x11a7;
constexpr char32_t leading_count = 19, vowel_count = 21, trailing_count = 28;
constexpr char32_t block = vowel_count * trailing_count, count = leading_count * block;
}  // namespace hangul

/// What decides whether a character leaves the text before it alone.
struct property {
  uint8_t rank;   // of its combining class; 0 is a starter
  bool unstable;  // changes, or may combine with what is before
  bool is_boundary() const { return rank == 0 && !unstable; }
};

property property_of(char32_t code, normalizer form) {
  auto bits = property_blocks[property_index[code >> 7]][code & 127];
  return {static_cast<uint8_t>(bits & 63), (bits & (form == normalizer::nfc ? 64 : 128)) != 0};
}

uint8_t rank_of(char32_t code) { return property_of(code, normalizer::nfc).rank; }

/// Returns how many bytes from `at` on are of characters that are boundaries for sure: ASCII and the bulk of Chinese
/// and Korean, for NFC also Latin.
size_t plain_bytes(std::string_view text, size_t at, normalizer form) {
  const size_t begin = at;
  while (at < text.size()) {
    for (uint64_t word; text.size() - at >= sizeof word; at += sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
    }
    if (at == text.size()) break;
    auto lead = static_cast<uint8_t>(text[at]);
    size_t size = 0;
    if (lead < 0x80) {
      size = 1;
    } else if (lead < 0xcc && form == normalizer::nfc) {
      size = 2;  // below U+0300
    } else if ((lead >= 0xe4 && lead <= 0xe9) || lead == 0xeb || lead == 0xec) {
      size = 3;  // U+4000..U+9FFF, U+B000..U+CFFF
    }
    if (size == 0 || text.size() - at < size) break;
    at += size;
  }
  return at - begin;
}

/// The text between two boundaries.
struct stretch {
  size_t begin, end;
};

/// Returns the first stretch from `at` (a boundary) that is not normal; at the end an empty one.
stretch next_denormal(std::string_view text, size_t at, normalizer form) {
  stretch found{at, text.size()};
  uint8_t last_rank = 0;
  bool normal = true;
  while (at < text.size()) {
    if (auto plain = plain_bytes(text, at, form); plain != 0) {
      if (!normal) return {found.begin, at};
      at += plain;
      last_rank = 0;
      // Where its last character begins is looked for only if it matters.
      found.begin = at;
      continue;
    }
    auto [code, size, incomplete] = decode(text, at);
    auto is = property_of(code, form);
    if (is.is_boundary()) {
      if (!normal) return {found.begin, at};
      found.begin = at;
    } else {
      if (found.begin == at && at > 0) {
        do --found.begin;
        while ((static_cast<uint8_t>(text[found.begin]) & 0xc0) == 0x80);
      }
      normal = normal && !is.unstable && (is.rank == 0 || last_rank <= is.rank);
    }
    last_rank = is.rank;
    at += size;
  }
  return normal ? stretch{text.size(), text.size()} : found;
}

const decomposition* find_decomposition(char32_t code, normalizer form) {
  auto find = [&](const auto& table) -> const decomposition* {
    const auto* at = std::lower_bound(std::begin(table), std::end(table), code,
                                      [](const decomposition& row, char32_t wanted) { return row.code < wanted; });
    return at != std::end(table) && at->code == code ? at : nullptr;
  };
  return form == normalizer::nfc ? find(canonical) : find(compatible);
}

void decompose(char32_t code, normalizer form, std::vector<char32_t>& out) {
  using namespace hangul;
  if (code >= syllables && code < syllables + count) {
    auto index = code - syllables;
    out.push_back(leading + index / block);
    out.push_back(vowels + index % block / trailing_count);
    if (auto last = index % trailing_count; last != 0) out.push_back(trailing + last);
  } else if (const auto* row = find_decomposition(code, form)) {
    out.insert(out.end(), decomposed + row->at, decomposed + row->at + row->size);
  } else {
    out.push_back(code);
  }
}

/// Returns the character that two make, or 0.
char32_t compose(char32_t first, char32_t second) {
  using namespace hangul;
  if (first - leading < leading_count && second - vowels < vowel_count) {
    return syllables + (first - leading) * block + (second - vowels) * trailing_count;
  }
  if (first - syllables < count && (first - syllables) % trailing_count == 0 && second > trailing &&
      second < trailing + trailing_count) {
    return first + (second - trailing);
  }
  auto before = [](const composition& row, const composition& wanted) {
    return row.first != wanted.first ? row.first < wanted.first : row.second < wanted.second;
  };
  composition wanted{first, second, 0};
  const auto* row = std::lower_bound(std::begin(compositions), std::end(compositions), wanted, before);
  return row != std::end(compositions) && row->first == first && row->second == second ? row->code : 0;
}

/// Puts the marks of each starter in the order of their classes.
void reorder(std::vector<char32_t>& text) {
  for (auto at = text.begin(); at != text.end();) {
    auto end = std::find_if(at, text.end(), [](char32_t code) { return rank_of(code) == 0; });
    std::stable_sort(at, end, [](char32_t one, char32_t other) { return rank_of(one) < rank_of(other); });
    at = std::find_if(end, text.end(), [](char32_t code) { return rank_of(code) != 0; });
  }
}

/// https://www.unicode.org/reports/tr15/#Canonical_Composition_Algorithm
void compose(std::vector<char32_t>& text) {
  size_t starter = text.size(), out = 0;
  uint8_t last_rank = 0;
  for (char32_t code : text) {
    auto rank = rank_of(code);
    bool reachable = starter < out && (out == starter + 1 || last_rank < rank);
    if (auto made = reachable ? compose(text[starter], code) : 0; made != 0) {
      text[starter] = made;
      continue;
    }
    if (rank == 0) starter = out;
    last_rank = rank;
    text[out++] = code;
  }
  text.resize(out);
}

void append(std::string& out, char32_t code) {
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 63)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
}

}  // namespace

std::string_view normalise(std::string_view text, normalizer form, std::string& own) {
  if (form == normalizer::none) return text;
  auto next = next_denormal(text, 0, form);
  if (next.begin == text.size()) return text;
  own.clear();
  own.reserve(text.size());
  std::vector<char32_t> characters;
  for (size_t done = 0; done < text.size();) {
    own.append(text, done, next.begin - done);
    characters.clear();
    for (size_t at = next.begin; at < next.end;) {
      auto [code, size, incomplete] = decode(text, at);
      decompose(code, form, characters);
      at += size;
    }
    reorder(characters);
    compose(characters);
    for (auto code : characters) append(own, code);
    done = next.end;
    next = next_denormal(text, done, form);
  }
  return own;
}

size_t find_denormal(std::string_view text, normalizer form) {
  return form == normalizer::none ? text.size() : next_denormal(text, 0, form).begin;
}

size_t settled_bytes(std::string_view text, normalizer form) {
  if (form == normalizer::none) return text.size();
  for (size_t at = text.size(); at-- > 0;) {
    if ((static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) continue;
    auto [code, size, incomplete] = decode(text, at);
    if (!incomplete && property_of(code, form).is_boundary()) return at;
  }
  return 0;
}

}  // namespace nexus::tokenizer
