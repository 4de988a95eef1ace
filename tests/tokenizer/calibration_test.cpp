#include "tokenizer/calibration.hpp"
#include "tests/tokenizer/conversation_texts.hpp"
#include "tokenizer/tokenizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace nexus::tokenizer {
namespace {

feature_sums sums_of(std::string_view text) {
  text_features features;
  features.add(text);
  return features.sums();
}

/// A model that nobody knows: it counts like an encoding, and its upstream reports that.
class hidden_model {
 public:
  explicit hidden_model(std::string_view name) : truth_(*load(*encoding(name))) {}
  int64_t count(std::string_view text) const { return static_cast<int64_t>(truth_->count(text)); }

 private:
  std::shared_ptr<const tokenizer> truth_;
};

/// Mean relative error on 100 conversations that were not learnt from.
double mean_error(const calibration& tuned, const hidden_model& model, test::conversations& talks) {
  double error = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text = talks.next();
    error += std::fabs(tuned.estimate_tokens(sums_of(text)) / static_cast<double>(model.count(text)) - 1);
  }
  return error / 100;
}

TEST(Calibration, IsUnder2PercentOffAfter200Reports) {
  for (const char* family : {"default", "claude", "claude_4_7", "gemini"}) {
    for (const char* truth : {"o200k_base", "qwen3", "gemma3"}) {
      const hidden_model model(truth);
      calibration tuned(estimator_family_named(family));
      test::conversations talks;
      for (int i = 0; i < 200; ++i) {
        const std::string text = talks.next();
        EXPECT_TRUE(tuned.learn(sums_of(text), 7, model.count(text) + 7));
      }
      EXPECT_EQ(tuned.samples(), 200U);
      EXPECT_LT(mean_error(tuned, model, talks), 0.02) << family << " for " << truth;
    }
  }
}

TEST(Calibration, FollowsAModelThatChanges) {
  calibration tuned(estimator_family_named("o200k"));
  test::conversations talks;
  const hidden_model before("o200k_base");
  const hidden_model behind("llama2");
  for (int i = 0; i < 300; ++i) {
    const std::string text = talks.next();
    tuned.learn(sums_of(text), 0, before.count(text));
  }
  for (int i = 0; i < 600; ++i) {
    const std::string text = talks.next();
    tuned.learn(sums_of(text), 0, behind.count(text));
  }
  EXPECT_LT(mean_error(tuned, behind, talks), 0.04);
}

TEST(Calibration, IgnoresAbsurdReports) {
  calibration tuned(estimator_family_named("o200k"));
  const auto sums =
      sums_of("A sentence of quite ordinary words, to be counted by somebody who counts in a strange way.");
  const double before = tuned.estimate_tokens(sums);
  const auto plain = static_cast<int64_t>(before);
  for (const int64_t tokens : {int64_t{0}, int64_t{-5}, int64_t{1}, plain / 4, plain * 4, INT64_MAX, INT64_MIN}) {
    EXPECT_FALSE(tuned.learn(sums, 0, tokens)) << tokens;
  }
  EXPECT_FALSE(tuned.learn(sums, 1'000'000, 1'000'003));  // only the overhead is right
  EXPECT_FALSE(tuned.learn(sums, -1, plain));
  EXPECT_FALSE(tuned.learn(sums_of("short"), 0, 2));
  EXPECT_FALSE(tuned.learn(feature_sums{}, 0, 5));
  EXPECT_EQ(tuned.samples(), 0U);
  EXPECT_EQ(tuned.estimate_tokens(sums), before);
}

TEST(Calibration, AFewWildReportsAmongManyDoNotPullItAway) {
  const hidden_model model("o200k_base");
  calibration tuned(estimator_family_named("default"));
  test::conversations talks;
  for (int i = 0; i < 400; ++i) {
    const std::string text = talks.next();
    const int64_t honest = model.count(text);
    tuned.learn(sums_of(text), 0, i % 20 == 19 ? honest * 2 : honest);  // believable alone, so not refused
  }
  EXPECT_LT(mean_error(tuned, model, talks), 0.04);
}

TEST(Calibration, StaysBoundedWhateverIsReported) {
  std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): repeatable
  calibration tuned(estimator_family_named("o200k"));
  const auto& family = estimator_family_named("o200k");
  for (int i = 0; i < 20'000; ++i) {
    feature_sums sums{};
    for (auto& sum : sums) sum = random() % 3 == 0 ? random() % 100'000 : 0;
    const double plain = estimate_tokens(family, sums);
    tuned.learn(sums, 0, static_cast<int64_t>(plain * (0.2 + (random() % 1000) / 300.0)));
    const double now = tuned.estimate_tokens(sums);
    ASSERT_TRUE(std::isfinite(now));
    ASSERT_GE(now, plain * 0.29);
    ASSERT_LE(now, plain * 3.01);
  }
  EXPECT_TRUE(calibration::from_blob(family, tuned.blob()).has_value());
}

TEST(Calibration, ComesBackFromItsBlob) {
  const auto& family = estimator_family_named("claude");
  const hidden_model model("o200k_base");
  calibration tuned(family);
  test::conversations talks;
  for (int i = 0; i < 50; ++i) {
    const std::string text = talks.next();
    tuned.learn(sums_of(text), 0, model.count(text));
  }
  const std::string blob = tuned.blob();
  EXPECT_LE(blob.size(), calibration::blob_bytes_max);
  auto read = calibration::from_blob(family, blob);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->blob(), blob);
  EXPECT_EQ(read->samples(), tuned.samples());
  // It also learns on as the other does.
  const std::string text = talks.next();
  tuned.learn(sums_of(text), 0, model.count(text));
  read->learn(sums_of(text), 0, model.count(text));
  EXPECT_EQ(read->blob(), tuned.blob());
}

TEST(Calibration, RefusesABlobThatIsCutChangedOrForeign) {
  const auto& family = estimator_family_named("claude");
  const std::string blob = calibration(family).blob();
  ASSERT_TRUE(calibration::from_blob(family, blob).has_value());
  EXPECT_FALSE(calibration::from_blob(estimator_family_named("o200k"), blob).has_value());
  for (size_t length = 0; length < blob.size(); ++length) {
    EXPECT_FALSE(calibration::from_blob(family, std::string_view(blob).substr(0, length)).has_value());
  }
  EXPECT_FALSE(calibration::from_blob(family, blob + "x").has_value());
  for (size_t at = 0; at < blob.size(); ++at) {
    std::string changed = blob;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    EXPECT_FALSE(calibration::from_blob(family, changed).has_value()) << at;
  }
}

TEST(Calibration, EstimatesLikeTheFamilyAtFirst) {
  for (const auto& family : estimator_families()) {
    const auto sums = sums_of("Hello, 世界! How are you today? foo(bar);");
    EXPECT_EQ(calibration(family).estimate(sums), estimate(family, sums));
    EXPECT_EQ(calibration(family).estimate({}), 0);
  }
}

}  // namespace
}  // namespace nexus::tokenizer
