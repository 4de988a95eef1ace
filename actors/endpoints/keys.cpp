// Personalized keys as resources. A key that the hub makes is shown whole once, in the answer that makes it.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/grants.hpp"
#include "actors/ids.hpp"
#include "actors/key_json.hpp"
#include "storage/key_text.hpp"
#include "storage/secrets.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

constexpr size_t name_bytes_max = 200;
constexpr size_t pattern_bytes_max = 200;
constexpr size_t address_bytes_max = 64;
constexpr size_t entries_max = 1'000;
constexpr int64_t latest_ms = 253'402'300'799'999;  // the year 9999
// How long the former text of a key stays good after a rotation, unless the request says otherwise.
constexpr int64_t grace_seconds_default = 24 * 3600;
constexpr int64_t grace_seconds_max = 30 * 24 * 3600;

error no_key(int64_t id) { return make_error(errc::not_found, "There is no key " + std::to_string(id) + "."); }

error complaint(std::string param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = std::move(param);
  return failure;
}

void write_time(json::writer& out, std::string_view name, int64_t time) {
  out.key(name);
  if (time == 0) {
    out.null();
  } else {
    out.number(time);
  }
}

std::string_view state_of(const storage::api_key& row, int64_t now) {
  if (!row.enabled) return "disabled";
  return row.expires_at != 0 && now >= row.expires_at ? "expired" : "active";
}

// What the key has spent, in all and in the present period of its budget, and what its running requests hold.
void write_spending(json::writer& out, const storage::api_key& row, nexus::governor& governor, int64_t now) {
  const auto account = governor.account(row.id);
  const auto total = account->look(0);
  out.key("spending").object().key("tokens").number(total.tokens).key("cost").string(to_text(total.cost));
  out.key("running_requests").number(total.running).key("reserved_tokens").number(total.reserved_tokens);
  out.key("reserved_cost").string(to_text(total.reserved_cost)).key("period");
  if (const auto& budget = row.limits.budget) {
    const auto period = storage::period_of(*budget, now);
    const auto spent = account->look(period.begin);
    out.object().key("begin").number(period.begin).key("end");
    budget->period == storage::budget_period::total ? out.null() : out.number(period.end);
    out.key("tokens").number(spent.tokens).key("cost").string(to_text(spent.cost)).end_object();
  } else {
    out.null();
  }
  out.end_object();
}

void write_key(json::writer& out, const storage::api_key& row, session& session, std::string_view shown) {
  const auto& snapshot = *session.home().snapshot;
  const auto now = wall_clock_ms();
  const auto known = snapshot.keys.find(row.digest);
  const auto last_used = known == snapshot.keys.end() ? row.last_used_at : known->second->terms->last_used.load();
  out.object().key("id").number(row.id);
  out.key("origin").string(row.origin == storage::key_origin::hub ? "hub" : "provider").key("key").string(shown);
  write_key_terms(out, row);
  out.key("state").string(state_of(row, now));
  write_time(out, "former_key_until", row.former_until > now ? row.former_until : 0);
  write_time(out, "last_used_at", last_used);
  write_spending(out, row, session.hub().ledger.accounts(), now);
  out.key("created_at").number(row.created_at).key("updated_at").number(row.updated_at).end_object();
}

