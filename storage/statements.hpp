// Every statement of the store, prepared once. Parameters are bound from left to right.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace nexus::storage {

enum class sql : size_t {
  meta_read,
  meta_write,
  meta_replace,
  secrets_behind,
  secrets_left,
  secrets_reseal,
  keys,
  key_providers,
  key_find,
  key_head,
  key_insert,
  key_update,
  key_replace,
  key_touch,
  key_delete,
  key_link,
  key_unlink,
  key_of_provider,
  keys_purge,
  providers_without_key,
  administrators,
  administrator_head,
  administrator_insert,
  administrator_update,
  administrator_password,
  administrator_delete,
  administrators_left,
  sessions,
  session_insert,
  session_touch,
  session_delete,
  sessions_of,
  sessions_purge,
  audit_insert,
  audit_page,
  providers,
  provider_head,
  provider_insert,
  provider_update,
  provider_delete,
  models,
  model_head,
  model_insert,
  model_update,
  model_delete,
  request_insert,
  attempt_insert,
  usage_series_move,
  usage_series_insert,
  usage_day_move,
  usage_day_insert,
  spending_move,
  spending_insert,
  stat_insert,
  conversation_move,
  conversation_insert,
  totals_move,
  conversation,
  totals,
  recent_history,
  spending,
  calibration_keep,
  calibrations,
};

struct sql_row {
  sql name;
  std::string_view text;
};

