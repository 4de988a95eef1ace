// POST /v1/tokenize: how many tokens a text or a chat request is for a model, and whether that is exact.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/prompt_counting.hpp"

namespace nexus::endpoints {
namespace {

struct question {
  std::string model;
  std::string text;  // the input, or the whole body
  bool is_chat = false;
};

error complaint(const char* param, const char* message) {
  auto failure = make_error(errc::invalid_request, message);
  failure.param = param;
  return failure;
}

result<question> read_question(session& session) {
  const auto body = read_object(session);
  if (!body) return body.error();
  const auto model = json::string_member(*body, "model");
  if (!model || model->empty()) return complaint("model", "You must provide a model parameter.");
  const auto* input = json::find(*body, "input");
  const auto* messages = json::find(*body, "messages");
  if ((input != nullptr) == (messages != nullptr))
    return complaint("input", "Provide either 'input', a string, or 'messages', an array.");
  if (input != nullptr) {
    if (!input->IsString()) return complaint("input", "'input' must be a string.");
    return question{std::string(*model), std::string(input->GetString(), input->GetStringLength()), false};
  }
  if (auto read = tokenizer::read_chat_request(session.request().body); !read) return read.error();
  return question{std::string(*model), session.request().body, true};
}

}  // namespace

void tokenize(session& session) {
  const auto asked = read_question(session);
  if (!asked) return session.fail(asked.error());
  const auto counting = session.home().counting_of(asked->model);
  count_for(session, counting, asked->text, asked->is_chat, {}, [&session, counting](token_count count) {
    json::writer out;
    out.object().key("tokens").number(count.tokens).key("exact").boolean(count.is_exact);
    out.key("encoding").string(counting->encoding_name()).end_object();
    session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
  });
}

}  // namespace nexus::endpoints
