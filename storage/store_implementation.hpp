// What the store's own source files share: the connection and the steps that several operations take. Private to them.
#pragma once

#include "storage/database.hpp"
#include "storage/private_file.hpp"
#include "storage/statements.hpp"
#include "storage/store.hpp"

namespace nexus::storage {

constexpr std::string_view provider_table = "service_providers";
constexpr std::string_view server_key_column = "server_key";
constexpr std::string_view personalized_key_column = "personalized_key";
constexpr std::string_view headers_column = "headers";
constexpr std::string_view meta_table = "meta";
constexpr std::string_view meta_column = "value";
constexpr std::string_view pepper_name = "apikey_pepper";
constexpr std::string_view key_check = "key_check";

struct store::implementation {
  // In this order, so that the lock outlives the connection.
  file_descriptor lock;
  std::unique_ptr<database> connection;
  master_key key;
  secret pepper;

  query use(sql name) { return connection->use(static_cast<size_t>(name)); }

  result<void> prepare();
  result<void> recognise_key();
  result<std::optional<std::string>> meta(std::string_view name);
  result<void> set_meta(std::string_view name, std::string_view value);

  void bind_provider(query& statement, const provider& row, std::string_view row_uuid) const;
  result<provider> read_provider(const query& row) const;
  result<std::vector<provider>> providers();
  result<std::vector<provider_model>> models();
  result<std::vector<api_key>> keys();
  /// Makes `provider_id` bear this key, which may be empty, and drops brought-along keys that nobody bears any more.
  result<void> link_key(int64_t provider_id, std::string_view name, const secret& personalized, int64_t now);
  /// Links the providers of a store from before there were keys.
  result<void> adopt_keys();
  result<void> learn_pepper();
  std::string seal_pepper(const secret& plain) const;
  result<int64_t> left_behind();
  result<void> end_sessions(int64_t administrator_id);
  result<void> remove(sql head, sql statement, int64_t id, std::optional<int64_t> version, const error& missing,
                      std::string_view what);
};

error stale(std::string_view what, int64_t id);

}  // namespace nexus::storage
