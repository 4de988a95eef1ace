#include "conf/log.hpp"

#include "conf/json.hpp"
#include "conf/utf8.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>

namespace nexus::log {
namespace {

std::atomic<level> lowest{level::info};
std::atomic<bool> as_json{false};

constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
constexpr std::array spdlog_levels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

std::string_view name(level level) { return names[static_cast<size_t>(level)]; }

std::unique_ptr<spdlog::logger> make_logger(const char* pattern) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_unique<spdlog::logger>("nexus", std::move(sink));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, std::string("\n")));
  logger->set_level(spdlog::level::trace);
  return logger;
}

// One for each format, so that a reload swaps a flag and never a logger that a thread is using. Never destroyed:
// what other statics say while the process ends is still written.
spdlog::logger& text_logger() {
  static auto& logger = *make_logger("%Y-%m-%dT%H:%M:%S.%eZ %v").release();
  return logger;
}

spdlog::logger& json_logger() {
  static auto& logger = *make_logger(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})").release();
  return logger;
}

/// Appends text that can neither end the line nor steer a terminal: controls as "\n" or "\x1b", bad UTF-8 as U+FFFD.
void append_printable(std::string& out, std::string_view text) {
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    const size_t length = utf8_sequence(p, end);
    const auto first = static_cast<unsigned char>(*p);
    // U+0080 to U+009F are controls too: U+009B begins a terminal's escape sequence.
    const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(p[1]) < 0xA0;
    if (length == 0)
      out += "\uFFFD";
    else if (first == '\n')
      out += "\\n";
    else if (first < 0x20 || first == 0x7F)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", first);
    else if (c1)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(p[1]));
    else
      out.append(p, length);
    p += length == 0 ? 1 : length;
  }
}

std::string text_line(level level, std::string_view component, std::string_view event, std::string_view request_id,
                      std::string_view sentence) {
  std::string line = fmt::format("{:<5} {}/{}  ", name(level), component, event);
  append_printable(line, sentence);
  if (!request_id.empty()) {
    line += "  [";
    append_printable(line, request_id);
    line += ']';
  }
  return line;
}

/// Returns the members of the line's object but "ts", which the pattern puts first.
std::string json_members(level level, std::string_view component, std::string_view event, std::string_view request_id,
                         std::string_view sentence) {
  json::writer line;
  line.key("level").string(name(level)).key("logger").string(component).key("event").string(event);
  line.key("msg").string(sentence);
  if (!request_id.empty()) line.key("request_id").string(request_id);
  return line.take();
}

}  // namespace

void configure(const log_options& options) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == options.level) lowest = static_cast<level>(i);
  as_json = options.format == "json";
}

bool enabled(level level) { return level >= lowest.load(std::memory_order_relaxed); }

void write(level level, std::string_view component, std::string_view event, std::string_view request_id,
           std::string_view sentence) {
  if (!enabled(level)) return;
  const bool json = as_json.load(std::memory_order_relaxed);
  const auto make_line = json ? json_members : text_line;
  auto& logger = json ? json_logger() : text_logger();
  logger.log(spdlog_levels[static_cast<size_t>(level)],
             spdlog::string_view_t(make_line(level, component, event, request_id, sentence)));
}

}  // namespace nexus::log
