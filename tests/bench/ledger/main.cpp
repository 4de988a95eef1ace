// What the ledger costs: ledger_bench [--dir PATH] [--durability process|power] [--seconds S]
// [settle|intent|usage]...
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "tests/bench/ledger/bench.hpp"

namespace nexus::bench {

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double quantile(std::vector<double>& samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1,
                          static_cast<size_t>(share * static_cast<double>(samples.size())))];
}

std::unique_ptr<storage::store> open_store(const settings& settings) {
  std::filesystem::remove_all(settings.folder);
  storage_options options;
  options.durability = settings.durability;
  auto key = storage::master_key::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  return value_of(storage::store::open(settings.folder, options, value_of(std::move(key))));
}

void traffic::next(storage::ledger_entry& entry, int64_t now) {
  using storage::outcome;
  const auto number = count_++;
  const auto mixed = (number + 1) * 0x9E3779B97F4A7C15ULL;
  auto& conversation = open_conversations_[mixed >> 55];
  if (conversation.empty() || (mixed >> 30) % 4 == 0) conversation = make_conversation_id();
  entry.request_id.assign("req_" + make_ulid());
  entry.conversation_id.assign(conversation);
  entry.key_id = static_cast<int64_t>((mixed >> 40) % 50 + 1);
  const auto model = (static_cast<uint64_t>(entry.key_id) * 7 + (mixed >> 20) % 3) % 20;
  entry.model_name.assign("provider/some-model-" + std::to_string(model));
  entry.provider_id = static_cast<int64_t>((model + (mixed >> 16) % 2) % 5 + 1);
  entry.created_at = now - 800;
  entry.settled_at = now;
  entry.period_begin = entry.key_id % 2 == 0 ? now - now % 86'400'000 : 0;
  entry.prices = {.input = 2'500'000'000, .output = 10'000'000'000, .cached = 1'250'000'000};
  entry.charged = {.prompt = static_cast<int64_t>(200 + mixed % 2'000),
                   .completion = static_cast<int64_t>(mixed % 900)};
  entry.reported_prompt = entry.charged.prompt;
  entry.reported_completion = entry.charged.completion;
  entry.counted_prompt = entry.charged.prompt + 3;
  entry.counted_completion = entry.charged.completion;
  entry.history_hash = mixed | 1U;
  entry.ttft_ms = 300;
  entry.duration_ms = 800;
  entry.stream = mixed % 2 == 0;
  entry.prompt_source = entry.completion_source = storage::token_source::reported;
  entry.attempts = number % 50 == 0 ? 2 : 1;
  entry.outcome = number % 50 == 25 ? outcome::upstream_error : outcome::delivered;
  for (size_t i = 0; i < entry.attempts; ++i)
    entry.tries[i] = {.provider_id = entry.provider_id,
                      .started_at = entry.created_at,
                      .duration_ms = 400,
                      .status = 200,
                      .outcome = entry.outcome,
                      .padding = 0};
  entry.enter(storage::ledger_entry::stage::settled);
}

}  // namespace nexus::bench

int main(int argc, char** argv) {
  using namespace nexus::bench;
  settings settings{.folder = std::filesystem::temp_directory_path() / "nexus-ledger-bench"};
  std::vector<std::string_view> parts;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--dir" && i + 1 < argc) {
      settings.folder = std::filesystem::path(argv[++i]) / "nexus-ledger-bench";
    } else if (word == "--durability" && i + 1 < argc) {
      settings.durability = argv[++i];
    } else if (word == "--seconds" && i + 1 < argc) {
      settings.seconds = std::stod(argv[++i]);
    } else {
      parts.push_back(word);
    }
  }
  if (parts.empty()) parts = {"settle", "intent", "usage"};
  try {
    for (const auto part : parts) {
      if (part == "settle") {
        settle(settings);
      } else if (part == "intent") {
        intent(settings);
      } else if (part == "usage") {
        usage(settings);
      } else {
        throw std::runtime_error("ledger_bench: there is no part '" + std::string(part) + "'");
      }
    }
    std::filesystem::remove_all(settings.folder);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
