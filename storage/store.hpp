// The hub's store: SQL behind values. One object is one connection. The writing one belongs to the stats-writer's
// thread and is the only one that ever writes or checkpoints (SQLite before 3.51.3 can corrupt a WAL that one
// connection resets while another writes).
#pragma once

#include "conf/options.hpp"
#include "storage/ledger_entry.hpp"
#include "storage/records.hpp"
#include "storage/secrets.hpp"

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

  /// Records settled requests in one transaction, with their statistics and every sum that they move: all of them or,
  /// on an error, none. One that is known already changes nothing. What it answered survives the end of the process at
  /// any moment. Token counts are kept within 0 and 10^12.
  result<void> record(std::span<const ledger_entry* const> entries);
  result<std::vector<key_spending>> spending();

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
