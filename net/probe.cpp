#include "net/probe.hpp"

#include "conf/json.hpp"
#include "conf/secret.hpp"
#include "conf/utf8.hpp"
#include "conf/version.hpp"
#include "net/dialects/openai.hpp"
#include "net/http_reader.hpp"
#include "net/server_url.hpp"

#include <algorithm>
#include <array>

namespace nexus::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A list of ten thousand models with their descriptions fits.
constexpr size_t body_bytes_max = 4 * 1024 * 1024;
/// What an upstream says of a failure, as far as it is shown.
constexpr size_t said_bytes_max = 300;
/// Values of further headers may be secrets; shorter ones are flags and versions.
constexpr size_t header_secret_bytes_min = 8;

struct http_answer {
  int status = 0;
  std::string body;
};

bool is_success(int status) { return status >= 200 && status < 300; }
bool is_rejection(int status) { return status == 401 || status == 403; }
bool is_not_offered(int status) { return status == 404 || status == 405 || status == 501; }

void replace_all(std::string& text, std::string_view what) {
  if (what.empty()) return;
  constexpr std::string_view stars = "***";
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + stars.size())) {
    text.replace(at, what.size(), stars);
  }
}

/// Cuts between characters; text that is no UTF-8 is cut at its first wrong byte.
std::string_view cut(std::string_view text, size_t bytes_max) {
  size_t at = 0;
  while (at < text.size()) {
    const auto length = utf8_sequence(text.data() + at, text.data() + text.size());
    if (length == 0 || at + length > bytes_max) break;
    at += length;
  }
  return text.substr(0, at);
}

/// The upstream's own words on a failure, without our secrets; "" if it gave none.
std::string said(const probe_target& target, const std::string& body) {
  auto words = openai::read_error(body).message;
  replace_all(words, target.key);
  for (const auto& [name, value] : target.headers) {
    if (value.size() >= header_secret_bytes_min) replace_all(words, value);
  }
  return std::string(cut(words, said_bytes_max));
}

error status_error(const probe_target& target, const http_answer& answer) {
  const auto status = std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400) {
    return make_error(errc::upstream_redirect, "The upstream answered with a redirect (status " + status +
                                                   "), which is never followed. Correct the provider's server_url.");
  }
  const auto words = said(target, answer.body);
  const auto end = words.empty() ? std::string(".") : ": " + words;
  if (is_rejection(answer.status)) {
    return make_error(errc::upstream_credentials_rejected,
                      "The upstream rejected the credentials (status " + status + ")" + end);
  }
  const bool passing = answer.status == 429 || answer.status >= 500;
  return make_error(passing ? errc::upstream_error : errc::upstream_status,
                    "The upstream answered with status " + status + end);
}

/// The head of a request, credentials included: nothing of it stays behind in memory.
secret make_head(const probe_target& target, std::string_view method, const endpoint_url& url,
                 std::optional<uint64_t> content_length) {
  auto headers = target.headers;
  headers.add("accept", "application/json");
  headers.add("accept-encoding", "identity");
  headers.add("user-agent", std::string("nexus-hub/") + version);
  headers.add("connection", "close");
  auto head = request_head(method, url.path, url.host_header, headers, content_length);
  if (target.key.empty()) return secret(std::move(head));
  head.resize(head.size() - 2);  // the empty line comes after the credentials
  head.reserve(head.size() + target.key.size() + 32);
  head.append("authorization: Bearer ").append(target.key).append("\r\n\r\n");
  return secret(std::move(head));
}

