// Structured logs on standard error through spdlog: text for people, JSON lines for machines. Any thread.
// A line has a component, a stable event id and a sentence: `log::net().warn("upstream-timeout", "{} ...", name)`.
// Never bodies, prompts, keys or authorization headers.
#pragma once

#include "conf/options.hpp"

#include <fmt/format.h>

#include <string_view>

namespace nexus::log {

enum class level { debug, info, warn, error };

/// Configures sink, level and format; callable again after a reload.
void configure(const log_options& options);

/// True if lines of this level are written.
bool enabled(level level);

/// Writes one line. `request_id` may be empty.
void write(level level, std::string_view component, std::string_view event, std::string_view request_id,
           std::string_view sentence);

/// A component's voice; inside a request `.of(id)` adds the request id to its lines.
class voice {
 public:
  explicit voice(std::string_view component, std::string_view request_id = {})
      : component_(component), request_id_(request_id) {}
  voice of(std::string_view request_id) const { return voice(component_, request_id); }

  template <class... Args>
  void debug(std::string_view event, fmt::format_string<Args...> text, Args&&... args) const {
    say(level::debug, event, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(std::string_view event, fmt::format_string<Args...> text, Args&&... args) const {
    say(level::info, event, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(std::string_view event, fmt::format_string<Args...> text, Args&&... args) const {
    say(level::warn, event, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(std::string_view event, fmt::format_string<Args...> text, Args&&... args) const {
    say(level::error, event, text, std::forward<Args>(args)...);
  }

 private:
  template <class... Args>
  void say(level level, std::string_view event, fmt::format_string<Args...> text, Args&&... args) const {
    if (enabled(level)) write(level, component_, event, request_id_, fmt::format(text, std::forward<Args>(args)...));
  }
  std::string_view component_;
  std::string_view request_id_;
};

inline voice conf() { return voice("conf"); }
inline voice net() { return voice("net"); }
inline voice storage() { return voice("storage"); }
inline voice actors() { return voice("actors"); }

}  // namespace nexus::log
