// How the tokens of a model's texts are counted: exactly where its tokenizer is known and loaded, else by an estimate
// that learns from what the upstreams report. Decisions only; the token-counter actor loads and counts what would hold
// up a shard.
#pragma once

#include "net/chat.hpp"
#include "tokenizer/calibration.hpp"
#include "tokenizer/chat_request.hpp"
#include "tokenizer/chat_rules.hpp"
#include "tokenizer/stream_counter.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

namespace nexus {

/// What is known of a model by its name. Immutable, shared.
struct model_counting {
  std::string model;
  tokenizer::model_encoding text;
  tokenizer::chat_rule prompts;
  const tokenizer::estimator_family* family = nullptr;

  /// "o200k_base", or "estimate".
  std::string_view encoding_name() const { return text.encoding != nullptr ? text.encoding->name : "estimate"; }
  bool has_tokenizer() const { return text.encoding != nullptr && text.encoding->bundled(); }
  /// Null if there is none, or if it is not loaded yet. Never waits.
  std::shared_ptr<const tokenizer::tokenizer> loaded() const;
};
using model_counting_ptr = std::shared_ptr<const model_counting>;

model_counting_ptr make_model_counting(std::string_view model);

/// Tokens, and whether the model's own tokenizer and rules gave them.
struct token_count {
  int64_t tokens = 0;
  bool is_exact = false;
};

/// What the reports of upstreams taught about models without a tokenizer. Bounded; any thread.
class model_calibrations {
 public:
  /// Takes in that a text of these features was reported as so many tokens.
  void learn(const model_counting& counting, const tokenizer::feature_sums& sums, int64_t reported);
  int64_t estimate(const model_counting& counting, const tokenizer::feature_sums& sums) const;

  /// What has changed since the last call, as blobs by model, to be kept.
  std::map<std::string, std::string> take_changed();
  /// Takes a kept one back; nothing happens if it is damaged.
  void restore(const std::string& model, std::string_view blob);

 private:
  static constexpr size_t models_max = 1'000;
  struct entry {
    tokenizer::calibration learned;
    bool changed = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, entry, std::less<>> models_;
};

/// Counts a whole text with what is loaded.
token_count count_text(const model_counting& counting, const model_calibrations& calibrations, std::string_view text);
/// Counts a prompt with what is loaded. Messages that `cache` knows, by a hash under `seed`, are not counted again.
token_count count_prompt(const model_counting& counting, const model_calibrations& calibrations,
                         tokenizer::prompt& prompt, uint64_t seed, tokenizer::count_cache* cache);

/// Counts one text that comes in pieces, or at once.
class text_tally {
 public:
  text_tally(model_counting_ptr counting, const model_calibrations& calibrations);
  void add(std::string_view piece);
  /// Instead of `add`: `text` is all there is.
  void add_whole(std::string_view text);
  int64_t tokens() const;
  bool is_exact() const { return tokenizer_ != nullptr; }
  /// Empty if the text is counted exactly.
  std::optional<tokenizer::feature_sums> features() const;

 private:
  model_counting_ptr counting_;
  const model_calibrations& calibrations_;
  std::shared_ptr<const tokenizer::tokenizer> tokenizer_;  // null: it is estimated
  std::variant<int64_t, tokenizer::text_features, tokenizer::stream_counter> state_;
};

}  // namespace nexus
