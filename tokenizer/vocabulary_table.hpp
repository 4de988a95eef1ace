// The compact form of a vocabulary that is embedded in the binary: what building needs, compressed. Written by
// tools/compile_vocabulary at build time, read on first use. Pure.
#pragma once

#include "conf/error.hpp"
#include "tokenizer/vocabulary.hpp"

#include <string>
#include <string_view>

namespace nexus::tokenizer {

std::string write_table(const vocabulary_parts& parts);
/// Errors name the byte; a checksum finds what was changed.
result<vocabulary_parts> read_table(std::string_view bytes);

}  // namespace nexus::tokenizer
