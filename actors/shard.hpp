// A shard: one thread with its own sockets, timers and actors. It is an execution unit of CAF and an io_context at
// once, so a message between two of its actors is a push and a pop on one thread. Nothing here is locked: whatever an
// actor of a shard touches, only this thread touches.
#pragma once

#include "actors/hub.hpp"
#include "net/asio.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls.hpp"

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <span>

namespace nexus {

class shard_actor;

class shard final : public caf::execution_unit {
  // A megabyte; a message takes one place.
  static constexpr size_t message_counts_max = 65'536;

 public:
  /// `clock` is the time of deadlines: the steady clock, or a test's.
  shard(caf::actor_system& system, hub& hub, std::shared_ptr<const nexus::options> options,
        std::function<net::steady_time()> clock = std::chrono::steady_clock::now);
  ~shard() override;

  /// An actor that lives elsewhere, to which one of ours has sent: CAF would run it on its sender's thread. It goes to
  /// CAF's own scheduler.
  void exec_later(caf::resumable* ptr) override;
  /// Where our own actors are to be run. Any thread.
  caf::execution_unit& unit() { return unit_; }

  /// Runs until `stop()`. The calling thread is the shard's from then on.
  void run();
  /// For tests: runs whatever is ready, without waiting. True if anything ran.
  bool poll();
  /// Any thread.
  void stop();
  /// Runs `task` on the shard's thread. Any thread.
  void post(std::function<void()> task) { net::asio::post(io_, std::move(task)); }

  /// Starts an actor of this shard. Any thread.
  template <class Actor, class... Args>
  caf::actor spawn(Args&&... args) {
    caf::actor_config config(&unit_);
    return system().spawn_impl<Actor, caf::hidden>(config, *this, std::forward<Args>(args)...);
  }

  nexus::hub& hub() { return hub_; }
  net::asio::io_context& io() { return io_; }
  net::steady_time now() const { return clock_(); }
  /// Arms a deadline of one of this shard's actors.
  void arm(net::deadline& deadline, std::chrono::milliseconds after);
  void disarm(net::deadline& deadline) { wheel_.disarm(deadline); }
  /// The one read buffer: valid until the next event.
  std::span<char> scratch() { return *scratch_; }
  const caf::message& event_message(shard_event::kind what) const { return events_[static_cast<size_t>(what)]; }

  /// The settings and the control plane as this shard sees them; replaced between events.
  std::shared_ptr<const nexus::options> options;
  snapshot_ptr snapshot;
  /// Called once, when the first snapshot is in use: until then every key would be unknown.
  std::function<void()> on_first_snapshot;
  std::shared_ptr<net::tls_context> upstream_tls;
  caf::actor router;

  /// How a model's texts are counted. Cheap for models that were asked for before.
  model_counting_ptr counting_of(std::string_view model);
  /// Counts of messages that come again.
  tokenizer::count_cache message_counts{message_counts_max};

  /// Tells the stats-writer after storage.batch_delay that rows wait in the outbox.
  void wake_writer_later();

  /// Calls `actor.on_flush()` once nothing else is ready, or soon: what many actors write then goes out back to back,
  /// and a peer is woken once for all of it instead of once for each. Once per call.
  void flush_later(shard_actor& actor);

  /// Actors that hear of the drain and of the end: sessions and chats enter and leave.
  void enlist(shard_actor* actor);
  void delist(shard_actor* actor);
  /// Sends `drain` to every enlisted actor. This thread.
  void announce_drain();
  /// Sends `access_changed` to every enlisted actor. This thread.
  void announce_access_change();
  /// Ends every enlisted actor. This thread.
  void end_actors();

 private:
  class own_unit final : public caf::execution_unit {
   public:
    own_unit(caf::actor_system& system, shard& home) : caf::execution_unit(&system), home_(home) {}
    void exec_later(caf::resumable* ptr) override { home_.run_later(ptr); }

   private:
    shard& home_;
  };
  /// From this thread: resumes `ptr` after the present event. From any other: posts it.
  void run_later(caf::resumable* ptr);
  static constexpr size_t countings_max = 1'024;
  void drain_ready();
  void flush_now();
  void start_ticking();
  own_unit unit_;
  nexus::hub& hub_;
  std::function<net::steady_time()> clock_;
  net::asio::io_context io_;
  net::asio::steady_timer tick_timer_;
  net::asio::steady_timer outbox_timer_;
  net::timer_wheel wheel_;
  bool ticking_ = false;
  std::deque<caf::resumable*> ready_;
  std::unique_ptr<std::array<char, limits::scratch_bytes>> scratch_;
  std::array<caf::message, shard_event::kinds> events_;
  std::vector<std::pair<caf::strong_actor_ptr, shard_actor*>> flushes_;  // the former keeps the latter
  std::unordered_map<shard_actor*, caf::actor> enlisted_;
  std::map<std::string, model_counting_ptr, std::less<>> countings_;
};

/// The base of every actor that lives on a shard. It is resumed by its shard alone, whoever sends to it.
class shard_actor : public caf::event_based_actor {
 public:
  shard_actor(caf::actor_config& config, shard& home);
  ~shard_actor() override;

  using caf::event_based_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override;

  shard& home() { return home_; }
  nexus::hub& hub() { return home_.hub(); }
  const nexus::options& options() const { return *home_.options; }

  /// Puts an event into the own mailbox. This shard's thread.
  void notify(shard_event::kind what);
  /// See shard::flush_later. Not within a handler: what ends the actor, or sends, is left to an event.
  virtual void on_flush() {}

 protected:
  /// A handler for Asio that turns a completion into an event, keeps the actor alive until then, and stays silent when
  /// the operation was cancelled.
  auto notifier(shard_event::kind what) {
    return [self = caf::strong_actor_ptr(ctrl()), this, what](net::error_code ec) {
      if (ec != net::asio::error::operation_aborted) notify(what);
    };
  }

  /// A deadline whose passing arrives as shard_event::kind::deadline. Its owner then asks each of its own
  /// `take_fired()`.
  class own_deadline final : public net::deadline {
   public:
    explicit own_deadline(shard_actor& owner) : owner_(owner) {}
    void on_deadline() override {
      fired_ = true;
      owner_.notify(shard_event::kind::deadline);
    }
    /// True once after it passed, unless it was armed again meanwhile.
    bool take_fired() { return std::exchange(fired_, false) && !armed(); }

   private:
    shard_actor& owner_;
    bool fired_ = false;
  };

 private:
  shard& home_;
};

}  // namespace nexus
