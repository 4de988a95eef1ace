#include "net/dialects/openai.hpp"
#include "net/dialects/root_members.hpp"

#include "conf/json_input.hpp"
#include "conf/limits.hpp"

#include <fmt/format.h>
#include <rapidjson/reader.h>

#include <array>
#include <charconv>

namespace nexus::net::openai {

namespace {

using rapidjson::SizeType;
using reader_type = rapidjson::GenericReader<json::bulk_bytes, json::bulk_bytes>;

/// Numbers of tokens above this are no count.
constexpr int64_t tokens_max = 100'000'000;

/// Takes what counts from a chunk or an answer, and lets the rest pass.
class answer_handler : public rapidjson::BaseReaderHandler<json::bulk_bytes, answer_handler> {
 public:
  answer_handler(std::string_view text, const json::input& in, chat_delta& out) : text_(text), in_(in), out_(out) {}

  /// What is not looked at passes anywhere but as the root.
  bool Default() { return depth_ > 0; }
  bool RawNumber(const char* digits, SizeType length, bool);
  bool String(const char* text, SizeType length, bool);
  bool Key(const char* text, SizeType length, bool);
  bool StartObject();
  bool EndObject(SizeType);
  bool StartArray();
  bool EndArray(SizeType);
  void finish();

 private:
  /// The member whose value follows: of the root, of a choice, of its delta or message, of usage and its details.
  enum class at : uint8_t {
    other,
    choices,
    usage,
    error,
    object,
    message,
    delta,
    finish_reason,
    content,
    reasoning,
    calls,
    call_id,
    prompt,
    completion,
    total,
    prompt_details,
    completion_details,
    cached,
    reasoning_tokens,
  };
  using path = std::array<at, limits::json_depth_max + 1>;

  static at root_key(std::string_view key);
  static at delta_key(std::string_view key);
  static at usage_key(std::string_view key);
  bool in_choice() const { return path_[1] == at::choices; }
  bool in_delta() const { return in_choice() && path_[3] == at::delta; }
  void count(int64_t tokens);

