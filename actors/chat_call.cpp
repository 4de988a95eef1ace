#include "actors/chat_call.hpp"

#include "actors/ids.hpp"
#include "actors/token_counter.hpp"
#include "net/dialects/openai.hpp"
#include "net/http_writer.hpp"

#include <algorithm>

namespace nexus {
namespace {

error model_not_found(std::string_view model) {
  auto failure = make_error(errc::model_not_found,
                            "The model '" + std::string(model) + "' does not exist or you do not have access to it.");
  failure.param = "model";
  return failure;
}

bool serves(const std::vector<provider_ptr>& candidates, int64_t provider_id) {
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](const auto& candidate) { return candidate->row->id == provider_id; });
}

// The most that the request may come to, whichever of the candidates serves it.
demand demand_of(const net::chat_request& request, int64_t prompt, const std::vector<provider_ptr>& candidates,
                 const call_origin& origin) {
  demand most;
  for (const auto& candidate : candidates) {
    const auto* model = candidate->find_model(request.model);
    if (model == nullptr) continue;
    const auto bound = model->output_tokens_max > 0 ? model->output_tokens_max : origin.output_tokens_default;
    const auto output = request.max_tokens.value_or(bound) * request.choices;
    most.tokens = std::max(most.tokens, prompt + output);
    most.cost = std::max(most.cost, cost_of({.prompt = prompt, .completion = output}, model->prices));
  }
  return most;
}

// What is not streamed cannot be cut: without a bound of its own it gets the reserved one.
void bound_output(std::vector<net::edit>& edits, std::string_view body, int64_t tokens) {
  const auto inside = body.find('{') + 1;
  edits.insert(edits.begin(), {.where = {inside, inside}, .text = "\"max_tokens\":" + std::to_string(tokens) + ","});
}

result<reservation> reserve(hub& hub, const principal& principal, const demand& demand, const call_origin& origin,
                            limit_report& report) {
  if (principal.key_id == 0) return reservation();  // the administrator
  const auto account = hub.ledger.accounts().account(principal.key_id);
  return account->admit(account, principal.limits, demand, origin.received_at, origin.started, report);
}

}  // namespace

result<parsed_call> parse_call(const hub& hub, const principal_ptr& principal, std::string_view body,
                               call_origin origin) {
  std::optional<json::document> tree;
  if (body.size() <= counted_at_once_bytes) tree.emplace();
  auto request = net::openai::read_request(body, hub.history_seed, principal->id, tree ? &*tree : nullptr);
  if (!request) return request.error();
  const auto* candidates = principal->find(request->model);
  if (candidates == nullptr) return model_not_found(request->model);
  if (origin.provider_id && !serves(*candidates, *origin.provider_id)) return model_not_found(request->model);
  if (!origin.conversation_id.empty() && !net::is_label(origin.conversation_id))
    return make_error(errc::invalid_request, "The conversation id must be 1 to 128 visible ASCII characters.");
  return parsed_call{std::move(*request), std::move(origin), principal, std::move(tree)};
}

result<call_ptr> admit_call(hub& hub, parsed_call parsed, std::string_view body, counted_prompt counted,
                            limit_report& report) {
  auto* const request = &parsed.request;
  auto& origin = parsed.origin;
  const auto& principal = parsed.principal;
  const auto* candidates = principal->find(request->model);
  const auto prompt = counted.count.tokens;
  const auto demand = demand_of(*request, prompt, *candidates, origin);
  auto held = reserve(hub, *principal, demand, origin, report);
  if (!held) return held.error();
  if (principal->limits.budget && !request->stream && !request->max_tokens)
    bound_output(request->edits, body, (demand.tokens - prompt) / request->choices);

  auto call = std::make_shared<nexus::call>();
  call->request_id = std::move(origin.request_id);
  call->label = std::move(origin.label);
  call->conversation_id = std::move(origin.conversation_id);
  if (call->conversation_id.empty() && request->continued_hash != 0)
    if (auto known = hub.conversations.find(request->continued_hash)) call->conversation_id = std::move(*known);
  if (call->conversation_id.empty()) call->conversation_id = make_conversation_id();
  call->model = std::move(request->model);
  call->body = net::apply_edits(body, request->edits);
  call->settings = {.stream = request->stream,
                    .include_usage = request->include_usage,
                    .mode = origin.mode,
                    .answer_bytes_max = origin.answer_bytes_max,
                    .history_seed = hub.history_seed,
                    .history_hash = request->history_hash};
  call->prompt_tokens = prompt;
  call->is_exact = counted.count.is_exact;
  call->counting = std::move(counted.counting);
  call->received_at = origin.received_at;
  call->started = origin.started;
  call->principal = principal;
  call->provider_id = origin.provider_id;
  call->ticket = ledger_ticket::open(hub.ledger,
                                     {.request_id = call->request_id,
                                      .conversation_id = call->conversation_id,
                                      .model = call->model,
                                      .key_id = principal->key_id,
                                      .created_at = call->received_at,
                                      .prompt_tokens = prompt,
                                      .is_exact = call->is_exact,
                                      .stream = request->stream},
                                     std::move(*held), principal->limits);
  if (!call->ticket) {
    auto failure = make_error(errc::overloaded, "The hub is busy writing its records; try again shortly.");
    failure.retry_after = std::chrono::seconds(1);
    return failure;
  }
  return call_ptr(std::move(call));
}

}  // namespace nexus
