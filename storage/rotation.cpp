// The store's part in the rotation of the master key.
#include "storage/store_implementation.hpp"

#include <fmt/format.h>

namespace nexus::storage {

namespace {

struct sealed_row {
  int64_t id = 0;
  std::string row_uuid;
  std::string server_key;
  std::string personalized_key;
  std::string headers;
};

result<std::string> sealed_anew(const master_key& key, std::string_view table, std::string_view column,
                                std::string_view row_id, std::string_view sealed) {
  const auto plain = open(key, table, column, row_id, sealed);
  if (!plain) return plain.error();
  return seal(key, table, column, row_id, *plain);
}

}  // namespace

const master_key& store::master() const { return self_->key; }
void store::use_master_key(master_key key) { self_->key = std::move(key); }

result<int64_t> store::implementation::left_behind() {
  auto counted = use(sql::secrets_left);
  const auto row = counted.bind_blob(seal_head(key)).bind(pepper_name).next();
  if (!row) return row.error();
  return counted.integer(0);
}

result<int64_t> store::reseal(size_t rows) {
  auto& self = *self_;
  transaction work(*self.connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  std::vector<sealed_row> behind;
  {
    auto found = self.use(sql::secrets_behind);
    found.bind_blob(seal_head(self.key)).bind(static_cast<int64_t>(rows));
    for (;;) {
      const auto row = found.next();
      if (!row) return row.error();
      if (!*row) break;
      behind.push_back({found.integer(0), found.text(1), found.blob(2), found.blob(3), found.blob(4)});
    }
  }
  for (const auto& row : behind) {
    const auto anew = [&](std::string_view column, std::string_view sealed) {
      return sealed_anew(self.key, provider_table, column, row.row_uuid, sealed);
    };
    const auto server_key = anew(server_key_column, row.server_key);
    if (!server_key) return server_key.error();
    const auto personalized_key = anew(personalized_key_column, row.personalized_key);
    if (!personalized_key) return personalized_key.error();
    const auto headers = anew(headers_column, row.headers);
    if (!headers) return headers.error();
    const auto done = self.use(sql::secrets_reseal)
                          .bind_blob(*server_key)
                          .bind_blob(*personalized_key)
                          .bind_blob(*headers)
                          .bind(row.id)
                          .run();
    if (!done) return done.error();
  }
  if (auto done = self.use(sql::meta_replace).bind_blob(self.seal_pepper(self.pepper)).bind(pepper_name).run(); !done)
    return done.error();
  auto left = self.left_behind();
  if (!left) return left;
  if (auto done = work.commit(); !done) return done.error();
  return left;
}

result<void> store::finish_rotation() {
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun;
  const auto left = self_->left_behind();
  if (!left) return left.error();
  if (*left > 0)
    return make_error(errc::conflict, fmt::format("{} rows are still sealed under a former master key.", *left));
  if (auto done = self_->use(sql::meta_replace).bind_blob(self_->key.check_value()).bind(key_check).run(); !done)
    return done;
  return work.commit();
}

}  // namespace nexus::storage
