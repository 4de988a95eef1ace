#include "actors/server.hpp"

#include "actors/chat_directory.hpp"
#include "actors/ids.hpp"
#include "actors/password_hasher.hpp"
#include "actors/provider_client.hpp"
#include "actors/registry.hpp"
#include "actors/stats_reader.hpp"
#include "actors/stats_writer.hpp"
#include "actors/token_counter.hpp"
#include "conf/log.hpp"
#include "storage/private_file.hpp"

#include <unistd.h>
#include <csignal>
#include <cstring>
#include <fstream>

namespace nexus {
namespace {

constexpr const char* demo_key = "nxh-demo";
constexpr const char* demo_model = "demo";
constexpr size_t token_bytes = 24;
constexpr std::chrono::milliseconds poll_interval{10};
// After the drain, how long the last connections may take to close, and the writer to write.
constexpr std::chrono::seconds closing_time{2};
constexpr std::chrono::seconds store_time{30};

bool is_loopback(const std::string& listen) {
  return listen.starts_with("127.") || listen.starts_with("localhost:") || listen.starts_with("[::1]");
}

std::string make_token() { return storage::base64url(storage::random_bytes(token_bytes)); }

/// The administrator's token for scripts: given, or of the file, which is made at the first start.
result<std::string> admin_token(const std::string& given, const std::filesystem::path& data_dir) {
  if (!given.empty()) return given;
  const auto file = data_dir / "admin.token";
  std::ifstream in(file);
  std::string token;
  if (in && std::getline(in, token) && !token.empty()) return token;
  token = make_token();
  if (auto written = storage::write_private_file(file, secret(token + "\n")); !written) return written.error();
  return token;
}

/// Opens the journal; what a former process left in it goes into the store first.
result<std::unique_ptr<storage::journal>> open_journal(storage::store& store, const std::filesystem::path& data_dir,
                                                       uint32_t places) {
  auto journal = storage::journal::open(storage::journal_file(data_dir), places);
  if (!journal) return journal.error();
  std::vector<const storage::ledger_entry*> settled;
  for (auto& entry : (*journal)->leftovers())
    if (storage::settle_leftover(entry, wall_clock_ms())) settled.push_back(&entry);
  if (auto recorded = store.record(settled); !recorded) return recorded.error();
  if (!settled.empty())
    log::storage().warn("requests-recovered", "{} requests that a former process left behind are recorded.",
                        settled.size());
  if (auto emptied = (*journal)->forget_leftovers(); !emptied) return emptied.error();
  return journal;
}

unsigned shard_count(const options& options) {
  return options.server.threads != 0 ? options.server.threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

std::filesystem::path master_key_file(const options& options) {
  if (!options.security.master_key_file.empty()) return options.security.master_key_file;
  return std::filesystem::path(options.server.data_dir) / "master.key";
}

result<storage::master_key> find_master_key(const std::string& given, const options& options, bool& created) {
  created = false;
  if (!given.empty()) return storage::master_key::from_base64(given);
  const bool is_new = !std::filesystem::exists(storage::store::file(options.server.data_dir));
  return storage::master_key::from_file(master_key_file(options), is_new, created);
}

server::server(std::shared_ptr<const options> options) : options_(std::move(options)) {
  // CAF's own scheduler carries what is rare: one thread that sleeps on a condition variable instead of polling.
  config_.set("scheduler.policy", caf::atom("sharing"));
  config_.set("scheduler.max-threads", size_t{1});
  config_.set("logger.console", caf::atom("none"));
}

server::~server() {
  if (!stopped_ && system_) stop([] { return true; });
}

result<std::unique_ptr<server>> server::start(std::shared_ptr<const options> options, const std::string& admin_token,
                                              const std::string& master_key) {
  std::unique_ptr<server> made(new server(std::move(options)));
  if (auto ready = made->prepare(admin_token, master_key); !ready) return ready.error();
  if (auto offered = made->offer_demo(); !offered) return offered.error();
  made->system_ = std::make_unique<caf::actor_system>(made->config_);
  if (auto opened = made->open_listeners(); !opened) {
    made->shards_.clear();
    made->system_.reset();
    return opened.error();
  }
  made->start_actors();
  made->start_shards();
  return made;
}

result<void> server::prepare(const std::string& given_token, const std::string& given_key) {
  const std::filesystem::path data_dir = options_->server.data_dir;
  if (auto folder = storage::make_private_folder(data_dir); !folder) return folder.error();
  bool created = false;
  auto key = find_master_key(given_key, *options_, created);
  if (!key) return key.error();
  if (created) greeting_.master_key_file = master_key_file(*options_).string();
  auto store = storage::store::open(data_dir, options_->storage, std::move(*key));
  if (!store) return store.error();
  store_ = std::move(*store);
  auto journal = open_journal(*store_, data_dir, options_->storage.queue_max);
  if (!journal) return journal.error();
  hub_ = std::make_unique<nexus::hub>(store_->pepper(), std::move(*journal));
  auto spending = store_->spending();
  if (!spending) return spending.error();
  hub_->ledger.accounts().load(*spending);
  auto calibrations = store_->calibrations();
  if (!calibrations) return calibrations.error();
  for (const auto& [model, state] : *calibrations) hub_->calibrations.restore(model, state);
  if (given_key.empty()) hub_->master_key_file = master_key_file(*options_);
  if (store_->master().ring().size() > 1)
    log::actors().warn("rotation-unfinished",
                       "The master key's rotation is unfinished: `nexus-hub secrets rotate` goes on with it.");

  auto seed = store_->hash_seed();
  if (!seed) return seed.error();
  std::memcpy(&hub_->history_seed, seed->data(), sizeof hub_->history_seed);
  auto links = store_->recent_history(limits::conversations_remembered_max);
  if (!links) return links.error();
  for (const auto& link : *links) hub_->conversations.remember(link.history_hash, link.conversation_id);

  auto token = admin_token(given_token, data_dir);
  if (!token) return token.error();
  return prepare_access(*token);
}

// The set-up token is offered until there is an administrator; afterwards `nexus-hub admin reset` makes one.
result<void> server::prepare_access(const std::string& token) {
  auto administrators = store_->administrators();
  if (!administrators) return administrators.error();
  if (administrators->empty()) greeting_.setup_token = make_token();
  const auto& security = options_->security;
  // Derived from what is the same under every master key, so that sessions outlive its rotation, too.
  hub_->access = std::make_unique<access_control>(
      storage::derive_key(hub_->pepper, {}, "nexushub session", 32), token, greeting_.setup_token,
      access_control::settings{security.session_idle, security.session_max});
  const auto now = wall_clock_ms();
  if (auto purged = store_->purge_sessions(now - security.session_max.count(), now - security.session_idle.count());
      !purged)
    return purged;
  auto sessions = store_->sessions(limits::sessions_max);
  if (!sessions) return sessions.error();
  hub_->access->use_administrators(std::move(*administrators));
  hub_->access->restore_sessions(*sessions, std::chrono::steady_clock::now(), now);
  return {};
}

// The key is known to everyone, so the offer is made only where nobody else can reach it.
result<void> server::offer_demo() {
  auto is_new = store_->is_new();
  if (!is_new) return is_new.error();
  if (*is_new && options_->demo.enabled && is_loopback(options_->server.listen)) {
    storage::provider row;
    row.name = "demo";
    row.kind = "demo";
    row.personalized_key = secret(demo_key);
    row.description = "Built in, without a network: answers at a steady pace to show what the hub does.";
    auto made = store_->insert_provider(row, wall_clock_ms());
    if (!made) return made.error();
    storage::provider_model model;
    model.provider_id = made->id;
    model.model_name = demo_model;
    if (auto stored = store_->insert_model(model, wall_clock_ms()); !stored) return stored.error();
  }
  auto rows = store_->load_control_plane();
  if (!rows) return rows.error();
  for (const auto& row : rows->providers) {
    if (row.kind != "demo" || !row.enabled || row.personalized_key.reveal() != demo_key) continue;
    greeting_.demo_key = demo_key;
    if (!is_loopback(options_->server.listen))
      log::actors().warn("demo-exposed",
                         "The demo provider is reachable from outside with its well-known key: delete or disable it.");
  }
  return {};
}

result<void> server::open_listeners() {
  std::shared_ptr<net::tls_context> tls;
  if (!options_->server.tls_certificate.empty()) {
    auto made = net::tls_context::server(options_->server.tls_certificate, options_->server.tls_key);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  auto upstream_tls = net::tls_context::client(options_->upstream.ca_file);
  if (!upstream_tls) return upstream_tls.error();
  auto address = options_->server.listen;
  for (unsigned i = 0; i < shard_count(*options_); ++i) {
    auto& slot = shards_.emplace_back();
    slot.shard = std::make_unique<shard>(*system_, *hub_, options_);
    slot.shard->upstream_tls = *upstream_tls;
    slot.acceptor = std::make_unique<acceptor>(*slot.shard);
    slot.acceptor->use_tls(tls);
    if (auto opened = slot.acceptor->open(address, i == 0); !opened) return opened;
    // Port 0 means any: the first shard's choice is everybody's.
    if (i == 0) address = address.substr(0, address.rfind(':') + 1) + std::to_string(slot.acceptor->port());
  }
  greeting_.address = (tls ? "https://" : "http://") + address;
  return {};
}

void server::start_actors() {
  auto rows = store_->load_control_plane();
  const auto control = rows ? share(std::move(*rows)) : std::make_shared<const control_state>();
  hub_->stats_writer = system_->spawn<caf::detached>(
      stats_writer, hub_.get(), std::make_shared<std::unique_ptr<storage::store>>(std::move(store_)));
  const auto file = storage::store::file(std::filesystem::path(options_->server.data_dir));
  for (auto* reader : {&hub_->stats_reader, &hub_->auditor})
    *reader = system_->spawn<caf::detached>(stats_reader, file);
  hub_->token_counter = system_->spawn<caf::detached>(token_counter, &hub_->calibrations);
  hub_->ledger.wake_writer = [writer = hub_->stats_writer] { caf::anon_send(writer, rows_due{}); };
  hub_->registry = system_->spawn(registry, hub_.get(), options_, control);
  hub_->chat_directory = system_->spawn(chat_directory);
  for (auto& hasher : hub_->password_hashers) hasher = system_->spawn<caf::detached>(password_hasher);
  root_ = system_->spawn(root_supervisor, [this] {
    log::actors().error("giving-up", "Restarting does not help: the process ends.");
    hub_->exit_code = 70;
    ::kill(::getpid(), SIGTERM);
  });
}

void server::start_shards() {
  for (auto& slot : shards_) {
    slot.supervisor = slot.shard->spawn<shard_supervisor>(make_provider_client);
    auto* const home = slot.shard.get();
    caf::anon_send(root_, watch_shard{slot.supervisor, [home, &slot] {
                                        return slot.supervisor = home->spawn<shard_supervisor>(make_provider_client);
                                      }});
    slot.shard->on_first_snapshot = [this, &slot] {
      if (!hub_->draining) slot.acceptor->start();
    };
    slot.thread = std::thread([&slot] { slot.shard->run(); });
  }
}

void server::on_shards(const std::function<void(shard_slot&)>& task) {
  for (auto& slot : shards_) slot.shard->post([task, &slot] { task(slot); });
}

void server::reload(const std::shared_ptr<const nexus::options>& fresh) {
  std::shared_ptr<net::tls_context> tls;
  if (!fresh->server.tls_certificate.empty()) {
    auto made = net::tls_context::server(fresh->server.tls_certificate, fresh->server.tls_key);
    if (!made)
      return log::conf().error("reload-refused", "{} {} The former settings stay.", made.error().message,
                               made.error().detail);
    tls = std::move(*made);
  }
  auto upstream_tls = net::tls_context::client(fresh->upstream.ca_file);
  if (!upstream_tls)
    return log::conf().error("reload-refused", "{} The former settings stay.", upstream_tls.error().message);
  const auto& was = *options_;
  if (was.server.listen != fresh->server.listen || was.server.threads != fresh->server.threads ||
      was.server.data_dir != fresh->server.data_dir ||
      was.server.tls_certificate.empty() != fresh->server.tls_certificate.empty() ||
      was.storage.queue_max != fresh->storage.queue_max ||
      was.security.master_key_file != fresh->security.master_key_file)
    log::conf().warn("restart-needed",
                     "server.listen, server.threads, server.data_dir, the switch between HTTP and HTTPS, "
                     "storage.queue_max and security.master_key_file change with the next start.");
  log::configure(fresh->log);
  const bool keeps_scheme = was.server.tls_certificate.empty() == fresh->server.tls_certificate.empty();
  options_ = fresh;
  on_shards([fresh, tls, upstream_tls = *upstream_tls, keeps_scheme](shard_slot& slot) {
    slot.shard->options = fresh;
    slot.shard->upstream_tls = upstream_tls;
    if (keeps_scheme) slot.acceptor->use_tls(tls);
  });
  caf::anon_send(hub_->registry, use_options{fresh});
  log::conf().info("reloaded", "The settings were read anew.");
}

void server::wait_until_idle(const std::function<bool()>& hurry) {
  const auto end = std::chrono::steady_clock::now() + options_->server.drain_timeout;
  while (hub_->counters.exchanges > 0 && std::chrono::steady_clock::now() < end && !hurry())
    std::this_thread::sleep_for(poll_interval);
  if (const auto left = hub_->counters.exchanges.load(); left > 0)
    log::actors().warn("drain-ended", "{} exchanges were still running and are cut.", left);
  // Idle connections were told to go; they get a moment for the last bytes.
  const auto closed = std::chrono::steady_clock::now() + closing_time;
  while (hub_->counters.connections > 0 && hub_->counters.exchanges == 0 && std::chrono::steady_clock::now() < closed &&
         !hurry())
    std::this_thread::sleep_for(poll_interval);
}

template <class Handle>
void server::end(const Handle& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  caf::scoped_actor(*system_)->wait_for(actor);
}

void server::stop_actors() {
  // The root first, and to its end: it must not restart what is meant to end.
  end(root_);
  on_shards([](shard_slot& slot) { slot.shard->end_actors(); });
  for (auto& slot : shards_) caf::anon_send_exit(slot.supervisor, caf::exit_reason::user_shutdown);
  const auto end = std::chrono::steady_clock::now() + closing_time;
  const auto& counters = hub_->counters;
  while ((counters.provider_clients > 0 || counters.connections > 0) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(poll_interval);
}

int server::stop(const std::function<bool()>& hurry) {
  stopped_ = true;
  log::actors().info("stopping", "Stopping: no new connections; {} exchanges are running.",
                     hub_->counters.exchanges.load());
  hub_->draining = true;
  on_shards([](shard_slot& slot) {
    slot.acceptor->close();
    slot.shard->announce_drain();
  });
  wait_until_idle(hurry);
  stop_actors();

  int code = hub_->exit_code;
  {
    caf::scoped_actor self(*system_);
    self->request(hub_->stats_writer, store_time, close_store{})
        .receive(
            [&](const store_closed& closed) {
              if (closed.lost == 0) return;
              log::actors().error("rows-lost", "{} exchanges could not be written.", closed.lost);
              code = 1;
            },
            [&](const caf::error&) {
              log::actors().error("store-stuck", "The database did not close in time.");
              code = 1;
            });
  }
  end(hub_->registry);
  end(hub_->chat_directory);
  end(hub_->stats_reader);
  end(hub_->auditor);
  end(hub_->token_counter);
  for (const auto& hasher : hub_->password_hashers) end(hasher);
  for (auto& slot : shards_) slot.shard->stop();
  for (auto& slot : shards_) slot.thread.join();
  root_ = nullptr;
  hub_->registry = nullptr;
  hub_->stats_writer = nullptr;
  hub_->stats_reader = nullptr;
  hub_->auditor = nullptr;
  hub_->token_counter = nullptr;
  hub_->password_hashers = {};
  hub_->chat_directory = nullptr;
  shards_.clear();
  hub_->ledger.wake_writer = [] {};
  system_.reset();
  log::actors().info("stopped", "Everything counted is on disk.");
  return code;
}

}  // namespace nexus
