// The whole hub of a process: started, reloaded and stopped here, each in one function, in order. Main's thread.
#pragma once

#include "actors/acceptor.hpp"
#include "actors/supervisor.hpp"
#include "storage/store.hpp"

#include <caf/scoped_actor.hpp>

#include <thread>

namespace nexus {

/// What a newcomer must be told, once.
struct greeting {
  std::string address;          // "http://127.0.0.1:8000"
  std::string setup_token;      // empty once there is an administrator
  std::string demo_key;         // empty without the demo provider
  std::string master_key_file;  // of a key that was made just now; else empty
};

/// Where the master key stands unless it is given in the environment; and the key itself. A new one is made only while
/// there is no store.
std::filesystem::path master_key_file(const options& options);
result<storage::master_key> find_master_key(const std::string& given, const options& options, bool& created);

class server {
 public:
  /// Starts everything; `admin_token` empty means `<data_dir>/admin.token`. Errors are one sentence for standard error.
  static result<std::unique_ptr<server>> start(std::shared_ptr<const options> options, const std::string& admin_token,
                                               const std::string& master_key);
  ~server();

  const greeting& welcome() const { return greeting_; }
  /// Uses new options as far as they can change at run time; logs what needs a restart.
  void reload(const std::shared_ptr<const options>& fresh);
  /// Stops accepting, waits for running exchanges until the drain timeout or until `hurry()` says so, commits, closes.
  /// Returns the process's exit code.
  int stop(const std::function<bool()>& hurry);
  /// Asked for by the root supervisor: restarting does not help.
  bool gave_up() const { return hub_->exit_code != 0; }
  nexus::hub& hub() { return *hub_; }

 private:
  struct shard_slot {
    std::unique_ptr<nexus::shard> shard;
    std::unique_ptr<nexus::acceptor> acceptor;
    caf::actor supervisor;
    std::thread thread;
  };

  explicit server(std::shared_ptr<const options> options);
  result<void> prepare(const std::string& admin_token, const std::string& master_key);
  result<void> prepare_access(const std::string& token);
  result<void> offer_demo();
  result<void> open_listeners();
  void start_actors();
  void start_shards();
  void on_shards(const std::function<void(shard_slot&)>& task);
  void wait_until_idle(const std::function<bool()>& hurry);
  void stop_actors();
  /// Ends an actor of CAF's own scheduler and waits for it: afterwards nothing of it touches what it shares.
  template <class Handle>
  void end(const Handle& actor);

  std::shared_ptr<const options> options_;
  greeting greeting_;
  std::unique_ptr<storage::store> store_;
  std::unique_ptr<nexus::hub> hub_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::actor root_;
  std::vector<shard_slot> shards_;
  bool stopped_ = false;
};

}  // namespace nexus
