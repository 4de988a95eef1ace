#include "tokenizer/merger.hpp"

#include "conf/utf8.hpp"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace nexus::tokenizer {
namespace {

// Pairs whose answer is remembered: runs ask for the same ones again and again.
constexpr unsigned remembered_bits = 14;

// Later ones come out of a heap first, so this is "goes later".
bool goes_later(uint32_t rank, uint32_t position, uint32_t other_rank, uint32_t other_position) {
  return rank != other_rank ? rank > other_rank : position > other_position;
}

// Returns the first of the lowest ranks. What follows them up to a multiple of four is no_rank.
size_t find_lowest(const uint32_t* ranks, size_t size) {
#ifdef __SSE2__
  const auto load = [ranks](size_t i) { return _mm_load_si128(reinterpret_cast<const __m128i*>(ranks + i)); };
  __m128i lowest = load(0);
  for (size_t i = 4; i < size; i += 4) {
    const __m128i next = load(i);
    const __m128i less = _mm_cmplt_epi32(next, lowest);
    lowest = _mm_or_si128(_mm_and_si128(less, next), _mm_andnot_si128(less, lowest));
  }
  alignas(16) uint32_t lanes[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes), lowest);
  const auto value = static_cast<int>(std::min(std::min(lanes[0], lanes[1]), std::min(lanes[2], lanes[3])));
  for (size_t i = 0;; i += 4) {
    const int hits = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(load(i), _mm_set1_epi32(value))));
    if (hits != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(hits)));
  }
#else
  return static_cast<size_t>(std::min_element(ranks, ranks + size) - ranks);
#endif
}

}  // namespace

void merger::append_symbols(const vocabulary& v, std::string_view text) {
  if (v.symbols() == alphabet::bytes) {
    for (const char c : text) symbols_.push_back(v.byte_token(static_cast<unsigned char>(c)));
    return;
  }
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    const size_t length = std::max<size_t>(utf8_sequence(p, end), 1);
    const token_id whole = v.find({p, length});
    if (whole != no_token) {
      symbols_.push_back(whole);
    } else {
      for (size_t i = 0; i < length; ++i) symbols_.push_back(v.byte_token(static_cast<unsigned char>(p[i])));
    }
    p += length;
  }
}

size_t merger::merge_window(const vocabulary& v, token_id* ids, size_t size) {
  // Behind the last pair stands no_rank, so that whole vectors can be searched.
  alignas(16) uint32_t ranks[scanned_max + 4];
  std::fill_n(ranks, (size + 3) / 4 * 4 + 1, no_rank);
  for (size_t i = 0; i + 1 < size; ++i) ranks[i] = v.rank(ids[i], ids[i + 1]);
  steps_ += size;
  while (size > 1) {
    const size_t best = find_lowest(ranks, size - 1);
    steps_ += size;
    if (ranks[best] == no_rank) break;
    ids[best] = v.merged(ranks[best]);
    std::memmove(ids + best + 1, ids + best + 2, (size - best - 2) * sizeof *ids);
    std::memmove(ranks + best, ranks + best + 1, (size - best - 1) * sizeof *ranks);
    --size;
    if (best > 0) ranks[best - 1] = v.rank(ids[best - 1], ids[best]);
    if (best + 1 < size) ranks[best] = v.rank(ids[best], ids[best + 1]);
  }
  return size;
}

void merger::push_candidate(const vocabulary& v, uint32_t position) {
  const node& left = nodes_[position];
  if (left.next == no_token) return;
  const token_id right = nodes_[left.next].id;
  const uint32_t rank = v.rank(left.id, right);
  if (rank == no_rank) return;
  heap_.push_back({rank, position, left.id, right});
  std::push_heap(heap_.begin(), heap_.end(), [](const candidate& a, const candidate& b) {
    return goes_later(a.rank, a.position, b.rank, b.position);
  });
}

size_t merger::merge_heap(const vocabulary& v, token_id* ids, size_t size) {
  nodes_.resize(size);
  heap_.clear();
  for (uint32_t i = 0; i < size; ++i) nodes_[i] = {ids[i], i - 1, i + 1 < size ? i + 1 : no_token};
  for (uint32_t i = 0; i + 1 < size; ++i) push_candidate(v, i);
  steps_ += size;
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), [](const candidate& a, const candidate& b) {
      return goes_later(a.rank, a.position, b.rank, b.position);
    });
    const candidate found = heap_.back();
    heap_.pop_back();
    ++steps_;
    node& left = nodes_[found.position];
    // Stale: one of the two has been merged since.
    if (left.id != found.left || left.next == no_token || nodes_[left.next].id != found.right) continue;
    node& right = nodes_[left.next];
    left.id = v.merged(found.rank);
    left.next = right.next;
    right.id = no_token;
    if (left.next != no_token) nodes_[left.next].previous = found.position;
    if (left.previous != no_token) push_candidate(v, left.previous);
    push_candidate(v, found.position);
  }
  size_t left = 0;
  for (uint32_t i = 0; i != no_token; i = nodes_[i].next) ids[left++] = nodes_[i].id;
  return left;
}

