#include "conf/log.hpp"
#include "storage/migrations.hpp"
#include "storage/store_implementation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace nexus::storage {

namespace {

constexpr std::string_view seed = "hash_seed";
constexpr std::string_view used = "used";
constexpr size_t seed_bytes = 16;

/// Below, a checkpoint costs more than it saves; above the second, readers have held it up too long.
constexpr int64_t wal_passive_bytes = 4 * 1024 * 1024;
constexpr int64_t wal_truncate_bytes = 64 * 1024 * 1024;

error no_provider(int64_t id) { return make_error(errc::not_found, fmt::format("There is no provider {}.", id)); }
error no_model(int64_t id) { return make_error(errc::not_found, fmt::format("There is no provider model {}.", id)); }

// Says whose name is taken, or whose provider is missing.
error explain(error cause, const provider& row) {
  if (cause.code == errc::conflict) {
    cause.message = fmt::format("A provider named '{}' exists already.", row.name);
    cause.param = "name";
  }
  return cause;
}

error explain(error cause, const provider_model& row) {
  if (cause.code == errc::conflict) {
    cause.message = fmt::format("Provider {} has a model named '{}' already.", row.provider_id, row.model_name);
    cause.param = "model_name";
  } else if (cause.code == errc::not_found) {
    cause.message = fmt::format("There is no provider {}.", row.provider_id);
    cause.param = "provider_id";
  }
  return cause;
}

query& bind_model(query&& statement, const provider_model& row) {
  return statement.bind(row.provider_id)
      .bind(row.model_name)
      .bind(row.description)
      .bind(row.prices.input)
      .bind(row.prices.output)
      .bind(row.prices.cached)
      .bind(row.prices.reasoning)
      .bind(row.output_tokens_max)
      .bind(row.created_at)
      .bind(row.updated_at)
      .bind(row.version);
}

}  // namespace

error stale(std::string_view what, int64_t id) {
  return make_error(errc::precondition_failed,
                    fmt::format("{} {} was changed meanwhile: read it again and repeat the change.", what, id));
}

result<void> store::implementation::prepare() {
  std::array<std::string_view, statements.size()> texts;
  std::transform(statements.begin(), statements.end(), texts.begin(), [](const sql_row& row) { return row.text; });
  return connection->prepare(texts);
}

// A new store learns its key and its seed; an old one tells whether the key is its own.
result<void> store::implementation::recognise_key() {
  transaction work(*connection);
  if (auto begun = work.begin(); !begun) return begun;
  if (auto done = set_meta(key_check, key.check_value()); !done) return done;
  if (auto done = set_meta(seed, random_bytes(seed_bytes)); !done) return done;
  const auto known = meta(key_check);
  if (!known) return known.error();
  if (!key.knows(known->value_or(""))) {
    return make_error(errc::storage_error,
                      fmt::format("The master key does not belong to the database '{}': its secrets were sealed with "
                                  "another one.",
                                  connection->file().string()));
  }
  if (auto done = learn_pepper(); !done) return done;
  return work.commit();
}

result<std::optional<std::string>> store::implementation::meta(std::string_view name) {
  auto asked = use(sql::meta_read);
  const auto row = asked.bind(name).next();
  if (!row) return row.error();
  if (!*row) return std::optional<std::string>();
  return std::optional(asked.blob(0));
}

// Writes once: what stands there stays.
result<void> store::implementation::set_meta(std::string_view name, std::string_view value) {
  return use(sql::meta_write).bind(name).bind_blob(value).run();
}

void store::implementation::bind_provider(query& statement, const provider& row, std::string_view row_uuid) const {
  const auto sealed = [&](std::string_view column, const secret& plain) {
    return seal(key, provider_table, column, row_uuid, plain);
  };
  statement.bind(row.name)
      .bind(row.kind)
      .bind(row.server_url)
      .bind_blob(sealed(server_key_column, row.server_key))
      .bind_blob(sealed(personalized_key_column, row.personalized_key))
      .bind(row.description)
      .bind(row.enabled)
      .bind(row.weight)
      .bind(row.priority)
      .bind_blob(sealed(headers_column, secret(row.headers)))
      .bind(row.timeouts)
      .bind(row.created_at)
      .bind(row.updated_at)
      .bind(row.version);
}

