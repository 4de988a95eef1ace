#include <sys/epoll.h>
#include <sys/socket.h>

#include <csignal>
#include <iostream>
#include <latch>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/options.hpp"
#include "common/socket.hpp"
#include "mock/server.hpp"
#include "mock/server_connection.hpp"

namespace {

constexpr const char* kUsage = R"(mock_upstream: a scripted OpenAI-compatible provider

  --listen ADDR:PORT   default 127.0.0.1:9100; with port 0 it takes a free one and
                       first prints "listening on ADDR:PORT"
  --threads N          event loops, each with its own listener (default 1)
  --default LIST       default behavior, e.g. "chunks=30,chunk_delay_ms=20"
  --cert FILE          PEM certificate chain: serve TLS
  --key FILE           PEM private key
  --help               this text

See the README for the behavior directives.
)";

volatile std::sig_atomic_t stop_requested = 0;

class Listener : public bench::EventHandler {
 public:
  Listener(bench::Server& server, const bench::Endpoint& endpoint)
      : server_(server), fd_(bench::listen_tcp(endpoint)) {
    server_.loop.add(fd_, EPOLLIN, this);
  }

  void on_events(std::uint32_t) override {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      bench::set_no_delay(fd);
      auto connection = std::make_unique<bench::ServerConnection>(server_, fd);
      auto* key = connection.get();
      server_.connections.emplace(key, std::move(connection));
    }
  }

 private:
  bench::Server& server_;
  int fd_;
};

}  // namespace

int main(int argc, char** argv) try {
  const bench::Options options(argc, argv, kUsage);
  const auto wanted = bench::parse_endpoint(options.text("listen", "127.0.0.1:9100"));
  const auto endpoint = bench::with_port(wanted);
  bench::Behavior behavior;
  bench::apply_directives(behavior, options.text("default", ""));
  std::shared_ptr<bench::TlsContext> tls;
  if (options.has("cert"))
    tls = bench::TlsContext::server(options.text("cert", ""), options.text("key", ""));

  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  std::signal(SIGINT, [](int) { stop_requested = 1; });

  bench::MockStats stats;
  std::vector<std::thread> threads;
  const long count = options.integer("threads", 1);
  std::latch listening(count);
  for (long i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      bench::Server server(behavior, stats, tls);
      Listener listener(server, endpoint);
      listening.count_down();
      while (!stop_requested) server.loop.run_once(bench::now_ns() + bench::kNsPerSec / 10);
    });
  }
  if (wanted.port == 0) {
    listening.wait();
    std::cout << "listening on " << bench::to_string(endpoint) << std::endl;
  }
  for (auto& thread : threads) thread.join();
  std::cout << stats.to_json() << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << "mock_upstream: " << error.what() << '\n';
  return 1;
}
