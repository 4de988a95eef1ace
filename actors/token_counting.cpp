#include "actors/token_counting.hpp"

#include "conf/keyed_hash.hpp"

namespace nexus {

std::shared_ptr<const tokenizer::tokenizer> model_counting::loaded() const {
  return has_tokenizer() ? tokenizer::loaded_or_null(*text.encoding) : nullptr;
}

model_counting_ptr make_model_counting(std::string_view model) {
  auto made = std::make_shared<model_counting>();
  made->model = model;
  made->text = tokenizer::find_encoding(model);
  made->prompts = tokenizer::chat_rule_for(model);
  made->family = &tokenizer::estimator_family_for(model);
  return made;
}

// --- Calibrations.

void model_calibrations::learn(const model_counting& counting, const tokenizer::feature_sums& sums, int64_t reported) {
  const std::lock_guard lock(mutex_);
  auto known = models_.find(counting.model);
  if (known == models_.end()) {
    if (models_.size() >= models_max) return;
    known = models_.emplace(counting.model, entry{tokenizer::calibration(*counting.family), false}).first;
  }
  if (known->second.learned.learn(sums, 0, reported)) known->second.changed = true;
}

int64_t model_calibrations::estimate(const model_counting& counting, const tokenizer::feature_sums& sums) const {
  const std::lock_guard lock(mutex_);
  const auto known = models_.find(counting.model);
  return known == models_.end() ? tokenizer::estimate(*counting.family, sums) : known->second.learned.estimate(sums);
}

std::map<std::string, std::string> model_calibrations::take_changed() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> blobs;
  for (auto& [model, entry] : models_)
    if (std::exchange(entry.changed, false)) blobs.emplace(model, entry.learned.blob());
  return blobs;
}

void model_calibrations::restore(const std::string& model, std::string_view blob) {
  auto learned = tokenizer::calibration::from_blob(tokenizer::estimator_family_for(model), blob);
  if (!learned) return;
  const std::lock_guard lock(mutex_);
  if (models_.size() < models_max) models_.insert_or_assign(model, entry{*learned, false});
}

// --- Whole texts.

namespace {

int64_t estimate_text(const model_counting& counting, const model_calibrations& calibrations, std::string_view text) {
  tokenizer::text_features features;
  features.add(text);
  return calibrations.estimate(counting, features.sums());
}

// A message as the cache knows it: a keyed hash of all that becomes tokens, to the byte.
uint64_t hash_of(const tokenizer::prompt_message& message, uint64_t seed) {
  keyed_hasher hasher(seed);
  const auto add_number = [&hasher](uint64_t number) {
    hasher.add({reinterpret_cast<const char*>(&number), sizeof number});
  };
  // A length before each text, so that no two messages read alike.
  const auto add = [&](std::string_view text) {
    add_number(text.size());
    hasher.add(text);
  };
  for (const auto text : {message.role, message.name, message.call_id, message.reasoning}) add(text);
  add_number(message.parts.size());
  for (const auto& part : message.parts) {
    add(part.text);
    add(part.detail);
    add_number(static_cast<uint64_t>(part.is));
    add_number(part.size ? part.size->width : 0);
    add_number(part.size ? part.size->height : 0);
  }
  for (const auto& call : message.calls)
    for (const auto text : {call.id, call.name, call.arguments}) add(text);
  return hasher.value();
}

// Tells apart the counters that share a cache: the encoding and the rule of the model, and whether it is an estimate.
uint64_t salt_of(const model_counting& counting, bool is_loaded) {
  return std::hash<std::string_view>()(counting.model) * 2 + (is_loaded ? 1 : 0);
}

}  // namespace

token_count count_text(const model_counting& counting, const model_calibrations& calibrations, std::string_view text) {
  if (const auto tokens = counting.loaded()) return {static_cast<int64_t>(tokens->count(text)), counting.text.exact};
  return {estimate_text(counting, calibrations, text), false};
}

token_count count_prompt(const model_counting& counting, const model_calibrations& calibrations,
                         tokenizer::prompt& prompt, uint64_t seed, tokenizer::count_cache* cache) {
  if (cache != nullptr)
    for (auto& message : prompt.messages) message.hash = hash_of(message, seed);
  const auto tokens = counting.loaded();
  const auto count = [&](std::string_view text) -> int64_t {
    return tokens ? static_cast<int64_t>(tokens->count(text)) : estimate_text(counting, calibrations, text);
  };
  const auto counted =
      tokenizer::count_prompt(counting.prompts, prompt, count, cache, salt_of(counting, tokens != nullptr));
  return {counted.tokens, counted.exact && counting.text.exact && tokens != nullptr};
}

// --- Texts in pieces.

text_tally::text_tally(model_counting_ptr counting, const model_calibrations& calibrations)
    : counting_(std::move(counting)), calibrations_(calibrations), tokenizer_(counting_->loaded()) {
  if (!tokenizer_) state_.emplace<tokenizer::text_features>();
}

void text_tally::add(std::string_view piece) {
  if (auto* features = std::get_if<tokenizer::text_features>(&state_)) return features->add(piece);
  if (!std::holds_alternative<tokenizer::stream_counter>(state_)) state_.emplace<tokenizer::stream_counter>(tokenizer_);
  std::get<tokenizer::stream_counter>(state_).feed(piece);
}

void text_tally::add_whole(std::string_view text) {
  if (!tokenizer_) return add(text);
  state_ = static_cast<int64_t>(tokenizer_->count(text));
}

int64_t text_tally::tokens() const {
  if (const auto* counter = std::get_if<tokenizer::stream_counter>(&state_))
    return static_cast<int64_t>(counter->count());
  if (const auto* features = std::get_if<tokenizer::text_features>(&state_))
    return calibrations_.estimate(*counting_, features->sums());
  return std::get<int64_t>(state_);
}

std::optional<tokenizer::feature_sums> text_tally::features() const {
  const auto* features = std::get_if<tokenizer::text_features>(&state_);
  return features == nullptr ? std::nullopt : std::optional(features->sums());
}

}  // namespace nexus
