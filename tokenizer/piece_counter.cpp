#include "tokenizer/piece_counter.hpp"

#include <array>

namespace nexus::tokenizer {
namespace {

// Pieces that are looked up together, so that the waits for their cache lines overlap.
constexpr size_t batch = 32;

}  // namespace

// Runs of wide characters are many and seldom the same: their parts are known better than they are.
bool piece_counter::is_wide(std::string_view piece) {
  return piece.size() > 3 &&
         (static_cast<unsigned char>(piece[0]) >= 0xE0 || static_cast<unsigned char>(piece[1]) >= 0xE0);
}

size_t piece_counter::count_long_unit(std::string_view unit) {
  if (unit.size() > long_piece_cache::bytes_max) return merger_.count(words_, unit);
  const auto key = long_piece_cache::key::load(unit);
  const size_t line = key.line();
  if (const size_t known = long_cache_.find(line, key)) return known;
  const size_t count = merger_.count(words_, unit);
  long_cache_.keep(line, key, count);
  return count;
}

size_t piece_counter::count_unit(std::string_view unit, const char* end) {
  if (unit.size() > piece_key::bytes_max) return count_long_unit(unit);
  const piece_key key = piece_key::load(unit, end);
  const size_t line = cache_.line_of(key);
  if (const size_t known = cache_.find(line, key)) return known;
  const size_t count = merger_.count(words_, unit);
  // A whole-only token is one token as a piece and several as a part: it is never kept.
  if (words_.whole_only() && words_.find(unit) != no_token && count > 1) return count;
  if (count <= piece_cache::count_max) cache_.keep(line, key, count);
  return count;
}

size_t piece_counter::count_units(std::string_view piece, const char* readable_end) {
  size_t count = 0;
  cuts_.for_each_part(piece, [&](const char* begin, const char* end) {
    count += count_unit({begin, static_cast<size_t>(end - begin)}, readable_end);
  });
  return count;
}

size_t piece_counter::count_part(std::string_view part) { return count_units(part, part.data() + part.size()); }

// Counts a piece that the cache does not know, and makes it known.
size_t piece_counter::count_new(std::string_view piece, size_t line, const piece_key& key) {
  const token_id whole = words_.find(piece);
  // As a part of a longer piece it counts otherwise, and parts are found in the same cache.
  if (whole != no_token && words_.kind(whole) == token_kind::whole_only) return 1;
  const size_t count = whole != no_token                          ? 1
                       : words_.symbols() == alphabet::characters ? count_part(piece)
                                                                  : merger_.count(words_, piece);
  if (count <= piece_cache::count_max) cache_.keep(line, key, count);
  return count;
}

size_t piece_counter::count(std::string_view piece) { return count_any(piece, piece.data() + piece.size()); }

size_t piece_counter::count_any(std::string_view piece, const char* readable_end) {
  const bool wide = is_wide(piece);
  if (wide || piece.size() > piece_key::bytes_max) {
    // A token that merging yields comes out of its parts as well.
    const bool whole = (!wide || words_.whole_only()) && words_.find(piece) != no_token;
    return whole ? 1 : count_units(piece, readable_end);
  }
  const piece_key key = piece_key::load(piece, readable_end);
  const size_t line = cache_.line_of(key);
  if (const size_t known = cache_.find(line, key)) return known;
  return count_new(piece, line, key);
}

size_t piece_counter::count(std::string_view text, size_t begin, std::span<const uint32_t> ends) {
  struct looked_up {
    piece_key key;
    uint32_t line;
    uint32_t begin;
    uint32_t end;
  };
  std::array<looked_up, batch> found;
  size_t count = 0;
  const char* readable_end = text.data() + text.size();
  for (size_t next = 0; next < ends.size();) {
    size_t size = 0;
    for (; size < batch && next < ends.size(); begin = ends[next++]) {
      const std::string_view piece = text.substr(begin, ends[next] - begin);
      if (piece.size() > piece_key::bytes_max || begin + 16 > text.size() || is_wide(piece)) {
        count += count_any(piece, readable_end);
        continue;
      }
      looked_up& one = found[size++];
      one.key = piece_key::load_padded(piece.data(), piece.size());
      one.line = static_cast<uint32_t>(cache_.line_of(one.key));
      one.begin = static_cast<uint32_t>(begin);
      one.end = ends[next];
      cache_.prefetch(one.line);
    }
    for (size_t i = 0; i < size; ++i) {
      const looked_up& one = found[i];
      size_t known = cache_.find(one.line, one.key);
      if (known == 0) known = count_new(text.substr(one.begin, one.end - one.begin), one.line, one.key);
      count += known;
    }
  }
  return count;
}

void piece_counter::encode(std::string_view piece, std::vector<token_id>& out) {
  const token_id whole = words_.find(piece);
  if (whole != no_token) return out.push_back(whole);
  if (piece.size() <= piece_key::bytes_max && words_.symbols() == alphabet::bytes) {
    return merger_.encode(words_, piece, out);
  }
  cuts_.for_each_part(piece, [&](const char* begin, const char* end) {
    const std::string_view unit(begin, static_cast<size_t>(end - begin));
    const token_id token = words_.find(unit);
    // What is left after a cut is no whole piece.
    if (token != no_token && words_.kind(token) == token_kind::merged) {
      out.push_back(token);
    } else {
      merger_.encode(words_, unit, out);
    }
  });
}

}  // namespace nexus::tokenizer
