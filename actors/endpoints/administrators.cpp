// Administrators and viewers as resources, and one's own password.
#include "actors/audit.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/team.hpp"
#include "actors/ids.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

/// What a request changes of an administrator; absent members stay.
struct administrator_patch {
  std::optional<std::string> name;
  std::shared_ptr<const secret> password;
  std::string hash;  // of the password, once it is hashed
  std::optional<storage::admin_role> role;
};

error complaint(std::string_view param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = param;
  return failure;
}

error no_administrator(int64_t id) {
  return make_error(errc::not_found, "There is no administrator " + std::to_string(id) + ".");
}

result<administrator_patch> read_patch(session& session, bool is_new) {
  auto body = read_object(session);
  if (!body) return body.error();
  member_reader members(*body);
  administrator_patch patch;
  result<std::string> name = std::string();
  if (is_new || json::find(*body, "name") != nullptr) name = read_administrator_name(members);
  result<std::shared_ptr<const secret>> password = std::shared_ptr<const secret>();
  if (is_new || json::find(*body, "password") != nullptr) password = read_password(members, "password");
  const auto role = members.text("role", 32);
  members.ignore({"id", "created_at", "updated_at"});
  if (auto finished = members.finish(); !finished) return finished.error();
  if (!name) return name.error();
  if (!password) return password.error();
  if (!name->empty()) patch.name = std::move(*name);
  patch.password = std::move(*password);
  if (role && *role != "administrator" && *role != "viewer")
    return complaint("role", "'role' must be 'administrator' or 'viewer'.");
  if (role) patch.role = *role == "viewer" ? storage::admin_role::viewer : storage::admin_role::administrator;
  return patch;
}

void answer_administrator(session& session, const storage::administrator& row, int status, net::header_list headers) {
  json::writer out;
  write_administrator(out, row);
  headers.add("etag", etag(row.version));
  if (status == 201) headers.add("location", "/administrators/" + std::to_string(row.id));
  session.respond(
      {.status = status, .content_type = "application/json", .body = out.take(), .headers = std::move(headers)});
}

/// Calls `then` with the patch's password hashed, at once if there is none.
void with_hashed(session& session, const administrator_patch& patch,
                 std::function<void(nexus::session&, const administrator_patch&)> then) {
  if (!patch.password) return then(session, patch);
  with_hash(session, patch.password,
            [patch, then = std::move(then)](nexus::session& session_, const std::string& hash) {
              auto hashed = patch;
              hashed.hash = hash;
              then(session_, hashed);
            });
}

std::string describe_update(const storage::administrator& row, bool password_changed) {
  auto text = describe_row(row);
  if (password_changed) text.insert(text.size() - 1, R"(,"password":"changed")");
  return text;
}

/// On the writer's thread: the row as it is then, with the patch's members in place of its own.
result<storage::administrator> update_row(hub& hub, storage::store& store, int64_t id, const administrator_patch& patch,
                                          std::optional<int64_t> version, const change_origin& by) {
  const auto rows = store.administrators();
  if (!rows) return rows.error();
  const auto known = std::find_if(rows->begin(), rows->end(), [&](const auto& row) { return row.id == id; });
  if (known == rows->end()) return no_administrator(id);
  auto row = *known;
  if (patch.name) row.name = *patch.name;
  if (!patch.hash.empty()) row.password = patch.hash;
  if (patch.role) row.role = *patch.role;
  const auto entry =
      make_audit(by, "update", "administrator", describe_row(*known), describe_update(row, !patch.hash.empty()));
  return change_administrator(hub, store, entry,
                              [&] { return store.update_administrator(row, version, wall_clock_ms()); });
}

void store_update(session& session, int64_t id, const administrator_patch& patch, std::optional<int64_t> version,
                  std::function<void(nexus::session&, storage::administrator&)> show) {
  with_store<storage::administrator>(
      session,
      [hub = &session.hub(), id, patch, version, by = origin_of(session)](storage::store& store) {
        return update_row(*hub, store, id, patch, version, *by);
      },
      [show = std::move(show)](nexus::session& session_, storage::administrator& row) {
        announce_access_change(session_);
        show(session_, row);
      });
}

}  // namespace

result<storage::administrator> change_administrator(hub& hub, storage::store& store, const storage::audit_entry& entry,
                                                    const std::function<result<storage::administrator>()>& change) {
  auto stamped = entry;
  stamped.at = wall_clock_ms();
  storage::administrator made;
  const auto id = store.audited(stamped, [&]() -> result<int64_t> {
    auto row = change();
    if (!row) return row.error();
    made = std::move(*row);
    return made.id;
  });
  if (!id) return id.error();
  auto rows = store.administrators();
  if (!rows) return rows.error();
  hub.access->use_administrators(std::move(*rows));
  return made;
}