  std::string_view text_;
  const json::input& in_;
  chat_delta& out_;
  path path_{};  // by depth; other within an array
  unsigned depth_ = 0;
  unsigned choices_ = 0;
  bool has_reasoning_ = false;  // of the choice in hand
  size_t calls_begin_ = 0;
  usage usage_;
  bool error_object_ = false;  // "object":"error", the manner of older vLLM
  std::string root_message_;
};

answer_handler::at answer_handler::root_key(std::string_view key) {
  if (key == "choices") return at::choices;
  if (key == "usage") return at::usage;
  if (key == "error") return at::error;
  if (key == "object") return at::object;
  if (key == "message") return at::message;
  return at::other;
}

answer_handler::at answer_handler::delta_key(std::string_view key) {
  if (key == "content") return at::content;
  if (key == "reasoning_content" || key == "reasoning") return at::reasoning;
  if (key == "tool_calls") return at::calls;
  return at::other;
}

answer_handler::at answer_handler::usage_key(std::string_view key) {
  if (key == "prompt_tokens") return at::prompt;
  if (key == "completion_tokens") return at::completion;
  if (key == "total_tokens") return at::total;
  if (key == "prompt_tokens_details") return at::prompt_details;
  if (key == "completion_tokens_details") return at::completion_details;
  return at::other;
}

bool answer_handler::Key(const char* text, SizeType length, bool) {
  std::string_view key(text, length);
  auto& here = path_[depth_];
  here = at::other;
  if (depth_ == 1) {
    here = root_key(key);
  } else if (depth_ == 2) {
    if (path_[1] == at::usage) here = usage_key(key);
    if (path_[1] == at::error && key == "message") here = at::message;
  } else if (depth_ == 3) {
    if (in_choice() && (key == "delta" || key == "message")) here = at::delta;
    if (in_choice() && key == "finish_reason") here = at::finish_reason;
    if (path_[2] == at::prompt_details && key == "cached_tokens") here = at::cached;
    if (path_[2] == at::completion_details && key == "reasoning_tokens") here = at::reasoning_tokens;
  } else if (depth_ == 4 && in_delta()) {
    here = delta_key(key);
  } else if (depth_ == 6 && in_delta() && path_[4] == at::content && key == "text") {
    here = at::content;  // content as an array of parts
  } else if (depth_ == 6 && in_delta() && path_[4] == at::calls && key == "id") {
    here = at::call_id;
  }
  return true;
}

bool answer_handler::String(const char* text, SizeType length, bool) {
  std::string_view string(text, length);
  switch (depth_) {
    case 0:
      return false;
    case 1:
      if (path_[1] == at::error) {
        out_.is_error = true;
        out_.error_message = string;
      }
      if (path_[1] == at::object) error_object_ = string == "error";
      if (path_[1] == at::message) root_message_ = string;
      break;
    case 2:
      if (path_[1] == at::error && path_[2] == at::message) out_.error_message = string;
      break;
    case 3:
      if (in_choice() && path_[3] == at::finish_reason && choices_ == 1) out_.finish_reason = string;
      break;
    case 4:
      if (in_delta() && path_[4] == at::content) out_.content += string;
      // A provider that sends both names sends the same text twice.
      if (in_delta() && path_[4] == at::reasoning && !has_reasoning_) {
        out_.reasoning += string;
        has_reasoning_ = !string.empty();
      }
      break;
    case 6:
      if (in_delta() && path_[4] == at::content && path_[6] == at::content) out_.content += string;
      if (in_delta() && path_[4] == at::calls && path_[6] == at::call_id) out_.tool_call_ids.emplace_back(string);
      break;
    default:
      break;
  }
  return true;
}

bool answer_handler::RawNumber(const char* digits, SizeType length, bool) {
  if (depth_ == 0) return false;
  if (path_[1] != at::usage || depth_ > 3 || path_[depth_] == at::other) return true;
  int64_t integer = 0;
  auto [stop, ec] = std::from_chars(digits, digits + length, integer);
  if (ec == std::errc() && stop == digits + length && integer >= 0 && integer <= tokens_max) {
    count(integer);
  } else {
    (*digits == '-' ? usage_.had_negative : usage_.had_absurd) = true;
    out_.usage = usage_;
  }
  return true;
}

void answer_handler::count(int64_t tokens) {
  switch (path_[depth_]) {
    case at::prompt:
      usage_.prompt_tokens = tokens;
      break;
    case at::completion:
      usage_.completion_tokens = tokens;
      break;
    case at::total:
      usage_.total_tokens = tokens;
      break;
    case at::cached:
      usage_.cached_tokens = tokens;
      break;
    case at::reasoning_tokens:
      usage_.reasoning_tokens = tokens;
      break;
    default:
      return;
  }
  out_.usage = usage_;
}

bool answer_handler::StartObject() {
  if (depth_ == 1 && path_[1] == at::error) out_.is_error = true;
  if (depth_ == 2 && in_choice()) {
    ++choices_;
    out_.has_choices = true;
    has_reasoning_ = false;
  }
  if (depth_ == limits::json_depth_max) return false;
  path_[++depth_] = at::other;
  return true;
}

bool answer_handler::EndObject(SizeType) {
  --depth_;
  return true;
}

bool answer_handler::StartArray() {
  if (depth_ == 0 || depth_ == limits::json_depth_max) return false;
  if (depth_ == 4 && in_delta() && path_[4] == at::calls) calls_begin_ = in_.Tell();
  path_[++depth_] = at::other;
  return true;
}

bool answer_handler::EndArray(SizeType elements) {
  --depth_;
  if (depth_ != 4 || !in_delta() || path_[4] != at::calls || elements == 0) return true;
  // The reader stands behind the bracket at both ends.
  auto inner = text_.substr(calls_begin_, in_.Tell() - 1 - calls_begin_);
  auto& calls = out_.tool_calls;
  if (calls.empty())
    calls = '[';
  else
    calls.back() = ',';
  calls += inner;
  calls += ']';
  return true;
}

void answer_handler::finish() {
  if (!error_object_ || out_.is_error) return;
  out_.is_error = true;
  out_.error_message = std::move(root_message_);
}

result<void> read(reader_type& reader, std::string_view text, chat_delta& out) {
  // Numbers as strings: RapidJSON 1.1's own conversion reads out of bounds at hostile exponents.
  constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  out.clear();
  json::input in{text.data(), text.data(), text.data() + text.size()};
  answer_handler handler(text, in, out);
  auto outcome = reader.Parse<flags>(in, handler);
  if (outcome.IsError()) {
    return make_error(errc::upstream_invalid_response, "The upstream sent an answer that is not a JSON object.",
                      fmt::format("not readable at byte {} of {}", outcome.Offset(), text.size()));
  }
  handler.finish();
  return {};
}

/// Returns a string as it is and a number as text.
std::string text_of(const json::value* value) {
  if (value == nullptr) return {};
  if (value->IsString()) return {value->GetString(), value->GetStringLength()};
  if (value->IsInt64()) return std::to_string(value->GetInt64());
  return {};
}

const json::value* first_of(const json::value* value) {
  return value != nullptr && value->IsArray() && !value->Empty() ? &(*value)[0] : value;
}

json::writer& begin(json::writer& out, const identity& identity, std::string_view object) {
  out.object().key("id").string(identity.id).key("object").string(object).key("created").number(identity.created);
  return out.key("model").string(identity.model);
}

constexpr std::string_view chunk_object = "chat.completion.chunk";

void write_usage(json::writer& out, const usage& usage) {
  auto known = [](int64_t tokens) { return tokens < 0 ? 0 : tokens; };
  auto prompt = known(usage.prompt_tokens);
  auto completion = known(usage.completion_tokens);
  out.key("usage").object().key("prompt_tokens").number(prompt).key("completion_tokens").number(completion);
  out.key("total_tokens").number(usage.total_tokens < 0 ? prompt + completion : usage.total_tokens);
  if (usage.cached_tokens >= 0)
    out.key("prompt_tokens_details").object().key("cached_tokens").number(usage.cached_tokens).end_object();
  if (usage.reasoning_tokens >= 0)
    out.key("completion_tokens_details").object().key("reasoning_tokens").number(usage.reasoning_tokens).end_object();
  out.end_object();
}

/// Finds a member of `params` that a caller may not set.
class own_members final : public root_members {
 public:
  bool on_root_member(std::string_view key, json::range, json::range) override {
    for (std::string_view own : {"model", "messages", "stream", "stream_options"})
      if (key == own) refused_ = key;
    return refused_.empty();
  }
  error reason() const override {
    if (refused_.empty()) return root_members::reason();
    auto error = make_error(errc::invalid_request, fmt::format("'params.{}' is set by the hub itself.", refused_));
    error.param = "params." + refused_;
    return error;
  }

