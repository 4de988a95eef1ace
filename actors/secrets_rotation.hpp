// The rotation of the master key, step by step, on the thread that owns the store: begin, batch after batch, end. Every
// step leaves a state from which a restart works and the next `begin` goes on.
#pragma once

#include "storage/store.hpp"

namespace nexus {

/// Rows of one transaction: other work for the store waits no longer than that takes.
constexpr size_t rotation_batch_rows = 100;

/// Makes a new active key, in the file first, unless a rotation is unfinished. `key_file` is empty if the key was given
/// otherwise: errc::conflict then, unless a former key was given with it.
result<void> begin_rotation(storage::store& store, const std::filesystem::path& key_file, int64_t now);
/// Retires the former keys, in the file last.
result<void> end_rotation(storage::store& store, const std::filesystem::path& key_file);
/// All of it at once, without a hub.
result<void> rotate_offline(storage::store& store, const std::filesystem::path& key_file, int64_t now);

}  // namespace nexus
