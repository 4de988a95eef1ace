// The commands that need no hub: counting tokens, and looks at a data folder whether a hub runs on it or not.
#pragma once

#include "conf/options.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace nexus {

class store_commands {
 public:
  /// `load` reads the settings with `--config` and `--data-dir` as given.
  using loader = std::function<result<options>(const std::string& config, const std::string& data_dir)>;
  store_commands(CLI::App& program, loader load);
  ~store_commands();

  /// Runs the command that was parsed, if it is one of these, and returns the exit code: 0, 1 for a failure or a
  /// difference, 2 for wrong settings.
  std::optional<int> run();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace nexus
