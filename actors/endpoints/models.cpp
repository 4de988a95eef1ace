// GET /v1/models: what the calling key may use.
#include "actors/endpoints/handlers.hpp"
#include "conf/json.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

void write_model(json::writer& out, std::string_view name, const std::vector<provider_ptr>& providers) {
  const auto& provider = *providers.front();
  const auto row = std::find_if(provider.models.begin(), provider.models.end(),
                                [&](const auto& model) { return model->model_name == name; });
  const auto created = row == provider.models.end() ? provider.row->created_at : (*row)->created_at;
  out.object()
      .key("id")
      .string(name)
      .key("object")
      .string("model")
      .key("created")
      .number(created / 1000)
      .key("owned_by")
      .string(provider.row->name)
      .end_object();
}

}  // namespace

void list_models(session& session) {
  json::writer out;
  out.object().key("object").string("list").key("data").array();
  for (const auto& [name, providers] : session.who().principal->routes) write_model(out, name, providers);
  out.end_array().end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

void show_model(session& session) {
  const auto& name = session.parameter(0);
  const auto* providers = session.who().principal->find(name);
  if (providers == nullptr) {
    auto failure =
        make_error(errc::model_not_found, "The model '" + name + "' does not exist or you do not have access to it.");
    failure.param = "model";
    return session.fail(failure);
  }
  json::writer out;
  write_model(out, name, *providers);
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

}  // namespace nexus::endpoints