void list_administrators(session& session) {
  const auto page = read_page(session);
  if (!page) return session.fail(page.error());
  std::map<int64_t, storage::administrator> rows;
  for (auto& row : session.hub().access->administrators()) rows.emplace(row.id, row);
  json::writer out;
  out.object();
  write_page(out, "administrators", rows, *page, [&](const auto& row) { write_administrator(out, row); });
  out.end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void show_administrator(session& session) {
  const auto id = id_parameter(session, 0, "administrator");
  if (!id) return session.fail(id.error());
  const auto found = session.hub().access->find_administrator(*id);
  if (!found) return session.fail(no_administrator(*id));
  answer_administrator(session, *found, 200, {});
}

void create_administrator(session& session) {
  auto patch = read_patch(session, true);
  if (!patch) return session.fail(patch.error());
  with_hashed(session, *patch, [](nexus::session& session_, const administrator_patch& hashed) {
    storage::administrator row;
    row.name = *hashed.name;
    row.password = hashed.hash;
    row.role = hashed.role.value_or(storage::admin_role::administrator);
    with_store<storage::administrator>(
        session_,
        [hub = &session_.hub(), row, by = origin_of(session_)](storage::store& store) {
          return change_administrator(*hub, store, make_audit(*by, "create", "administrator", {}, describe_row(row)),
                                      [&] { return store.insert_administrator(row, wall_clock_ms()); });
        },
        [](nexus::session& again, storage::administrator& made) { answer_administrator(again, made, 201, {}); });
  });
}

void update_administrator(session& session) {
  const auto id = id_parameter(session, 0, "administrator");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  auto patch = read_patch(session, false);
  if (!patch) return session.fail(patch.error());
  // An unknown one costs no hash.
  if (!session.hub().access->find_administrator(*id)) return session.fail(no_administrator(*id));
  with_hashed(session, *patch,
              [id = *id, version = *version](nexus::session& session_, const administrator_patch& hashed) {
                store_update(session_, id, hashed, version, [](nexus::session& again, storage::administrator& row) {
                  answer_administrator(again, row, 200, {});
                });
              });
}

void delete_administrator(session& session) {
  const auto id = id_parameter(session, 0, "administrator");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  const auto found = session.hub().access->find_administrator(*id);
  if (!found) return session.fail(no_administrator(*id));
  with_store<storage::administrator>(
      session,
      [hub = &session.hub(), row = *found, version = *version, by = origin_of(session)](storage::store& store) {
        return change_administrator(*hub, store, make_audit(*by, "delete", "administrator", describe_row(row), {}),
                                    [&]() -> result<storage::administrator> {
                                      if (auto done = store.delete_administrator(row.id, version); !done)
                                        return done.error();
                                      return row;
                                    });
      },
      [](nexus::session& session_, storage::administrator&) {
        announce_access_change(session_);
        session_.respond({.status = 204, .content_type = {}, .body = {}, .headers = {}});
      });
}

void change_password(session& session) {
  const auto id = session.who().member.who.administrator_id;
  if (id == 0) return session.fail(make_error(errc::conflict, "Whoever signed in with a token has no password."));
  auto body = read_object(session);
  if (!body) return session.fail(body.error());
  member_reader members(*body);
  auto present = read_password(members, "password");
  auto fresh = read_password(members, "new_password");
  if (auto finished = members.finish(); !finished) return session.fail(finished.error());
  if (!present) return session.fail(present.error());
  if (!fresh) return session.fail(fresh.error());
  const auto row = session.hub().access->find_administrator(id).value_or(storage::administrator());
  const auto address = session.peer_address();
  if (const auto wait = session.hub().logins.begin(row.name, address, session.home().now()))
    return session.fail(too_early(*wait));
  with_check(session, *present, row.password,
             [id, name = row.name, address, fresh = *fresh](nexus::session& session_, const password_checked& checked) {
               if (!checked.right)
                 return session_.fail(complaint("password", "'password' is not the present password."));
               session_.hub().logins.succeed(name, address);
               with_hashed(
                   session_, {{}, fresh, {}, {}}, [id](nexus::session& again, const administrator_patch& hashed) {
                     store_update(again, id, hashed, {}, [id](nexus::session& last, storage::administrator&) {
                       with_session(last, id, [](nexus::session& done, net::header_list headers) {
                         done.respond({.status = 204, .content_type = {}, .body = {}, .headers = std::move(headers)});
                       });
                     });
                   });
             });
}

}  // namespace nexus::endpoints
