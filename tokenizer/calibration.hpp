// Learns from the usage that upstreams report how far a family's estimate is off for one model: a factor for each group
// of features, by recursive least squares that slowly forgets. Bounded in memory and in what a report can do. Belongs
// to one thread; kept in the store as a blob.
#pragma once

#include "tokenizer/estimator.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::tokenizer {

class calibration {
 public:
  /// Features that go together: a report tells too little to fit each for itself.
  static constexpr size_t groups = 10;
  /// A blob is never longer.
  static constexpr size_t blob_bytes_max = 1024;

  /// `family` must outlive it.
  explicit calibration(const estimator_family& family);

  /// Takes in that a text of these features, with `overhead` tokens around it that are known, was reported as `tokens`.
  /// Returns false if the report is absurd and was ignored: not positive, or below a third or above three times of what
  /// the estimate says. Reports of texts of fewer than 20 estimated tokens tell nothing and are ignored, too.
  bool learn(const feature_sums& sums, int64_t overhead, int64_t tokens);

  /// Returns about how many tokens a text of these features has for this model.
  double estimate_tokens(const feature_sums& sums) const;
  int64_t estimate(const feature_sums& sums) const;

  uint64_t samples() const { return samples_; }

  /// Returns the state, at most `blob_bytes_max` bytes.
  std::string blob() const;
  /// Reads it back. Returns nullopt if it is cut, changed, of another family or with values that no learning yields.
  static std::optional<calibration> from_blob(const estimator_family& family, std::string_view blob);

 private:
  using vector = std::array<double, groups>;

  /// Tokens of each group by the family's weights.
  vector shares(const feature_sums& sums) const;
  void notice(double error, double pull);
  void bound();
  bool sound() const;

  const estimator_family* family_;
  vector factors_;
  std::array<vector, groups> covariance_{};
  double noise_;  // running mean of the squared relative error
  uint64_t samples_ = 0;
  int32_t surprises_ = 0;  // reports in a row that lay far above (or, negative, below) what was expected
};

}  // namespace nexus::tokenizer
