// Providers and their models: the control plane's resources. Secrets go in and never come out.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "storage/key_text.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

constexpr size_t name_bytes_max = 200;
// Far above what any model can answer.
constexpr int64_t output_tokens_bound = 10'000'000;
constexpr size_t url_bytes_max = 2'000;
constexpr size_t key_bytes_max = 4'000;
constexpr size_t description_bytes_max = 10'000;

std::string_view state_of(session& session, const provider_config& config) {
  if (!config.row->enabled) return "disabled";
  if (!config.usable) return "misconfigured";
  return session.hub().health.is_failing(config.row->id) ? "failing" : "ready";
}

// Values of further headers may be secrets of their own.
void write_masked_headers(json::writer& out, const net::header_list& headers) {
  out.object();
  for (const auto& [name, value] : headers) out.key(name).string(secret(std::string(value)).masked());
  out.end_object();
}

void write_provider(json::writer& out, session& session, const provider_config& config) {
  const auto& row = *config.row;
  out.object();
  out.key("id")
      .number(row.id)
      .key("name")
      .string(row.name)
      .key("kind")
      .string(row.kind)
      .key("server_url")
      .string(row.server_url);
  out.key("server_key").string(row.server_key.masked()).key("personalized_key").string(row.personalized_key.masked());
  out.key("description").string(row.description).key("models").array();
  for (const auto& model : config.models) out.string(model->model_name);
  out.end_array();
  out.key("enabled").boolean(row.enabled).key("state").string(state_of(session, config));
  out.key("weight").number(row.weight).key("priority").number(row.priority);
  out.key("headers");
  write_masked_headers(out, config.headers);
  out.key("timeouts").raw(row.timeouts);
  out.key("created_at").number(row.created_at).key("updated_at").number(row.updated_at).end_object();
}

void write_model(json::writer& out, const storage::provider_model& row) {
  out.object()
      .key("id")
      .number(row.id)
      .key("provider_id")
      .number(row.provider_id)
      .key("model_name")
      .string(row.model_name);
  const auto price = [&out](const char* name, money amount) {
    out.key(name);
    amount == token_prices::none ? out.null() : out.string(to_text(amount));
  };
  out.key("description").string(row.description).key("prices").object();
  price("input", row.prices.input);
  price("output", row.prices.output);
  price("cached", row.prices.cached);
  price("reasoning", row.prices.reasoning);
  out.end_object().key("output_tokens_max").number(row.output_tokens_max);
  out.key("created_at").number(row.created_at).key("updated_at").number(row.updated_at).end_object();
}

// Decimal strings, money for a million tokens: a JSON number would be a binary fraction.
result<token_prices> read_prices(const std::string& text) {
  const auto parsed = json::parse(text);
  if (!parsed) return parsed.error();
  member_reader members(*parsed);
  token_prices prices;
  std::optional<error> failure;
  const auto read = [&](const char* name, money& price) {
    const auto given = members.text(name, 32);
    if (!given) return;
    if (const auto amount = parse_money(*given)) {
      price = *amount;
    } else if (!failure) {
      failure = amount.error();
      failure->param = std::string("prices.") + name;
    }
  };
  read("input", prices.input);
  read("output", prices.output);
  read("cached", prices.cached);
  read("reasoning", prices.reasoning);
  if (auto finished = members.finish(); !finished) return finished.error();
  if (failure) return *failure;
  return prices;
}

std::shared_ptr<const storage::provider_model> find_model(const snapshot& snapshot, int64_t id) {
  for (const auto& [provider_id, config] : snapshot.providers)
    for (const auto& model : config->models)
      if (model->id == id) return model;
  return nullptr;
}

error no_provider(int64_t id) {
  return make_error(errc::not_found, "There is no provider " + std::to_string(id) + ".");
}
error no_model(int64_t id) { return make_error(errc::not_found, "There is no model " + std::to_string(id) + "."); }

void answer_provider(session& session, int64_t id, int status) {
  const auto found = session.home().snapshot->providers.find(id);
  if (found == session.home().snapshot->providers.end()) return session.fail(no_provider(id));
  json::writer out;
  write_provider(out, session, *found->second);
  answer answer{.status = status,
                .content_type = "application/json",
                .body = out.take(),
                .headers = {{"etag", etag(found->second->row->version)}}};
  if (status == 201) answer.headers.add("location", "/providers/" + std::to_string(id));
  session.respond(answer);
}