 private:
  std::string refused_;
};

error blame(error error, std::string_view param) {
  if (error.param.empty()) error.param = param;
  return error;
}

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

result<void> read_chunk(std::string_view data, chat_delta& out) {
  // Keeps its buffer, so that a chunk costs no allocation. It is bounded by the longest event.
  thread_local reader_type reader;
  return read(reader, data, out);
}

result<void> read_answer(std::string_view body, chat_delta& out) {
  reader_type reader;
  return read(reader, body, out);
}

upstream_message read_error(std::string_view body) {
  auto parsed = json::parse(body);
  if (!parsed) return {};
  auto& root = *first_of(&*parsed);
  auto error = json::find(root, "error");
  if (error == nullptr || error->IsNull()) {
    auto message = json::find(root, "message");
    auto detail = first_of(json::find(root, "detail"));
    if (detail != nullptr && detail->IsObject()) detail = json::find(*detail, "msg");
    return {text_of(message != nullptr ? message : detail), text_of(json::find(root, "code"))};
  }
  if (!error->IsObject()) return {text_of(error), text_of(json::find(root, "code"))};
  return {text_of(json::find(*error, "message")), text_of(json::find(*error, "code"))};
}

std::string error_body(const error& error) {
  auto& row = info(error.code);
  json::writer out;
  out.object().key("error").object().key("message").string(error.message).key("type").string(row.type).key("param");
  if (error.param.empty())
    out.null();
  else
    out.string(error.param);
  return out.key("code").string(row.name).end_object().end_object().take();
}

identity read_identity(std::string_view chunk) {
  identity found;
  const auto parsed = json::parse(chunk);
  if (!parsed || !parsed->IsObject()) return found;
  found.id = json::string_member(*parsed, "id").value_or("");
  found.model = json::string_member(*parsed, "model").value_or("");
  if (const auto* created = json::find(*parsed, "created"); created != nullptr && created->IsInt64())
    found.created = created->GetInt64();
  return found;
}

std::string make_answer(const identity& identity, std::string_view content, std::string_view finish_reason,
                        const usage& usage) {
  json::writer out;
  begin(out, identity, "chat.completion").key("choices").array().object().key("index").number(0);
  out.key("message").object().key("role").string("assistant").key("content").string(content).key("refusal").null();
  out.end_object().key("logprobs").null().key("finish_reason").string(finish_reason).end_object().end_array();
  write_usage(out, usage);
  return out.end_object().take();
}

std::string make_chunk(const identity& identity, std::string_view content, bool first) {
  json::writer out;
  begin(out, identity, chunk_object).key("choices").array().object().key("index").number(0).key("delta").object();
  if (first) out.key("role").string("assistant");
  out.key("content").string(content).end_object().key("finish_reason").null();
  return out.end_object().end_array().end_object().take();
}

std::string make_finish_chunk(const identity& identity, std::string_view finish_reason) {
  json::writer out;
  begin(out, identity, chunk_object).key("choices").array().object().key("index").number(0).key("delta").object();
  out.end_object().key("finish_reason").string(finish_reason);
  return out.end_object().end_array().end_object().take();
}

std::string make_usage_chunk(const identity& identity, const usage& usage) {
  json::writer out;
  begin(out, identity, chunk_object).key("choices").array().end_array();
  write_usage(out, usage);
  return out.end_object().take();
}

result<std::string> make_request(std::string_view model, std::string_view messages_json, std::string_view params_json) {
  auto messages = json::parse(messages_json);
  if (!messages) return blame(messages.error(), "messages");
  if (!messages->IsArray()) return blame(make_error(errc::invalid_request, "'messages' must be an array."), "messages");
  auto params = trimmed(params_json);
  auto object = params.starts_with('{') ? std::string(params) : fmt::format("{{{}}}", params);
  own_members own;
  if (auto walked = json::walk(object, own); !walked) return blame(walked.error(), "params");
  auto members = trimmed(std::string_view(object).substr(1, object.size() - 2));
  std::string out = "{\"model\":";
  json::append_string(out, model);
  out += ",\"messages\":";
  out += messages_json;
  if (!members.empty()) out += ',';
  out += members;
  return out += R"(,"stream":true,"stream_options":{"include_usage":true}})";
}

}  // namespace nexus::net::openai
