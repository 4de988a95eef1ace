// Settled requests become rows, and every sum that they move moves with them.
#include "storage/store_implementation.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

namespace nexus::storage {
namespace {

/// Upstreams may claim any count. Sums of larger ones could overflow, after which no batch that holds the row would
/// ever be written.
constexpr int64_t tokens_max = 1'000'000'000'000;

constexpr std::array<int64_t, 3> spans{60'000, 3'600'000, 86'400'000};

int64_t counted(int64_t tokens) { return std::clamp<int64_t>(tokens, 0, tokens_max); }

token_counts counted(const token_counts& tokens) {
  return {counted(tokens.prompt), counted(tokens.completion), counted(tokens.cached), counted(tokens.reasoning)};
}

bool is_error(outcome outcome) { return outcome != outcome::delivered && outcome != outcome::client_cancelled; }

// An upstream worked for it, so it counts as a round of its conversation.
bool is_round(const ledger_entry& entry) {
  return entry.attempts > 0 && entry.outcome != outcome::upstream_error && entry.outcome != outcome::rejected;
}

int64_t begin_of(int64_t time, int64_t span) { return time - ((time % span) + span) % span; }

struct usage_key {
  int64_t span, begin_at, key_id, provider_id;
  std::string_view model_name;
  bool operator<(const usage_key& other) const {
    return std::tie(span, begin_at, key_id, provider_id, model_name) <
           std::tie(other.span, other.begin_at, other.key_id, other.provider_id, other.model_name);
  }
};

struct usage_sums {
  int64_t requests = 0, errors = 0;
  token_counts tokens;
  money cost = 0;
  int64_t duration_ms = 0, ttft_ms = 0, streams = 0;
  int64_t reported_prompt = 0, counted_prompt = 0, reported_completion = 0, counted_completion = 0;

  void add(const ledger_entry& entry, const token_counts& charged, money spent) {
    ++requests;
    errors += is_error(entry.outcome) ? 1 : 0;
    tokens.prompt += charged.prompt;
    tokens.completion += charged.completion;
    tokens.cached += charged.cached;
    tokens.reasoning += charged.reasoning;
    cost += spent;
    duration_ms += entry.duration_ms;
    ttft_ms += entry.ttft_ms;
    streams += entry.ttft_ms > 0 ? 1 : 0;
    if (entry.outcome != outcome::delivered) return;  // of a broken answer the two count different text
    if (entry.reported_prompt >= 0 && entry.counted_prompt >= 0) {
      reported_prompt += counted(entry.reported_prompt);
      counted_prompt += counted(entry.counted_prompt);
    }
    if (entry.reported_completion >= 0 && entry.counted_completion >= 0) {
      reported_completion += counted(entry.reported_completion);
      counted_completion += counted(entry.counted_completion);
    }
  }
};

struct spending_sums {
  int64_t requests = 0, tokens = 0;
  money cost = 0;
};

/// What a batch moves, summed before it is written: a few rows instead of some for each request.
struct moved_sums {
  std::map<usage_key, usage_sums> usage;
  std::map<std::pair<int64_t, int64_t>, spending_sums> spending;  // key, period
  hub_totals totals;

  void add(const ledger_entry& entry, const token_counts& charged, money cost) {
    for (const auto span : spans)
      usage[{span, begin_of(entry.created_at, span), entry.key_id, entry.provider_id, entry.model_name.view()}].add(
          entry, charged, cost);
    spend(entry.key_id, 0, charged, cost);
    if (entry.period_begin != 0) spend(entry.key_id, entry.period_begin, charged, cost);
  }

 private:
  void spend(int64_t key, int64_t period, const token_counts& charged, money cost) {
    auto& sums = spending[{key, period}];
    ++sums.requests;
    sums.tokens += charged.prompt + charged.completion;
    sums.cost += cost;
  }
};

query& bind_optional(query& statement, int64_t number) {
  return number >= 0 ? statement.bind(counted(number)) : statement.bind_null();
}

/// Writes one batch within a transaction of the caller's.
struct ledger_writer {
  database& connection;
  moved_sums moved;

  result<void> record(const ledger_entry& entry);
  result<void> write_sums();

 private:
  query use(sql name) { return connection.use(static_cast<size_t>(name)); }
  result<bool> insert(const ledger_entry& entry, const token_counts& charged, money cost);
  result<void> insert_attempts(const ledger_entry& entry);
  result<void> insert_stat(const ledger_entry& entry, bool is_prompt, const token_counts& charged);
  result<void> move_conversation(const ledger_entry& entry, const token_counts& charged);
};

result<bool> ledger_writer::insert(const ledger_entry& entry, const token_counts& charged, money cost) {
  auto statement = use(sql::request_insert);
  statement.bind(entry.request_id.view())
      .bind(entry.key_id)
      .bind(entry.provider_id)
      .bind(entry.model_name.view())
      .bind(entry.conversation_id.view())
      .bind(entry.created_at)
      .bind(entry.settled_at)
      .bind(name_of(entry.outcome))
      .bind(entry.attempts)
      .bind(entry.stream)
      .bind(entry.ttft_ms)
      .bind(entry.duration_ms)
      .bind(charged.prompt)
      .bind(charged.completion)
      .bind(charged.cached)
      .bind(charged.reasoning)
      .bind(name_of(entry.prompt_source))
      .bind(name_of(entry.completion_source))
      .bind(name_of(entry.cached_source))
      .bind(name_of(entry.reasoning_source));
  bind_optional(statement, entry.reported_prompt);
  bind_optional(statement, entry.reported_completion);
  bind_optional(statement, entry.counted_prompt);
  bind_optional(statement, entry.counted_completion);
  const auto done = statement.bind(entry.flags)
                        .bind(entry.prices.input)
                        .bind(entry.prices.output)
                        .bind(entry.prices.cached)
                        .bind(entry.prices.reasoning)
                        .bind(cost)
                        .bind(entry.reserved_tokens)
                        .bind(entry.reserved_money)
                        .bind(entry.period_begin)
                        .run();
  if (!done) return done.error();
  return connection.changes() > 0;
}

result<void> ledger_writer::insert_attempts(const ledger_entry& entry) {
  const auto kept = std::min<size_t>(entry.attempts, ledger_attempts_max);
  for (size_t i = 0; i < kept; ++i) {
    const auto& attempt = entry.tries[i];
    // Beyond the last place only the last try is known.
    const auto number = i + 1 == kept ? entry.attempts : static_cast<uint32_t>(i + 1);
    auto done = use(sql::attempt_insert)
                    .bind(entry.request_id.view())
                    .bind(number)
                    .bind(attempt.provider_id)
                    .bind(attempt.started_at)
                    .bind(attempt.duration_ms)
                    .bind(attempt.status)
                    .bind(name_of(attempt.outcome))
                    .run();
    if (!done) return done;
  }
  return {};
}

result<void> ledger_writer::insert_stat(const ledger_entry& entry, bool is_prompt, const token_counts& charged) {
  return use(sql::stat_insert)
      .bind(entry.request_id.view())
      .bind(is_prompt)
      .bind(is_prompt ? charged.prompt : charged.completion)
      .bind(entry.created_at)
      .bind(entry.conversation_id.view())
      .bind(entry.provider_id)
      .bind(entry.model_name.view())
      .bind(name_of(is_prompt ? entry.prompt_source : entry.completion_source))
      .bind(name_of(entry.outcome))
      .bind(entry.stream)
      .bind(entry.ttft_ms)
      .bind(entry.duration_ms)
      .run();
}

result<void> ledger_writer::move_conversation(const ledger_entry& entry, const token_counts& charged) {
  auto conversation = use(sql::conversation_move);
  const auto known = conversation.bind(entry.conversation_id.view())
                         .bind(int64_t{1})
                         .bind(charged.prompt)
                         .bind(charged.completion)
                         .bind(entry.created_at)
                         .bind(std::bit_cast<int64_t>(entry.history_hash))
                         .next();
  if (!known) return known.error();
  if (conversation.integer(0) == 1) ++moved.totals.conversations;
  ++moved.totals.rounds;
  moved.totals.prompt_tokens += charged.prompt;
  moved.totals.completion_tokens += charged.completion;
  return conversation.run();
}

result<void> ledger_writer::record(const ledger_entry& entry) {
  const auto charged = counted(entry.charged);
  const auto cost = cost_of(charged, entry.prices);
  const auto inserted = insert(entry, charged, cost);
  if (!inserted) return inserted.error();
  if (!*inserted) return {};
  moved.add(entry, charged, cost);
  if (entry.attempts > 1) {
    if (auto done = insert_attempts(entry); !done) return done;
  }
  if (!is_round(entry)) return {};
  for (const bool is_prompt : {true, false})
    if (auto done = insert_stat(entry, is_prompt, charged); !done) return done;
  return move_conversation(entry, charged);
}

result<void> ledger_writer::write_sums() {
  for (const auto& [key, sums] : moved.usage) {
    auto done = use(sql::usage_move)
                    .bind(key.span)
                    .bind(key.begin_at)
                    .bind(key.key_id)
                    .bind(key.provider_id)
                    .bind(key.model_name)
                    .bind(sums.requests)
                    .bind(sums.errors)
                    .bind(sums.tokens.prompt)
                    .bind(sums.tokens.completion)
                    .bind(sums.tokens.cached)
                    .bind(sums.tokens.reasoning)
                    .bind(sums.cost)
                    .bind(sums.duration_ms)
                    .bind(sums.ttft_ms)
                    .bind(sums.streams)
                    .bind(sums.reported_prompt)
                    .bind(sums.counted_prompt)
                    .bind(sums.reported_completion)
                    .bind(sums.counted_completion)
                    .run();
    if (!done) return done;
  }
  for (const auto& [key, sums] : moved.spending) {
    auto done = use(sql::spending_move)
                    .bind(key.first)
                    .bind(key.second)
                    .bind(sums.requests)
                    .bind(sums.tokens)
                    .bind(sums.cost)
                    .run();
    if (!done) return done;
  }
  return use(sql::totals_move)
      .bind(moved.totals.conversations)
      .bind(moved.totals.rounds)
      .bind(moved.totals.prompt_tokens)
      .bind(moved.totals.completion_tokens)
      .run();
}

}  // namespace

result<void> store::record(std::span<const ledger_entry* const> entries) {
  if (entries.empty()) return {};
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun;
  ledger_writer writer{*self_->connection, {}};
  for (const auto* entry : entries)
    if (auto done = writer.record(*entry); !done) return done;
  if (auto done = writer.write_sums(); !done) return done;
  return work.commit();
}

result<std::vector<key_spending>> store::spending() {
  std::vector<key_spending> found;
  auto rows = self_->use(sql::spending);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.key_id = rows.integer(0),
                     .period_begin = rows.integer(1),
                     .requests = rows.integer(2),
                     .tokens = rows.integer(3),
                     .cost = rows.integer(4)});
  }
}

result<void> store::keep_calibrations(const std::map<std::string, std::string>& states) {
  if (states.empty()) return {};
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun;
  for (const auto& [model, state] : states)
    if (auto done = self_->use(sql::calibration_keep).bind(model).bind_blob(state).run(); !done) return done;
  return work.commit();
}

result<std::map<std::string, std::string>> store::calibrations() {
  std::map<std::string, std::string> found;
  auto rows = self_->use(sql::calibrations);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.emplace(rows.text(0), rows.blob(1));
  }
}

}  // namespace nexus::storage
