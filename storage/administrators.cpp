// The store's administrators, their sessions, and the log of what they changed.
#include "storage/store_implementation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace nexus::storage {

namespace {

constexpr std::string_view administrator_word = "administrator";
constexpr std::string_view viewer_word = "viewer";

std::string_view word(admin_role role) { return role == admin_role::viewer ? viewer_word : administrator_word; }
admin_role role_of(std::string_view text) {
  return text == administrator_word ? admin_role::administrator : admin_role::viewer;
}

error no_administrator(int64_t id) {
  return make_error(errc::not_found, fmt::format("There is no administrator {}.", id));
}

error last_one() { return make_error(errc::conflict, "This is the last administrator: make another one first."); }

error explain(error cause, const administrator& row) {
  if (cause.code == errc::conflict) {
    cause.message = fmt::format("An administrator named '{}' exists already.", row.name);
    cause.param = "name";
  }
  return cause;
}

query& bind_administrator(query&& statement, const administrator& row) {
  return statement.bind(row.name)
      .bind(row.password)
      .bind(word(row.role))
      .bind(row.created_at)
      .bind(row.updated_at)
      .bind(row.version);
}

int64_t sql_limit(size_t limit) {
  return static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int64_t>::max()));
}

}  // namespace

result<void> store::implementation::end_sessions(int64_t administrator_id) {
  return use(sql::sessions_of).bind(administrator_id).run();
}

result<std::vector<administrator>> store::administrators() {
  std::vector<administrator> found;
  auto rows = self_->use(sql::administrators);
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.id = rows.integer(0),
                     .name = rows.text(1),
                     .password = rows.text(2),
                     .role = role_of(rows.text(3)),
                     .created_at = rows.integer(4),
                     .updated_at = rows.integer(5),
                     .version = rows.integer(6)});
  }
}

result<administrator> store::insert_administrator(const administrator& row, int64_t now) {
  auto stored = row;
  stored.created_at = stored.updated_at = now;
  stored.version = 1;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  const auto done = bind_administrator(self_->use(sql::administrator_insert), stored).run();
  if (!done) return explain(done.error(), row);
  stored.id = self_->connection->last_id();
  if (auto committed = work.commit(); !committed) return committed.error();
  return stored;
}

result<administrator> store::update_administrator(const administrator& row, std::optional<int64_t> version,
                                                  int64_t now) {
  auto stored = row;
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  bool is_demotion = false;
  bool ends_sessions = false;
  {
    auto head = self_->use(sql::administrator_head);
    const auto found = head.bind(row.id).next();
    if (!found) return found.error();
    if (!*found) return no_administrator(row.id);
    if (version && *version != head.integer(0)) return stale("Administrator", row.id);
    stored.version = head.integer(0) + 1;
    stored.created_at = head.integer(1);
    stored.updated_at = now;
    ends_sessions = role_of(head.text(2)) != row.role || head.text(3) != row.password;
    is_demotion = role_of(head.text(2)) == admin_role::administrator && row.role != admin_role::administrator;
  }
  if (is_demotion) {
    auto left = self_->use(sql::administrators_left);
    const auto counted = left.bind(row.id).next();
    if (!counted) return counted.error();
    if (left.integer(0) == 0) return last_one();
  }
  const auto done = bind_administrator(self_->use(sql::administrator_update), stored).bind(stored.id).run();
  if (!done) return explain(done.error(), row);
  if (ends_sessions) {
    if (auto ended = self_->end_sessions(row.id); !ended) return ended.error();
  }
  if (auto committed = work.commit(); !committed) return committed.error();
  return stored;
}

result<void> store::delete_administrator(int64_t id, std::optional<int64_t> version) {
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun;
  {
    auto left = self_->use(sql::administrators_left);
    const auto counted = left.bind(id).next();
    if (!counted) return counted.error();
    if (left.integer(0) == 0) {
      auto head = self_->use(sql::administrator_head);
      const auto found = head.bind(id).next();
      if (!found) return found.error();
      if (*found && role_of(head.text(2)) == admin_role::administrator) return last_one();
    }
  }
  auto removed = self_->remove(sql::administrator_head, sql::administrator_delete, id, version, no_administrator(id),
                               "Administrator");
  if (!removed) return removed;
  if (auto ended = self_->end_sessions(id); !ended) return ended;
  return work.commit();
}

result<void> store::rehash_password(int64_t id, std::string_view former, std::string_view fresh) {
  return self_->use(sql::administrator_password).bind(fresh).bind(id).bind(former).run();
}

result<std::vector<admin_session>> store::sessions(size_t limit) {
  std::vector<admin_session> found;
  auto rows = self_->use(sql::sessions);
  rows.bind(sql_limit(limit));
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.digest = rows.blob(0),
                     .administrator_id = rows.integer(1),
                     .made_at = rows.integer(2),
                     .used_at = rows.integer(3)});
  }
}

result<void> store::insert_session(const admin_session& row) {
  return self_->use(sql::session_insert)
      .bind_blob(row.digest)
      .bind(row.administrator_id)
      .bind(row.made_at)
      .bind(row.used_at)
      .run();
}

result<void> store::touch_session(std::string_view digest, int64_t used_at) {
  return self_->use(sql::session_touch).bind(used_at).bind_blob(digest).run();
}

result<void> store::delete_session(std::string_view digest) {
  return self_->use(sql::session_delete).bind_blob(digest).run();
}

result<void> store::purge_sessions(int64_t made_before, int64_t used_before) {
  return self_->use(sql::sessions_purge).bind(made_before).bind(used_before).run();
}

result<int64_t> store::audited(const audit_entry& entry, const std::function<result<int64_t>()>& change) {
  transaction work(*self_->connection);
  if (auto begun = work.begin(); !begun) return begun.error();
  auto id = change();
  if (!id) return id;
  const auto written = self_->use(sql::audit_insert)
                           .bind(entry.at)
                           .bind(entry.actor)
                           .bind(entry.action)
                           .bind(entry.resource)
                           .bind(*id)
                           .bind(entry.before)
                           .bind(entry.after)
                           .bind(entry.address)
                           .bind(entry.request_id)
                           .run();
  if (!written) return written.error();
  if (auto done = work.commit(); !done) return done.error();
  return id;
}

result<std::vector<audit_entry>> store::audit_log(int64_t before, size_t limit) {
  std::vector<audit_entry> found;
  auto rows = self_->use(sql::audit_page);
  rows.bind(before).bind(sql_limit(limit));
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.id = rows.integer(0),
                     .at = rows.integer(1),
                     .actor = rows.text(2),
                     .action = rows.text(3),
                     .resource = rows.text(4),
                     .resource_id = rows.integer(5),
                     .before = rows.text(6),
                     .after = rows.text(7),
                     .address = rows.text(8),
                     .request_id = rows.text(9)});
  }
}

}  // namespace nexus::storage
