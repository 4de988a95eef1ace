#include "tokenizer/piece_cache.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace nexus::tokenizer {

piece_cache::piece_cache() {
  constexpr size_t bytes = sizeof(line) << line_bits;
  static_assert(bytes == size_t{2} << 20, "one huge page");
  void* memory = std::aligned_alloc(bytes, bytes);
  if (!memory) throw std::bad_alloc();
  // Before the first touch, so that one entry of the TLB covers it. It is advice: where it is refused nothing is lost.
  madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 0, bytes);
  lines_.reset(static_cast<line*>(memory));
}

void piece_cache::release::operator()(line* lines) const { std::free(lines); }

void piece_cache::keep(size_t at, const piece_key& key, size_t count) {
  entry* entries = lines_[at].entries;
  std::memmove(entries + 1, entries, 3 * sizeof *entries);
  entries[0] = {key.low, key.high | static_cast<uint64_t>(count) << 56};
}

}  // namespace nexus::tokenizer
