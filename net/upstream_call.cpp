#include "net/upstream_call.hpp"

#include "conf/limits.hpp"
#include "net/ascii.hpp"
#include "net/dialects/openai.hpp"
#include "net/http_writer.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace nexus::net {
namespace {

history_hasher after_request(const call_settings& settings) { return {settings.history_seed, settings.history_hash}; }

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view wanted = "text/event-stream";
  return ascii::iequals(content_type.substr(0, wanted.size()), wanted);
}

// What the official SDKs obey, beside Retry-After.
constexpr std::string_view retry_hints[] = {"retry-after-ms", "x-should-retry"};

// Statuses of another provider's making that a second provider may not share.
bool may_succeed_elsewhere(int status) { return status == 408 || status == 429 || status >= 500; }

int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, int64_t now) {
  int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (ec == std::errc() && end == value.data() + value.size() && seconds >= 0) return std::chrono::seconds(seconds);
  std::tm date{};
  const std::string text(value);
  if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return std::nullopt;
  return std::chrono::seconds(std::max<int64_t>(0, ::timegm(&date) - now));
}

upstream_call::upstream_call(const call_settings& settings) : settings_(settings) {}

bool upstream_call::fail(error failure, bool elsewhere) {
  over_ = true;
  verdict_.failure = std::move(failure);
  verdict_.elsewhere = elsewhere && !streaming_;
  verdict_.reusable = false;
  return false;
}

bool upstream_call::feed(std::string_view bytes, stream_part& part) {
  answered_ = answered_ || !bytes.empty();
  while (!over_) {
    auto taken = reader_.feed(bytes);
    if (!taken) return fail(taken.error(), true);
    bytes.remove_prefix(*taken);
    if (!head_arrived_ && reader_.has_head()) {
      head_arrived_ = true;
      if (!on_head()) return false;
    }
    if (head_arrived_ && !on_body(part)) return false;
    if (reader_.complete()) {
      const bool surplus = !bytes.empty();
      on_complete(part);
      verdict_.reusable = verdict_.reusable && !surplus;
      return false;
    }
    if (bytes.empty() || *taken == 0) return true;
  }
  return false;
}

bool upstream_call::on_head() {
  const auto& head = reader_.current();
  if (const auto id = head.headers.find("x-request-id"); id && id->size() <= 128) verdict_.upstream_request_id = *id;
  if (head.status >= 300 && head.status < 400)
    return fail(
        make_error(
            errc::upstream_redirect,
            "The upstream answered with a redirect, which is never followed. Correct the provider's server_url."),
        true);
  if (const auto coding = head.headers.find("content-encoding"); coding && *coding != "identity")
    return fail(
        make_error(errc::upstream_invalid_response, "The upstream compressed its answer although it was not asked to."),
        true);
  if (head.status >= 200 && head.status < 300 && settings_.stream) {
    const auto type = head.headers.find("content-type").value_or("");
    if (!is_event_stream(type))
      return fail(make_error(errc::upstream_invalid_response,
                             "The upstream answered a streaming request with something that is no event stream."),
                  true);
    relay_.emplace(settings_.mode, settings_.include_usage, after_request(settings_), settings_.meter);
  }
  return true;
}

bool upstream_call::on_body(stream_part& part) {
  auto& fresh = reader_.body();
  if (fresh.empty()) return true;
  if (relay_) {
    const auto before = part.size();
    const auto fed = relay_->feed(fresh, part);
    streaming_ = streaming_ || part.size() > before;
    reader_.clear_body();
    if (!fed) return fail(fed.error(), true);
    if (!relay_->is_cut()) return true;
    over_ = true;  // the upstream may go on talking: its connection is of no more use
    return false;
  }
  const auto limit = reader_.current().status < 300 ? settings_.answer_bytes_max : limits::error_body_bytes_max;
  if (body_.size() + fresh.size() > limit) {
    reader_.clear_body();
    if (reader_.current().status < 300)
      return fail(make_error(errc::upstream_invalid_response, "The upstream's answer is larger than this hub accepts."),
                  false);
    body_.clear();
    conclude_status();
    verdict_.reusable = false;
    return false;
  }
  if (body_.empty()) {
    body_.swap(fresh);
  } else {
    body_.append(fresh);
  }
  reader_.clear_body();
  return true;
}