void answer_model(session& session, int64_t id, int status) {
  const auto found = find_model(*session.home().snapshot, id);
  if (!found) return session.fail(no_model(id));
  json::writer out;
  write_model(out, *found);
  answer answer{.status = status,
                .content_type = "application/json",
                .body = out.take(),
                .headers = {{"etag", etag(found->version)}}};
  if (status == 201) answer.headers.add("location", "/provider_models/" + std::to_string(id));
  session.respond(answer);
}

void answer_removed(session& session, int64_t) {
  session.respond({.status = 204, .content_type = {}, .body = {}, .headers = {}});
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

error complaint(const char* param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = param;
  return failure;
}

// A secret that comes back as it was shown stays as it is.
std::shared_ptr<const secret> new_secret(const std::optional<std::string>& given, const secret* present) {
  if (!given) return nullptr;
  if (present != nullptr && !present->empty() && *given == present->masked()) return nullptr;
  return std::make_shared<const secret>(*given);
}

result<void> check_secret(const char* param, const std::shared_ptr<const secret>& value) {
  if (!value || value->empty() ||
      std::all_of(value->reveal().begin(), value->reveal().end(), [](char c) { return c > ' ' && c <= '~'; }))
    return {};
  return complaint(param, std::string("'") + param + "' must consist of visible ASCII characters, without spaces.");
}

// Header values that come back masked keep what they were, unless they would go to another server: these are refused.
result<std::string> unmask_headers(const std::string& given, const provider_config* present, bool moves) {
  const auto parsed = json::parse(given);
  if (present == nullptr || !parsed) return given;
  json::writer out;
  out.object();
  for (const auto& member : parsed->GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (!member.value.IsString()) return given;
    std::string value(member.value.GetString(), member.value.GetStringLength());
    for (const auto& [known, kept] : present->headers) {
      if (known != name || secret(std::string(kept)).masked() != value) continue;
      if (moves)
        return complaint("headers", "This server_url leads to another server: send the values of 'headers' whole.");
      value = kept;
    }
    out.key(name).string(value);
  }
  out.end_object();
  return out.take();
}

result<provider_patch> read_provider_patch(session& session, const provider_config* present) {
  auto body = read_object(session);
  if (!body) return body.error();
  member_reader members(*body);
  provider_patch patch;
  if (present == nullptr) members.require("name");
  patch.name = members.text("name", name_bytes_max);
  patch.kind = members.text("kind", 32);
  patch.server_url = members.text("server_url", url_bytes_max);
  patch.description = members.text("description", description_bytes_max);
  patch.enabled = members.boolean("enabled");
  if (const auto weight = members.integer("weight", 1, 1'000'000)) patch.weight = static_cast<int32_t>(*weight);
  if (const auto priority = members.integer("priority", 0, 1'000'000)) patch.priority = static_cast<int32_t>(*priority);
  patch.server_key =
      new_secret(members.text("server_key", key_bytes_max), present ? &present->row->server_key : nullptr);
  patch.personalized_key =
      new_secret(members.text("personalized_key", key_bytes_max), present ? &present->row->personalized_key : nullptr);
  if (const auto headers = members.object("headers")) {
    const bool moves = present && patch.server_url && !net::same_server(present->row->server_url, *patch.server_url);
    auto whole = unmask_headers(*headers, present, moves);
    if (!whole) return whole.error();
    patch.headers = std::move(*whole);
  }
  patch.timeouts = members.object("timeouts");
  members.ignore({"id", "models", "state", "created_at", "updated_at"});
  if (auto finished = members.finish(); !finished) return finished.error();

  if (patch.name && !is_name(*patch.name))
    return complaint("name", "'name' must not be empty, nor begin or end with a space, nor hold control characters.");
  const auto kind = patch.kind.value_or(present ? present->row->kind : "openai");
  if (kind != "openai" && kind != "demo") return complaint("kind", "'kind' must be 'openai' or 'demo'.");
  if (kind == "openai" && (patch.server_url || present == nullptr || patch.kind)) {
    const auto url = patch.server_url.value_or(present ? present->row->server_url : "");
    if (auto endpoint = net::chat_endpoint(url); !endpoint) return complaint("server_url", endpoint.error().message);
  }
  if (auto sound = check_secret("server_key", patch.server_key); !sound) return sound.error();
  if (auto sound = check_secret("personalized_key", patch.personalized_key); !sound) return sound.error();
  if (patch.personalized_key && patch.personalized_key->reveal().starts_with(storage::hub_key_prefix))
    return complaint("personalized_key", "Keys that begin with 'nxh_' are made by the hub: POST /keys makes one.");
  if (patch.headers)
    if (auto headers = parse_provider_headers(*patch.headers); !headers)
      return complaint("headers", headers.error().message);
  if (patch.timeouts)
    if (auto timeouts = parse_provider_timeouts(*patch.timeouts, session.options().upstream); !timeouts)
      return complaint("timeouts", timeouts.error().message);
  return patch;
}

result<model_patch> read_model_patch(session& session, bool is_new) {
  auto body = read_object(session);
  if (!body) return body.error();
  member_reader members(*body);
  model_patch patch;
  if (is_new) {
    members.require("provider_id");
    members.require("model_name");
  }
  patch.provider_id = members.integer("provider_id", 1, INT64_MAX);
  patch.model_name = members.text("model_name", name_bytes_max);
  patch.description = members.text("description", description_bytes_max);
  const auto prices = members.object("prices");
  patch.output_tokens_max = members.integer("output_tokens_max", 0, output_tokens_bound);
  members.ignore({"id", "created_at", "updated_at"});
  if (auto finished = members.finish(); !finished) return finished.error();
  if (prices) {
    auto read = read_prices(*prices);
    if (!read) return read.error();
    patch.prices = *read;
  }
  if (patch.model_name && !is_name(*patch.model_name))
    return complaint("model_name",
                     "'model_name' must not be empty, nor begin or end with a space, nor hold control characters.");
  return patch;
}

}  // namespace

