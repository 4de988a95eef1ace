#include "tokenizer/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nexus::tokenizer {

namespace {

constexpr double forgetting = 0.997;     // half a report's weight is gone after some 230 more
constexpr double prior_variance = 0.04;  // factors are believed to lie within 20 % of 1
constexpr double variance_max = 0.25;
constexpr double noise_first = 0.0016;  // an estimate is off by some 4 %
constexpr double noise_least = 0.0001;
constexpr double factor_least = 0.3;
constexpr double factor_most = 3;
constexpr double ratio_most = 3;     // of a report to the estimate
constexpr double surprise_most = 3;  // standard deviations that one report may pull
constexpr double tokens_least = 20;
constexpr int32_t surprises_most = 8;  // in a row on one side: the model has changed

/// The group of each feature, in their order.
enum group : uint8_t {
  words,
  long_words,
  identifiers,
  digits,
  marks,
  blanks,
  ideographs,
  kana_hangul,
  other_scripts,
  rare
};
constexpr std::array<group, feature_count> group_of = {
    words,       identifiers,   words,         words,         long_words, long_words, long_words,  identifiers,
    identifiers, digits,        digits,        digits,        marks,      marks,      marks,       blanks,
    blanks,      blanks,        blanks,        other_scripts, ideographs, ideographs, kana_hangul, kana_hangul,
    ideographs,  other_scripts, other_scripts, rare,          rare};
static_assert(rare + 1 == calibration::groups);

constexpr uint32_t blob_magic = 0x6c63786e;  // "nxcl"
constexpr uint32_t blob_version = 1;
constexpr size_t triangle = calibration::groups * (calibration::groups + 1) / 2;

/// What a blob is, in the byte order of the machine: it never leaves it.
struct stored {
  uint32_t magic = blob_magic;
  uint32_t version = blob_version;
  uint64_t family = 0;
  uint64_t samples = 0;
  int64_t surprises = 0;
  double noise = 0;
  std::array<double, calibration::groups> factors{};
  std::array<double, triangle> covariance{};
  uint64_t check = 0;
};
static_assert(sizeof(stored) <= calibration::blob_bytes_max);

/// FNV-1a: finds accidents, not attacks.
uint64_t check_of(std::string_view bytes) {
  uint64_t state = 0xcbf29ce484222325ULL;
  for (const char byte : bytes) state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  return state;
}

/// Changes with the weights, so that what was learnt against others is not used.
uint64_t family_of(const estimator_family& family) {
  std::array<char, sizeof(family.weights)> bytes{};
  std::memcpy(bytes.data(), family.weights.data(), bytes.size());
  return check_of({bytes.data(), bytes.size()});
}

}  // namespace

calibration::calibration(const estimator_family& family) : family_(&family), noise_(noise_first) {
  factors_.fill(1);
  for (size_t i = 0; i < groups; ++i) covariance_[i][i] = prior_variance;
}

calibration::vector calibration::shares(const feature_sums& sums) const {
  vector tokens{};
  for (size_t i = 0; i < feature_count; ++i) tokens[group_of[i]] += family_->weights[i] * static_cast<double>(sums[i]);
  return tokens;
}

double calibration::estimate_tokens(const feature_sums& sums) const {
  const vector tokens = shares(sums);
  double total = 0;
  for (size_t i = 0; i < groups; ++i) total += tokens[i] * factors_[i];
  return total;
}

int64_t calibration::estimate(const feature_sums& sums) const {
  if (std::ranges::all_of(sums, [](uint64_t sum) { return sum == 0; })) return 0;
  return std::max<int64_t>(std::llround(estimate_tokens(sums)), 1);
}

