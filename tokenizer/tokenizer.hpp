// Counts, encodes and decodes the text of one encoding, as its reference implementation does. Constant and shared: any
// thread may call any of it at any time; scratch memory is the calling thread's own and bounded.
#pragma once

#include "conf/error.hpp"
#include "tokenizer/encodings.hpp"
#include "tokenizer/piece_counter.hpp"
#include "tokenizer/special_finder.hpp"
#include "tokenizer/vocabulary.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

/// What special strings in a text ("<|endoftext|>") are.
enum class special : uint8_t {
  plain,  // ordinary text: what users write
  allow,  // their tokens: what templates write
};

/// How a text becomes pieces and pieces tokens, beside the vocabulary.
struct text_rules {
  std::string name;
  splitter split = splitter::none;
  normalizer normal = normalizer::none;
  bool prefix_space = false;
  unicode_version unicode = unicode_version::v16;
};

class tokenizer {
 public:
  tokenizer(text_rules rules, std::shared_ptr<const lexicon> lexicon, std::span<const special_row> specials);

  /// Returns the number of tokens. The text should be UTF-8; what is not counts as U+FFFD. It must be shorter than 4
  /// GiB.
  size_t count(std::string_view text, special = special::plain) const;
  /// Returns the number of tokens, or nothing as soon as it is certain to be over `limit`.
  std::optional<size_t> count_up_to(std::string_view text, size_t limit, special = special::plain) const;
  std::vector<token_id> encode(std::string_view text, special = special::plain) const;
  /// Returns the bytes of the tokens, which need not be UTF-8 if they were cut; unknown ids have none.
  std::string decode(std::span<const token_id> ids) const;

  const text_rules& rules() const { return rules_; }
  const vocabulary& words() const { return lexicon_->words; }
  const cut_table& cuts() const { return lexicon_->cuts; }
  /// Returns the special strings that are matched in plain text, too.
  const special_finder& always_special() const { return always_; }
  /// Returns the calling thread's counter of pieces. A thread keeps those of the two tokenizers that it used last: 2
  /// MiB each.
  piece_counter& pieces() const;

 private:
  template <class Sink>
  void visit(std::string_view text, special, Sink&& sink) const;
  template <class Sink>
  void visit_plain(std::string_view text, Sink&& sink) const;

  text_rules rules_;
  std::shared_ptr<const lexicon> lexicon_;
  special_finder specials_;  // where they are allowed
  special_finder always_;
};

/// Returns the tokenizer of an encoding that is bundled, loading it at the first call: some 10 ms, so not on a thread
/// that must not wait. Later calls are quick.
result<std::shared_ptr<const tokenizer>> load(const encoding_info& encoding);
/// Returns it if it is loaded. Never waits.
std::shared_ptr<const tokenizer> loaded_or_null(const encoding_info& encoding);

/// What a file of the user's does not say itself.
struct file_options {
  std::string name;                     // of the encoding; else that of the file
  const encoding_info* like = nullptr;  // a rank file is split, normalised and given special tokens like this one
};

/// Reads a `tokenizer.json` or a tiktoken rank file. Refuses what it does not know, with the reason and the place.
result<std::shared_ptr<const tokenizer>> load_file(const std::string& path, const file_options& options = {});

}  // namespace nexus::tokenizer