result<provider> store::implementation::read_provider(const query& row) const {
  const std::string row_uuid = row.text(1);
  const auto opened = [&](std::string_view column, int index) {
    return storage::open(key, provider_table, column, row_uuid, row.blob(index));
  };
  auto server_key = opened(server_key_column, 5);
  if (!server_key) return server_key.error();
  auto personalized_key = opened(personalized_key_column, 6);
  if (!personalized_key) return personalized_key.error();
  const auto headers = opened(headers_column, 11);
  if (!headers) return headers.error();
  return provider{.id = row.integer(0),
                  .name = row.text(2),
                  .kind = row.text(3),
                  .server_url = row.text(4),
                  .server_key = std::move(*server_key),
                  .personalized_key = std::move(*personalized_key),
                  .description = row.text(7),
                  .enabled = row.integer(8) != 0,
                  .weight = static_cast<int32_t>(row.integer(9)),
                  .priority = static_cast<int32_t>(row.integer(10)),
                  .headers = std::string(headers->reveal()),
                  .timeouts = row.text(12),
                  .created_at = row.integer(13),
                  .updated_at = row.integer(14),
                  .version = row.integer(15)};
}

result<std::vector<provider>> store::implementation::providers() {
  std::vector<provider> found;
  auto rows = use(sql::providers);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    auto read = read_provider(rows);
    if (!read) {
      auto failure = read.error();
      failure.message = fmt::format(
          "A secret of provider '{}' cannot be opened: it was changed, moved or sealed with "
          "another master key.",
          rows.text(2));
      return failure;
    }
    found.push_back(std::move(*read));
  }
}

result<std::vector<provider_model>> store::implementation::models() {
  std::vector<provider_model> found;
  auto rows = use(sql::models);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.id = rows.integer(0),
                     .provider_id = rows.integer(1),
                     .model_name = rows.text(2),
                     .description = rows.text(3),
                     .prices = {.input = rows.integer(4),
                                .output = rows.integer(5),
                                .cached = rows.integer(6),
                                .reasoning = rows.integer(7)},
                     .output_tokens_max = rows.integer(8),
                     .created_at = rows.integer(9),
                     .updated_at = rows.integer(10),
                     .version = rows.integer(11)});
  }
}

result<void> store::implementation::remove(sql head, sql statement, int64_t id, std::optional<int64_t> version,
                                           const error& missing, std::string_view what) {
  transaction work(*connection);
  if (auto begun = work.begin(); !begun) return begun;
  {
    auto found = use(head);
    const auto row = found.bind(id).next();
    if (!row) return row.error();
    if (!*row) return missing;
    if (version && *version != found.integer(0)) return stale(what, id);
  }
  if (auto done = use(statement).bind(id).run(); !done) return done;
  return work.commit();
}

store::store(std::unique_ptr<implementation> self) : self_(std::move(self)) {}
store::~store() = default;

std::filesystem::path store::file(const std::filesystem::path& data_dir) { return data_dir / "nexus-hub.db"; }

result<std::unique_ptr<store>> store::open(const std::filesystem::path& data_dir, const storage_options& options,
                                           master_key key) {
  if (auto made = make_private_folder(data_dir); !made) return made.error();
  auto lock = lock_file(data_dir / "nexus-hub.lock");
  if (!lock) return lock.error();
  // Only behind the lock: opening and closing the file would drop the SQLite locks of another store in this process.
  auto connection = database::open(file(data_dir), options.busy_timeout);
  if (!connection) return connection.error();
  if (options.durability == "power") {
    if (auto done = (*connection)->execute("PRAGMA synchronous = FULL"); !done) return done.error();
  }
  if (auto done = migrate(**connection, migrations()); !done) return done.error();
  std::unique_ptr<implementation> self(new implementation{
      .lock = std::move(*lock), .connection = std::move(*connection), .key = std::move(key), .pepper = {}});
  if (auto done = self->prepare(); !done) {
    return make_error(errc::storage_error,
                      fmt::format("The database '{}' does not hold the tables of its schema.", file(data_dir).string()),
                      done.error().detail);
  }
  if (auto done = self->recognise_key(); !done) return done.error();
  if (auto done = self->adopt_keys(); !done) return done.error();
  return std::unique_ptr<store>(new store(std::move(self)));
}

result<control_plane> store::load_control_plane() {
  auto providers = self_->providers();
  if (!providers) return providers.error();
  auto models = self_->models();
  if (!models) return models.error();
  auto keys = self_->keys();
  if (!keys) return keys.error();
  return control_plane{.providers = std::move(*providers), .models = std::move(*models), .keys = std::move(*keys)};
}

result<provider> store::insert_provider(const provider& row, int64_t now) {
  auto stored = row.duplicate();
  stored.created_at = stored.updated_at = now;
  stored.version = 1;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  {
    const std::string row_uuid = base64url(random_bytes(16));
    auto statement = self_->use(sql::provider_insert);
    statement.bind(row_uuid);
    self_->bind_provider(statement, stored, row_uuid);
    if (auto done = statement.run(); !done) return explain(done.error(), row);
  }
  stored.id = self_->connection->last_id();
  if (auto done = self_->link_key(stored.id, stored.name, stored.personalized_key, now); !done) return done.error();
  if (auto done = self_->set_meta(used, "1"); !done) return done.error();
  if (auto done = work.commit(); !done) return done.error();
  return stored;
}

