// What the store's own source files share: the connection and the steps that several operations take. Private to them.
#pragma once

#include "storage/database.hpp"
#include "storage/private_file.hpp"
#include "storage/statements.hpp"
#include "storage/store.hpp"

namespace nexus::storage {

struct store::implementation {
  // In this order, so that the lock outlives the connection.
  file_descriptor lock;
  std::unique_ptr<database> connection;
  master_key key;

  query use(sql name) { return connection->use(static_cast<size_t>(name)); }

  result<void> prepare();
  result<void> recognise_key();
  result<std::optional<std::string>> meta(std::string_view name);
  result<void> set_meta(std::string_view name, std::string_view value);

  void bind_provider(query& statement, const provider& row, std::string_view row_uuid) const;
  result<provider> read_provider(const query& row) const;
  result<std::vector<provider>> providers();
  result<std::vector<provider_model>> models();
  result<void> remove(sql head, sql statement, int64_t id, std::optional<int64_t> version, const error& missing,
                      std::string_view what);
};

}  // namespace nexus::storage
