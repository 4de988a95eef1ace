// One request in the ledger, from the moment before it leaves for an upstream to the commit of its row: a plain value
// of fixed size, so that it can live in the journal's mapped memory and survive the process (journal.hpp).
#pragma once

#include "conf/money.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

namespace nexus::storage {

/// Text in a fixed place. What does not fit is cut off at a character.
template <size_t Bytes>
class fixed_text {
 public:
  void assign(std::string_view text) {
    size_t size = text.size() < Bytes ? text.size() : Bytes;
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    std::memcpy(bytes_, text.data(), size);
    size_ = static_cast<uint16_t>(size);
  }
  /// Of a damaged entry, too, a view of its own bytes.
  std::string_view view() const { return {bytes_, size_ < Bytes ? size_ : Bytes}; }
  bool empty() const { return size_ == 0; }

 private:
  uint16_t size_;
  char bytes_[Bytes];
};

/// How a request ended. In the database as the names below.
enum class outcome : uint8_t {
  delivered,         // the whole answer, or a stream cut at the key's budget
  client_cancelled,  // the client left or stopped it
  upstream_error,    // an upstream got it and nothing of an answer came
  truncated,         // the upstream broke off in mid-answer
  rejected,          // nothing left for an upstream
  interrupted,       // the hub ended over it
};
constexpr std::array<std::string_view, 6> outcome_names{"delivered", "client_cancelled", "upstream_error",
                                                        "truncated", "rejected",         "interrupted"};
constexpr std::string_view name_of(outcome outcome) { return outcome_names[static_cast<size_t>(outcome) % 6]; }

/// Where a number of tokens comes from.
enum class token_source : uint8_t {
  none,       // there is none
  reported,   // the upstream's usage
  counted,    // our tokenizer, exact for the model
  estimated,  // ours, not exact
  partial,    // ours, of an answer that is not whole
};
constexpr std::array<std::string_view, 5> token_source_names{"none", "reported", "counted", "estimated", "partial"};
constexpr std::string_view name_of(token_source source) { return token_source_names[static_cast<size_t>(source) % 5]; }

/// What was wrong with an upstream's report; bits of `ledger_entry::flags`.
enum report_flag : uint32_t {
  report_negative = 1U << 0U,      // a number below zero
  report_absurd = 1U << 1U,        // far above what the model's context can be
  report_cached_above = 1U << 2U,  // more cached than prompt tokens
  report_reasoning_above = 1U << 3U,
  report_incomplete = 1U << 4U,  // only one of the two numbers
  cut_at_budget = 1U << 5U,      // the hub ended the stream because its key's money was spent
  counts_are_exact = 1U << 6U,   // ours come from the model's own tokenizer
};

/// One try at an upstream that got the request.
struct ledger_attempt {
  int64_t provider_id;
  int64_t started_at;    // ms since 1970
  uint32_t duration_ms;  // 0 while it runs
  uint16_t status;       // HTTP of its answer, 0 if there was none
  storage::outcome outcome;
  uint8_t padding;
};

constexpr size_t ledger_attempts_max = 8;
/// What an absent number is.
constexpr int64_t no_number = -1;

struct ledger_entry {
  enum class stage : uint32_t {
    unused = 0,  // so that a zeroed journal is an empty one
    admitted,    // nothing left yet
    sent,        // an upstream may have it
    settled,     // how it ended is below; waits for its commit
  };

  // What others look at while the request runs (`look`), and so is written as whole words.
  stage now;  // written last, by `enter`: what a stage says below is complete
  uint32_t attempts;
  int64_t key_id;  // 0 is the administrator
  int64_t reserved_tokens;

  // What belongs to the request alone until it is settled.
  uint32_t flags;
  int64_t created_at;  // ms since 1970, as all times
  int64_t settled_at;
  int64_t provider_id;
  int64_t period_begin;  // of the key's budget; 0 if it has none or only a total
  int64_t reserved_money;
  token_prices prices;  // at admission
  token_counts charged;
  int64_t reported_prompt, reported_completion;  // no_number if absent
  int64_t counted_prompt;
  int64_t counted_completion;  // moves with the stream, by `note_completion`
  uint64_t history_hash;       // of the conversation including this answer; 0 if it cannot be continued
  uint32_t ttft_ms, duration_ms;
  storage::outcome outcome;
  token_source prompt_source, completion_source, cached_source, reasoning_source;
  bool stream;
  std::array<ledger_attempt, ledger_attempts_max> tries;  // the last is overwritten when they are full
  fixed_text<38> request_id;
  fixed_text<128> conversation_id;
  fixed_text<254> model_name;

  void enter(stage next) { std::atomic_ref(now).store(next, std::memory_order_release); }
  void note_attempts(uint32_t count) { std::atomic_ref(attempts).store(count, std::memory_order_relaxed); }
  void note_key(int64_t id) { std::atomic_ref(key_id).store(id, std::memory_order_relaxed); }
  void note_reserved(int64_t tokens) { std::atomic_ref(reserved_tokens).store(tokens, std::memory_order_relaxed); }
  void note_completion(int64_t tokens) { std::atomic_ref(counted_completion).store(tokens, std::memory_order_relaxed); }
  int64_t read_completion() const {
    return std::atomic_ref(const_cast<ledger_entry*>(this)->counted_completion).load(std::memory_order_relaxed);
  }

  struct glance {
    stage now;
    uint32_t attempts;
    int64_t key_id;
    int64_t reserved_tokens;
  };
  /// From any thread, at any time. The numbers may be of different moments.
  glance look() const {
    auto& self = const_cast<ledger_entry&>(*this);  // atomic_ref takes no const object before C++26
    return {.now = std::atomic_ref(self.now).load(std::memory_order_acquire),
            .attempts = std::atomic_ref(self.attempts).load(std::memory_order_relaxed),
            .key_id = std::atomic_ref(self.key_id).load(std::memory_order_relaxed),
            .reserved_tokens = std::atomic_ref(self.reserved_tokens).load(std::memory_order_relaxed)};
  }
  /// Makes all of it zero.
  void clear() {
    enter(stage::unused);
    note_attempts(0);
    note_key(0);
    note_reserved(0);
    constexpr size_t shared = offsetof(ledger_entry, flags);
    std::memset(reinterpret_cast<char*>(this) + shared, 0, sizeof *this - shared);
  }
};

static_assert(std::is_trivially_copyable_v<ledger_entry> && std::is_standard_layout_v<ledger_entry>);
static_assert(sizeof(ledger_entry) <= 1024, "four to a page");

/// A settled copy of what a process left behind: what was sent and not settled is `interrupted`, charged with what
/// passed until then. False if nothing of it counts (unused, or nothing left).
bool settle_leftover(ledger_entry& entry, int64_t now);

}  // namespace nexus::storage
