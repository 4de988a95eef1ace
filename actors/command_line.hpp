// The commands that talk to a running hub over its own HTTP interface, as any script could: keys, providers, secrets.
#pragma once

#include "conf/options.hpp"
#include "conf/secret.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace nexus {

class remote_commands {
 public:
  /// `load` reads the settings with `--config` and `--data-dir` as given; the two secrets are those of the environment.
  using loader = std::function<result<options>(const std::string& config, const std::string& data_dir)>;
  remote_commands(CLI::App& program, loader load);
  ~remote_commands();

  /// Runs the command that was parsed, if it is one of these, and returns the exit code.
  std::optional<int> run(secret admin_token, const std::string& master_key);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace nexus