bool upstream_call::on_complete(stream_part& part) {
  verdict_.reusable = reader_.current().keep_alive;
  if (relay_) {
    const auto finished = relay_->finish(part);
    if (!finished) return fail(finished.error(), true);
    over_ = true;
    return false;
  }
  const int status = reader_.current().status;
  return status >= 200 && status < 300 ? conclude_answer() : conclude_status();
}

bool upstream_call::conclude_answer() {
  chat_delta delta;
  if (auto read = openai::read_answer(body_, delta); !read) return fail(read.error(), true);
  if (delta.is_error)
    return fail(
        make_error(errc::upstream_error, delta.error_message.empty() ? "The upstream failed." : delta.error_message),
        true);
  if (!delta.has_choices && !delta.usage)
    return fail(make_error(errc::upstream_invalid_response, "The upstream's answer is JSON but no chat completion."),
                true);
  facts_.reported = delta.usage;
  facts_.finish_reason = delta.finish_reason;
  facts_.has_text = true;
  if (settings_.meter != nullptr) settings_.meter->add(delta, true);
  auto history = after_request(settings_);
  history.role("assistant");
  history.text(delta.content);
  std::string call_ids;
  for (const auto& id : delta.tool_call_ids) call_ids += id;
  history.call_ids(call_ids);
  facts_.history_hash = history.value();
  over_ = true;
  verdict_.answer = whole_answer{reader_.current().status, std::move(body_)};
  return false;
}

bool upstream_call::conclude_status() {
  const auto& head = reader_.current();
  const bool reusable = head.keep_alive;
  if (head.status == 401 || head.status == 403) {
    fail(make_error(errc::upstream_credentials_rejected,
                    "The upstream rejected the hub's credentials for this provider. Correct the provider's server_key.",
                    "status " + std::to_string(head.status)),
         true);
  } else {
    const auto said = openai::read_error(body_);
    auto failure = make_error(
        errc::upstream_status,
        said.message.empty() ? "The upstream answered with status " + std::to_string(head.status) + "." : said.message);
    failure.status = head.status;
    for (const auto name : retry_hints)
      if (const auto value = head.headers.find(name); value && is_field_value(*value))
        verdict_.hints.emplace_back(name, *value);
    if (const auto after = head.headers.find("retry-after"))
      failure.retry_after = parse_retry_after(*after, now_seconds());
    const bool elsewhere = may_succeed_elsewhere(head.status);
    const int status = head.status;
    fail(std::move(failure), elsewhere);
    // An error object of the caller's own dialect passes as it is.
    if (!said.message.empty() && json::parse(body_)) verdict_.answer = whole_answer{status, std::move(body_)};
  }
  verdict_.reusable = reusable;
  return false;
}

void upstream_call::feed_end(bool reset, stream_part& part) {
  if (over_) return;
  if (relay_ && relay_->done()) {
    over_ = true;  // the answer was complete; only its framing was not
    return;
  }
  if (!reset && head_arrived_ && reader_.feed_end()) {
    on_complete(part);
    verdict_.reusable = false;
    return;
  }
  const auto message = !answered_    ? (reset ? "The upstream reset the connection before it answered."
                                              : "The upstream closed the connection before it answered.")
                       : !streaming_ ? "The upstream broke off its answer."
                                     : "The upstream broke off in mid-stream.";
  fail(make_error(errc::upstream_error, message), true);
}

answer_facts upstream_call::facts() const { return relay_ ? relay_->facts() : facts_; }

}  // namespace nexus::net
