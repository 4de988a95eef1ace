// Settled requests become rows, and every sum that they move moves with them.
#include "storage/reader.hpp"
#include "storage/store_implementation.hpp"

#include <algorithm>
#include <bit>
#include <compare>
#include <map>

namespace nexus::storage {
namespace {

/// Upstreams may claim any count. Sums of larger ones could overflow, after which no batch that holds the row would
/// ever be written.
constexpr int64_t tokens_max = 1'000'000'000'000;

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

struct usage_sums {
  int64_t requests = 0, errors = 0;
  int64_t prompt = 0, completion = 0, cached = 0, reasoning = 0;
  money cost = 0;
  int64_t duration_ms = 0, ttft_ms = 0, streams = 0;
  int64_t reported_prompt = 0, counted_prompt = 0, reported_completion = 0, counted_completion = 0;

  usage_sums() = default;
  usage_sums(const ledger_entry& entry, const token_counts& charged, money spent);
  usage_sums& operator+=(const usage_sums& other);
};

// In the order of the tables' columns; a series has no more than the first ten.
constexpr size_t series_sums = 10;
constexpr std::array usage_members{&usage_sums::requests,
                                   &usage_sums::errors,
                                   &usage_sums::prompt,
                                   &usage_sums::completion,
                                   &usage_sums::cached,
                                   &usage_sums::reasoning,
                                   &usage_sums::cost,
                                   &usage_sums::duration_ms,
                                   &usage_sums::ttft_ms,
                                   &usage_sums::streams,
                                   &usage_sums::reported_prompt,
                                   &usage_sums::counted_prompt,
                                   &usage_sums::reported_completion,
                                   &usage_sums::counted_completion};

usage_sums::usage_sums(const ledger_entry& entry, const token_counts& charged, money spent)
    : requests(1),
      errors(is_error(entry.outcome) ? 1 : 0),
      prompt(charged.prompt),
      completion(charged.completion),
      cached(charged.cached),
      reasoning(charged.reasoning),
      cost(spent),
      duration_ms(entry.duration_ms),
      ttft_ms(entry.ttft_ms),
      streams(entry.ttft_ms > 0 ? 1 : 0) {
  if (entry.outcome != outcome::delivered) return;  // of a broken answer the two count different text
  if (entry.reported_prompt >= 0 && entry.counted_prompt >= 0) {
    reported_prompt = counted(entry.reported_prompt);
    counted_prompt = counted(entry.counted_prompt);
  }
  if (entry.reported_completion >= 0 && entry.counted_completion >= 0) {
    reported_completion = counted(entry.reported_completion);
    counted_completion = counted(entry.counted_completion);
  }
}

usage_sums& usage_sums::operator+=(const usage_sums& other) {
  for (const auto member : usage_members) this->*member += other.*member;
  return *this;
}

struct spending_sums {
  int64_t requests = 0, tokens = 0;
  money cost = 0;
};

struct conversation_sums {
  int64_t rounds = 0, prompt = 0, completion = 0;
  int64_t first_at = 0, last_at = 0;
};

/// What happened within one minute alike.
struct cell {
  int64_t minute, key_id, provider_id;
  std::string_view model;
  auto operator<=>(const cell&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// One point of a series: `id` or `name` tells the group.
struct point {
  int64_t begin_at, id;
  std::string_view name;
  auto operator<=>(const point&) const = default;  // NOLINT(modernize-use-nullptr)
};
using series = std::map<point, usage_sums>;

series coarser(const series& fine, int64_t span) {
  series sums;
  for (const auto& [at, moved] : fine) sums[{begin_of(at.begin_at, span), at.id, at.name}] += moved;
  return sums;
}

/// What a batch moves, summed before it is written: a few rows instead of some for each request.
struct moved_sums {
  std::map<cell, usage_sums> usage;
  std::map<std::pair<int64_t, int64_t>, spending_sums> spending;  // key, period
  std::map<std::string_view, conversation_sums> conversations;
  hub_totals totals;

  void add(const ledger_entry& entry, const token_counts& charged, money cost);
  void add_round(const ledger_entry& entry, const token_counts& charged);

 private:
  void spend(int64_t key, int64_t period, const token_counts& charged, money cost);
};

void moved_sums::add(const ledger_entry& entry, const token_counts& charged, money cost) {
  usage[{begin_of(entry.created_at, minute_span), entry.key_id, entry.provider_id, entry.model_name.view()}] +=
      usage_sums(entry, charged, cost);
  spend(entry.key_id, 0, charged, cost);
  if (entry.period_begin != 0) spend(entry.key_id, entry.period_begin, charged, cost);
}

void moved_sums::spend(int64_t key, int64_t period, const token_counts& charged, money cost) {
  auto& sums = spending[{key, period}];
  ++sums.requests;
  sums.tokens += charged.prompt + charged.completion;
  sums.cost += cost;
}

void moved_sums::add_round(const ledger_entry& entry, const token_counts& charged) {
  auto& sums = conversations[entry.conversation_id.view()];
  sums.first_at = sums.rounds == 0 ? entry.created_at : std::min(sums.first_at, entry.created_at);
  sums.last_at = std::max(sums.last_at, entry.created_at);
  ++sums.rounds;
  sums.prompt += charged.prompt;
  sums.completion += charged.completion;
  ++totals.rounds;
  totals.prompt_tokens += charged.prompt;
  totals.completion_tokens += charged.completion;
}

query& bind_optional(query& statement, int64_t number) {
  return number >= 0 ? statement.bind(counted(number)) : statement.bind_null();
}

/// Writes one batch within a transaction of the caller's. Its texts are views of the entries: `bind_view`.
struct ledger_writer {
  database& connection;
  moved_sums moved;

  result<void> record(const ledger_entry& entry);
  result<void> write_sums();

 private:
  query use(sql name) { return connection.use(static_cast<size_t>(name)); }
  result<bool> insert(const ledger_entry& entry, const token_counts& charged, money cost);
  result<void> insert_attempts(const ledger_entry& entry);
  result<void> insert_stat(const ledger_entry& entry, int64_t row, bool is_prompt, const token_counts& charged);
  template <class Bind>
  result<bool> move(sql name, sql insertion, Bind bind);
  result<void> write_usage();
  result<void> write_series(int64_t span, usage_group group, const series& sums);
  result<void> write_conversations();
};

result<bool> ledger_writer::insert(const ledger_entry& entry, const token_counts& charged, money cost) {
  auto statement = use(sql::request_insert);
  statement.bind_view(entry.request_id.view())
      .bind(entry.key_id)
      .bind(entry.provider_id)
      .bind_view(entry.model_name.view())
      .bind_view(entry.conversation_id.view())
      .bind(entry.created_at)
      .bind(entry.settled_at)
      .bind_view(name_of(entry.outcome))
      .bind(entry.attempts)
      .bind(entry.stream)
      .bind(entry.ttft_ms)
      .bind(entry.duration_ms)
      .bind(charged.prompt)
      .bind(charged.completion)
      .bind(charged.cached)
      .bind(charged.reasoning)
      .bind_view(name_of(entry.prompt_source))
      .bind_view(name_of(entry.completion_source))
      .bind_view(name_of(entry.cached_source))
      .bind_view(name_of(entry.reasoning_source));
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
                        .bind(std::bit_cast<int64_t>(is_round(entry) ? entry.history_hash : 0))
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
                    .bind_view(entry.request_id.view())
                    .bind(number)
                    .bind(attempt.provider_id)
                    .bind(attempt.started_at)
                    .bind(attempt.duration_ms)
                    .bind(attempt.status)
                    .bind_view(name_of(attempt.outcome))
                    .run();
    if (!done) return done;
  }
  return {};
}

// Its place is twice the request's, so that the two find each other without an index.
result<void> ledger_writer::insert_stat(const ledger_entry& entry, int64_t row, bool is_prompt,
                                        const token_counts& charged) {
  return use(sql::stat_insert)
      .bind(2 * row + (is_prompt ? 0 : 1))
      .bind(entry.created_at)
      .bind_view(entry.conversation_id.view())
      .bind(entry.provider_id)
      .bind_view(entry.model_name.view())
      .bind(is_prompt ? charged.prompt : charged.completion)
      .bind(is_prompt)
      .run();
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
  const auto row = connection.last_id();
  for (const bool is_prompt : {true, false})
    if (auto done = insert_stat(entry, row, is_prompt, charged); !done) return done;
  moved.add_round(entry, charged);
  return {};
}

// Moves the sum where it stands, else begins it; tells whether it began.
template <class Bind>
result<bool> ledger_writer::move(sql name, sql insertion, Bind bind) {
  {
    auto statement = use(name);
    bind(statement);
    if (auto done = statement.run(); !done) return done.error();
  }
  if (connection.changes() > 0) return false;
  auto statement = use(insertion);
  bind(statement);
  if (auto done = statement.run(); !done) return done.error();
  return true;
}

result<void> ledger_writer::write_series(int64_t span, usage_group group, const series& sums) {
  for (const auto& entry : sums) {
    const auto& at = entry.first;
    const auto& change = entry.second;
    const auto done = move(sql::usage_series_move, sql::usage_series_insert, [&](query& statement) {
      statement.bind(span).bind(static_cast<int64_t>(group)).bind(at.begin_at).bind(at.id).bind_view(at.name);
      for (size_t i = 0; i < series_sums; ++i) statement.bind(change.*usage_members[i]);
    });
    if (!done) return done.error();
  }
  return {};
}

result<void> ledger_writer::write_usage() {
  std::array<series, usage_groups> minutes;
  std::map<cell, usage_sums> days;
  for (const auto& entry : moved.usage) {
    const auto& cell = entry.first;
    const auto& sums = entry.second;
    const std::array<point, usage_groups> points{point{cell.minute, 0, {}}, point{cell.minute, cell.provider_id, {}},
                                                 point{cell.minute, 0, cell.model},
                                                 point{cell.minute, cell.key_id, {}}};
    for (size_t group = 0; group < usage_groups; ++group) minutes[group][points[group]] += sums;
    days[{begin_of(cell.minute, day_span), cell.key_id, cell.provider_id, cell.model}] += sums;
  }
  for (size_t i = 0; i < usage_groups; ++i) {
    const auto group = static_cast<usage_group>(i);
    if (auto done = write_series(minute_span, group, minutes[i]); !done) return done;
    const auto hours = coarser(minutes[i], hour_span);
    if (auto done = write_series(hour_span, group, hours); !done) return done;
    if (auto done = write_series(day_span, group, coarser(hours, day_span)); !done) return done;
  }
  for (const auto& entry : days) {
    const auto& day = entry.first;
    const auto& sums = entry.second;
    const auto done = move(sql::usage_day_move, sql::usage_day_insert, [&](query& statement) {
      statement.bind(day.minute).bind(day.key_id).bind(day.provider_id).bind_view(day.model);
      for (const auto member : usage_members) statement.bind(sums.*member);
    });
    if (!done) return done.error();
  }
  return {};
}

result<void> ledger_writer::write_conversations() {
  for (const auto& entry : moved.conversations) {
    const auto& id = entry.first;
    const auto& sums = entry.second;
    const auto begun = move(sql::conversation_move, sql::conversation_insert, [&](query& statement) {
      statement.bind_view(id)
          .bind(sums.rounds)
          .bind(sums.prompt)
          .bind(sums.completion)
          .bind(sums.first_at)
          .bind(sums.last_at);
    });
    if (!begun) return begun.error();
    if (*begun) ++moved.totals.conversations;
  }
  return {};
}

result<void> ledger_writer::write_sums() {
  if (auto done = write_usage(); !done) return done;
  if (auto done = write_conversations(); !done) return done;
  for (const auto& entry : moved.spending) {
    const auto& key = entry.first;
    const auto& sums = entry.second;
    const auto done = move(sql::spending_move, sql::spending_insert, [&](query& statement) {
      statement.bind(key.first).bind(key.second).bind(sums.requests).bind(sums.tokens).bind(sums.cost);
    });
    if (!done) return done.error();
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
