#include "net/dialects/openai.hpp"
#include "net/dialects/root_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace nexus::net::openai {

namespace {

/// JSON types as a set.
enum kind : unsigned { a_string = 1, a_number = 2, a_boolean = 4, a_null = 8, an_object = 16, an_array = 32 };

enum class member : uint8_t {
  other,
  model,
  messages,
  stream,
  stream_options,
  max_tokens,
  choices,
  max_completion_tokens,
};

/// A root member whose type is checked. Members that are not in the table pass.
struct member_row {
  std::string_view name;
  unsigned kinds;
  member id = member::other;
  bool integer = false;
  double least = 0;  // bounds of a number, if least < most
  double most = 0;
};

constexpr double tokens_max = 2147483647;

constexpr member_row member_rows[] = {
    {"model", a_string, member::model},
    {"messages", an_array, member::messages},
    {"stream", a_boolean | a_null, member::stream},
    {"stream_options", an_object | a_null, member::stream_options},
    {"max_tokens", a_number | a_null, member::max_tokens, true, 1, tokens_max},
    {"max_completion_tokens", a_number | a_null, member::max_completion_tokens, true, 1, tokens_max},
    {"temperature", a_number | a_null, member::other, false, 0, 2},
    {"top_p", a_number | a_null, member::other, false, 0, 1},
    {"n", a_number | a_null, member::choices, true, 1, 128},
    {"stop", a_string | an_array | a_null},
    {"seed", a_number | a_null, member::other, true},
    {"tools", an_array | a_null},
    {"functions", an_array | a_null},
    {"tool_choice", a_string | an_object | a_null},
    {"parallel_tool_calls", a_boolean | a_null},
    {"response_format", an_object | a_null},
    {"logprobs", a_boolean | a_null},
    {"top_logprobs", a_number | a_null, member::other, true},
    {"frequency_penalty", a_number | a_null},
    {"presence_penalty", a_number | a_null},
    {"logit_bias", an_object | a_null},
    {"user", a_string | a_null},
    {"metadata", an_object | a_null},
    {"modalities", an_array | a_null},
    {"reasoning_effort", a_string | a_null},
    {"service_tier", a_string | a_null},
    {"prompt_cache_key", a_string | a_null},
    {"store", a_boolean | a_null},
};

/// Members by which another gateway behind us, or an SDK's server, would be sent elsewhere or given other credentials.
constexpr std::string_view steering_names[] = {
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "api_type",
    "headers",
    "extra_headers",
    "default_headers",
    "extra_body",
    "extra_query",
    "fallbacks",
    "model_list",
    "user_config",
    "organization",
    "context_window_fallbacks",
    "litellm_params",
    "mock_response",
    "mock_tool_calls",
    "litellm_metadata",
    "content_policy_fallbacks",
    "azure_ad_token",
    "aws_region_name",
    "aws_access_key_id",
    "aws_session_token",
    "aws_secret_access_key",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
    "custom_llm_provider",
    "aws_bedrock_runtime_endpoint",
};

constexpr std::string_view roles[] = {"user", "assistant", "system", "tool", "developer", "function"};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Letter case does not count: some servers match their members without it.
bool is_steering(std::string_view key) {
  return std::ranges::any_of(steering_names, [&](std::string_view name) {
    return name.size() == key.size() && std::ranges::equal(name, key, {}, {}, lower);
  });
}

const member_row* find_row(std::string_view key) {
  auto row = std::ranges::find(member_rows, key, &member_row::name);
  return row == std::end(member_rows) ? nullptr : row;
}

/// "a string or null", "an integer from 1 to 128".
std::string describe(const member_row& row) {
  std::string out;
  auto add = [&](kind kind, std::string_view words) {
    if ((row.kinds & kind) == 0) return;
    if (!out.empty()) out += " or ";
    out += words;
  };
  add(a_string, "a string");
  add(a_number, row.integer ? "an integer" : "a number");
  if (row.least < row.most) out += fmt::format(" from {:.0f} to {:.0f}", row.least, row.most);
  add(a_boolean, "a boolean");
  add(an_object, "an object");
  add(an_array, "an array");
  add(a_null, "null");
  return out;
}

/// Copies the members of stream_options as they are, but for include_usage.
class other_options final : public root_members {
 public:
  explicit other_options(std::string_view text) : text_(text) {}
  bool on_root_member(std::string_view key, json::range member, json::range) override {
    if (key == "include_usage") return true;
    auto begin = text_.find('"', member.begin);
    copied_ += text_.substr(begin, member.end - begin);
    copied_ += ',';
    return true;
  }
  const std::string& copied() const { return copied_; }

