// The store's personalized keys.
#include "conf/json.hpp"
#include "storage/key_text.hpp"
#include "storage/store_implementation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace nexus::storage {

namespace {

// The words of the columns, in the order of their enums.
constexpr std::array<std::string_view, 2> origin_words{"hub", "provider"};
constexpr std::array<std::string_view, 2> unit_words{"tokens", "money"};
constexpr std::array<std::string_view, 4> period_words{"total", "day", "week", "month"};
constexpr std::array<std::string_view, 3> leave_words{"cancel", "drain", "finish"};

template <class Enum, size_t Count>
std::string_view word(const std::array<std::string_view, Count>& words, Enum value) {
  return words[static_cast<size_t>(value)];
}

// The columns' CHECKs leave no other words.
template <class Enum, size_t Count>
Enum value_of(const std::array<std::string_view, Count>& words, std::string_view text) {
  const auto found = std::find(words.begin(), words.end(), text);
  return static_cast<Enum>(found == words.end() ? 0 : found - words.begin());
}

std::string write_array(const std::vector<std::string>& texts) {
  json::writer out;
  out.array();
  for (const auto& text : texts) out.string(text);
  out.end_array();
  return out.take();
}

std::string write_array(const std::vector<int64_t>& numbers) {
  json::writer out;
  out.array();
  for (const auto number : numbers) out.number(number);
  out.end_array();
  return out.take();
}

result<json::document> read_array(const std::string& text, int64_t id) {
  auto parsed = json::parse(text);
  if (parsed && parsed->IsArray()) return parsed;
  return make_error(errc::storage_error, fmt::format("The grants of key {} in the database are damaged.", id));
}

result<std::vector<std::string>> read_texts(const std::string& text, int64_t id) {
  const auto parsed = read_array(text, id);
  if (!parsed) return parsed.error();
  std::vector<std::string> texts;
  for (const auto& entry : parsed->GetArray())
    if (entry.IsString()) texts.emplace_back(entry.GetString(), entry.GetStringLength());
  return texts;
}

result<std::vector<int64_t>> read_numbers(const std::string& text, int64_t id) {
  const auto parsed = read_array(text, id);
  if (!parsed) return parsed.error();
  std::vector<int64_t> numbers;
  for (const auto& entry : parsed->GetArray())
    if (entry.IsInt64()) numbers.push_back(entry.GetInt64());
  return numbers;
}

void bind_key(query& statement, const api_key& row) {
  const auto budget = row.limits.budget.value_or(storage::budget{});
  statement.bind(row.name)
      .bind(word(origin_words, row.origin))
      .bind_blob(row.digest)
      .bind_blob(row.former_digest)
      .bind(row.former_until)
      .bind(row.masked)
      .bind(row.origin == key_origin::hub ? write_array(row.providers) : std::string("[]"))
      .bind(write_array(row.models))
      .bind(write_array(row.addresses))
      .bind(row.enabled)
      .bind(row.expires_at)
      .bind(row.limits.requests_per_minute)
      .bind(row.limits.tokens_per_minute)
      .bind(row.limits.concurrent_requests)
      .bind(row.limits.budget ? word(unit_words, budget.unit) : std::string_view())
      .bind(budget.amount)
      .bind(word(period_words, budget.period))
      .bind(budget.time_zone)
      .bind(word(leave_words, row.limits.on_leave))
      .bind(row.limits.drain_time.count())
      .bind(row.limits.drain_tokens)
      .bind(row.limits.drain_money)
      .bind(row.last_used_at)
      .bind(row.created_at)
      .bind(row.updated_at)
      .bind(row.version);
}

key_limits read_limits(const query& row) {
  key_limits limits{.requests_per_minute = row.integer(12),
                    .tokens_per_minute = row.integer(13),
                    .concurrent_requests = static_cast<int32_t>(row.integer(14)),
                    .budget = {},
                    .on_leave = value_of<leave_policy>(leave_words, row.text(19)),
                    .drain_time = std::chrono::seconds(row.integer(20)),
                    .drain_tokens = row.integer(21),
                    .drain_money = row.integer(22)};
  if (const auto unit = row.text(15); !unit.empty())
    limits.budget = budget{.unit = value_of<budget_unit>(unit_words, unit),
                           .amount = row.integer(16),
                           .period = value_of<budget_period>(period_words, row.text(17)),
                           .time_zone = row.text(18)};
  return limits;
}

result<api_key> read_key(const query& row) {
  const int64_t id = row.integer(0);
  auto providers = read_numbers(row.text(7), id);
  if (!providers) return providers.error();
  auto models = read_texts(row.text(8), id);
  if (!models) return models.error();
  auto addresses = read_texts(row.text(9), id);
  if (!addresses) return addresses.error();
  return api_key{.id = id,
                 .name = row.text(1),
                 .origin = value_of<key_origin>(origin_words, row.text(2)),
                 .digest = row.blob(3),
                 .former_digest = row.blob(4),
                 .former_until = row.integer(5),
                 .masked = row.text(6),
                 .providers = std::move(*providers),
                 .models = std::move(*models),
                 .addresses = std::move(*addresses),
                 .enabled = row.integer(10) != 0,
                 .expires_at = row.integer(11),
                 .limits = read_limits(row),
                 .last_used_at = row.integer(23),
                 .created_at = row.integer(24),
                 .updated_at = row.integer(25),
                 .version = row.integer(26)};
}

error no_key(int64_t id) { return make_error(errc::not_found, fmt::format("There is no key {}.", id)); }

error brought_along(int64_t id) {
  return make_error(errc::conflict,
                    fmt::format("Key {} was brought along by a provider: it comes and goes with the provider's "
                                "personalized_key. It can be disabled.",
                                id));
}

error taken() {
  auto failure = make_error(errc::conflict, "This key is one that the hub made: a provider cannot bring it along.");
  failure.param = "personalized_key";
  return failure;
}

}  // namespace