result<provider> store::update_provider(const provider& row, std::optional<int64_t> version, int64_t now) {
  auto stored = row.duplicate();
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  std::string row_uuid;
  {
    auto head = self_->use(sql::provider_head);
    const auto found = head.bind(row.id).next();
    if (!found) return found.error();
    if (!*found) return no_provider(row.id);
    if (version && *version != head.integer(0)) return stale("Provider", row.id);
    stored.version = head.integer(0) + 1;
    stored.created_at = head.integer(1);
    stored.updated_at = now;
    row_uuid = head.text(2);
  }
  {
    auto statement = self_->use(sql::provider_update);
    self_->bind_provider(statement, stored, row_uuid);
    if (auto done = statement.bind(row.id).run(); !done) return explain(done.error(), row);
  }
  if (auto done = self_->link_key(stored.id, stored.name, stored.personalized_key, now); !done) return done.error();
  if (auto done = work.commit(); !done) return done.error();
  return stored;
}

result<void> store::delete_provider(int64_t id, std::optional<int64_t> version) {
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun;
  const auto removed =
      self_->remove(sql::provider_head, sql::provider_delete, id, version, no_provider(id), "Provider");
  if (!removed) return removed.error();
  if (auto done = self_->use(sql::keys_purge).run(); !done) return done;
  return work.commit();
}

result<provider_model> store::insert_model(const provider_model& row, int64_t now) {
  auto stored = row;
  stored.created_at = stored.updated_at = now;
  stored.version = 1;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  const auto done = bind_model(self_->use(sql::model_insert), stored).run();
  if (!done) return explain(done.error(), row);
  stored.id = self_->connection->last_id();
  if (auto committed = work.commit(); !committed) return committed.error();
  return stored;
}

result<provider_model> store::update_model(const provider_model& row, std::optional<int64_t> version, int64_t now) {
  auto stored = row;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  {
    auto head = self_->use(sql::model_head);
    const auto found = head.bind(row.id).next();
    if (!found) return found.error();
    if (!*found) return no_model(row.id);
    if (version && *version != head.integer(0)) return stale("Provider model", row.id);
    stored.version = head.integer(0) + 1;
    stored.created_at = head.integer(1);
    stored.updated_at = now;
  }
  const auto done = bind_model(self_->use(sql::model_update), stored).bind(stored.id).run();
  if (!done) return explain(done.error(), row);
  if (auto committed = work.commit(); !committed) return committed.error();
  return stored;
}

result<void> store::delete_model(int64_t id, std::optional<int64_t> version) {
  return self_->remove(sql::model_head, sql::model_delete, id, version, no_model(id), "Provider model");
}

result<std::optional<conversation_totals>> store::conversation(std::string_view conversation_id) {
  auto asked = self_->use(sql::conversation);
  const auto row = asked.bind(conversation_id).next();
  if (!row) return row.error();
  if (!*row) return std::optional<conversation_totals>();
  return std::optional(conversation_totals{.conversation_id = asked.text(0),
                                           .rounds = asked.integer(1),
                                           .prompt_tokens = asked.integer(2),
                                           .completion_tokens = asked.integer(3),
                                           .first_at = asked.integer(4),
                                           .last_at = asked.integer(5)});
}

result<hub_totals> store::totals() {
  auto asked = self_->use(sql::totals);
  const auto row = asked.next();
  if (!row) return row.error();
  return hub_totals{.conversations = asked.integer(0),
                    .rounds = asked.integer(1),
                    .prompt_tokens = asked.integer(2),
                    .completion_tokens = asked.integer(3)};
}

result<std::vector<history_link>> store::recent_history(size_t limit) {
  std::vector<history_link> found;
  auto rows = self_->use(sql::recent_history);
  rows.bind(static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int64_t>::max())));
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) break;
    found.push_back({.history_hash = std::bit_cast<uint64_t>(rows.integer(0)), .conversation_id = rows.text(1)});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

result<std::string> store::hash_seed() {
  auto found = self_->meta(seed);
  if (!found) return found.error();
  return found->value_or("");
}

result<bool> store::is_new() {
  const auto found = self_->meta(used);
  if (!found) return found.error();
  return !found->has_value();
}

result<void> store::mark_used() { return self_->set_meta(used, "1"); }

void store::checkpoint(bool idle) {
  const int64_t waiting = wal_bytes();
  const bool truncate = idle || waiting > wal_truncate_bytes;
  if (!truncate && waiting <= wal_passive_bytes) return;
  if (auto done = self_->connection->checkpoint(truncate); !done) {
    log::storage().warn("storage-checkpoint", "The write-ahead log was not moved into the database: {}",
                        done.error().detail);
  }
}

int64_t store::wal_bytes() const { return self_->connection->wal_bytes(); }

}  // namespace nexus::storage
