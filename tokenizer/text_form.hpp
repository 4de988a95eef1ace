// Brings a text into the form that is split and merged: valid UTF-8, normalised, and for SentencePiece families with
// spaces for U+2581. Clean text, by far the most, is not copied. Pure.
#pragma once

#include "tokenizer/normalizer.hpp"

#include <string>
#include <string_view>

namespace nexus::tokenizer {

/// Returns `text` itself or what was made of it in `own`. `marked`: U+2581 is a space.
std::string_view merging_form(std::string_view text, normalizer, bool marked, bool prefix_space, std::string& own);

/// Returns the first byte at or after `from` that is not part of a valid character, or the size.
size_t find_invalid(std::string_view text, size_t from = 0);

/// Appends `text` with U+FFFD for every maximal subpart of what is not UTF-8.
void append_valid(std::string& out, std::string_view text);

}  // namespace nexus::tokenizer
