#include "actors/router.hpp"

#include <algorithm>
#include <random>

namespace nexus {
namespace {

double random_unit() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

provider_ptr choose_provider(const std::vector<provider_ptr>& candidates, const std::vector<int64_t>& tried,
                             std::optional<int64_t> only, double random) {
  std::vector<const provider_ptr*> best;
  int64_t weight = 0;
  for (const auto& candidate : candidates) {
    const auto& row = *candidate->row;
    if (only && row.id != *only) continue;
    if (std::find(tried.begin(), tried.end(), row.id) != tried.end()) continue;
    if (!best.empty() && row.priority > (*best.front())->row->priority) break;  // candidates come sorted by priority
    best.push_back(&candidate);
    weight += std::max(1, row.weight);
  }
  if (best.empty()) return nullptr;
  auto point = random * static_cast<double>(weight);
  for (const auto* candidate : best) {
    point -= std::max(1, (*candidate)->row->weight);
    if (point < 0) return *candidate;
  }
  return *best.back();
}

void refuse_call(shard_actor& sender, const route_call& request, error failure, bool elsewhere, int64_t provider_id) {
  call_end end;
  end.attempt = request.attempt;
  end.provider_id = provider_id;
  end.verdict.failure = std::move(failure);
  end.verdict.elsewhere = elsewhere;
  sender.send(request.consumer, std::move(end));
}

caf::behavior router::make_behavior() {
  return {
      [this](routes& update) { providers_ = std::move(update.providers); },
      [this](route_call& request) { route(request); },
  };
}

void router::route(route_call& request) {
  const auto* candidates = request.what->principal->find(request.what->model);
  const auto chosen = candidates == nullptr ? nullptr
                                            : choose_provider(*candidates, request.tried, request.what->provider_id,
                                                              candidates->size() == 1 ? 0 : random_unit());
  if (!chosen)
    return refuse_call(
        *this, request,
        make_error(errc::model_not_found, "The model '" + request.what->model + "' is not available to this key."),
        false);
  const auto provider = providers_.find(chosen->row->id);
  if (provider == providers_.end())
    return refuse_call(
        *this, request,
        make_error(errc::upstream_unavailable, "The provider '" + chosen->row->name + "' is being restarted."), true,
        chosen->row->id);
  send(provider->second, std::move(request));
}

}  // namespace nexus
