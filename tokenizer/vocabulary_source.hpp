// Reads the vocabulary formats of others: tiktoken rank files, Hugging Face's tokenizer.json (BPE), HTK v1. The
// compiler of the bundled tables and the user's own files share these readers. Pure; errors name the place.
#pragma once

#include "conf/error.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/splitter.hpp"
#include "tokenizer/vocabulary.hpp"

#include <string_view>

namespace nexus::tokenizer {

/// Largest file that is read: the largest known tokenizer.json has 33 MB.
constexpr size_t vocabulary_file_bytes_max = size_t{96} << 20;

struct vocabulary_source {
  vocabulary_parts parts;
  // What a tokenizer.json says beside its vocabulary; rank files and HTK leave the defaults.
  splitter split = splitter::none;
  normalizer normal = normalizer::none;
  bool prefix_space = false;  // a space goes before the text
};

/// Lines of `base64 rank`, ranks from 0 on without repetition. Knows no special tokens and no splitter.
result<vocabulary_source> read_rank_file(std::string_view text);
/// Refuses models other than BPE, and splitters and normalisers that have no row here.
result<vocabulary_source> read_tokenizer_json(std::string_view text);
/// https://github.com/hypertok: a header, sections of token bytes, lengths, specials and priorities.
result<vocabulary_source> read_htk(std::string_view bytes);

/// Finds out which tokens merging yields, marks the others and drops the merges that can never happen.
result<void> classify(vocabulary_parts& parts);

}  // namespace nexus::tokenizer
