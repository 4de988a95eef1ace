// The ledger of requests under way: each has a ticket from its admission to its one settlement, kept in the journal, so
// that it outlives the process; settled ones wait in the outbox for the stats-writer. Waking the writer's thread costs
// more than everything else a small request costs, so one message in some milliseconds fetches them all.
#pragma once

#include "actors/governor.hpp"
#include "storage/journal.hpp"
#include "storage/reader.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace nexus {

/// Shared by all shards and the writer.
class ledger {
 public:
  explicit ledger(std::unique_ptr<storage::journal> journal) : journal_(std::move(journal)) {}

  storage::journal& journal() { return *journal_; }
  governor& accounts() { return accounts_; }

  /// Returns how many settled requests wait now: at 1, the caller sees to it that the writer is told soon.
  size_t push(storage::ledger_entry* entry);
  /// Returns everything that waits, in order. Give the places back to the journal after the commit.
  std::vector<storage::ledger_entry*> take();

  /// Compares what the accounts of keys hold in reserve with the requests that run. Empty if they agree; looks again
  /// before it says that they do not, since both move.
  std::vector<storage::difference> check_reservations();

  /// Numbers what was sent, for `make_durable`: up to it, everything is in the journal's memory.
  uint64_t note_sent() { return sent_.fetch_add(1, std::memory_order_acq_rel) + 1; }
  uint64_t sent() const { return sent_.load(std::memory_order_acquire); }

  /// Tells the writer at once that something waits. Set before the first ticket.
  std::function<void()> wake_writer = [] {};

 private:
  std::unique_ptr<storage::journal> journal_;
  governor accounts_;
  std::atomic<uint64_t> sent_{0};
  std::mutex mutex_;
  std::vector<storage::ledger_entry*> settled_;
};

/// What is known of a request at its admission.
struct admitted_request {
  std::string_view request_id, conversation_id, model;
  int64_t key_id = 0;
  int64_t created_at = 0;  // wall clock, ms
  int64_t prompt_tokens = 0;
  bool is_exact = false;
  bool stream = false;
};

/// How a request ended, in numbers.
struct settlement {
  storage::outcome outcome = storage::outcome::delivered;
  token_counts charged = {};
  storage::token_source prompt_source = storage::token_source::none;
  storage::token_source completion_source = storage::token_source::none;
  storage::token_source cached_source = storage::token_source::none;
  storage::token_source reasoning_source = storage::token_source::none;
  int64_t reported_prompt = storage::no_number;
  int64_t reported_completion = storage::no_number;
  uint32_t flags = 0;
  uint64_t history_hash = 0;
  std::chrono::milliseconds ttft{0};
  std::chrono::milliseconds duration{0};
};

/// One request's entry. Every call of the request shares it, on one shard; what nobody settled is settled as it stands
/// when the last of them is gone.
class ledger_ticket {
 public:
  /// Null if the journal has no place left; `held` is given back then.
  static std::shared_ptr<ledger_ticket> open(ledger& ledger, const admitted_request& request, reservation held,
                                             const storage::key_limits& limits);
  ~ledger_ticket();
  ledger_ticket(const ledger_ticket&) = delete;
  ledger_ticket& operator=(const ledger_ticket&) = delete;

  /// The next instruction may send it to this provider.
  void sent(int64_t provider_id, const token_prices& prices, int64_t wall_now);
  /// The last try brought nothing; another may follow. `status` is the HTTP status of its answer, or 0.
  void attempt_failed(int status, int64_t wall_now);
  /// Notes what passed so far. False if the key's budget does not cover it and cannot be asked for more.
  bool note_completion(int64_t tokens);
  /// Settles, once: later calls change nothing. True if the writer must be told soon.
  [[nodiscard]] bool settle(const settlement& how, int64_t wall_now);
  /// Settles with what the tries came to. True if the writer must be told soon.
  [[nodiscard]] bool settle_as_it_stands(int64_t wall_now);

  bool is_settled() const { return entry_ == nullptr; }
  int64_t prompt_tokens() const { return prompt_tokens_; }
  /// As noted last.
  int64_t completion_tokens() const { return completion_tokens_; }

 private:
  ledger_ticket(ledger& ledger, storage::ledger_entry* entry, reservation held, const storage::key_limits& limits);
  storage::ledger_attempt& last_try();
  demand need(int64_t completion) const;
  ledger& ledger_;
  storage::ledger_entry* entry_;  // null once settled: it belongs to the writer then
  reservation held_;
  const storage::key_limits& limits_;  // of the principal, which the call holds
  int64_t prompt_tokens_;
  int64_t completion_tokens_ = 0;
};
using ledger_ticket_ptr = std::shared_ptr<ledger_ticket>;

}  // namespace nexus