bool calibration::learn(const feature_sums& sums, int64_t overhead, int64_t tokens) {
  vector part = shares(sums);
  double plain = 0;
  for (const double tokens_of_group : part) plain += tokens_of_group;
  const double reported = static_cast<double>(tokens) - static_cast<double>(overhead);
  if (tokens <= 0 || overhead < 0 || plain < tokens_least) return false;
  if (reported * ratio_most < plain || reported > plain * ratio_most) return false;
  for (double& share : part) share /= plain;  // so that long and short texts count alike

  vector gain{};
  double variance = 0;
  double predicted = 0;
  for (size_t i = 0; i < groups; ++i) {
    for (size_t j = 0; j < groups; ++j) gain[i] += covariance_[i][j] * part[j];
    variance += gain[i] * part[i];
    predicted += factors_[i] * part[i];
  }
  const double error = reported / plain - predicted;
  const double spread = std::sqrt(variance + noise_);
  const double pull = std::clamp(error, -surprise_most * spread, surprise_most * spread);
  const double total = variance + forgetting * noise_;
  for (size_t i = 0; i < groups; ++i) factors_[i] += gain[i] / total * pull;
  for (size_t i = 0; i < groups; ++i) {
    for (size_t j = 0; j < groups; ++j)
      covariance_[i][j] = (covariance_[i][j] - gain[i] * gain[j] / total) / forgetting;
  }
  // What the factors cannot explain; `variance` of the error is their own doubt.
  noise_ += 0.02 * (std::max(pull * pull - variance, 0.0) - noise_);
  ++samples_;
  notice(error, pull);
  bound();
  return true;
}

/// Once the reports keep to one side of what is expected, doubt all factors anew.
void calibration::notice(double error, double pull) {
  if (pull == error) {
    surprises_ = 0;
    return;
  }
  if ((surprises_ > 0) != (error > 0)) surprises_ = 0;
  surprises_ += error > 0 ? 1 : -1;
  if (std::abs(surprises_) < surprises_most) return;
  surprises_ = 0;
  for (size_t i = 0; i < groups; ++i) covariance_[i][i] += prior_variance;
}

void calibration::bound() {
  noise_ = std::clamp(noise_, noise_least, 0.04);
  for (double& factor : factors_) factor = std::clamp(factor, factor_least, factor_most);
  for (size_t i = 0; i < groups; ++i) {
    if (covariance_[i][i] <= variance_max) continue;
    // Groups that never occur would be forgotten without end: scaled back, row and column, so that it stays a
    // covariance.
    const double scale = std::sqrt(variance_max / covariance_[i][i]);
    for (size_t j = 0; j < groups; ++j) {
      covariance_[i][j] *= scale;
      covariance_[j][i] *= scale;
    }
  }
}

bool calibration::sound() const {
  if (!(noise_ >= noise_least && noise_ <= 0.04) || std::abs(surprises_) >= surprises_most) return false;
  for (size_t i = 0; i < groups; ++i) {
    if (!(factors_[i] >= factor_least && factors_[i] <= factor_most)) return false;
    if (!(covariance_[i][i] >= 0 && covariance_[i][i] <= variance_max * 1.0001)) return false;
    for (size_t j = 0; j < i; ++j) {
      const double bound_of_pair = std::sqrt(covariance_[i][i] * covariance_[j][j]) + 1e-9;
      if (!(std::fabs(covariance_[i][j]) <= bound_of_pair)) return false;
    }
  }
  return true;
}

std::string calibration::blob() const {
  stored state;
  state.family = family_of(*family_);
  state.samples = samples_;
  state.surprises = surprises_;
  state.noise = noise_;
  state.factors = factors_;
  size_t at = 0;
  for (size_t i = 0; i < groups; ++i) {
    for (size_t j = 0; j <= i; ++j) state.covariance[at++] = covariance_[i][j];
  }
  std::string bytes(sizeof(stored), '\0');
  std::memcpy(bytes.data(), &state, sizeof(stored));
  state.check = check_of({bytes.data(), offsetof(stored, check)});
  std::memcpy(bytes.data() + offsetof(stored, check), &state.check, sizeof(state.check));
  return bytes;
}

std::optional<calibration> calibration::from_blob(const estimator_family& family, std::string_view blob) {
  if (blob.size() != sizeof(stored)) return {};
  stored state;
  std::memcpy(&state, blob.data(), sizeof(stored));
  if (state.magic != blob_magic || state.version != blob_version || state.family != family_of(family)) return {};
  if (state.check != check_of(blob.substr(0, offsetof(stored, check)))) return {};
  calibration read(family);
  read.samples_ = state.samples;
  read.surprises_ = static_cast<int32_t>(state.surprises);
  read.noise_ = state.noise;
  read.factors_ = state.factors;
  size_t at = 0;
  for (size_t i = 0; i < groups; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      read.covariance_[i][j] = state.covariance[at];
      read.covariance_[j][i] = state.covariance[at++];
    }
  }
  if (!read.sound()) return {};
  return read;
}

}  // namespace nexus::tokenizer
