// POST /v1/chat/completions: one exchange from the validated body to the last byte of its answer.
#include "actors/admission.hpp"
#include "actors/call_driver.hpp"
#include "actors/chat_call.hpp"
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/prompt_counting.hpp"
#include "net/dialects/openai.hpp"
#include "net/sse.hpp"

namespace nexus::endpoints {
namespace {

class chat_exchange final : public exchange {
 public:
  chat_exchange(session& session, call_ptr call, net::header_list limits)
      : session_(session), driver_(session, std::move(call)), limits_(std::move(limits)) {
    ++session_.hub().counters.exchanges;
  }
  ~chat_exchange() override { --session_.hub().counters.exchanges; }

  void start() {
    if (driver_.call().settings.stream) expect_silence();
    attempt();
  }

  void on_accepted(call_accepted& message) override {
    if (!driver_.is_present(message.attempt)) return session_.send(message.client, call_cancel{message.attempt});
    driver_.on_accepted(message);
  }

  void on_part(call_part& message) override {
    if (!driver_.is_present(message.attempt)) return;
    write(message.part.bytes);
    if (session_.unsent() > limits::unsent_high_bytes) driver_.pause();
  }

  void on_end(call_end& message) override {
    if (!driver_.is_present(message.attempt)) return;
    const bool retry = driver_.on_end(message, session_.streaming());
    session_.note_upstream_time(driver_.upstream_time());
    if (retry) return attempt();
    if (message.verdict.failure) return fail(message);
    if (driver_.call().settings.stream) return deliver_stream(message);
    auto& whole = *message.verdict.answer;
    session_.respond({.status = whole.status,
                      .content_type = "application/json",
                      .body = std::move(whole.body),
                      .headers = headers()});
  }

  void on_drained() override { driver_.resume(); }

  // Load balancers cut what is silent; from the first comment on, the status is fixed at 200.
  void on_silence() override {
    std::string comment;
    net::append_comment(comment, "keep-alive");
    write(comment);
  }

  void on_client_gone() override { driver_.cancel(); }

  void on_access_changed() override {
    const auto& provider = driver_.provider();
    const auto holds = session_.check_running(provider ? provider->row->id : 0, driver_.call().model);
    if (holds) return;
    session_.note_upstream_time(driver_.upstream_time());
    driver_.cancel(true);  // whatever the key says of clients that leave: nothing more is spent on it
    if (!session_.streaming()) return session_.fail(holds.error());
    std::string last;
    net::append_data(last, net::openai::error_body(holds.error()));
    session_.end_stream(last, false);
  }

 private:
  void attempt() {
    if (auto sent = driver_.attempt(); !sent) session_.fail(sent.error());
  }

  void expect_silence() { session_.expect_silence(session_.options().upstream.keep_alive_comment); }

  net::header_list headers() const {
    net::header_list headers{{"x-conversation-id", driver_.call().conversation_id}};
    headers.add(limits_);
    if (driver_.provider()) headers.add("x-nexus-provider", printable(driver_.provider()->row->name));
    return headers;
  }

  // Names may be of any script, header values of ASCII only.
  static std::string printable(std::string_view name) {
    std::string made;
    for (const char c : name) made.push_back(c >= ' ' && c <= '~' ? c : '?');
    return made;
  }

  void write(std::string_view bytes) {
    expect_silence();
    if (session_.streaming()) return session_.stream(bytes);
    session_.note_upstream_time(driver_.upstream_time());
    auto all = headers();
    all.add("cache-control", "no-cache");
    all.add("x-accel-buffering", "no");
    session_.begin_stream(all, bytes);
  }

  void deliver_stream(call_end& message) {
    auto& last = message.part.bytes;
    if (!session_.streaming()) write(std::exchange(last, {}));
    session_.end_stream(last, true);
  }

  void fail(call_end& message) {
    const auto& failure = *message.verdict.failure;
    // Text that came in one read with the failure is spent all the same: whether it arrives must not be chance.
    if (message.facts.has_text && !message.part.bytes.empty() && !session_.streaming())
      write(std::exchange(message.part.bytes, {}));
    if (session_.streaming()) {
      // A stream cannot change its status any more: the failure travels in it, and no [DONE] follows.
      net::append_data(message.part.bytes, net::openai::error_body(failure));
      return session_.end_stream(message.part.bytes, false);
    }
    auto more = headers();
    for (const auto& [name, value] : message.verdict.hints) more.add(name, value);
    if (!message.verdict.answer) return session_.fail(failure, more);
    auto& theirs = *message.verdict.answer;
    more.add(error_headers(failure));
    session_.respond({.status = theirs.status, .body = std::move(theirs.body), .headers = std::move(more)});
  }

  session& session_;
  call_driver driver_;
  net::header_list limits_;  // how the key's limits stood at the admission
};

void begin(session& session, parsed_call parsed, counted_prompt counted) {
  limit_report report;
  auto made = admit_call(session.hub(), std::move(parsed), session.request().body, std::move(counted), report);
  auto limits = limit_headers(report);
  if (!made) return session.fail(made.error(), limits);
  std::string().swap(session.request().body);
  auto state = std::make_shared<chat_exchange>(session, std::move(*made), std::move(limits));
  session.run(state);
  state->start();
}

}  // namespace

void chat_completions(session& session) {
  if (auto json = require_json(session); !json) return session.fail(json.error());
  auto parsed =
      parse_call(session.hub(), session.who().principal, session.request().body,
                 {.request_id = session.request_id(),
                  .label = session.label(),
                  .conversation_id = std::string(session.request().headers.find("x-conversation-id").value_or("")),
                  .provider_id = {},
                  .mode = net::delivery::relay,
                  .received_at = session.received_at(),
                  .started = session.started(),
                  .answer_bytes_max = session.options().upstream.answer_bytes_max,
                  .output_tokens_default = session.options().upstream.output_tokens_default});
  if (!parsed) return session.fail(parsed.error());
  const auto counting = session.home().counting_of(parsed->request.model);
  auto tree = std::move(parsed->tree);
  const auto kept = std::make_shared<parsed_call>(std::move(*parsed));
  count_for(session, counting, session.request().body, true, std::move(tree),
            [&session, counting, kept](token_count count) {
              begin(session, std::move(*kept), {counting, count});
            });
}

}  // namespace nexus::endpoints
