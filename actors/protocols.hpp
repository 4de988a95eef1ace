// Every message between actors, and the interface of every actor that is spoken to across threads. Messages are values;
// what is big or secret goes by `shared_ptr<const T>`. The CAF macros for them stand in messages.hpp.
#pragma once

#include "actors/messages.hpp"
#include "actors/snapshot.hpp"
#include "actors/token_counting.hpp"
#include "net/asio.hpp"
#include "net/probe.hpp"
#include "net/stream_relay.hpp"
#include "net/timer_wheel.hpp"
#include "net/upstream_call.hpp"
#include "storage/reader.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>

namespace nexus::storage {
class store;
}

namespace nexus {

// --- The data plane. All within one shard: CONSUMER (a session or a running chat) -> router -> provider ->
// provider-client,
// --- and back. `attempt` is the consumer's number for one try; answers of earlier tries are ignored by it.

class ledger_ticket;

/// One exchange's call: immutable, shared by its attempts.
struct call {
  std::string request_id;  // ours, unique
  std::string label;       // x-request-id as the caller knows it
  std::string conversation_id;
  std::string model;
  std::string body;  // with all edits, ready for an upstream of the OpenAI dialect
  net::call_settings settings;
  int64_t prompt_tokens = 0;    // counted by us
  bool is_exact = false;        // by the model's own tokenizer
  model_counting_ptr counting;  // how its answer is counted
  int64_t received_at = 0;      // wall clock, ms
  net::steady_time started{};
  principal_ptr principal;
  std::optional<int64_t> provider_id;     // the caller insists on this provider
  std::shared_ptr<ledger_ticket> ticket;  // its entry in the ledger; never null
};
using call_ptr = std::shared_ptr<const call>;

/// consumer -> router -> provider -> provider-client: make this call; `tried` providers are out.
struct route_call {
  call_ptr what;
  uint64_t attempt = 0;
  std::vector<int64_t> tried;
  caf::actor consumer;
};

/// provider-client -> consumer: the call is mine; pause, resume and cancel go to `client`.
struct call_accepted {
  uint64_t attempt = 0;
  provider_ptr provider;
  caf::actor client;
};

/// provider-client -> consumer: more of a stream.
struct call_part {
  uint64_t attempt = 0;
  net::stream_part part;
};

/// provider-client (or whoever answers for it) -> consumer: the last word of an attempt.
struct call_end {
  uint64_t attempt = 0;
  int64_t provider_id = 0;  // 0 if none was reached
  net::stream_part part;    // the last of a stream
  net::call_verdict verdict;
  net::answer_facts facts;
  token_counts charged;                        // as recorded
  money cost = 0;                              //
  std::chrono::microseconds upstream_time{0};  // spent waiting for the upstream, connecting included
  std::chrono::milliseconds ttft{0};
};

/// consumer -> provider-client: stop and go on reading; leave the upstream. A cancelled call is settled, not answered.
struct call_pause {
  uint64_t attempt = 0;
};
struct call_resume {
  uint64_t attempt = 0;
};
struct call_cancel {
  uint64_t attempt = 0;
  bool is_stop = false;  // the user's will; else the client is gone, and its key says what becomes of the call
};

/// provider-client -> provider: how the call went, and whether the client awaits another.
struct client_done {
  caf::actor_id client = 0;
  enum class verdict { worked, failed, abandoned } outcome = verdict::worked;
  bool idle = false;  // awaits another call; else it ends by itself
};
/// provider-client -> provider: my idle connection is gone; dismiss me unless a call is already on its way.
struct client_expired {
  caf::actor_id client = 0;
};

// --- Control within a shard.

/// registry -> shard supervisor: the new world. Answered with `published` once the shard uses it.
struct publish {
  snapshot_ptr what;
};
struct published {};

/// supervisor -> router: where calls go from now on.
struct routes {
  std::map<int64_t, caf::actor> providers;
};

/// supervisor -> provider: your configuration changed, or you are to finish what runs and go.
struct reconfigure {
  provider_ptr config;
};
struct retire {};

/// supervisor -> itself INTERNAL: start the child again.
struct restart_child {
  int64_t provider_id = 0;  // 0 is the router
};

/// main -> root supervisor: watch this shard's supervisor; `start` makes another one on its shard.
struct watch_shard {
  caf::actor supervisor;
  std::function<caf::actor()> start;
};
/// root supervisor -> itself INTERNAL.
struct restart_shard {
  std::function<caf::actor()> start;
};

/// main -> every session and provider, through the shard: no new work; idle ones go at once.
struct drain {};

/// An event of an actor's own sockets and deadlines. INTERNAL.
struct shard_event {
  enum class kind : uint8_t { start, readable, writable, connected, flushed, deadline, tick } what = kind::start;
  static constexpr size_t kinds = 7;
};

// --- WebSocket chats.

/// What Beast read from, or has written to, the own socket. INTERNAL.
struct socket_message {
  net::error_code ec;
  std::string text;
  bool is_text = true;
};
struct socket_written {
  net::error_code ec;
};

/// One frame for the client, complete JSON text. chat -> websocket session; answered with `frame_written`.
struct ws_frame {
  uint64_t chat = 0;  // the chat's number on this socket
  std::string text;
  bool last = false;  // the chat is over
};
struct frame_written {};

/// websocket session -> chat: send your frames to me from `last_seq` on.
struct attach_socket {
  caf::actor socket;
  uint64_t chat = 0;
  uint64_t last_seq = 0;
};
/// websocket session -> chat: I am gone.
struct detach_socket {
  caf::actor_addr socket;
};
/// websocket session -> chat: the user stopped it.
struct stop_chat {};

/// The running chats of the process, so that a reconnect on any shard finds its own. Keys are scoped by the caller.
struct enlist_chat {
  uint64_t principal = 0;
  std::string id;
  caf::actor chat;
};
struct find_chat {
  uint64_t principal = 0;
  std::string id;
};
struct found_chat {
  caf::actor chat;  // null if there is none
};

/// The CHAT DIRECTORY actor.
using chat_directory_actor = caf::typed_actor<
    // A chat runs; a later one of the same name takes its place. It is forgotten when it ends.
    caf::reacts_to<enlist_chat>,
    // Answers the chat, or null.
    caf::replies_to<find_chat>::with<found_chat>>;

// --- Statistics and the store.

struct rows_due {
  bool is_retry = false;  // the stats-writer's own
};
/// provider-client -> stats-writer: put the journal on the disk, up to this number of `ledger::note_sent`.
struct make_durable {
  uint64_t number = 0;
};
struct made_durable {
  std::optional<error> failure;
};
/// Answered when everything settled before is committed.
struct commit_rows {};
struct rows_committed {
  std::optional<error> failure;
};
struct conversation_query {
  std::string conversation_id;
};
struct conversation_reply {
  std::optional<error> failure;
  std::optional<storage::conversation_totals> totals;
};
struct totals_query {};
struct totals_reply {
  std::optional<error> failure;
  storage::hub_totals totals;
};
struct close_store {};
struct store_closed {
  uint64_t lost = 0;  // exchanges that could not be written
};

/// A change of the control plane, ready to be stored.
struct store_change {
  enum class kind {
    insert_provider,
    update_provider,
    delete_provider,
    insert_model,
    update_model,
    delete_model,
    insert_key,
    update_key,
    delete_key
  } what = kind::insert_provider;
  std::shared_ptr<const storage::provider> provider;
  std::shared_ptr<const storage::provider_model> model;
  std::shared_ptr<const storage::api_key> key;
  int64_t id = 0;                                     // for deletions
  std::optional<int64_t> version;                     // of an If-Match
  std::shared_ptr<const storage::audit_entry> audit;  // who asked for it; written in the same transaction
};
struct change_reply {
  std::optional<error> failure;
  int64_t id = 0;                              // of the row that was made or changed
  std::shared_ptr<const control_state> state;  // of the whole control plane after it; the registry keeps it to itself
};

/// Further work for the store, in its turn on the writer's thread. What `run` finds, it leaves in what it captured.
struct store_task {
  std::function<void(storage::store&)> run;
};
struct store_task_done {};

/// The STATS-WRITER actor: the only connection that writes, checkpoints and answers totals.
using stats_writer_actor = caf::typed_actor<
    // Rows wait in the outbox (or are tried again, INTERNAL): write them.
    caf::reacts_to<rows_due>,
    // Answered once the journal is on the disk; many are answered by one write.
    caf::replies_to<make_durable>::with<made_durable>, caf::replies_to<commit_rows>::with<rows_committed>,
    // Stores a change in a transaction of its own.
    caf::replies_to<store_change>::with<change_reply>,
    // Does what administration needs beside that: sessions, administrators, the audit log.
    caf::replies_to<store_task>::with<store_task_done>,
    // Answer after everything received before is committed.
    caf::replies_to<conversation_query>::with<conversation_reply>, caf::replies_to<totals_query>::with<totals_reply>,
    // Commits, checkpoints, closes, and ends.
    caf::replies_to<close_store>::with<store_closed>>;

// --- Tokens.

/// anyone -> token-counter: load what the model needs and count `text`, a chat request's body or plain text.
struct count_tokens {
  model_counting_ptr counting;
  std::shared_ptr<const std::string> text;
  bool is_chat = false;
};
struct count_reply {
  std::optional<error> failure;
  token_count counted;
};

/// The TOKEN-COUNTER actor.
using token_counter_actor = caf::typed_actor<caf::replies_to<count_tokens>::with<count_reply>>;

// --- Questions that read much.

struct usage_question {
  int64_t span = 0;  // ms
  int64_t from = 0;  // ms since 1970, as `to`, which is not included
  int64_t to = 0;
  storage::usage_group group = storage::usage_group::none;
};
struct usage_reply {
  std::optional<error> failure;
  std::vector<storage::usage_row> found;
};
struct drift_question {};
struct drift_reply {
  std::optional<error> failure;
  std::vector<storage::drift_row> found;
};
struct audit_question {};
struct audit_reply {
  std::optional<error> failure;
  storage::audit_report found;
};

/// The STATS-READER actor. Sees what was committed before.
using stats_reader_actor = caf::typed_actor<caf::replies_to<usage_question>::with<usage_reply>,
                                            caf::replies_to<drift_question>::with<drift_reply>,
                                            caf::replies_to<audit_question>::with<audit_reply>>;

// --- The registry.

/// Who asks for a change, for the audit log.
struct change_origin {
  std::string actor;
  std::string address;
  std::string request_id;
};
using change_origin_ptr = std::shared_ptr<const change_origin>;

/// What a request changes of a provider; absent members stay.
struct provider_patch {
  std::optional<std::string> name, kind, server_url, description, headers, timeouts;
  std::shared_ptr<const secret> server_key, personalized_key;
  std::optional<bool> enabled;
  std::optional<int32_t> weight, priority;
};
struct model_patch {
  std::optional<int64_t> provider_id;
  std::optional<std::string> model_name, description;
  std::optional<token_prices> prices = std::nullopt;
  std::optional<int64_t> output_tokens_max = std::nullopt;
};
/// What a request changes of a personalized key. With a `digest` its text is new: that of a new key, or of a rotation,
/// after which the former text is good until `former_until`.
struct key_patch {
  std::optional<std::string> name, digest, masked;
  int64_t former_until = 0;
  std::optional<std::vector<int64_t>> providers;
  std::optional<std::vector<std::string>> models, addresses;
  std::optional<bool> enabled;
  std::optional<int64_t> expires_at;
  std::optional<storage::key_limits> limits;  // all but what happens when a client leaves
  std::optional<storage::key_limits> leave;   // only that
};
struct change_provider {
  std::optional<int64_t> id;  // none: make a new one
  provider_patch patch;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct change_model {
  std::optional<int64_t> id;
  model_patch patch;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct change_key {
  std::optional<int64_t> id;
  key_patch patch;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct remove_provider {
  int64_t id = 0;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct remove_model {
  int64_t id = 0;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct remove_key {
  int64_t id = 0;
  std::optional<int64_t> version;
  change_origin_ptr by = nullptr;
};
struct register_shard {
  caf::actor supervisor;
};
struct use_options {
  std::shared_ptr<const options> what;
};
/// Sessions or administrators were revoked (-> registry -> shards' supervisors), or keys and grants as well
/// (supervisor -> every session, socket and chat of the shard): look again whether your caller still holds.
struct access_changed {};

/// The REGISTRY actor: owns the control plane's state, the only one to change it.
using registry_actor = caf::typed_actor<
    // Each is answered after it is stored and every shard uses it.
    caf::replies_to<change_provider>::with<change_reply>, caf::replies_to<change_model>::with<change_reply>,
    caf::replies_to<remove_provider>::with<change_reply>, caf::replies_to<remove_model>::with<change_reply>,
    caf::replies_to<change_key>::with<change_reply>, caf::replies_to<remove_key>::with<change_reply>,
    // Sessions were revoked: every shard is told.
    caf::reacts_to<access_changed>,
    // A shard's supervisor lives (again): it gets the present snapshot and every later one.
    caf::reacts_to<register_shard>,
    // New options after a reload: provider defaults are computed anew.
    caf::reacts_to<use_options>>;

// --- Looks at an upstream, made off the shards.

/// session -> prober: go through the steps of a call; `model` is what the chat asks for, none if empty.
struct probe_provider {
  provider_ptr provider;
  std::shared_ptr<net::tls_context> tls;
  std::string model;
};
struct probe_reply {
  net::probe_report report;
};
/// session -> prober: ask the upstream for its models.
struct list_upstream {
  provider_ptr provider;
  std::shared_ptr<net::tls_context> tls;
};
struct upstream_reply {
  std::optional<error> failure;
  std::vector<std::string> models;  // sorted
};

/// The PROBER actor: one for each look, which may block.
using prober_actor = caf::typed_actor<
    // Answers within `probe_time`, then ends.
    caf::replies_to<probe_provider>::with<probe_reply>, caf::replies_to<list_upstream>::with<upstream_reply>>;

// --- Passwords, hashed off the shards.

class hash_permit;

/// session -> password hasher.
struct hash_password {
  std::shared_ptr<const secret> password;
  std::shared_ptr<const hash_permit> permit;
};
struct password_hashed {
  std::string hash;
};
struct check_password {
  std::shared_ptr<const secret> password;
  std::string hash;  // empty: of nobody
  std::shared_ptr<const hash_permit> permit;
};
struct password_checked {
  bool right = false;
  std::string fresh_hash;  // if the one in the store is outdated
};

/// The PASSWORD HASHER actor.
using password_hasher_actor = caf::typed_actor<
    // Answers the hash.
    caf::replies_to<hash_password>::with<password_hashed>,
    // Answers whether the password is right, after the same time in any case.
    caf::replies_to<check_password>::with<password_checked>>;

}  // namespace nexus
