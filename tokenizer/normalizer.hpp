// Unicode normalisation for the encodings whose reference does it: NFC (Qwen, Command R) and NFKC (legacy Claude).
// Text that is normal already, by far the most, is only looked through. All texts here must be valid UTF-8. Pure, safe
// on every thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nexus::tokenizer {

enum class normalizer : uint8_t { none, nfc, nfkc };

/// Returns `text` itself if one look at its characters tells that it is normal, otherwise its normal form in `own`, in
/// which `text` must not lie.
std::string_view normalise(std::string_view text, normalizer, std::string& own);

/// Returns where the first stretch begins that normalise() has to write anew, or the size.
size_t find_denormal(std::string_view text, normalizer);

/// Returns how much of a text that may go on is settled: what is before has the same form whatever follows, and can be
/// normalised apart. The rest, from the last character that combines with nothing before it, has to be kept. It is as
/// long as there are marks: who keeps it should cut it at some length, which then is the only place of a difference.
size_t settled_bytes(std::string_view text, normalizer);

}  // namespace nexus::tokenizer
