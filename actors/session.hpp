// The SESSION: one per client connection. Owns the socket, the request being read and the answer being written; runs
// one request after the other. What a request means is the endpoint's affair (actors/endpoints).
#pragma once

#include "actors/admission.hpp"
#include "actors/endpoints.hpp"
#include "actors/grants.hpp"
#include "actors/shard.hpp"
#include "net/header_gate.hpp"
#include "net/http_reader.hpp"
#include "net/http_writer.hpp"
#include "net/socket.hpp"

namespace nexus {

/// Who calls, as far as the endpoint's access level asked.
struct caller {
  principal_ptr principal;  // of a key, or the administrator's
  team_member member;       // of the team's side; unknown with a key
  credential shown;         // to look again later; of a key on its session only

  bool administrator() const { return member.known(); }
  std::string actor() const { return member.actor(); }
};

/// An answer that is whole.
struct answer {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  net::header_list headers;
};

/// The state of an exchange whose answer takes messages. Dies with the answer.
class exchange {
 public:
  virtual ~exchange() = default;
  virtual void on_accepted(call_accepted&) = 0;
  virtual void on_part(call_part&) = 0;
  virtual void on_end(call_end&) = 0;
  virtual void on_drained() = 0;       // what was unsent is nearly gone
  virtual void on_silence() = 0;       // the silence deadline passed
  virtual void on_client_gone() = 0;   // nobody reads the answer any more
  virtual void on_access_changed() {}  // the caller's right may have ended: see session::check_running
};

class session final : public shard_actor {
 public:
  session(caf::actor_config& config, shard& home, std::shared_ptr<net::connection> connection, bool handshake);
  ~session() override;
  const char* name() const override { return "session"; }

  // --- For endpoints, while a request is under way.

  net::request& request() { return reader_.current(); }
  const net::target& target() const { return target_; }
  /// A path parameter by its position in the endpoint's pattern.
  const std::string& parameter(size_t index) const { return parameters_[index]; }
  const caller& who() const { return caller_; }
  std::string peer_address() const { return connection_->peer_address(); }
  /// Whether the running request's caller may go on with this model of this provider (0: none yet).
  result<void> check_running(int64_t provider_id, std::string_view model);
  /// What this request showed, for whoever outlives the session.
  credential shown();
  /// Ours, unique: for records.
  const std::string& request_id() const { return request_id_; }
  /// The caller's x-request-id, or ours: for answers and logs.
  const std::string& label() const { return label_; }
  net::steady_time started() const { return started_; }
  int64_t received_at() const { return received_at_; }
  bool secure() const { return connection_->encrypted(); }
  caf::actor self() { return caf::actor_cast<caf::actor>(this); }

  void respond(const answer& answer);
  void fail(const error& failure, const net::header_list& more = {});
  /// Makes `state` receive this request's messages until the answer ends.
  void run(std::shared_ptr<exchange> state) { exchange_ = std::move(state); }

  /// Opens an event stream; `first` goes out with the head.
  void begin_stream(const net::header_list& headers, std::string_view first);
  void stream(std::string_view bytes);
  /// Ends it, `last` before; `complete` false closes the connection, so that nobody takes the stream for whole.
  void end_stream(std::string_view last, bool complete);
  bool streaming() const { return streaming_; }
  size_t unsent() const { return connection_->unsent(); }
  /// Calls the exchange's on_silence after this long without a further call here; 0 never.
  void expect_silence(std::chrono::milliseconds wait);
  /// Time the gateway itself took, for `server-timing`: all but what the upstream took.
  void note_upstream_time(std::chrono::microseconds time) { upstream_time_ = time; }

  /// Gives the connection away; the session ends.
  std::shared_ptr<net::connection> release_connection();

 protected:
  caf::behavior make_behavior() override;
  void on_exit() override;
  void on_flush() override;

 private:
  enum class stage { handshaking, reading, busy, closing, lingering, released };

  void on_event(shard_event::kind what);
  void on_readable();
  void on_deadline();
  void handshake();
  void input(std::string_view bytes);
  void consume(std::string_view bytes);
  void resume_input();
  bool admit();
  result<void> check_access(const endpoint& endpoint);
  result<void> check_member(const endpoint& endpoint, team_member&& found);
  result<principal_ptr> find_principal();
  void dispatch();
  void refuse(const error& failure);
  void finish_answer(bool keep);
  net::io_status put(std::initializer_list<std::string_view> pieces);
  void after_write(net::io_status status);
  void close_in_order();
  void client_gone();
  void await_readable();
  void await_writable();
  void arm_reading();
  net::header_list with_common(const net::header_list& headers);

  std::shared_ptr<net::connection> connection_;
  net::request_reader reader_;
  stage stage_;
  std::string backlog_;                 // bytes of later requests
  std::shared_ptr<exchange> exchange_;  // handlers hold on to it: it may end its own answer
  const endpoint* endpoint_ = nullptr;
  net::target target_;
  std::vector<std::string> parameters_;
  caller caller_;
  std::string request_id_, label_;
  net::steady_time started_{};
  int64_t received_at_ = 0;
  std::chrono::microseconds upstream_time_{0};
  own_deadline deadline_;        // of reading, idling, lingering; of silence while busy
  own_deadline write_deadline_;  // of a client that takes nothing
  secret known_credential_;      // the last key that was looked up on this connection, and what it was
  std::string known_digest_;
  principal_ptr known_principal_;
  uint64_t known_version_ = 0;
  size_t lingered_ = 0;
  bool admitted_ = false;
  bool consuming_ = false;
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  bool flush_due_ = false;
  bool streaming_ = false;
  bool chunked_ = false;
  bool keep_ = true;
  bool last_request_ = false;  // draining: no further one
  bool high_water_ = false;
};

}  // namespace nexus
