#include "actors/shard.hpp"

#include "actors/errors.hpp"

namespace nexus {
namespace {

// Messages one actor may handle before its neighbours get their turn.
constexpr size_t throughput = 64;
// Handlers of Asio that may run before what was written goes out.
constexpr size_t handlers_per_flush = 16;
// Resumptions between two looks at the sockets.
constexpr size_t resumptions_max = 256;

thread_local shard* current_shard = nullptr;

}  // namespace

shard::shard(caf::actor_system& system, nexus::hub& hub, std::shared_ptr<const nexus::options> settings,
             std::function<net::steady_time()> clock)
    : caf::execution_unit(&system),
      options(std::move(settings)),
      snapshot(std::make_shared<nexus::snapshot>()),
      unit_(system, *this),
      hub_(hub),
      clock_(std::move(clock)),
      io_(1),
      tick_timer_(io_),
      outbox_timer_(io_),
      scratch_(std::make_unique<std::array<char, limits::scratch_bytes>>()) {
  for (size_t i = 0; i < events_.size(); ++i)
    events_[i] = caf::make_message(shard_event{static_cast<shard_event::kind>(i)});
}

shard::~shard() {
  for (auto* left : ready_) caf::intrusive_ptr_release(left);
}

void shard::exec_later(caf::resumable* ptr) { system().scheduler().enqueue(ptr); }

void shard::run_later(caf::resumable* ptr) {
  if (current_shard == this) {
    ready_.push_back(ptr);
  } else {
    net::asio::post(io_, [this, ptr] { ready_.push_back(ptr); });
  }
}

void shard::run() {
  current_shard = this;
  const auto work = net::asio::make_work_guard(io_);
  size_t handlers = 0;  // since the last flush
  while (!io_.stopped()) {
    drain_ready();
    if (flushes_.empty() && ready_.empty()) {
      handlers = 0;
      io_.run_one();
    } else if (const bool more = io_.poll_one() > 0; (!more && ready_.empty()) || ++handlers >= handlers_per_flush) {
      handlers = 0;
      flush_now();
    }
  }
  current_shard = nullptr;
}

bool shard::poll() {
  auto* const before = std::exchange(current_shard, this);
  bool ran = false;
  io_.restart();
  for (bool more = true; more; ran = ran || more) {
    more = io_.poll() > 0 || !ready_.empty();
    drain_ready();
    wheel_.advance(now());
    more = more || !ready_.empty() || !flushes_.empty();
    flush_now();
  }
  current_shard = before;
  return ran;
}

void shard::stop() { io_.stop(); }

void shard::drain_ready() {
  for (size_t i = 0; i < resumptions_max && !ready_.empty(); ++i) {
    auto* const next = ready_.front();
    ready_.pop_front();
    switch (next->resume(this, throughput)) {
      case caf::resumable::resume_later:
        ready_.push_back(next);
        break;
      case caf::resumable::awaiting_message:
      case caf::resumable::done:
        caf::intrusive_ptr_release(next);
        break;
      case caf::resumable::shutdown_execution_unit:
        stop();
        break;
    }
  }
}

void shard::flush_later(shard_actor& actor) { flushes_.emplace_back(caf::strong_actor_ptr(actor.ctrl()), &actor); }

void shard::flush_now() {
  for (size_t i = 0; i < flushes_.size(); ++i)  // one may ask for another
    flushes_[i].second->on_flush();
  flushes_.clear();
}

void shard::arm(net::deadline& deadline, std::chrono::milliseconds after) {
  wheel_.arm(deadline, now(), after);
  if (!ticking_) start_ticking();
}

void shard::start_ticking() {
  ticking_ = true;
  tick_timer_.expires_after(wheel_.tick());
  tick_timer_.async_wait([this](net::error_code ec) {
    ticking_ = false;
    if (ec) return;
    wheel_.advance(now());
    if (wheel_.busy() && !ticking_) start_ticking();  // an idle shard does not tick
  });
}

model_counting_ptr shard::counting_of(std::string_view model) {
  if (const auto known = countings_.find(model); known != countings_.end()) return known->second;
  if (countings_.size() >= countings_max) countings_.clear();  // names come from callers
  return countings_.emplace(model, make_model_counting(model)).first->second;
}

void shard::wake_writer_later() {
  outbox_timer_.expires_after(options->storage.batch_delay);
  outbox_timer_.async_wait([this](net::error_code ec) {
    if (!ec) caf::anon_send(hub_.stats_writer, rows_due{});
  });
}

void shard::enlist(shard_actor* actor) { enlisted_.emplace(actor, caf::actor_cast<caf::actor>(actor)); }

void shard::delist(shard_actor* actor) { enlisted_.erase(actor); }

void shard::announce_drain() {
  for (const auto& [raw, actor] : enlisted_) caf::anon_send(actor, drain{});
}

void shard::announce_access_change() {
  for (const auto& [raw, actor] : enlisted_) caf::anon_send(actor, access_changed{});
}

void shard::end_actors() {
  for (const auto& [raw, actor] : enlisted_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

shard_actor::shard_actor(caf::actor_config& config, shard& home) : caf::event_based_actor(config), home_(home) {
  set_exception_handler(report_exception);
}

shard_actor::~shard_actor() = default;

void shard_actor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  caf::event_based_actor::enqueue(std::move(element), &home_.unit());
}

void shard_actor::notify(shard_event::kind what) {
  enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), caf::no_stages, home_.event_message(what)),
          &home_.unit());
}

}  // namespace nexus
