#include "actors/prober.hpp"

#include "actors/errors.hpp"

namespace nexus {
namespace {

std::atomic<uint32_t> permits_out{0};

net::probe_target target_of(const provider_config& config, const std::shared_ptr<net::tls_context>& tls,
                            const std::atomic<bool>* draining) {
  net::probe_target target;
  target.server_url = config.row->server_url;
  target.headers = config.headers;
  target.key = config.row->server_key.reveal();
  target.tls = tls;
  target.connect_timeout = config.timeouts.connect_timeout;
  target.total_timeout = probe_time;
  target.stop = draining;
  return target;
}

}  // namespace

std::shared_ptr<const probe_permit> probe_permit::take() {
  if (permits_out.fetch_add(1) < probes_max) return std::shared_ptr<const probe_permit>(new probe_permit);
  permits_out.fetch_sub(1);
  return nullptr;
}

probe_permit::~probe_permit() { permits_out.fetch_sub(1); }

prober_actor::behavior_type prober(prober_actor::pointer self, const std::shared_ptr<const probe_permit>& permit,
                                   const std::atomic<bool>* draining) {
  self->set_exception_handler(report_exception);
  return {
      [self, permit, draining](const probe_provider& message) {
        self->quit();
        return probe_reply{net::run_probe(target_of(*message.provider, message.tls, draining), message.model)};
      },
      [self, permit, draining](const list_upstream& message) {
        self->quit();
        upstream_reply reply;
        if (auto models = net::upstream_models(target_of(*message.provider, message.tls, draining))) {
          reply.models = std::move(*models);
        } else {
          reply.failure = models.error();
        }
        return reply;
      },
  };
}

}  // namespace nexus
