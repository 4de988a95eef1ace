// One chat of a WebSocket: the consumer of its call. It gathers deltas to at most sixty frames a second, keeps what it
// said for a resume, and outlives its socket for a while.
#pragma once

#include "actors/call_driver.hpp"
#include "actors/chat_frames.hpp"
#include "actors/grants.hpp"
#include "actors/prompt_counting.hpp"

#include <deque>

namespace nexus {

struct chat_start {
  std::string id;       // the caller's
  uint64_t number = 0;  // on the socket
  std::string body;     // the request, in the OpenAI dialect
  std::string conversation_id;
  std::optional<int64_t> provider_id;
  principal_ptr principal;
  credential shown = {};
  caf::actor socket;
};

class chat_run final : public shard_actor {
 public:
  chat_run(caf::actor_config& config, shard& home, chat_start start);
  ~chat_run() override;
  const char* name() const override { return "chat"; }

 protected:
  caf::behavior make_behavior() override;
  void on_exit() override;

 private:
  struct kept_frame {
    uint64_t seq;
    std::string text;
  };
  void begin();
  void admit(parsed_call parsed, counted_prompt counted);
  void on_accepted(call_accepted& message);
  void on_part(net::stream_part& part);
  void on_end(call_end& message);
  void on_tick();
  void on_attach(const attach_socket& message);
  void on_detach(const detach_socket& message);
  void attempt();
  void stop();
  void look_again();
  void flush();
  void emit(uint64_t seq, std::string text);
  void conclude(std::string text);
  std::string done_frame(std::string_view finish_reason, const call_end* message) const;

  chat_start start_;
  std::string request_id_;
  net::steady_time begun_{};
  std::optional<call_driver> driver_;
  net::stream_part pending_;     // not yet in a frame
  std::deque<kept_frame> kept_;  // for a resume; frames without a number stand under the last one before them
  size_t kept_bytes_ = 0;
  uint64_t seq_ = 0;
  uint32_t unacknowledged_ = 0;  // frames that the socket has not written yet
  std::chrono::milliseconds ttft_{0};
  net::steady_time last_flush_{};
  net::asio::steady_timer pace_;
  own_deadline orphan_deadline_;  // without a socket
  bool pacing_ = false;
  bool over_ = false;
  bool counting_exchange_ = false;
};

}  // namespace nexus
