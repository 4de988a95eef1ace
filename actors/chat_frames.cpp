#include "actors/chat_frames.hpp"

#include "conf/json.hpp"
#include "net/dialects/root_members.hpp"
#include "net/http_writer.hpp"

#include <algorithm>

namespace nexus {
namespace {

// Members of a frame: texts decoded, messages and params as the JSON they are.
class frame_reader final : public net::root_members {
 public:
  explicit frame_reader(std::string_view text) : text_(text) {}

  bool on_string(std::string_view value, unsigned depth) override {
    if (depth == 1) string_ = value;
    return net::root_members::on_string(value, depth);
  }
  bool on_number(double number, std::optional<int64_t> integer, unsigned depth) override {
    if (depth == 1) integer_ = integer;
    return net::root_members::on_number(number, integer, depth);
  }
  bool on_root_member(std::string_view key, json::range, json::range value) override {
    const auto raw = text_.substr(value.begin, value.end - value.begin);
    const bool known = raw == "null" || take(key, raw);
    string_.reset();
    integer_.reset();
    return known;
  }
  error reason() const override { return failure_ ? *failure_ : net::root_members::reason(); }

  client_frame frame;
  std::string type;
  std::optional<std::string> message;  // of the short form

 private:
  bool take(std::string_view key, std::string_view raw) {
    if (key == "type") return text(key, type);
    if (key == "id") return text(key, frame.id);
    if (key == "model" || key == "model_name") return text(key, frame.model);
    if (key == "conversation_id") return text(key, frame.conversation_id);
    if (key == "text") return text(key, frame.text);
    if (key == "message") return text(key, message.emplace());
    if (key == "provider_id") return number(key, frame.provider_id.emplace());
    if (key == "last_seq") return number(key, frame.last_seq);
    if (key == "messages") return nested(key, raw, '[', frame.messages);
    if (key == "params") return nested(key, raw, '{', frame.params);
    return refuse(key, "There is no field '" + std::string(key.substr(0, 64)) + "' in a frame.");
  }
  bool text(std::string_view key, std::string& into) {
    if (!string_) return refuse(key, "'" + std::string(key) + "' must be a string.");
    into = *string_;
    return true;
  }
  bool number(std::string_view key, int64_t& into) {
    if (!integer_ || *integer_ < 0) return refuse(key, "'" + std::string(key) + "' must be a whole number.");
    into = *integer_;
    return true;
  }
  bool nested(std::string_view key, std::string_view raw, char opening, std::string& into) {
    if (raw.front() != opening)
      return refuse(key, "'" + std::string(key) + (opening == '[' ? "' must be an array." : "' must be an object."));
    into = raw;
    return true;
  }
  bool refuse(std::string_view key, std::string message_) {
    failure_ = make_error(errc::invalid_request, std::move(message_));
    failure_->param = key;
    return false;
  }

