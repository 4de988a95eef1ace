// A labelled estimate of token counts from characters by script, until the exact tokenizers land. Pure.
#pragma once

#include <cstdint>

namespace nexus::tokenizer {

/// Returns about how many tokens a text of so many ASCII, wide (CJK) and other characters has: never exact, and said
/// so.
constexpr int64_t estimate(uint64_t ascii, uint64_t wide, uint64_t other) {
  // English prose and code run at about 4 ASCII characters a token in today's vocabularies, CJK at about 1.4, the rest
  // at 2.
  return static_cast<int64_t>((ascii * 35 + wide * 100 + other * 70 + 139) / 140);
}

}  // namespace nexus::tokenizer