 private:
  std::string_view text_;
  std::string copied_;
};

/// Returns the text of stream_options with include_usage set.
std::string with_usage(std::string_view options) {
  other_options others(options);
  // These bytes passed as a part of the request already.
  [[maybe_unused]] auto walked = json::walk(options, others);
  assert(walked);
  return fmt::format("{{{}\"include_usage\":true}}", others.copied());
}

/// Listens to the one strict pass.
class request_reader final : public json::listener {
 public:
  request_reader(std::string_view body, uint64_t seed, uint64_t scope)
      : body_(body), seed_(seed), history_(history_hasher(seed, scope).value()), hasher_(seed, 0) {}

  bool on_key(std::string_view key, unsigned depth) override;
  bool on_string(std::string_view text, unsigned depth) override;
  bool on_number(double number, std::optional<int64_t> integer, unsigned depth) override;
  bool on_bool(bool value, unsigned depth) override;
  bool on_null(unsigned depth) override { return accept(a_null, depth); }
  bool on_object_begin(unsigned depth) override;
  bool on_object_end(unsigned depth) override;
  bool on_array_begin(unsigned depth) override;
  bool on_array_end(unsigned) override { return true; }
  bool on_root_member(std::string_view key, json::range member, json::range value) override;
  error reason() const override { return failure_; }

  /// Judges what only the whole request shows, and completes the edits.
  result<chat_request> finish();

 private:
  enum class field : uint8_t { other, role, content, name, calls, function_call, call_id };
  enum class leaf : uint8_t { other, text, id };

  bool accept(kind kind, unsigned depth);
  bool accept_field(kind kind);
  bool in(member id) const { return row_ != nullptr && row_->id == id; }
  bool refuse(std::string param, std::string message);
  std::string message_path(std::string_view field = {}) const;
  std::string part_path() const { return fmt::format("{}[{}]", message_path(name_of(field_)), parts_ - 1); }
  static std::string_view name_of(field field) { return field == field::calls ? "tool_calls" : "content"; }
  bool set_role(std::string_view role);
  void add_content(std::string_view text);
  bool end_message();
  void complete_stream_options();

  std::string_view body_;
  uint64_t seed_;
  uint64_t history_;
  chat_request request_;
  error failure_;

  // Where the pass is.
  const member_row* row_ = nullptr;  // the root member
  field field_ = field::other;       // the member of a message
  leaf leaf_ = leaf::other;          // the member of a content part or tool call
  bool is_usage_option_ = false;
  uint64_t parts_ = 0;  // of the message's content or tool calls

  // The message in hand. Content that comes before the role waits in `early_`.
  history_hasher hasher_;
  std::string early_;
  std::string ids_;
  bool has_role_ = false;
  bool has_content_ = false;
  bool is_assistant_ = false;

