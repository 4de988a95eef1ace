#include "tokenizer/vocabulary_source.hpp"

#include "tokenizer/merger.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

namespace nexus::tokenizer {
namespace {

error broken(std::string what) { return make_error(errc::invalid_request, std::move(what)); }

std::string at_line(size_t line) { return "line " + std::to_string(line) + ": "; }

constexpr int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

bool decode_base64(std::string_view text, std::string& out) {
  out.clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = sextet(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) out.push_back(static_cast<char>(bits >> (held -= 8)));
  }
  return !out.empty();
}

// Tokens by id while they are gathered.
struct token_list {
  std::vector<std::string> texts;
  std::vector<token_kind> kinds;

  void put(token_id id, std::string text, token_kind kind) {
    if (id >= texts.size()) {
      texts.resize(id + 1);
      kinds.resize(id + 1, token_kind::inert);
    }
    texts[id] = std::move(text);
    kinds[id] = kind;
  }
  void pack(vocabulary_parts& parts) {
    for (const std::string& text : texts) {
      parts.arena += text;
      parts.lengths.push_back(static_cast<uint32_t>(text.size()));
    }
    parts.kinds = std::move(kinds);
  }
};

result<void> find_byte_tokens(vocabulary_parts& parts, const token_list& tokens) {
  parts.byte_tokens.fill(no_token);
  for (token_id id = 0; id < tokens.texts.size(); ++id) {
    if (tokens.texts[id].size() != 1 || tokens.kinds[id] == token_kind::inert) continue;
    parts.byte_tokens[static_cast<unsigned char>(tokens.texts[id][0])] = id;
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    if (parts.byte_tokens[byte] == no_token) return broken("byte " + std::to_string(byte) + " has no token");
  }
  return {};
}

// Every split of a token into two known tokens is a merge, in the order of `order`: what rank files mean.
result<void> derive_merges(vocabulary_parts& parts, const std::vector<token_id>& order) {
  vocabulary_parts copy = parts;
  const auto known = vocabulary::build(std::move(copy));
  if (!known) return known.error();
  for (const token_id id : order) {
    const std::string_view text = known->bytes(id);
    for (size_t left = 1; left < text.size(); ++left) {
      if (known->find(text.substr(0, left)) == no_token || known->find(text.substr(left)) == no_token) continue;
      parts.merges.push_back({id, static_cast<uint32_t>(left)});
    }
  }
  parts.token_ranks = true;
  return {};
}

// Little-endian reader of a HTK file that never leaves it.
class htk_file {
 public:
  explicit htk_file(std::string_view bytes) : bytes_(bytes) {}

  result<void> open() {
    if (bytes_.size() < 64 || !bytes_.starts_with("HTKVOCAB")) return broken("byte 0: no HTK header");
    if (word(8) != 1) return broken("byte 8: version " + std::to_string(word(8)) + " of HTK is not known");
    if (word(24) > 64 || word(28) > bytes_.size() || bytes_.size() - word(28) < 16 * size_t{word(24)}) {
      return broken("byte 24: the table of sections lies outside the file");
    }
    for (uint32_t i = 0; i < word(24); ++i) {
      const size_t row = word(28) + 16 * size_t{i};
      const uint64_t length = word(row + 8) | uint64_t{word(row + 12)} << 32;
      if (word(row + 4) > bytes_.size() || length > bytes_.size() - word(row + 4)) {
        return broken("byte " + std::to_string(row) + ": the section lies outside the file");
      }
      if (word(row) < sections_.size()) sections_[word(row)] = bytes_.substr(word(row + 4), length);
    }
    return {};
  }
  uint32_t word(size_t at) const { return word(bytes_, at); }
  static uint32_t word(std::string_view bytes, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
  }
  std::string_view section(size_t id) const { return sections_[id]; }
  size_t offset(std::string_view rest) const { return static_cast<size_t>(rest.data() - bytes_.data()); }

