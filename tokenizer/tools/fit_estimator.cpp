// Fits the estimator's weights: fit_estimator [--scale FACTOR] ENCODING FILE...
// Every file is one document; its folder is its category. Half of them (every other one) are fitted, the other half
// tested: printed are the weights in the order of `feature`, and mean and 95th percentile of the relative error for
// each category and for all of the tested half. FACTOR multiplies the counts (Claude: 1.1 times the legacy tokenizer).
#include "tokenizer/estimator.hpp"
#include "tokenizer/tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace nexus::tokenizer;

struct document {
  std::string category;
  estimator_weights features{};
  double tokens = 0;
  size_t bytes = 0;
};

std::vector<document> read_documents(const tokenizer& counter, double scale, int count, char** files) {
  std::vector<document> documents;
  for (int i = 0; i < count; ++i) {
    const std::filesystem::path path = files[i];
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    text_features sums;
    sums.add(text);
    document one{.category = path.parent_path().filename().string(), .bytes = text.size()};
    std::ranges::copy(sums.sums(), one.features.begin());
    one.tokens = static_cast<double>(counter.count(text)) * scale;
    if (one.tokens > 0) documents.push_back(std::move(one));
  }
  return documents;
}

double predict(const estimator_weights& weights, const document& one) {
  double sum = 0;
  for (size_t i = 0; i < feature_count; ++i) sum += weights[i] * one.features[i];
  return sum;
}

/// Least squares of the relative error by coordinate descent; documents whose error is large are weighted less in the
/// next round, so that the mean of the errors falls, not of their squares. Features that hardly occur stay near
/// `prior`, and none becomes free: nobody shall find a text that counts as nothing.
estimator_weights fit(const std::vector<document>& documents, const estimator_weights& prior) {
  estimator_weights weights = prior;
  for (int round = 0; round < 12; ++round) {
    std::vector<std::vector<double>> gram(feature_count, std::vector<double>(feature_count + 1));
    for (const auto& one : documents) {
      const double error = std::fabs(predict(weights, one) / one.tokens - 1);
      const double weight = round == 0 ? 1 : 1 / std::max(error, 0.03);
      for (size_t i = 0; i < feature_count; ++i) {
        const double x = one.features[i] / one.tokens * weight;
        for (size_t j = 0; j < feature_count; ++j) gram[i][j] += x * one.features[j] / one.tokens;
        gram[i][feature_count] += x;
      }
    }
    constexpr double ridge = 2;
    for (int step = 0; step < 3000; ++step) {
      for (size_t i = 0; i < feature_count; ++i) {
        double rest = gram[i][feature_count] + ridge * prior[i];
        for (size_t j = 0; j < feature_count; ++j) rest -= j == i ? 0 : gram[i][j] * weights[j];
        weights[i] = std::max(rest / (gram[i][i] + ridge), 0.15 * prior[i]);
      }
    }
  }
  return weights;
}

void print_errors(const std::vector<document>& documents, const estimator_weights& weights) {
  std::map<std::string, std::vector<double>> errors;
  for (const auto& one : documents) {
    const double error = std::fabs(predict(weights, one) / one.tokens - 1);
    errors[one.category].push_back(error);
    errors["all"].push_back(error);
    if (one.bytes >= 9000) errors["all of 9 KB and more"].push_back(error);
  }
  for (auto& [category, list] : errors) {
    std::ranges::sort(list);
    double sum = 0;
    for (const double error : list) sum += error;
    std::cout << category << ": " << list.size() << " documents, mean " << 100 * sum / static_cast<double>(list.size())
              << " %, p95 " << 100 * list[list.size() * 95 / 100] << " %\n";
  }
}

}  // namespace

int main(int count, char** arguments) {
  double scale = 1;
  int at = 1;
  if (count > 3 && std::string_view(arguments[1]) == "--scale") {
    scale = std::strtod(arguments[2], nullptr);
    at = 3;
  }
  const auto* row = at < count ? encoding(arguments[at]) : nullptr;
  if (row == nullptr) {
    std::cerr << "usage: fit_estimator [--scale FACTOR] ENCODING FILE...\n";
    return 2;
  }
  const auto counter = load(*row);
  if (!counter) {
    std::cerr << counter.error().message << "\n";
    return 1;
  }
  const auto documents = read_documents(**counter, scale, count - at - 1, arguments + at + 1);
  std::vector<document> fitted;
  std::vector<document> tested;
  for (size_t i = 0; i < documents.size(); ++i) (i % 2 == 0 ? fitted : tested).push_back(documents[i]);
  const auto weights = fit(fitted, estimator_family_named("default").weights);
  std::cout << "{";
  for (size_t i = 0; i < feature_count; ++i) std::cout << (i == 0 ? "" : ", ") << std::round(weights[i] * 1000) / 1000;
  std::cout << "}\n";
  print_errors(tested, weights);
  return 0;
}