  // The root object.
  json::range options_;  // the value of stream_options, an object if `has_options_`, else null or absent
  bool has_options_ = false;
  std::optional<int64_t> completion_tokens_;
  size_t members_end_ = 0;
  bool kept_one_ = false;
};

bool request_reader::refuse(std::string param, std::string message) {
  failure_ = make_error(errc::invalid_request, std::move(message));
  failure_.param = std::move(param);
  return false;
}

std::string request_reader::message_path(std::string_view field) const {
  return fmt::format("messages[{}]{}{}", request_.messages, field.empty() ? "" : ".", field);
}

/// Judges the type of a value; `depth` is that of the container it stands in.
bool request_reader::accept(kind kind, unsigned depth) {
  if (depth == 0) return kind == an_object || refuse({}, "The request body must be a JSON object.");
  if (depth == 1) {
    if (row_ == nullptr || (row_->kinds & kind) != 0) return true;
    return refuse(std::string(row_->name), fmt::format("'{}' must be {}.", row_->name, describe(*row_)));
  }
  if (is_usage_option_ && depth == 2) {
    return (kind & (a_boolean | a_null)) != 0 ||
           refuse("stream_options.include_usage", "'stream_options.include_usage' must be a boolean.");
  }
  if (!in(member::messages)) return true;
  if (depth == 2) return kind == an_object || refuse(message_path(), "Each message must be an object.");
  if (depth == 3) return accept_field(kind);
  if (depth == 4 && (field_ == field::content || field_ == field::calls)) {
    ++parts_;
    return kind == an_object || refuse(part_path(), fmt::format("'{}' must be an object.", part_path()));
  }
  if (depth == 5 && field_ == field::content && leaf_ == leaf::text && (kind & (a_string | a_null)) == 0)
    return refuse(part_path() + ".text", fmt::format("'{}.text' must be a string.", part_path()));
  return true;
}

/// Judges the type of a message's member.
bool request_reader::accept_field(kind kind) {
  auto is = [&](unsigned kinds, std::string_view name, std::string_view words) {
    if ((kinds & kind) != 0) return true;
    return refuse(message_path(name), fmt::format("'{}' must be {}.", message_path(name), words));
  };
  switch (field_) {
    case field::role:
      return is(a_string, "role", "a string");
    case field::content:
      has_content_ = true;
      return is(a_string | a_null | an_array, "content", "a string, null or an array of parts");
    case field::name:
      return is(a_string | a_null, "name", "a string");
    case field::calls:
      return is(an_array | a_null, "tool_calls", "an array");
    case field::function_call:
      return is(an_object | a_null, "function_call", "an object");
    case field::call_id:
      return is(a_string | a_null, "tool_call_id", "a string");
    case field::other:
      return true;
  }
  return true;
}

bool request_reader::on_key(std::string_view key, unsigned depth) {
  if (depth == 1) {
    row_ = find_row(key);
    return true;
  }
  if (depth == 2) is_usage_option_ = in(member::stream_options) && key == "include_usage";
  if (!in(member::messages)) return true;
  if (depth == 3) {
    field_ = key == "role"            ? field::role
             : key == "content"       ? field::content
             : key == "name"          ? field::name
             : key == "tool_calls"    ? field::calls
             : key == "tool_call_id"  ? field::call_id
             : key == "function_call" ? field::function_call
                                      : field::other;
    return true;
  }
  leaf_ = leaf::other;
  if (field_ == field::content && depth == 5 && key == "text") leaf_ = leaf::text;
  if (field_ == field::calls && depth == 5 && key == "id") leaf_ = leaf::id;
  return true;
}

bool request_reader::on_string(std::string_view text, unsigned depth) {
  if (!accept(a_string, depth)) return false;
  if (depth == 1 && in(member::model)) {
    if (text.empty()) return refuse("model", "You must provide a model parameter.");
    request_.model = text;
  }
  if (!in(member::messages)) return true;
  if (depth == 3) {
    if (field_ == field::role) return set_role(text);
    if (field_ == field::content) add_content(text);
    if (field_ == field::call_id) ids_ += text;
    return true;
  }
  if (depth == 5 && leaf_ == leaf::text) add_content(text);
  if (depth == 5 && leaf_ == leaf::id) ids_ += text;
  return true;
}

bool request_reader::on_number(double number, std::optional<int64_t> integer, unsigned depth) {
  if (!accept(a_number, depth)) return false;
  if (depth != 1 || row_ == nullptr) return true;
  bool bounded = row_->least < row_->most;
  if ((row_->integer && !integer) || (bounded && (number < row_->least || number > row_->most)))
    return refuse(std::string(row_->name), fmt::format("'{}' must be {}.", row_->name, describe(*row_)));
  if (in(member::max_tokens)) request_.max_tokens = integer;
  if (in(member::max_completion_tokens)) completion_tokens_ = integer;
  if (in(member::choices)) request_.choices = *integer;
  return true;
}

bool request_reader::on_bool(bool value, unsigned depth) {
  if (!accept(a_boolean, depth)) return false;
  if (depth == 1 && in(member::stream)) request_.stream = value;
  if (depth == 2 && is_usage_option_) request_.include_usage = value;
  return true;
}

bool request_reader::on_object_begin(unsigned depth) {
  if (!accept(an_object, depth - 1)) return false;
  if (depth == 2) is_usage_option_ = false;
  if (!in(member::messages)) return true;
  if (depth == 3) {
    if (is_assistant_) request_.continued_hash = history_;
    early_.clear();
    ids_.clear();
    has_role_ = has_content_ = is_assistant_ = false;
    field_ = field::other;
  }
  if (depth > 4) leaf_ = leaf::other;
  return true;
}

bool request_reader::on_object_end(unsigned depth) {
  if (depth == 3 && in(member::messages)) return end_message();
  if (depth > 3) leaf_ = leaf::other;
  return true;
}

bool request_reader::on_array_begin(unsigned depth) {
  if (depth == 2) is_usage_option_ = false;
  if (!accept(an_array, depth - 1)) return false;
  if (depth == 4) parts_ = 0;
  if (depth > 4) leaf_ = leaf::other;
  return true;
}

bool request_reader::set_role(std::string_view role) {
  if (std::ranges::find(roles, role) == std::end(roles)) {
    return refuse(message_path("role"), fmt::format("'{}' must be one of system, developer, user, assistant, tool and "
                                                    "function.",
                                                    message_path("role")));
  }
  has_role_ = true;
  is_assistant_ = role == "assistant";
  hasher_ = history_hasher(seed_, history_);
  hasher_.role(role);
  hasher_.text(early_);
  return true;
}

void request_reader::add_content(std::string_view text) {
  if (has_role_)
    hasher_.text(text);
  else
    early_ += text;
}

bool request_reader::end_message() {
  if (!has_role_)
    return refuse(message_path("role"), fmt::format("'{}' is missing: each message has a role.", message_path("role")));
  if (!has_content_ && !is_assistant_)
    return refuse(message_path("content"), fmt::format("'{}' is missing.", message_path("content")));
  hasher_.call_ids(ids_);
  history_ = hasher_.value();
  ++request_.messages;
  return true;
}

bool request_reader::on_root_member(std::string_view key, json::range member, json::range value) {
  members_end_ = member.end;
  auto drop = [&](size_t begin, size_t end) {
    if (!request_.edits.empty() && request_.edits.back().where.end == begin)
      request_.edits.back().where.end = end;
    else
      request_.edits.push_back({{begin, end}, {}});
  };
  if (is_steering(key)) {
    drop(member.begin, member.end);
    return true;
  }
  // The first member that stays has no comma before it.
  if (!kept_one_ && !request_.edits.empty()) drop(member.begin, body_.find(',', member.begin) + 1);
  kept_one_ = true;
  if (in(member::model)) request_.model_value = value;
  if (in(member::stream_options)) {
    options_ = value;
    has_options_ = body_[value.begin] == '{';
  }
  return true;
}

/// A stream's usage is always asked for: the client's own wish is in `include_usage`.
void request_reader::complete_stream_options() {
  if (request_.include_usage) return;
  if (options_.end != 0) {
    auto text = has_options_ ? body_.substr(options_.begin, options_.end - options_.begin) : "{}";
    request_.edits.push_back({options_, with_usage(text)});
  } else {
    request_.edits.push_back({{members_end_, members_end_}, R"(,"stream_options":{"include_usage":true})"});
  }
  std::ranges::stable_sort(request_.edits, {}, [](const edit& edit) { return edit.where.begin; });
}

result<chat_request> request_reader::finish() {
  auto missing = [&](std::string_view param, std::string_view message) {
    refuse(std::string(param), std::string(message));
    return failure_;
  };
  if (request_.model.empty()) return missing("model", "You must provide a model parameter.");
  if (request_.messages == 0) return missing("messages", "'messages' must hold at least one message.");
  if (!request_.stream && has_options_)
    return missing("stream_options", "'stream_options' is only allowed when 'stream' is true.");
  if (request_.stream) complete_stream_options();
  if (completion_tokens_) request_.max_tokens = completion_tokens_;
  request_.history_hash = history_;
  return std::move(request_);
}

}  // namespace

result<chat_request> read_request(std::string_view body, uint64_t seed, uint64_t scope, json::document* tree) {
  request_reader reader(body, seed, scope);
  if (tree == nullptr) {
    if (auto walked = json::walk(body, reader); !walked) return walked.error();
  } else {
    auto parsed = json::parse(body, &reader);
    if (!parsed) return parsed.error();
    *tree = std::move(*parsed);
  }
  return reader.finish();
}

}  // namespace nexus::net::openai