/// `whole` is the key's text, for the one answer that shows it.
void answer_key(session& session, int64_t id, int status, const secret* whole) {
  const auto& snapshot = *session.home().snapshot;
  const auto found = snapshot.key_rows.find(id);
  if (found == snapshot.key_rows.end()) return session.fail(no_key(id));
  json::writer out;
  write_key(out, *found->second, session, whole != nullptr ? whole->reveal() : found->second->masked);
  answer answer{.status = status,
                .content_type = "application/json",
                .body = out.take(),
                .headers = {{"etag", etag(found->second->version)}}};
  if (whole != nullptr) answer.headers.add("cache-control", "no-store");
  if (status == 201) answer.headers.add("location", "/keys/" + std::to_string(id));
  session.respond(answer);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

result<std::vector<std::string>> read_texts(const json::value& value, const std::string& name, size_t bytes_max) {
  if (!value.IsArray() || value.Size() > entries_max)
    return complaint(name, "'" + name + "' must be an array of at most " + std::to_string(entries_max) + " strings.");
  std::vector<std::string> texts;
  for (const auto& entry : value.GetArray()) {
    if (!entry.IsString() || entry.GetStringLength() == 0 || entry.GetStringLength() > bytes_max)
      return complaint(name, "'" + name + "' must hold strings of 1 to " + std::to_string(bytes_max) + " bytes.");
    texts.emplace_back(entry.GetString(), entry.GetStringLength());
  }
  return texts;
}

result<std::vector<int64_t>> read_providers(const json::value& value, const snapshot& snapshot) {
  constexpr auto name = "grants.providers";
  if (!value.IsArray() || value.Size() > entries_max)
    return complaint(name, "'grants.providers' must be an array of provider ids.");
  std::vector<int64_t> ids;
  for (const auto& entry : value.GetArray()) {
    if (!entry.IsInt64()) return complaint(name, "'grants.providers' must be an array of provider ids.");
    const auto id = entry.GetInt64();
    if (!snapshot.providers.contains(id)) return complaint(name, "There is no provider " + std::to_string(id) + ".");
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

result<void> read_grants(const json::value& value, const snapshot& snapshot, key_patch& patch) {
  if (!value.IsObject()) return complaint("grants", "'grants' must be an object.");
  patch.providers.emplace();
  patch.models.emplace();
  for (const auto& member : value.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (name == "providers") {
      auto ids = read_providers(member.value, snapshot);
      if (!ids) return ids.error();
      patch.providers = std::move(*ids);
    } else if (name == "models") {
      auto patterns = read_texts(member.value, "grants.models", pattern_bytes_max);
      if (!patterns) return patterns.error();
      patch.models = std::move(*patterns);
    } else {
      return complaint("grants", "'grants' knows providers and models.");
    }
  }
  return {};
}

result<void> read_addresses(const json::value& value, key_patch& patch) {
  auto texts = read_texts(value, "allowed_addresses", address_bytes_max);
  if (!texts) return texts.error();
  for (const auto& text : *texts)
    if (auto range = net::address_range::parse(text); !range)
      return complaint("allowed_addresses", range.error().message);
  patch.addresses = std::move(*texts);
  return {};
}

// The whole resource may come back with one member changed; a brought-along key's grants then are what they were.
result<void> check_brought_along(key_patch& patch, const storage::api_key* present) {
  if (present == nullptr || present->origin == storage::key_origin::hub) return {};
  const bool same =
      (!patch.providers || *patch.providers == present->providers) && (!patch.models || patch.models->empty());
  if (!same) return complaint("grants", "The grants of a brought-along key are the providers that bear it.");
  patch.providers.reset();
  patch.models.reset();
  return {};
}

result<key_patch> read_key_patch(session& session, const storage::api_key* present) {
  auto body = read_object(session);
  if (!body) return body.error();
  member_reader members(*body);
  key_patch patch;
  if (present == nullptr) members.require("name");
  patch.name = members.text("name", name_bytes_max);
  patch.enabled = members.boolean("enabled");
  patch.expires_at = members.integer("expires_at", 1, latest_ms);
  if (const auto* expiry = json::find(*body, "expires_at"); expiry != nullptr && expiry->IsNull()) patch.expires_at = 0;
  if (present != nullptr)
    members.ignore(
        {"id", "origin", "key", "state", "former_key_until", "last_used_at", "spending", "created_at", "updated_at"});
  const auto& snapshot = *session.home().snapshot;
  if (const auto* value = members.any("grants"))
    if (auto read = read_grants(*value, snapshot, patch); !read) return read.error();
  if (const auto* value = members.any("allowed_addresses"))
    if (auto read = read_addresses(*value, patch); !read) return read.error();
  if (const auto* value = members.any("limits"))
    if (auto read = read_limits(*value, patch.limits.emplace()); !read) return read.error();
  if (const auto* value = members.any("on_client_leave"))
    if (auto read = read_leave_policy(*value, patch.leave.emplace()); !read) return read.error();
  if (auto finished = members.finish(); !finished) return finished.error();
  if (patch.name && !is_name(*patch.name))
    return complaint("name", "'name' must not be empty, nor begin or end with a space, nor hold control characters.");
  if (auto sound = check_brought_along(patch, present); !sound) return sound.error();
  return patch;
}

/// Gives the patch a fresh text, which is returned.
std::shared_ptr<const secret> renew_text(session& session, key_patch& patch) {
  auto whole = std::make_shared<const secret>(storage::make_hub_key());
  patch.digest = storage::keyed_digest(session.hub().pepper, whole->reveal());
  patch.masked = storage::masked_hub_key(whole->reveal());
  return whole;
}

/// The key that the path names.
result<std::shared_ptr<const storage::api_key>> named_key(session& session) {
  const auto id = id_parameter(session, 0, "key");
  if (!id) return id.error();
  const auto& rows = session.home().snapshot->key_rows;
  const auto found = rows.find(*id);
  if (found == rows.end()) return no_key(*id);
  return found->second;
}

}  // namespace

void list_keys(session& session) {
  const auto page = read_page(session);
  if (!page) return session.fail(page.error());
  const auto snapshot = session.home().snapshot;
  json::writer out;
  out.object();
  write_page(out, "keys", snapshot->key_rows, *page,
             [&](const auto& row) { write_key(out, *row, session, row->masked); });
  out.end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void create_key(session& session) {
  auto patch = read_key_patch(session, nullptr);
  if (!patch) return session.fail(patch.error());
  const auto whole = renew_text(session, *patch);
  change_and_answer(session, change_key{{}, std::move(*patch), {}, {}},
                    [whole](nexus::session& session_, int64_t id) { answer_key(session_, id, 201, whole.get()); });
}

void show_key(session& session) {
  const auto id = id_parameter(session, 0, "key");
  if (!id) return session.fail(id.error());
  answer_key(session, *id, 200, nullptr);
}

void update_key(session& session) {
  const auto present = named_key(session);
  if (!present) return session.fail(present.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  auto patch = read_key_patch(session, present->get());
  if (!patch) return session.fail(patch.error());
  change_and_answer(session, change_key{(*present)->id, std::move(*patch), *version, {}},
                    [](nexus::session& session_, int64_t id) { answer_key(session_, id, 200, nullptr); });
}

void rotate_key(session& session) {
  const auto present = named_key(session);
  if (!present) return session.fail(present.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  int64_t grace = grace_seconds_default;
  if (!session.request().body.empty()) {
    auto body = read_object(session);
    if (!body) return session.fail(body.error());
    member_reader members(*body);
    grace = members.integer("grace_seconds", 0, grace_seconds_max).value_or(grace);
    if (auto finished = members.finish(); !finished) return session.fail(finished.error());
  }
  if ((*present)->origin == storage::key_origin::provider)
    return session.fail(
        make_error(errc::conflict, "This key was brought along: give its providers another personalized_key instead."));
  key_patch patch;
  const auto whole = renew_text(session, patch);
  patch.former_until = grace == 0 ? 0 : wall_clock_ms() + grace * 1'000;
  change_and_answer(session, change_key{(*present)->id, std::move(patch), *version, {}},
                    [whole](nexus::session& session_, int64_t id) { answer_key(session_, id, 200, whole.get()); });
}

void delete_key(session& session) {
  const auto id = id_parameter(session, 0, "key");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  change_and_answer(session, remove_key{*id, *version, {}}, [](nexus::session& session_, int64_t) {
    session_.respond({.status = 204, .content_type = {}, .body = {}, .headers = {}});
  });
}

}  // namespace nexus::endpoints