constexpr std::array statements{
    sql_row{sql::meta_read, "SELECT value FROM meta WHERE key = ?"},
    sql_row{sql::meta_write, "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"},
    sql_row{sql::meta_replace, "UPDATE meta SET value = ? WHERE key = ?"},

    // Of a rotation: ?1 is what every text begins with that is sealed under the active key.
    sql_row{sql::secrets_behind,
            "SELECT id, row_uuid, server_key, personalized_key, headers FROM service_providers "
            "WHERE (length(server_key) > 0 AND substr(server_key, 1, 5) <> ?1) "
            "OR (length(personalized_key) > 0 AND substr(personalized_key, 1, 5) <> ?1) "
            "OR (length(headers) > 0 AND substr(headers, 1, 5) <> ?1) ORDER BY id LIMIT ?2"},
    sql_row{sql::secrets_left,
            "SELECT (SELECT count(*) FROM service_providers "
            "WHERE (length(server_key) > 0 AND substr(server_key, 1, 5) <> ?1) "
            "OR (length(personalized_key) > 0 AND substr(personalized_key, 1, 5) <> ?1) "
            "OR (length(headers) > 0 AND substr(headers, 1, 5) <> ?1)) "
            "+ (SELECT count(*) FROM meta WHERE key = ?2 AND substr(value, 1, 5) <> ?1)"},
    sql_row{sql::secrets_reseal,
            "UPDATE service_providers SET server_key = ?, personalized_key = ?, headers = ? WHERE id = ?"},

    sql_row{sql::keys,
            "SELECT id, name, origin, digest, former_digest, former_until, masked, providers, models, addresses, "
            "enabled, expires_at, requests_per_minute, tokens_per_minute, concurrent_requests, budget_unit, "
            "budget_amount, budget_period, budget_time_zone, on_leave, drain_seconds, drain_tokens, drain_money, "
            "last_used_at, created_at, updated_at, version FROM api_keys ORDER BY id"},
    sql_row{sql::key_providers, "SELECT key_id, provider_id FROM provider_keys ORDER BY provider_id"},
    sql_row{sql::key_find, "SELECT id, origin FROM api_keys WHERE digest = ?1 OR former_digest = ?1"},
    sql_row{sql::key_head, "SELECT version, created_at, origin FROM api_keys WHERE id = ?"},
    sql_row{sql::key_insert,
            "INSERT INTO api_keys (name, origin, digest, former_digest, former_until, masked, providers, models, "
            "addresses, enabled, expires_at, requests_per_minute, tokens_per_minute, concurrent_requests, budget_unit, "
            "budget_amount, budget_period, budget_time_zone, on_leave, drain_seconds, drain_tokens, drain_money, "
            "last_used_at, created_at, updated_at, version) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::key_update,
            "UPDATE api_keys SET name = ?, origin = ?, digest = ?, former_digest = ?, former_until = ?, masked = ?, "
            "providers = ?, models = ?, addresses = ?, enabled = ?, expires_at = ?, requests_per_minute = ?, "
            "tokens_per_minute = ?, concurrent_requests = ?, budget_unit = ?, budget_amount = ?, budget_period = ?, "
            "budget_time_zone = ?, on_leave = ?, drain_seconds = ?, drain_tokens = ?, drain_money = ?, "
            "last_used_at = max(last_used_at, ?), created_at = ?, updated_at = ?, version = ? WHERE id = ?"},
    sql_row{sql::key_replace,
            "UPDATE api_keys SET digest = ?, masked = ?, updated_at = ?, version = version + 1 WHERE id = ?"},
    sql_row{sql::key_touch, "UPDATE api_keys SET last_used_at = max(last_used_at, ?) WHERE id = ?"},
    sql_row{sql::key_delete, "DELETE FROM api_keys WHERE id = ?"},
    sql_row{sql::key_link,
            "INSERT INTO provider_keys (provider_id, key_id) VALUES (?, ?) "
            "ON CONFLICT (provider_id) DO UPDATE SET key_id = excluded.key_id"},
    sql_row{sql::key_unlink, "DELETE FROM provider_keys WHERE provider_id = ?"},
    sql_row{sql::key_of_provider,
            "SELECT key_id, (SELECT count(*) FROM provider_keys AS other WHERE other.key_id = own.key_id) "
            "FROM provider_keys AS own WHERE provider_id = ?"},
    sql_row{sql::keys_purge,
            "DELETE FROM api_keys WHERE origin = 'provider' AND id NOT IN (SELECT key_id FROM provider_keys)"},
    sql_row{sql::providers_without_key,
            "SELECT id FROM service_providers WHERE length(personalized_key) > 0 "
            "AND id NOT IN (SELECT provider_id FROM provider_keys) ORDER BY id"},

    sql_row{sql::administrators,
            "SELECT id, name, password, role, created_at, updated_at, version FROM administrators ORDER BY id"},
    sql_row{sql::administrator_head, "SELECT version, created_at, role, password FROM administrators WHERE id = ?"},
    sql_row{sql::administrator_insert,
            "INSERT INTO administrators (name, password, role, created_at, updated_at, version) "
            "VALUES (?, ?, ?, ?, ?, ?)"},
    sql_row{sql::administrator_update,
            "UPDATE administrators SET name = ?, password = ?, role = ?, created_at = ?, updated_at = ?, version = ? "
            "WHERE id = ?"},
    sql_row{sql::administrator_password, "UPDATE administrators SET password = ? WHERE id = ? AND password = ?"},
    sql_row{sql::administrator_delete, "DELETE FROM administrators WHERE id = ?"},
    sql_row{sql::administrators_left, "SELECT count(*) FROM administrators WHERE role = 'administrator' AND id <> ?"},

    sql_row{sql::sessions,
            "SELECT digest, administrator_id, made_at, used_at FROM admin_sessions ORDER BY used_at DESC, digest "
            "LIMIT ?"},
    sql_row{sql::session_insert,
            "INSERT INTO admin_sessions (digest, administrator_id, made_at, used_at) VALUES (?, ?, ?, ?)"},
    sql_row{sql::session_touch, "UPDATE admin_sessions SET used_at = max(used_at, ?) WHERE digest = ?"},
    sql_row{sql::session_delete, "DELETE FROM admin_sessions WHERE digest = ?"},
    sql_row{sql::sessions_of, "DELETE FROM admin_sessions WHERE administrator_id = ?"},
    sql_row{sql::sessions_purge, "DELETE FROM admin_sessions WHERE made_at < ? OR used_at < ?"},

    sql_row{sql::audit_insert,
            "INSERT INTO audit_log (at, actor, action, resource, resource_id, before, after, address, request_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::audit_page,
            "SELECT id, at, actor, action, resource, resource_id, before, after, address, request_id FROM audit_log "
            "WHERE id < ? ORDER BY id DESC LIMIT ?"},

    sql_row{sql::providers,
            "SELECT id, row_uuid, name, kind, server_url, server_key, personalized_key, description, enabled, weight, "
            "priority, headers, timeouts, created_at, updated_at, version FROM service_providers ORDER BY id"},
    sql_row{sql::provider_head, "SELECT version, created_at, row_uuid FROM service_providers WHERE id = ?"},
    sql_row{
        sql::provider_insert,
        "INSERT INTO service_providers (row_uuid, name, kind, server_url, server_key, personalized_key, description, "
        "enabled, weight, priority, headers, timeouts, created_at, updated_at, version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::provider_update,
            "UPDATE service_providers SET name = ?, kind = ?, server_url = ?, server_key = ?, personalized_key = ?, "
            "description = ?, enabled = ?, weight = ?, priority = ?, headers = ?, timeouts = ?, created_at = ?, "
            "updated_at = ?, version = ? WHERE id = ?"},
    sql_row{sql::provider_delete, "DELETE FROM service_providers WHERE id = ?"},

    sql_row{
        sql::models,
        "SELECT id, provider_id, model_name, description, price_input, price_output, price_cached, price_reasoning, "
        "output_tokens_max, created_at, updated_at, version FROM provider_models ORDER BY id"},
    sql_row{sql::model_head, "SELECT version, created_at FROM provider_models WHERE id = ?"},
    sql_row{
        sql::model_insert,
        "INSERT INTO provider_models (provider_id, model_name, description, price_input, price_output, price_cached, "
        "price_reasoning, output_tokens_max, created_at, updated_at, version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::model_update,
            "UPDATE provider_models SET provider_id = ?, model_name = ?, description = ?, price_input = ?, "
            "price_output = ?, price_cached = ?, price_reasoning = ?, output_tokens_max = ?, created_at = ?, "
            "updated_at = ?, version = ? WHERE id = ?"},
    sql_row{sql::model_delete, "DELETE FROM provider_models WHERE id = ?"},

    // A request that is known already changes nothing.
    sql_row{
        sql::request_insert,
        "INSERT INTO requests (request_id, key_id, provider_id, model_name, conversation_id, created_at, settled_at, "
        "outcome, attempts, stream, ttft_ms, duration_ms, prompt_tokens, completion_tokens, cached_tokens, "
        "reasoning_tokens, prompt_source, completion_source, cached_source, reasoning_source, reported_prompt, "
        "reported_completion, counted_prompt, counted_completion, flags, price_input, price_output, price_cached, "
        "price_reasoning, cost, reserved_tokens, reserved_money, period_begin, history_hash) VALUES (?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (request_id) DO NOTHING"},
    sql_row{sql::attempt_insert,
            "INSERT INTO attempts (request_id, attempt, provider_id, started_at, duration_ms, status, outcome) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"},
    // A sum is moved where it stands, else begun: both take the same parameters. Faster than ON CONFLICT, as it nearly
    // always stands.
    sql_row{sql::usage_series_move,
            "UPDATE usage_series SET "
            "requests = requests + ?6, errors = errors + ?7, prompt_tokens = prompt_tokens + ?8, "
            "completion_tokens = completion_tokens + ?9, cached_tokens = cached_tokens + ?10, "
            "reasoning_tokens = reasoning_tokens + ?11, cost = cost + ?12, duration_ms = duration_ms + ?13, "
            "ttft_ms = ttft_ms + ?14, streams = streams + ?15 WHERE span = ?1 AND grouping = ?2"
            " AND begin_at = ?3 AND group_id = ?4 AND group_name = ?5"},
    sql_row{sql::usage_series_insert, "INSERT INTO usage_series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::usage_day_move,
            "UPDATE usage_days SET "
            "requests = requests + ?5, errors = errors + ?6, prompt_tokens = prompt_tokens + ?7, "
            "completion_tokens = completion_tokens + ?8, cached_tokens = cached_tokens + ?9, "
            "reasoning_tokens = reasoning_tokens + ?10, cost = cost + ?11, duration_ms = duration_ms + ?12, "
            "ttft_ms = ttft_ms + ?13, streams = streams + ?14, reported_prompt = reported_prompt + ?15, "
            "counted_prompt = counted_prompt + ?16, reported_completion = reported_completion + ?17, "
            "counted_completion = counted_completion + ?18 WHERE begin_at = ?1 AND key_id = ?2"
            " AND provider_id = ?3 AND model_name = ?4"},
    sql_row{sql::usage_day_insert,
            "INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    sql_row{sql::spending_move,
            "UPDATE key_spending SET "
            "requests = requests + ?3, tokens = tokens + ?4, cost = cost + ?5 WHERE key_id = ?1"
            " AND period_begin = ?2"},
    sql_row{sql::spending_insert, "INSERT INTO key_spending VALUES (?, ?, ?, ?, ?)"},
    sql_row{sql::stat_insert,
            "INSERT INTO chat_stats (id, timestamp, conversation_id, provider_id, model_name, tokens_count, is_prompt) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"},
    // Batches may come out of order.
    sql_row{sql::conversation_move,
            "UPDATE conversations SET rounds = rounds + ?2, prompt_tokens = prompt_tokens + ?3, "
            "completion_tokens = completion_tokens + ?4, first_at = min(first_at, ?5), last_at = max(last_at, ?6) "
            "WHERE conversation_id = ?1"},
    sql_row{sql::conversation_insert,
            "INSERT INTO conversations (conversation_id, rounds, prompt_tokens, completion_tokens, first_at, last_at) "
            "VALUES (?, ?, ?, ?, ?, ?)"},
    sql_row{sql::totals_move,
            "UPDATE totals SET conversations = conversations + ?, rounds = rounds + ?, "
            "prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ? WHERE id = 1"},

    sql_row{sql::conversation,
            "SELECT conversation_id, rounds, prompt_tokens, completion_tokens, first_at, last_at FROM conversations "
            "WHERE conversation_id = ?"},
    sql_row{sql::totals, "SELECT conversations, rounds, prompt_tokens, completion_tokens FROM totals WHERE id = 1"},
    sql_row{sql::recent_history,
            "SELECT history_hash, conversation_id FROM requests WHERE history_hash <> 0 ORDER BY id DESC LIMIT ?"},
    sql_row{sql::spending, "SELECT key_id, period_begin, requests, tokens, cost FROM key_spending"},
    sql_row{sql::calibration_keep,
            "INSERT INTO calibrations VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state"},
    sql_row{sql::calibrations, "SELECT model_name, state FROM calibrations"},
};

consteval bool statements_in_order() {
  for (size_t i = 0; i < statements.size(); ++i) {
    if (static_cast<size_t>(statements[i].name) != i) return false;
  }
  return statements.size() == static_cast<size_t>(sql::calibrations) + 1;
}
static_assert(statements_in_order(), "one row for each name, in the order of the enum");

}  // namespace nexus::storage
