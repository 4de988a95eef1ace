// Estimates tokens without a vocabulary, for models whose tokenizer nobody knows: weights for what a text consists of,
// one row for each family, fitted with tools/fit_estimator. Pure; any thread.
#pragma once

#include "tokenizer/text_features.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace nexus::tokenizer {

/// Tokens for one of each feature.
using estimator_weights = std::array<double, feature_count>;

struct estimator_family {
  std::string_view name;
  estimator_weights weights;
};

std::span<const estimator_family> estimator_families();

/// Returns the family of that name, or "default".
const estimator_family& estimator_family_named(std::string_view name);

/// Returns the family of a model by its name, or "default".
const estimator_family& estimator_family_for(std::string_view model);

/// Returns about how many tokens a text of these features has, before rounding.
double estimate_tokens(const estimator_family& family, const feature_sums& sums);

/// The same, rounded: 0 for no text, otherwise at least 1.
int64_t estimate(const estimator_family& family, const feature_sums& sums);
int64_t estimate(const estimator_family& family, std::string_view text);

}  // namespace nexus::tokenizer
