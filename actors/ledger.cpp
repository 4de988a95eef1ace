#include "actors/ledger.hpp"

#include "actors/ids.hpp"

#include <algorithm>
#include <map>

namespace nexus {
namespace {

// Asked for at a time when a stream outgrows its reservation: rarely, and little of the budget is held in vain.
constexpr int64_t extension_tokens = 256;

uint32_t to_u32(std::chrono::milliseconds time) {
  return static_cast<uint32_t>(std::clamp<int64_t>(time.count(), 0, UINT32_MAX));
}

}  // namespace

size_t ledger::push(storage::ledger_entry* entry) {
  const std::lock_guard lock(mutex_);
  settled_.push_back(entry);
  return settled_.size();
}

std::vector<storage::ledger_entry*> ledger::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(settled_, {});
}

std::vector<storage::difference> ledger::check_reservations() {
  constexpr int looks = 5;
  std::vector<storage::difference> found;
  for (int i = 0; i < looks; ++i) {
    std::map<int64_t, int64_t> running;  // tokens in reserve by key
    journal_->each([&](const storage::ledger_entry::glance& entry) {
      if (entry.now != storage::ledger_entry::stage::settled && entry.key_id != 0)
        running[entry.key_id] += entry.reserved_tokens;
    });
    found.clear();
    for (const auto& [key, held] : accounts_.reserved_tokens())
      if (const auto tokens = running[key]; tokens != held)
        found.push_back(
            {.what = "reservations of a key", .where = "key " + std::to_string(key), .ledger = tokens, .kept = held});
    if (found.empty()) break;
  }
  return found;
}

ledger_ticket::ledger_ticket(ledger& ledger, storage::ledger_entry* entry, reservation held,
                             const storage::key_limits& limits)
    : ledger_(ledger), entry_(entry), held_(std::move(held)), limits_(limits), prompt_tokens_(entry->counted_prompt) {}

std::shared_ptr<ledger_ticket> ledger_ticket::open(ledger& ledger, const admitted_request& request, reservation held,
                                                   const storage::key_limits& limits) {
  auto* entry = ledger.journal().claim();
  if (entry == nullptr) {
    if (held.account) held.account->settle(held, {}, std::chrono::steady_clock::now());
    return nullptr;
  }
  entry->request_id.assign(request.request_id);
  entry->conversation_id.assign(request.conversation_id);
  entry->model_name.assign(request.model);
  entry->note_key(request.key_id);
  entry->created_at = request.created_at;
  entry->period_begin = held.period_begin;
  entry->note_reserved(held.tokens);
  entry->reserved_money = held.cost;
  entry->reported_prompt = entry->reported_completion = storage::no_number;
  entry->counted_prompt = request.prompt_tokens;
  if (request.is_exact) entry->flags = storage::counts_are_exact;
  entry->stream = request.stream;
  entry->enter(storage::ledger_entry::stage::admitted);
  return std::shared_ptr<ledger_ticket>(new ledger_ticket(ledger, entry, std::move(held), limits));
}

ledger_ticket::~ledger_ticket() {
  if (settle_as_it_stands(wall_clock_ms())) ledger_.wake_writer();
}

storage::ledger_attempt& ledger_ticket::last_try() {
  return entry_->tries[std::min<size_t>(entry_->attempts, storage::ledger_attempts_max) - 1];
}

void ledger_ticket::sent(int64_t provider_id, const token_prices& prices, int64_t wall_now) {
  if (entry_ == nullptr) return;
  // The same upstream again, on a fresh connection: the former try ended unseen.
  if (entry_->attempts > 0 && last_try().duration_ms == 0) attempt_failed(0, wall_now);
  entry_->provider_id = provider_id;
  entry_->prices = prices;
  entry_->note_completion(0);
  entry_->note_attempts(entry_->attempts + 1);
  last_try() = {.provider_id = provider_id,
                .started_at = wall_now,
                .duration_ms = 0,
                .status = 0,
                .outcome = storage::outcome::interrupted,
                .padding = 0};
  entry_->enter(storage::ledger_entry::stage::sent);
}