  /// Takes one varint off `rest`; returns false at its end.
  static bool varint(std::string_view& rest, uint32_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 35 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

 private:
  std::string_view bytes_;
  std::array<std::string_view, 16> sections_{};
};

constexpr size_t htk_arena = 2, htk_lengths = 3, htk_specials = 4, htk_priority = 12;
// In the header: a piece that equals a token is that token.
constexpr size_t htk_flags_at = 13;

result<void> read_htk_tokens(const htk_file& file, size_t size, token_list& tokens) {
  std::string_view lengths = file.section(htk_lengths);
  std::string_view arena = file.section(htk_arena);
  for (token_id id = 0; id < size; ++id) {
    uint32_t length = 0;
    if (!htk_file::varint(lengths, length))
      return broken("byte " + std::to_string(file.offset(lengths)) + ": no length");
    if (length > arena.size()) {
      return broken("byte " + std::to_string(file.offset(arena)) + ": token " + std::to_string(id) +
                    " goes beyond its section");
    }
    tokens.put(id, std::string(arena.substr(0, length)), length ? token_kind::merged : token_kind::inert);
    arena.remove_prefix(length);
  }
  return {};
}

result<void> read_htk_specials(const htk_file& file, token_list& tokens, vocabulary_parts& parts) {
  std::string_view rest = file.section(htk_specials);
  if (rest.size() < 4) return {};
  const uint32_t count = htk_file::word(rest, 0);
  rest.remove_prefix(4);
  for (uint32_t i = 0; i < count; ++i) {
    if (rest.size() < 8 || htk_file::word(rest, 4) > rest.size() - 8) {
      return broken("byte " + std::to_string(file.offset(rest)) + ": a special token goes beyond its section");
    }
    const uint32_t id = htk_file::word(rest, 0);
    const uint32_t length = htk_file::word(rest, 4);
    if (id >= tokens.texts.size()) {
      return broken("byte " + std::to_string(file.offset(rest)) + ": a special token of no id");
    }
    const std::string text(rest.substr(8, length));
    parts.specials.push_back({text, id});
    tokens.put(id, text, token_kind::inert);
    rest.remove_prefix(std::min<size_t>(rest.size(), 8 + length + 4));
  }
  return {};
}

// The tokens that merging may yield, first ones first.
result<std::vector<token_id>> htk_order(const htk_file& file, const token_list& tokens) {
  std::vector<token_id> order(tokens.texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](token_id id) { return tokens.kinds[id] == token_kind::inert; });
  std::string_view rest = file.section(htk_priority);
  if (rest.empty()) return order;
  std::vector<uint32_t> priorities(tokens.texts.size());
  for (uint32_t& priority : priorities) {
    if (!htk_file::varint(rest, priority)) return broken("byte " + std::to_string(file.offset(rest)) + ": no priority");
  }
  std::erase_if(order, [&](token_id id) { return priorities[id] == 0; });
  std::stable_sort(order.begin(), order.end(), [&](token_id a, token_id b) { return priorities[a] < priorities[b]; });
  return order;
}

}  // namespace

result<vocabulary_source> read_rank_file(std::string_view text) {
  vocabulary_source source;
  token_list tokens;
  std::string bytes;
  for (size_t line = 1; !text.empty(); ++line) {
    const std::string_view row = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), row.size() + 1));
    if (row.empty()) continue;
    const size_t space = row.find(' ');
    uint32_t rank = 0;
    const char* end = row.data() + row.size() - (row.ends_with('\r') ? 1 : 0);
    if (space == std::string_view::npos) return broken(at_line(line) + "no rank");
    const auto number = std::from_chars(row.data() + space + 1, end, rank);
    if (number.ec != std::errc{} || number.ptr != end || rank >= tokens_max - 1)
      return broken(at_line(line) + "no rank");
    if (!decode_base64(row.substr(0, space), bytes)) return broken(at_line(line) + "no base64");
    if (bytes.size() > token_bytes_max) return broken(at_line(line) + "the token is too long");
    if (rank < tokens.texts.size() && !tokens.texts[rank].empty()) return broken(at_line(line) + "the rank is taken");
    tokens.put(rank, bytes, token_kind::merged);
  }
  if (tokens.texts.empty()) return broken("line 1: no token");
  if (auto done = find_byte_tokens(source.parts, tokens); !done) return done.error();
  std::vector<token_id> order(tokens.texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](token_id id) { return tokens.kinds[id] == token_kind::inert; });
  tokens.pack(source.parts);
  source.parts.whole_first = true;
  if (auto done = derive_merges(source.parts, order); !done) return done.error();
  return source;
}

result<vocabulary_source> read_htk(std::string_view bytes) {
  htk_file file(bytes);
  if (auto done = file.open(); !done) return done.error();
  const uint32_t size = file.word(16);
  if (size == 0 || size >= tokens_max) return broken("byte 16: " + std::to_string(size) + " tokens");
  vocabulary_source source;
  token_list tokens;
  if (auto done = read_htk_tokens(file, size, tokens); !done) return done.error();
  if (auto done = read_htk_specials(file, tokens, source.parts); !done) return done.error();
  if (auto done = find_byte_tokens(source.parts, tokens); !done) return done.error();
  auto order = htk_order(file, tokens);
  if (!order) return order.error();
  tokens.pack(source.parts);
  source.parts.whole_first = (static_cast<unsigned char>(bytes[htk_flags_at]) & 1) != 0;
  if (auto done = derive_merges(source.parts, *order); !done) return done.error();
  return source;
}

result<void> classify(vocabulary_parts& parts) {
  const auto full = vocabulary::build(parts);
  if (!full) return full.error();
  merger merge;
  std::vector<token_id> out;
  for (token_id id = 0; id < full->size(); ++id) {
    if (parts.kinds[id] == token_kind::inert) continue;
    out.clear();
    merge.encode(*full, full->bytes(id), out);
    if (out.size() == 1 && out[0] == id) continue;
    parts.kinds[id] = parts.whole_first ? token_kind::whole_only : token_kind::inert;
  }
  std::erase_if(parts.merges, [&](const merge_row& row) {
    const std::string_view text = full->bytes(row.merged);
    const auto dead = [&](token_id id) { return parts.kinds[id] != token_kind::merged; };
    return dead(row.merged) || dead(full->find(text.substr(0, row.left_bytes))) ||
           dead(full->find(text.substr(row.left_bytes)));
  });
  return {};
}

}  // namespace nexus::tokenizer
