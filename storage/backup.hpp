// Copies of a store: made while a hub runs or not, looked through, and put back. Secrets in a copy stay sealed: it is
// of no use without the master key, which it does not hold.
#pragma once

#include "storage/reader.hpp"

namespace nexus::storage {

/// Writes the database `file` to `copy`, whole or not at all (0600), as it is at one moment. Reads only, so a hub may
/// go on writing. Never replaces a file.
result<void> back_up(const std::filesystem::path& file, const std::filesystem::path& copy);

/// Looks through the whole file and recomputes every sum. An error if it is damaged or no store.
result<audit_report> verify(const std::filesystem::path& file);

/// Puts `copy` into the place of the data folder's database, after `verify` finds no fault. The former one is kept
/// beside it; returns its new name. An error if a hub runs there.
result<std::filesystem::path> restore(const std::filesystem::path& copy, const std::filesystem::path& data_dir,
                                      int64_t now);

}  // namespace nexus::storage