void list_providers(session& session) {
  const auto page = read_page(session);
  if (!page) return session.fail(page.error());
  json::writer out;
  out.object();
  write_page(out, "providers", session.home().snapshot->providers, *page,
             [&](const provider_ptr& config) { write_provider(out, session, *config); });
  out.end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void create_provider(session& session) {
  auto patch = read_provider_patch(session, nullptr);
  if (!patch) return session.fail(patch.error());
  change_and_answer(session, nexus::change_provider{{}, std::move(*patch), {}, {}},
                    [](nexus::session& session_, int64_t id) { answer_provider(session_, id, 201); });
}

void show_provider(session& session) {
  const auto id = id_parameter(session, 0, "provider");
  if (!id) return session.fail(id.error());
  answer_provider(session, *id, 200);
}

void update_provider(session& session) {
  const auto id = id_parameter(session, 0, "provider");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  const auto present = session.home().snapshot->providers.find(*id);
  if (present == session.home().snapshot->providers.end()) return session.fail(no_provider(*id));
  auto patch = read_provider_patch(session, present->second.get());
  if (!patch) return session.fail(patch.error());
  change_and_answer(session, nexus::change_provider{*id, std::move(*patch), *version, {}},
                    [](nexus::session& session_, int64_t changed) { answer_provider(session_, changed, 200); });
}

void delete_provider(session& session) {
  const auto id = id_parameter(session, 0, "provider");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  change_and_answer(session, remove_provider{*id, *version, {}}, answer_removed);
}

void list_provider_models(session& session) {
  const auto id = id_parameter(session, 0, "provider");
  if (!id) return session.fail(id.error());
  const auto page = read_page(session);
  if (!page) return session.fail(page.error());
  const auto found = session.home().snapshot->providers.find(*id);
  if (found == session.home().snapshot->providers.end()) return session.fail(no_provider(*id));
  std::map<int64_t, std::shared_ptr<const storage::provider_model>> rows;
  for (const auto& model : found->second->models) rows.emplace(model->id, model);
  json::writer out;
  out.object();
  write_page(out, "models", rows, *page, [&](const auto& row) { write_model(out, *row); });
  out.end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void create_provider_model(session& session) {
  auto patch = read_model_patch(session, true);
  if (!patch) return session.fail(patch.error());
  change_and_answer(session, change_model{{}, std::move(*patch), {}, {}},
                    [](nexus::session& session_, int64_t id) { answer_model(session_, id, 201); });
}

void show_provider_model(session& session) {
  const auto id = id_parameter(session, 0, "model");
  if (!id) return session.fail(id.error());
  answer_model(session, *id, 200);
}

void update_provider_model(session& session) {
  const auto id = id_parameter(session, 0, "model");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  auto patch = read_model_patch(session, false);
  if (!patch) return session.fail(patch.error());
  change_and_answer(session, change_model{*id, std::move(*patch), *version, {}},
                    [](nexus::session& session_, int64_t changed) { answer_model(session_, changed, 200); });
}

void delete_provider_model(session& session) {
  const auto id = id_parameter(session, 0, "model");
  if (!id) return session.fail(id.error());
  const auto version = if_match(session);
  if (!version) return session.fail(version.error());
  change_and_answer(session, remove_model{*id, *version, {}}, answer_removed);
}

}  // namespace nexus::endpoints
