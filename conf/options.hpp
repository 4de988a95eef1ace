// Everything an operator can set, with its default. The table in options.cpp names each member once: its TOML
// section and key, its environment variable and its unit. Immutable after loading; shared as `shared_ptr<const
// options>`.
#pragma once

#include "conf/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace nexus {

using std::chrono::milliseconds;

struct server_options {
  std::string listen = "127.0.0.1:8000";  // HOST:PORT; an IPv6 host stands in brackets
  unsigned threads = 0;                   // shards; 0 is one per core
  std::string data_dir = "./data";        // database, keys and tokens
  std::string tls_certificate;            // PEM chain; with tls_key the listener speaks HTTPS
  std::string tls_key;                    // PEM
  uint32_t connections_max = 10'000;      // client connections of the whole process
  uint64_t body_bytes_max = 33'554'432;   // largest request body
  milliseconds head_timeout{10'000};      // to receive a whole request head
  milliseconds body_timeout{60'000};      // longest silence inside a request body
  milliseconds idle_timeout{75'000};      // a kept-alive connection without a request
  milliseconds write_timeout{60'000};     // a client that takes nothing
  milliseconds drain_timeout{60'000};     // SIGTERM: how long running exchanges may go on
};

struct web_options {
  bool enabled = true;  // serve the interface at /
  std::string dir;      // serve it from this folder instead of the embedded copy (development)
};

struct upstream_options {
  milliseconds connect_timeout{10'000};       // DNS, TCP and TLS together
  milliseconds head_timeout{300'000};         // from the sent request to the answer's head
  milliseconds first_token_timeout{300'000};  // from the head of a stream to its first event
  milliseconds idle_timeout{120'000};         // longest silence inside an answer
  milliseconds total_timeout{1'800'000};      // a whole call
  milliseconds keep_alive_comment{10'000};    // silence after which a client's stream gets a comment line
  milliseconds pool_idle_timeout{50'000};     // an unused upstream connection
  uint32_t connections_max = 10'000;          // per provider and shard
  uint32_t queue_max = 1024;                  // calls waiting for a connection, per provider and shard
  uint64_t answer_bytes_max = 67'108'864;     // largest answer that is not a stream
  uint32_t output_tokens_default = 4'096;     // reserved where neither the request nor its model sets a bound
  uint32_t failures_before_open = 5;          // failures in a row that open a provider's circuit
  milliseconds backoff_min{250};              // first pause of an open circuit; doubles up to backoff_max
  milliseconds backoff_max{30'000};
  std::string ca_file;  // further PEM roots to trust beside the system's
  bool operator==(const upstream_options&) const = default;
};

struct websocket_options {
  uint64_t message_bytes_max = 16'777'216;  // largest frame from a client
  uint32_t chats_max = 32;                  // running chats of one socket
  milliseconds resume_window{600'000};      // how long a chat outlives its socket
  milliseconds ping_interval{30'000};
  std::vector<std::string> origins;  // further origins allowed to connect, for example "https://chat.example.org"
};

struct storage_options {
  std::string durability = "process";  // what loses nothing when it ends: "process", or "power" for the machine
  milliseconds batch_delay{50};        // longest time a row waits for its batch
  uint32_t queue_max = 16'384;         // requests under way or not yet in the database; beyond it they are refused
  milliseconds busy_timeout{5'000};    // how long to wait for a locked database
};

struct security_options {
  std::string master_key_file;  // 32 bytes, base64; empty is <data_dir>/master.key
  milliseconds session_idle{1'800'000};
  milliseconds session_max{43'200'000};
  bool core_dumps = false;  // let core dumps and debuggers see the process's memory
};

struct log_options {
  std::string level = "info";   // error, warn, info, debug
  std::string format = "text";  // text, json
};

struct demo_options {
  bool enabled = true;              // offer the built-in provider while the store is new
  milliseconds delta_interval{25};  // its pace
};

struct options {
  server_options server;
  web_options web;
  upstream_options upstream;
  websocket_options websocket;
  storage_options storage;
  security_options security;
  log_options log;
  demo_options demo;
};

/// One `NAME=VALUE` of the environment, or a flag as `section.key` and value.
using setting = std::pair<std::string, std::string>;

/// Returns defaults < file < environment < flags. `file` empty means no file. `environment` holds the variables that
/// start with NEXUS_ (`NEXUS_SERVER_LISTEN`; lists are comma-separated); unknown ones of a section of ours, and those
/// that look like a mistyped setting, are errors, all others somebody else's. NEXUS_ADMIN_TOKEN, NEXUS_MASTER_KEY and
/// NEXUS_CONFIG are no settings. Errors name file, line and column, or the variable, in one sentence:
/// "conf/x.toml:3:1: unknown key 'lisen' in [server], did you mean 'listen'?".
result<options> load_options(const std::filesystem::path& file, const std::vector<setting>& environment,
                             const std::vector<setting>& flags);

/// Returns the options as TOML, every key with its comment: with the defaults exactly conf/nexus-hub.toml.
std::string to_toml(const options& options);

/// Returns the variables of this process that start with NEXUS_.
std::vector<setting> environment_settings();

}  // namespace nexus
