// Which encodings there are and which model uses which: two tables, read from top to bottom in encodings.cpp.
// Values only; safe on every thread.
#pragma once

#include "tokenizer/normalizer.hpp"
#include "tokenizer/splitter.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace nexus::tokenizer {

/// A special token that the vocabulary's file does not name.
struct special_row {
  std::string_view text;
  uint32_t id;
};

/// How a vocabulary merges; what is in its table, said here for the reader.
enum class merge_kind : uint8_t {
  ranks,           // bytes; a pair goes by the rank of its product (tiktoken)
  listed,          // bytes; a pair goes by its place in a list (Hugging Face)
  listed_by_char,  // characters, bytes for those that are no token (SentencePiece)
};

/// One row: everything that tells one encoding from another.
struct encoding_info {
  std::string_view name;
  std::string_view table;  // the embedded vocabulary; several may share one; empty: from the user's own file only
  merge_kind merges;
  bool whole_first;  // a piece that equals a token is that token, also if merging would not yield it
  splitter split;
  normalizer normal;
  bool prefix_space;  // a space goes before the text
  unicode_version unicode;
  std::span<const special_row> specials;  // beside those of the table
  std::string_view chat_template;         // tokenizer/templates, or empty
  std::string_view package;               // where the vocabulary comes from, pinned in package.json
  std::string_view licence;

  bool bundled() const { return !table.empty(); }
};

std::span<const encoding_info> encodings();

/// Returns the encoding of that name, or null.
const encoding_info* encoding(std::string_view name);

/// The encoding of a model, and whether its text is counted exactly: otherwise the nearest one, or none.
struct model_encoding {
  const encoding_info* encoding = nullptr;
  bool exact = false;
};

/// Finds a model by name, whatever stands before a slash ("openai/gpt-4o") and in whatever case. Null for models whose
/// tokenizer nobody knows.
model_encoding find_encoding(std::string_view model_name);

}  // namespace nexus::tokenizer
