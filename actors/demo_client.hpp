// The built-in provider's client: no network, an answer made up by net/demo_answer, at a set pace. What it says goes
// through the same state machine as any upstream's bytes.
#pragma once

#include "actors/provider_client.hpp"
#include "net/dialects/openai.hpp"

namespace nexus {

class demo_client final : public provider_client {
 public:
  demo_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings);

 protected:
  void on_call() override;
  void on_event(shard_event::kind what) override;
  void on_flow(bool paused) override;
  void drop() override { timer_.cancel(); }

 private:
  void answer();
  void answer_whole();
  void say_next();
  void wait();
  net::asio::steady_timer timer_;
  std::vector<std::string> pieces_;
  size_t said_ = 0;
  net::openai::identity identity_;
  net::usage usage_;
  bool waiting_ = false;
};

}  // namespace nexus
