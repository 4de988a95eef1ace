// The rows of the store as values. Times are milliseconds since 1970 UTC.
#pragma once

#include "conf/money.hpp"
#include "conf/secret.hpp"
#include "storage/access_records.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nexus::storage {

/// A configured upstream. `kind` is "openai" or "demo".
struct provider {
  int64_t id = 0;
  std::string name;
  std::string kind = "openai";
  std::string server_url;
  secret server_key;
  secret personalized_key;
  std::string description;
  bool enabled = true;
  int32_t weight = 1;
  int32_t priority = 0;         // lower is tried first
  std::string headers = "{}";   // JSON object: further headers for the upstream
  std::string timeouts = "{}";  // JSON object: overrides of [upstream], in milliseconds
  int64_t created_at = 0;
  int64_t updated_at = 0;
  int64_t version = 1;  // its ETag

  provider duplicate() const;
};

struct provider_model {
  int64_t id = 0;
  int64_t provider_id = 0;
  std::string model_name;
  std::string description;
  token_prices prices = {};
  int64_t output_tokens_max = 0;  // reserved for a request without a bound of its own; 0: the hub's default
  int64_t created_at = 0;
  int64_t updated_at = 0;
  int64_t version = 1;
};

/// Everything the registry needs at the start.
struct control_plane {
  std::vector<provider> providers;     // ORDER BY id
  std::vector<provider_model> models;  // ORDER BY id
  std::vector<api_key> keys;           // ORDER BY id
};

struct conversation_totals {
  std::string conversation_id;
  int64_t rounds = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t first_at = 0;
  int64_t last_at = 0;
};

struct hub_totals {
  int64_t conversations = 0;
  int64_t rounds = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

/// What a key has spent since `period_begin`: in a period of its budget, or, with 0, in all.
struct key_spending {
  int64_t key_id = 0;
  int64_t period_begin = 0;
  int64_t requests = 0;
  int64_t tokens = 0;
  money cost = 0;
};

/// The newest state of a conversation, for recognising its continuation after a restart.
struct history_link {
  uint64_t history_hash = 0;
  std::string conversation_id;
};

}  // namespace nexus::storage
