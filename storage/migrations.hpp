// The schema as the list of statements that led to it. The store's thread.
#pragma once

#include "storage/database.hpp"

#include <span>
#include <string_view>

namespace nexus::storage {

/// Statement n (from 0) leads from schema n to schema n + 1.
std::span<const std::string_view> migrations();

/// Runs what `database` misses of `list`, each statement in a transaction of its own together with its number.
/// errc::storage_error if the database is newer than the list.
result<void> migrate(database& database, std::span<const std::string_view> list);

}  // namespace nexus::storage