void ledger_ticket::attempt_failed(int status, int64_t wall_now) {
  if (entry_ == nullptr || entry_->attempts == 0) return;
  auto& last = last_try();
  if (last.duration_ms != 0) return;
  last.outcome = storage::outcome::upstream_error;
  last.status = static_cast<uint16_t>(std::clamp(status, 0, 999));
  last.duration_ms =
      to_u32(std::max(std::chrono::milliseconds(1), std::chrono::milliseconds(wall_now - last.started_at)));
}

demand ledger_ticket::need(int64_t completion) const {
  return {prompt_tokens_ + completion, cost_of({.prompt = prompt_tokens_, .completion = completion}, entry_->prices)};
}

bool ledger_ticket::note_completion(int64_t tokens) {
  completion_tokens_ = tokens;
  if (entry_ == nullptr) return true;
  entry_->note_completion(tokens);
  if (!held_.account || !limits_.budget) return true;
  const auto now = need(tokens);
  if (now.tokens <= held_.tokens && now.cost <= held_.cost) return true;
  for (const auto ahead : {extension_tokens, int64_t{0}}) {
    const auto wanted = need(tokens + ahead);
    const demand more{std::max<int64_t>(0, wanted.tokens - held_.tokens), std::max<money>(0, wanted.cost - held_.cost)};
    if (!held_.account->extend(held_, limits_, more)) continue;
    entry_->note_reserved(held_.tokens);
    entry_->reserved_money = held_.cost;
    return true;
  }
  return false;
}

bool ledger_ticket::settle(const settlement& how, int64_t wall_now) {
  if (entry_ == nullptr) return false;
  auto& entry = *std::exchange(entry_, nullptr);
  entry.settled_at = wall_now;
  entry.outcome = how.outcome;
  entry.charged = how.charged;
  entry.prompt_source = how.prompt_source;
  entry.completion_source = how.completion_source;
  entry.cached_source = how.cached_source;
  entry.reasoning_source = how.reasoning_source;
  entry.reported_prompt = how.reported_prompt;
  entry.reported_completion = how.reported_completion;
  entry.flags |= how.flags;
  entry.history_hash = how.history_hash;
  entry.ttft_ms = to_u32(how.ttft);
  entry.duration_ms = to_u32(how.duration);
  entry.note_reserved(held_.tokens);
  entry.reserved_money = held_.cost;
  if (entry.attempts > 0) {
    auto& last = entry.tries[std::min<size_t>(entry.attempts, storage::ledger_attempts_max) - 1];
    last.outcome = how.outcome;
    if (last.duration_ms == 0) last.duration_ms = std::max<uint32_t>(1, entry.duration_ms);
  }
  entry.enter(storage::ledger_entry::stage::settled);
  if (held_.account)
    held_.account->settle(held_, {how.charged.prompt + how.charged.completion, cost_of(how.charged, entry.prices)},
                          std::chrono::steady_clock::now());
  return ledger_.push(&entry) == 1;
}

bool ledger_ticket::settle_as_it_stands(int64_t wall_now) {
  if (entry_ == nullptr) return false;
  settlement how;
  if (entry_->attempts == 0) {
    how.outcome = storage::outcome::rejected;
  } else if (last_try().duration_ms != 0) {
    how.outcome = storage::outcome::upstream_error;
  } else {
    how.outcome = storage::outcome::interrupted;
    how.charged = {.prompt = prompt_tokens_, .completion = entry_->read_completion()};
    how.prompt_source = storage::token_source::estimated;
    how.completion_source = storage::token_source::partial;
  }
  how.duration = std::chrono::milliseconds(std::max<int64_t>(0, wall_now - entry_->created_at));
  return settle(how, wall_now);
}

}  // namespace nexus
