// The WEBSOCKET SESSION: one per socket of /ws/chat. Reads frames, starts, stops and resumes chats, writes their frames
// one after the other.
#pragma once

#include "actors/chat_frames.hpp"
#include "actors/session.hpp"
#include "net/websocket.hpp"

#include <deque>

namespace nexus {

class websocket_session final : public shard_actor {
 public:
  websocket_session(caf::actor_config& config, shard& home, const std::shared_ptr<net::connection>& connection,
                    std::shared_ptr<net::request> request, caller who, std::string label);
  ~websocket_session() override;
  const char* name() const override { return "websocket-session"; }

 protected:
  caf::behavior make_behavior() override;
  void on_exit() override;

 private:
  struct running_chat {
    std::string id;
    caf::actor actor;
  };
  void accept();
  void read();
  void on_message(net::error_code ec, const std::string& text, bool is_text);
  void on_frame(client_frame& frame);
  void start_chat(client_frame& frame);
  void resume_chat(const client_frame& frame);
  /// Looks whether the key or the session that opened the socket still holds, and what it may reach by now.
  result<void> renew_caller();
  void say(std::string text);
  void refuse(std::string_view id, const error& failure);
  void queue(ws_frame frame);
  void write_next();
  void on_written();
  void close(uint16_t code, std::string_view reason);
  /// The caller's right has ended: every chat is told, then the socket closes.
  void revoke(const error& failure);
  std::map<uint64_t, running_chat>::iterator find_by_id(std::string_view id);

  const bool secure_;
  net::websocket socket_;
  std::shared_ptr<net::request> request_;
  caller caller_;
  std::string label_;
  std::map<uint64_t, running_chat> chats_;
  uint64_t next_number_ = 1;
  std::deque<ws_frame> queue_;  // its head is being written while `writing_`
  bool writing_ = false;
  bool reading_ = false;
  bool closing_ = false;
  bool revoked_ = false;  // closes once its last words are written
  own_deadline revoke_deadline_;
  bool draining_ = false;
};

}  // namespace nexus