result<std::vector<std::string>> read_models(const std::string& body) {
  const auto parsed = json::parse(body);
  const auto* data = parsed && parsed->IsObject() ? json::find(*parsed, "data") : nullptr;
  if (data == nullptr || !data->IsArray()) {
    return make_error(errc::upstream_invalid_response, "The upstream's list of models is none of the OpenAI dialect.");
  }
  std::vector<std::string> ids;
  for (const auto& entry : data->GetArray()) {
    if (ids.size() == upstream_models_max) break;
    if (!entry.IsObject()) continue;
    if (const auto id = json::string_member(entry, "id"); id && !id->empty()) ids.emplace_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

result<void> check_chat(const probe_target& target, const std::string& body) {
  const auto parsed = json::parse(body);
  const auto* choices = parsed && parsed->IsObject() ? json::find(*parsed, "choices") : nullptr;
  if (choices != nullptr && choices->IsArray()) return {};
  // Some report a failure with status 200.
  if (const auto words = said(target, body); !words.empty()) {
    return make_error(errc::upstream_error, "The upstream failed: " + words);
  }
  return make_error(errc::upstream_invalid_response, "The upstream's answer to a chat is none of the OpenAI dialect.");
}

std::string chat_body(const std::string& model, std::string_view limit_name) {
  json::writer out;
  out.object().key("model").string(model).key("messages").array();
  out.object().key("role").string("user").key("content").string("ping").end_object().end_array();
  return out.key(limit_name).number(1).key("stream").boolean(false).end_object().take();
}

class probe {
 public:
  explicit probe(const probe_target& target)
      : target_(target), total_(patience::lasting(target.total_timeout, target.stop)) {}

  /// The steps up to the connection. False once one failed.
  bool reach();
  /// "authentication" and "models". False if nothing further can work.
  bool list();
  void chat(const std::string& model);
  probe_report take_report() { return std::move(report_); }
  /// Set if the upstream listed its models.
  std::optional<std::vector<std::string>>& models() { return models_; }
  bool offers_list() const { return offers_list_; }

 private:
  /// Runs `work`, which returns the step's detail, and notes the outcome.
  template <class Work>
  bool step(const char* name, Work work);
  result<void> open();
  /// A request on its way, up to the head of its answer; then the rest.
  result<int> begin(std::string_view method, const endpoint_url& url, const std::string* body);
  result<http_answer> finish();
  result<void> receive();
  result<std::string> try_list(const endpoint_url& url);
  result<std::string> describe_list();
  result<std::string> try_chat(const std::string& model);

  const probe_target& target_;
  const patience total_;
  patience connecting_;
  endpoint_url chat_url_;
  std::vector<socket_address> addresses_;
  blocking_stream stream_;
  std::optional<response_reader> reader_;  // of the present answer: an error of one is final
  std::optional<error> broken_;            // what is wrong with its body: told when the body is wanted
  probe_report report_;
  http_answer listed_;
  std::optional<std::vector<std::string>> models_;
  bool offers_list_ = true;
};

template <class Work>
bool probe::step(const char* name, Work work) {
  const auto started = steady_clock::now();
  result<std::string> outcome = work();
  auto& made = report_.steps.emplace_back();
  made.name = name;
  made.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
  if (outcome) {
    made.detail = std::move(*outcome);
  } else {
    made.failure = outcome.error();
  }
  return made.ok();
}

bool probe::reach() {
  connecting_ = patience::lasting(std::min(target_.connect_timeout, target_.total_timeout), target_.stop);
  const bool connected = step("dns",
                              [&]() -> result<std::string> {
                                auto url = chat_endpoint(target_.server_url);
                                if (!url) return url.error();
                                chat_url_ = std::move(*url);
                                auto found = resolve(chat_url_.host, chat_url_.port, connecting_);
                                if (!found) return found.error();
                                addresses_ = std::move(*found);
                                return addresses_.size() == 1 ? addresses_.front().text()
                                                              : std::to_string(addresses_.size()) + " addresses";
                              }) &&
                         step("tcp", [&]() -> result<std::string> {
                           const auto taken = stream_.connect(addresses_, connecting_);
                           if (!taken) return taken.error();
                           addresses_ = {*taken};
                           return taken->text();
                         });
  if (!connected || !chat_url_.tls) return connected;
  return step("tls", [&]() -> result<std::string> {
    if (auto secured = stream_.start_tls(target_.tls, chat_url_.host, connecting_); !secured) return secured.error();
    return std::string();
  });
}

// Every request has a connection of its own; the first takes the one that `reach` opened.
result<void> probe::open() {
  reader_.emplace();
  broken_.reset();
  if (stream_.is_open()) return {};
  const auto wait = patience::lasting(target_.connect_timeout, target_.stop);
  auto patience = wait.until < total_.until ? wait : total_;
  if (auto connected = stream_.connect(addresses_, patience); !connected) return connected.error();
  if (!chat_url_.tls) return {};
  return stream_.start_tls(target_.tls, chat_url_.host, patience);
}

result<void> probe::receive() {
  std::array<char, 16 * 1024> buffer;
  const auto got = stream_.read(buffer, total_);
  if (!got) return got.error();
  if (*got == 0) return reader_->feed_end();
  const auto fed = reader_->feed({buffer.data(), *got});
  if (!fed && !reader_->has_head()) return fed.error();
  if (!fed) broken_ = fed.error();
  if (reader_->body().size() > body_bytes_max) {
    return make_error(errc::upstream_invalid_response, "The upstream's answer is larger than a probe accepts.");
  }
  return {};
}

result<int> probe::begin(std::string_view method, const endpoint_url& url, const std::string* body) {
  if (auto opened = open(); !opened) return opened.error();
  const auto head = make_head(target_, method, url, body ? std::optional<uint64_t>(body->size()) : std::nullopt);
  auto written = stream_.write(head.reveal(), total_);
  if (written && body) written = stream_.write(*body, total_);
  // A server that refuses early may have answered already: reading finds out.
  if (!written && written.error().code != errc::upstream_error) return written.error();
  while (!reader_->has_head()) {
    if (auto more = receive(); !more) return more.error();
  }
  return reader_->current().status;
}

result<http_answer> probe::finish() {
  while (!broken_ && !reader_->complete()) {
    if (auto more = receive(); !more) return more.error();
  }
  if (broken_) return *broken_;
  stream_.close();
  return http_answer{reader_->current().status, std::move(reader_->body())};
}

bool probe::list() {
  const auto url = models_endpoint(target_.server_url);
  if (!url) {
    offers_list_ = false;
    return step("models", []() -> result<std::string> { return std::string("not offered"); });
  }
  const bool answered = step("authentication", [&] { return try_list(*url); });
  if (!answered) return false;
  step("models", [&] { return describe_list(); });
  stream_.close();
  return true;
}

result<std::string> probe::try_list(const endpoint_url& url) {
  const auto status = begin("GET", url, nullptr);
  if (!status) return status.error();
  listed_.status = *status;
  if (is_rejection(*status)) {
    auto answer = finish();
    return status_error(target_, answer ? *answer : http_answer{*status, {}});
  }
  if (is_success(*status)) return std::string(target_.key.empty() ? "no key was asked for" : "");
  return "not rejected, but status " + std::to_string(*status);
}

result<std::string> probe::describe_list() {
  offers_list_ = !is_not_offered(listed_.status);
  if (!offers_list_) return std::string("not offered");
  auto answer = finish();
  if (!answer && is_success(listed_.status)) return answer.error();
  if (!is_success(listed_.status)) return status_error(target_, answer ? *answer : listed_);
  auto ids = read_models(answer->body);
  if (!ids) return ids.error();
  models_ = std::move(*ids);
  return models_->size() == 1 ? std::string("1 model") : std::to_string(models_->size()) + " models";
}

void probe::chat(const std::string& model) {
  step("chat", [&] { return try_chat(model); });
}

result<std::string> probe::try_chat(const std::string& model) {
  auto body = chat_body(model, "max_tokens");
  const auto ask = [&]() -> result<http_answer> {
    if (auto status = begin("POST", chat_url_, &body); !status) return status.error();
    return finish();
  };
  auto answer = ask();
  // Newer models refuse the older name of the limit and say so.
  if (answer && answer->status == 400 && answer->body.find("max_completion_tokens") != std::string::npos) {
    body = chat_body(model, "max_completion_tokens");
    answer = ask();
  }
  if (!answer) return answer.error();
  if (!is_success(answer->status)) return status_error(target_, *answer);
  if (auto sound = check_chat(target_, answer->body); !sound) return sound.error();
  return std::string();
}

}  // namespace

bool probe_report::ok() const {
  return std::all_of(steps.begin(), steps.end(), [](const auto& step) { return step.ok(); });
}

probe_report run_probe(const probe_target& target, const std::string& model) {
  probe probe(target);
  if (probe.reach() && probe.list() && !model.empty()) probe.chat(model);
  return probe.take_report();
}

result<std::vector<std::string>> upstream_models(const probe_target& target) {
  probe probe(target);
  if (probe.reach()) probe.list();
  if (probe.models()) return std::move(*probe.models());
  if (!probe.offers_list()) return make_error(errc::upstream_status, "The upstream offers no list of its models.");
  return *probe.take_report().steps.back().failure;
}

}  // namespace nexus::net
