// What the handlers of administrators and sessions share: work for the store, passwords, cookies.
#pragma once

#include "actors/endpoints/control.hpp"
#include "actors/password_hasher.hpp"
#include "storage/store.hpp"

namespace nexus::endpoints {

/// Does `work` on the writer's thread, then `show` here with what it answered; fails the request with its error.
template <class T>
void with_store(session& session, std::function<result<T>(storage::store&)> work,
                std::function<void(nexus::session&, T&)> show) {
  auto outcome = std::make_shared<result<T>>(make_error(errc::internal, "The store was not asked."));
  session
      .caf::event_based_actor::request(
          session.hub().stats_writer, control_timeout,
          store_task{[outcome, work = std::move(work)](storage::store& store) { *outcome = work(store); }})
      .then(
          [&session, outcome, show = std::move(show)](const store_task_done&) {
            if (!*outcome) return session.fail(outcome->error());
            show(session, **outcome);
          },
          [&session](const caf::error&) {
            session.fail(make_error(errc::storage_error, "The database did not answer in time."));
          });
}

/// Hashes a password off the shard; 429 if too many wait.
void with_hash(session& session, std::shared_ptr<const secret> password,
               std::function<void(nexus::session&, const std::string& hash)> then);
/// Checks one. An empty `hash` is an unknown name's: it costs the same and is never right.
void with_check(session& session, std::shared_ptr<const secret> password, std::string hash,
                std::function<void(nexus::session&, const password_checked&)> then);

/// Writes an open session down and calls `then` with its Set-Cookie header.
void keep_session(session& session, int64_t administrator_id, std::string cookie,
                  std::function<void(nexus::session&, net::header_list)> then);
/// Opens a session of the administrator and keeps it.
void with_session(session& session, int64_t administrator_id,
                  std::function<void(nexus::session&, net::header_list)> then);
std::string set_cookie(bool secure, std::string_view value, std::string_view more);

/// A password as the body has it: 8 to 1,024 bytes.
result<std::shared_ptr<const secret>> read_password(member_reader& members, std::string_view name);
result<std::string> read_administrator_name(member_reader& members);

/// The 429 of a log-in that comes too early.
error too_early(std::chrono::seconds wait);

/// On the writer's thread: makes the change together with its entry in the audit log, and has it take effect.
result<storage::administrator> change_administrator(hub& hub, storage::store& store, const storage::audit_entry& entry,
                                                    const std::function<result<storage::administrator>()>& change);

void write_administrator(json::writer& out, const storage::administrator& row);
/// Makes every shard look again whose sessions hold.
void announce_access_change(session& session);

}  // namespace nexus::endpoints
