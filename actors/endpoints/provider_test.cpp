// What an upstream says of itself: the test of a provider, step by step, and the models that its upstream lists.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/prober.hpp"
#include "conf/log.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

constexpr size_t model_bytes_max = 200;
// The prober keeps its own time; this is for one that dies.
constexpr std::chrono::seconds patience = probe_time + std::chrono::seconds(5);
constexpr std::chrono::seconds retry_after{5};

result<provider_ptr> find_provider(session& session) {
  const auto id = id_parameter(session, 0, "provider");
  if (!id) return id.error();
  const auto found = session.home().snapshot->providers.find(*id);
  if (found == session.home().snapshot->providers.end())
    return make_error(errc::not_found, "There is no provider " + std::to_string(*id) + ".");
  return found->second;
}

/// The model to chat with: of the body, if there is one, else the first that is configured. Empty if there is none.
result<std::string> choose_model(session& session, const provider_config& config) {
  std::optional<std::string> chosen;
  if (!session.request().body.empty()) {
    const auto body = read_object(session);
    if (!body) return body.error();
    member_reader members(*body);
    chosen = members.text("model", model_bytes_max);
    if (auto finished = members.finish(); !finished) return finished.error();
  }
  if (chosen && !chosen->empty()) return *chosen;
  return config.models.empty() ? std::string() : config.models.front()->model_name;
}

/// The built-in provider has no network to fail: it answers every step.
net::probe_report demo_report(const std::string& model) {
  net::probe_report report;
  for (const char* name : {"dns", "tcp", "authentication", "models", "chat"}) {
    if (model.empty() && std::string_view(name) == "chat") continue;
    auto& step = report.steps.emplace_back();
    step.name = name;
    step.detail = "built in";
  }
  return report;
}

void answer_report(session& session, const net::probe_report& report, const std::string& model) {
  json::writer out;
  out.object().key("ok").boolean(report.ok()).key("steps").array();
  for (const auto& step : report.steps) {
    out.object()
        .key("name")
        .string(step.name)
        .key("ok")
        .boolean(step.ok())
        .key("duration_ms")
        .number(step.duration.count())
        .key("error");
    if (step.failure) {
      out.string(step.failure->message);
      log::net()
          .of(session.label())
          .info("probe-failed", "{}: {} {}", step.name, step.failure->message, step.failure->detail);
    } else {
      out.null();
    }
    if (!step.detail.empty()) out.key("detail").string(step.detail);
    out.end_object();
  }
  out.end_array().key("model");
  if (model.empty()) {
    out.null();
  } else {
    out.string(model);
  }
  out.end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void answer_models(session& session, const provider_config& config, const std::vector<std::string>& ids) {
  std::vector<std::string_view> configured;
  for (const auto& model : config.models) configured.emplace_back(model->model_name);
  std::sort(configured.begin(), configured.end());
  json::writer out;
  out.object().key("models").array();
  for (const auto& id : ids)
    out.object()
        .key("id")
        .string(id)
        .key("configured")
        .boolean(std::binary_search(configured.begin(), configured.end(), id))
        .end_object();
  out.end_array().end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

/// Hands `message` to a prober of its own; `show` makes an answer of its reply.
template <class Reply, class Message, class Show>
void probe(session& session, Message message, Show show) {
  auto permit = probe_permit::take();
  if (!permit) {
    auto failure = make_error(errc::overloaded, "Several providers are being tested already; try again in a moment.");
    failure.retry_after = retry_after;
    return session.fail(failure);
  }
  const auto actor = session.home().system().spawn<caf::detached>(prober, std::move(permit), &session.hub().draining);
  const auto started = std::chrono::steady_clock::now();
  const auto note_time = [&session, started] {
    session.note_upstream_time(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started));
  };
  session.caf::event_based_actor::request(actor, patience, std::move(message))
      .then(
          [note_time, show](const Reply& reply) {
            note_time();
            show(reply);
          },
          [note_time, &session](const caf::error&) {
            note_time();
            session.fail(make_error(errc::internal, "The look at the upstream came to no end."));
          });
}

}  // namespace

void test_provider(session& session) {
  auto provider = find_provider(session);
  if (!provider) return session.fail(provider.error());
  const auto model = choose_model(session, **provider);
  if (!model) return session.fail(model.error());
  if ((*provider)->is_demo()) return answer_report(session, demo_report(*model), *model);
  probe<probe_reply>(
      session, probe_provider{*provider, session.home().upstream_tls, *model},
      [&session, model = *model](const probe_reply& reply) { answer_report(session, reply.report, model); });
}

void list_upstream_models(session& session) {
  auto found = find_provider(session);
  if (!found) return session.fail(found.error());
  const auto& provider = *found;
  if (provider->is_demo()) {
    std::vector<std::string> ids;
    for (const auto& model : provider->models) ids.push_back(model->model_name);
    std::sort(ids.begin(), ids.end());
    return answer_models(session, *provider, ids);
  }
  probe<upstream_reply>(session, list_upstream{provider, session.home().upstream_tls},
                        [&session, provider](const upstream_reply& reply) {
                          if (reply.failure) return session.fail(*reply.failure);
                          answer_models(session, *provider, reply.models);
                        });
}

}  // namespace nexus::endpoints