std::string store::implementation::seal_pepper(const secret& plain) const {
  return seal(key, meta_table, meta_column, pepper_name, plain);
}

// The pepper must outlive the master key: the keys behind the digests are not kept, so nothing could be hashed anew.
result<void> store::implementation::learn_pepper() {
  if (auto done = set_meta(pepper_name, seal_pepper(key.subkey("apikey-pepper"))); !done) return done;
  const auto sealed = meta(pepper_name);
  if (!sealed) return sealed.error();
  auto opened = storage::open(key, meta_table, meta_column, pepper_name, sealed->value_or(""));
  if (!opened) return opened.error();
  pepper = std::move(*opened);
  return {};
}

result<std::vector<api_key>> store::implementation::keys() {
  std::map<int64_t, std::vector<int64_t>> bearers;
  {
    auto rows = use(sql::key_providers);
    for (;;) {
      const auto row = rows.next();
      if (!row) return row.error();
      if (!*row) break;
      bearers[rows.integer(0)].push_back(rows.integer(1));
    }
  }
  std::vector<api_key> found;
  auto rows = use(sql::keys);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    auto read = read_key(rows);
    if (!read) return read.error();
    if (read->origin == key_origin::provider) read->providers = std::move(bearers[read->id]);
    found.push_back(std::move(*read));
  }
}

result<void> store::implementation::link_key(int64_t provider_id, std::string_view name, const secret& personalized,
                                             int64_t now) {
  if (personalized.empty()) {
    if (auto done = use(sql::key_unlink).bind(provider_id).run(); !done) return done;
    return use(sql::keys_purge).run();
  }
  const auto digest = keyed_digest(pepper, personalized.reveal());
  int64_t key_id = 0;
  {
    auto known = use(sql::key_find);
    const auto row = known.bind_blob(digest).next();
    if (!row) return row.error();
    if (*row && known.text(1) == word(origin_words, key_origin::hub)) return taken();
    if (*row) key_id = known.integer(0);
  }
  if (key_id == 0) {
    // A provider that alone bears its key gets another one: the same key with another text, so its limits stay.
    auto present = use(sql::key_of_provider);
    const auto row = present.bind(provider_id).next();
    if (!row) return row.error();
    if (*row && present.integer(1) == 1)
      return use(sql::key_replace)
          .bind_blob(digest)
          .bind(personalized.masked())
          .bind(now)
          .bind(present.integer(0))
          .run();
  }
  if (key_id == 0) {
    api_key made;
    made.name = name;
    made.origin = key_origin::provider;
    made.digest = digest;
    made.masked = personalized.masked();
    made.created_at = made.updated_at = now;
    auto statement = use(sql::key_insert);
    bind_key(statement, made);
    if (auto done = statement.run(); !done) return done;
    key_id = connection->last_id();
  }
  if (auto done = use(sql::key_link).bind(provider_id).bind(key_id).run(); !done) return done;
  return use(sql::keys_purge).run();
}

result<void> store::implementation::adopt_keys() {
  std::vector<int64_t> strays;
  {
    auto rows = use(sql::providers_without_key);
    for (;;) {
      const auto row = rows.next();
      if (!row) return row.error();
      if (!*row) break;
      strays.push_back(rows.integer(0));
    }
  }
  if (strays.empty()) return {};
  const auto known = providers();
  if (!known) return known.error();
  transaction work(*connection);
  if (auto begun = work.begin(); !begun) return begun;
  for (const auto& row : *known) {
    if (std::find(strays.begin(), strays.end(), row.id) == strays.end()) continue;
    if (auto done = link_key(row.id, row.name, row.personalized_key, row.created_at); !done) return done;
  }
  return work.commit();
}

secret store::pepper() const { return self_->pepper.duplicate(); }

result<api_key> store::insert_key(const api_key& row, int64_t now) {
  auto stored = row;
  stored.origin = key_origin::hub;
  stored.created_at = stored.updated_at = now;
  stored.version = 1;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  {
    auto statement = self_->use(sql::key_insert);
    bind_key(statement, stored);
    if (auto done = statement.run(); !done) return done.error();
  }
  stored.id = self_->connection->last_id();
  if (auto done = work.commit(); !done) return done.error();
  return stored;
}

result<api_key> store::update_key(const api_key& row, std::optional<int64_t> version, int64_t now) {
  auto stored = row;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  {
    auto head = self_->use(sql::key_head);
    const auto found = head.bind(row.id).next();
    if (!found) return found.error();
    if (!*found) return no_key(row.id);
    if (version && *version != head.integer(0)) return stale("Key", row.id);
    stored.version = head.integer(0) + 1;
    stored.created_at = head.integer(1);
    stored.updated_at = now;
    stored.origin = value_of<key_origin>(origin_words, head.text(2));
  }
  {
    auto statement = self_->use(sql::key_update);
    bind_key(statement, stored);
    if (auto done = statement.bind(row.id).run(); !done) return done.error();
  }
  if (auto done = work.commit(); !done) return done.error();
  return stored;
}

result<void> store::delete_key(int64_t id, std::optional<int64_t> version) {
  {
    auto head = self_->use(sql::key_head);
    const auto found = head.bind(id).next();
    if (!found) return found.error();
    if (*found && value_of<key_origin>(origin_words, head.text(2)) == key_origin::provider) return brought_along(id);
  }
  return self_->remove(sql::key_head, sql::key_delete, id, version, no_key(id), "Key");
}

result<void> store::touch_key(int64_t id, int64_t used_at) {
  return self_->use(sql::key_touch).bind(used_at).bind(id).run();
}

}  // namespace nexus::storage
