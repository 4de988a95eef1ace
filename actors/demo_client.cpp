#include "actors/demo_client.hpp"

#include "actors/ids.hpp"
#include "net/demo_answer.hpp"

#include <numeric>

namespace nexus {

demo_client::demo_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings)
    : provider_client(config, home, std::move(owner), std::move(settings)), timer_(home.io()) {}

void demo_client::on_call() {
  record_sent([this] { answer(); });
}

void demo_client::answer() {
  pieces_ = net::demo_answer(net::last_user_text(current().body));
  said_ = 0;
  identity_ = {.id = "chatcmpl-" + make_ulid(), .model = current().model, .created = wall_clock_ms() / 1000};
  usage_.prompt_tokens = current().prompt_tokens;
  usage_.completion_tokens = static_cast<int64_t>(pieces_.size());
  usage_.total_tokens = usage_.prompt_tokens + usage_.completion_tokens;
  if (current().settings.stream && !feed("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")) return;
  wait();
}

void demo_client::on_event(shard_event::kind what) {
  if (what != shard_event::kind::tick) return;
  waiting_ = false;
  if (!busy() || paused()) return;
  current().settings.stream ? say_next() : answer_whole();
}

void demo_client::answer_whole() {
  const auto text = std::accumulate(pieces_.begin(), pieces_.end(), std::string());
  const auto body = net::openai::make_answer(identity_, text, "stop", usage_);
  feed("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
       "\r\n\r\n" + body);
}

void demo_client::say_next() {
  std::string events;
  net::append_data(events, net::openai::make_chunk(identity_, pieces_[said_], said_ == 0));
  if (++said_ < pieces_.size()) {
    if (feed(events)) wait();
    return;
  }
  net::append_data(events, net::openai::make_finish_chunk(identity_, "stop"));
  net::append_data(events, net::openai::make_usage_chunk(identity_, usage_));
  events.append(net::sse_done);
  if (feed(events)) feed_end(false);
}

void demo_client::on_flow(bool paused) {
  if (!paused) wait();
}

void demo_client::wait() {
  if (waiting_) return;
  waiting_ = true;
  timer_.expires_after(options().demo.delta_interval);
  timer_.async_wait(notifier(shard_event::kind::tick));
}

}  // namespace nexus
