// The hub's store: SQL behind values. One object is one connection. The writing one belongs to the stats-writer's
// thread and is the only one that ever writes or checkpoints (SQLite before 3.51.3 can corrupt a WAL that one
// connection resets while another writes).
#pragma once

#include "conf/options.hpp"
#include "storage/ledger_entry.hpp"
#include "storage/records.hpp"
#include "storage/secrets.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

namespace nexus::storage {

class store {
 public:
  /// Where the database of a data folder stands. While it is absent, a master key may be made.
  static std::filesystem::path file(const std::filesystem::path& data_dir);

  /// Opens or creates `<data_dir>/nexus-hub.db` (folder 0700, file 0600), migrates it, checks it and the master key.
  /// Holds the lock `<data_dir>/nexus-hub.lock` as long as it lives.
  /// Errors are one sentence each: unwritable folder, locked by another process, of a newer schema, not a database,
  /// wrong or missing master key.
  static result<std::unique_ptr<store>> open(const std::filesystem::path& data_dir, const storage_options& options,
                                             master_key key);
  ~store();

  result<control_plane> load_control_plane();

  /// Each is one transaction; answers the row as stored (id, times and version set). errc::conflict if the name is
  /// taken, errc::not_found if the row is gone, errc::precondition_failed if `version` (of an If-Match) does not hold.
  result<provider> insert_provider(const provider& row, int64_t now);
  result<provider> update_provider(const provider& row, std::optional<int64_t> version, int64_t now);
  result<void> delete_provider(int64_t id, std::optional<int64_t> version);
  result<provider_model> insert_model(const provider_model& row, int64_t now);
  result<provider_model> update_model(const provider_model& row, std::optional<int64_t> version, int64_t now);
  result<void> delete_model(int64_t id, std::optional<int64_t> version);

  /// Personalized keys (storage/keys.cpp). Brought-along ones are made and removed with their providers: inserting or
  /// deleting one is errc::conflict, and an update keeps their grants and their digest.
  result<api_key> insert_key(const api_key& row, int64_t now);
  result<api_key> update_key(const api_key& row, std::optional<int64_t> version, int64_t now);
  result<void> delete_key(int64_t id, std::optional<int64_t> version);
  result<void> touch_key(int64_t id, int64_t used_at);
  /// Keys the digests of personalized keys: made once, the same under every master key.
  secret pepper() const;

  /// Administrators and their sessions (storage/administrators.cpp). The last one with the role administrator can
  /// neither be removed nor demoted: errc::conflict. A new password or role, and removal, end all their sessions.
  result<std::vector<administrator>> administrators();
  result<administrator> insert_administrator(const administrator& row, int64_t now);
  result<administrator> update_administrator(const administrator& row, std::optional<int64_t> version, int64_t now);
  result<void> delete_administrator(int64_t id, std::optional<int64_t> version);
  /// The same password, hashed anew; nothing happens if it was changed meanwhile.
  result<void> rehash_password(int64_t id, std::string_view former, std::string_view fresh);
  result<std::vector<admin_session>> sessions(size_t limit);
  result<void> insert_session(const admin_session& row);
  result<void> touch_session(std::string_view digest, int64_t used_at);
  result<void> delete_session(std::string_view digest);
  /// Drops those that were made or last used before.
  result<void> purge_sessions(int64_t made_before, int64_t used_before);

  /// The master key's rotation (storage/rotation.cpp). `use_master_key` takes a ring that knows every key in use.
  const master_key& master() const;
  void use_master_key(master_key key);
  /// Seals up to `rows` rows anew that are not sealed under the active key, in one transaction; answers how many are
  /// left. Those are found by what they begin with: a rotation that was broken off goes on where it was.
  result<int64_t> reseal(size_t rows);
  /// From now on the active key alone opens this store. errc::conflict while anything is sealed under another.
  result<void> finish_rotation();

  /// Runs `change`, which answers the id of its row, and writes `entry` down, both in one transaction.
  result<int64_t> audited(const audit_entry& entry, const std::function<result<int64_t>()>& change);
  /// At most `limit` entries below the id `before`, newest first.
  result<std::vector<audit_entry>> audit_log(int64_t before, size_t limit);

  /// Records settled requests in one transaction, with their statistics and every sum that they move: all of them or,
  /// on an error, none. One that is known already changes nothing. What it answered survives the end of the process at
  /// any moment. Token counts are kept within 0 and 10^12.
  result<void> record(std::span<const ledger_entry* const> entries);
  result<std::vector<key_spending>> spending();

  /// What was learnt of models for estimates, by their names.
  result<void> keep_calibrations(const std::map<std::string, std::string>& states);
  result<std::map<std::string, std::string>> calibrations();

  result<std::optional<conversation_totals>> conversation(std::string_view conversation_id);
  result<hub_totals> totals();
  /// The `limit` most recently used conversations that can be continued, oldest first.
  result<std::vector<history_link>> recent_history(size_t limit);

  /// 16 random bytes made once per store: seeds the history hashes.
  result<std::string> hash_seed();
  /// True until a provider was ever inserted or `mark_used` called: the demo provider is offered then, once.
  result<bool> is_new();
  result<void> mark_used();

  /// Call it after each batch, and with `idle` when nothing waits to be written. Passive above 4 MiB of log, truncating
  /// when idle or above 64 MiB; otherwise does nothing. Never waits for other programs.
  void checkpoint(bool idle);
  /// Bytes of the write-ahead log that are not in the database's file yet.
  int64_t wal_bytes() const;

 private:
  struct implementation;
  explicit store(std::unique_ptr<implementation> self);
  std::unique_ptr<implementation> self_;
};

}  // namespace nexus::storage