  std::string_view text_;
  std::optional<std::string> string_;
  std::optional<int64_t> integer_;
  std::optional<error> failure_;
};

error complaint(const char* param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = param;
  return failure;
}

result<client_frame> read_short_form(frame_reader& reader) {
  auto& frame = reader.frame;
  if (frame.model.empty()) return complaint("model_name", "'model_name' is required.");
  json::writer messages;
  messages.array().object().key("role").string("user").key("content").string(*reader.message).end_object().end_array();
  frame.messages = messages.take();
  return std::move(frame);
}

}  // namespace

result<client_frame> read_client_frame(std::string_view text, std::string& id) {
  frame_reader reader(text);
  const auto walked = json::walk(text, reader);
  id = reader.frame.id;
  if (!walked) {
    auto failure = walked.error();
    if (failure.message.starts_with("The body")) failure.message.replace(0, 8, "The frame");
    return failure;
  }
  auto& frame = reader.frame;
  if (!frame.id.empty() && !net::is_label(frame.id))
    return complaint("id", "'id' must be 1 to 128 visible ASCII characters.");
  if (reader.type.empty() && reader.message) return read_short_form(reader);
  if (frame.id.empty()) return complaint("id", "'id' is required.");
  if (reader.type == "chat") {
    if (frame.model.empty()) return complaint("model", "'model' is required.");
    if (frame.messages.empty()) return complaint("messages", "'messages' is required.");
  } else if (reader.type == "stop") {
    frame.what = client_frame::kind::stop;
  } else if (reader.type == "resume") {
    frame.what = client_frame::kind::resume;
  } else if (reader.type == "count") {
    frame.what = client_frame::kind::count;
    if (frame.model.empty()) return complaint("model", "'model' is required.");
  } else {
    return complaint("type", "'type' must be chat, stop, resume or count.");
  }
  return std::move(frame);
}

namespace frames {

std::string make_start(const start& start) {
  json::writer out;
  out.object()
      .key("type")
      .string("start")
      .key("id")
      .string(start.id)
      .key("conversation_id")
      .string(start.conversation_id)
      .key("provider_id")
      .number(start.provider_id);
  out.key("model")
      .string(start.model)
      .key("prompt_tokens")
      .number(start.prompt_tokens)
      .key("exact")
      .boolean(start.is_exact)
      .end_object();
  return out.take();
}

std::string make_delta(std::string_view id, uint64_t seq, const net::stream_part& part) {
  json::writer out;
  out.object().key("type").string("delta").key("id").string(id).key("seq").number(static_cast<int64_t>(seq));
  if (!part.content.empty()) out.key("content").string(part.content);
  if (!part.reasoning.empty()) out.key("reasoning").string(part.reasoning);
  if (!part.tool_calls.empty()) out.key("tool_calls").raw("[" + part.tool_calls + "]");
  out.end_object();
  return out.take();
}

std::string make_done(const done& done) {
  json::writer out;
  out.object()
      .key("type")
      .string("done")
      .key("id")
      .string(done.id)
      .key("finish_reason")
      .string(done.finish_reason)
      .key("usage");
  if (done.usage && done.usage->complete()) {
    const auto& usage = *done.usage;
    out.object()
        .key("prompt_tokens")
        .number(usage.prompt_tokens)
        .key("completion_tokens")
        .number(usage.completion_tokens);
    out.key("total_tokens")
        .number(usage.total_tokens >= 0 ? usage.total_tokens : usage.prompt_tokens + usage.completion_tokens)
        .end_object();
  } else {
    out.null();
  }
  out.key("counted")
      .object()
      .key("prompt_tokens")
      .number(done.prompt_tokens)
      .key("completion_tokens")
      .number(done.completion_tokens);
  out.key("total_tokens").number(done.prompt_tokens + done.completion_tokens).key("exact").boolean(done.is_exact);
  out.end_object();
  out.key("ttft_ms")
      .number(done.ttft_ms)
      .key("duration_ms")
      .number(done.duration_ms)
      .key("provider_id")
      .number(done.provider_id);
  if (done.cost > 0) out.key("cost").string(to_text(done.cost));
  out.key("request_id").string(done.request_id).end_object();
  return out.take();
}

std::string make_error(std::string_view id, const error& failure, std::string_view request_id) {
  const auto& row = info(failure.code);
  json::writer out;
  out.object().key("type").string("error").key("id").string(id).key("error").object();
  out.key("message").string(failure.message).key("type").string(row.type).key("code").string(row.name).key("param");
  if (failure.param.empty()) {
    out.null();
  } else {
    out.string(failure.param);
  }
  out.end_object().key("request_id").string(request_id).end_object();
  return out.take();
}

std::string make_count(std::string_view id, int64_t tokens, bool is_exact) {
  json::writer out;
  out.object()
      .key("type")
      .string("count")
      .key("id")
      .string(id)
      .key("tokens")
      .number(tokens)
      .key("exact")
      .boolean(is_exact)
      .end_object();
  return out.take();
}

}  // namespace frames
}  // namespace nexus