bool merger::stable(const vocabulary& v, token_id left, token_id right) {
  if (v.rank(left, right) != no_rank) return false;
  if (stable_pairs_.empty()) stable_pairs_.assign(size_t{1} << remembered_bits, ~uint64_t{0});
  const uint64_t pair = uint64_t{left} << token_bits | right;
  uint64_t& slot = stable_pairs_[pair * 0x9E3779B97F4A7C15 >> (64 - remembered_bits)];
  if (slot >> 1 != pair) slot = pair << 1 | (compute_stable(v, left, right) ? 1 : 0);
  return slot & 1;
}

bool merger::compute_stable(const vocabulary& v, token_id left, token_id right) {
  text_.assign(v.bytes(left)).append(v.bytes(right));
  symbols_.clear();
  append_symbols(v, text_);
  const size_t size = merge_any(v, symbols_.data(), symbols_.size());
  return size == 2 && symbols_[0] == left && symbols_[1] == right;
}

token_id merger::last_token(const vocabulary& v, std::string_view text) {
  symbols_.clear();
  append_symbols(v, text);
  return symbols_[merge_any(v, symbols_.data(), symbols_.size()) - 1];
}

// Replaces the tokens [begin, end) by the encoding of their bytes; returns its new end.
size_t merger::reencode(const vocabulary& v, size_t begin, size_t end) {
  text_.clear();
  for (size_t i = begin; i < end; ++i) text_.append(v.bytes(tokens_[i]));
  symbols_.clear();
  append_symbols(v, text_);
  const size_t size = merge_any(v, symbols_.data(), symbols_.size());
  const auto first = symbols_.begin();
  const size_t kept = std::min(size, end - begin);
  std::copy_n(first, kept, tokens_.begin() + static_cast<ptrdiff_t>(begin));
  if (size < end - begin) {
    tokens_.erase(tokens_.begin() + static_cast<ptrdiff_t>(begin + size),
                  tokens_.begin() + static_cast<ptrdiff_t>(end));
  } else {
    tokens_.insert(tokens_.begin() + static_cast<ptrdiff_t>(end), first + static_cast<ptrdiff_t>(kept),
                   first + static_cast<ptrdiff_t>(size));
  }
  return begin + size;
}

// Makes the border before tokens_[begin] right. What is unstable is encoded anew together, and grows by its own size
// until both of its borders are stable.
void merger::stitch(const vocabulary& v, size_t begin) {
  if (begin == 0 || begin == tokens_.size() || stable(v, tokens_[begin - 1], tokens_[begin])) return;
  size_t low = begin - 1;
  size_t high = begin + 1;
  for (;;) {
    high = reencode(v, low, high);
    const size_t grow = high - low;
    const bool left = low == 0 || stable(v, tokens_[low - 1], tokens_[low]);
    const bool right = high == tokens_.size() || stable(v, tokens_[high - 1], tokens_[high]);
    if (left && right) return;
    if (!left) low -= std::min(low, grow);
    if (!right) high += std::min(tokens_.size() - high, grow);
  }
}

void merger::encode_long(const vocabulary& v, std::string_view piece) {
  tokens_.clear();
  for (size_t begin = 0; begin < piece.size();) {
    size_t end = std::min(begin + window, piece.size());
    if (v.symbols() == alphabet::characters) {
      while (end < piece.size() && end > begin + window - 4 && is_continuation(piece[end])) --end;
    }
    symbols_.clear();
    append_symbols(v, piece.substr(begin, end - begin));
    const size_t size = merge_any(v, symbols_.data(), symbols_.size());
    const size_t border = tokens_.size();
    tokens_.insert(tokens_.end(), symbols_.begin(), symbols_.begin() + static_cast<ptrdiff_t>(size));
    stitch(v, border);
    begin = end;
  }
}

void merger::encode(const vocabulary& v, std::string_view piece, std::vector<token_id>& out) {
  if (piece.size() > window * 2) {
    encode_long(v, piece);
    out.insert(out.end(), tokens_.begin(), tokens_.end());
    return;
  }
  symbols_.clear();
  append_symbols(v, piece);
  const size_t size = merge_any(v, symbols_.data(), symbols_.size());
  out.insert(out.end(), symbols_.begin(), symbols_.begin() + static_cast<ptrdiff_t>(size));
}

size_t merger::count(const vocabulary& v, std::string_view piece) {
  if (piece.size() > window * 2) {
    encode_long(v, piece);
    return tokens_.size();
  }
  symbols_.clear();
  append_symbols(v, piece);
  return merge_any(v, symbols_.data(), symbols_.size());
}

}  // namespace nexus::tokenizer
