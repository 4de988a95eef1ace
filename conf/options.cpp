#include "conf/options.hpp"

#include "conf/hint.hpp"
#include "conf/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <variant>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <unistd.h>

namespace nexus {
namespace {

// The table's types.

using field = std::variant<std::string*, bool*, uint32_t*, uint64_t*, milliseconds*, std::vector<std::string>*>;

template <auto Section, auto Member>
field at(options& options) {
  return &(options.*Section.*Member);
}

/// What a value must be, beside its type: numbers and durations (in ms) lie in a range, texts pass a test.
struct rule {
  uint64_t min = 0;
  uint64_t max = 0;
  bool (*holds)(std::string_view text) = nullptr;
  std::string_view wanted = {};  // "must be <wanted>"
};

struct row {
  std::string_view section;
  std::string_view key;
  field (*at)(options& options);
  nexus::rule rule;
  std::string_view sentence;
};

constexpr rule range(uint64_t min, uint64_t max) { return {.min = min, .max = max}; }

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [stop, ec] = std::from_chars(text.begin(), text.end(), port);
  return ec == std::errc() && stop == text.end() && port <= 65535;
}

bool is_listen(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0 || !is_port(text.substr(colon + 1))) return false;
  const std::string_view host = text.substr(0, colon);
  if (host.find_first_of(" \t/") != host.npos) return false;
  if (host.front() == '[') return host.size() > 2 && host.find(']') == host.size() - 1;
  return host.find_first_of(":[]") == host.npos;
}

bool is_origin(std::string_view text) {
  const size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  return scheme != 0 && text.size() > scheme && text.find_first_of("/?# ,", scheme) == text.npos;
}

bool is_log_level(std::string_view text) {
  return text == "error" || text == "warn" || text == "info" || text == "debug";
}

bool is_log_format(std::string_view text) { return text == "text" || text == "json"; }

bool is_durability(std::string_view text) { return text == "process" || text == "power"; }

constexpr rule any{};
constexpr rule filled{.holds = [](std::string_view text) { return !text.empty(); }, .wanted = "not empty"};
constexpr rule listen{.holds = is_listen, .wanted = "HOST:PORT with a port from 0 to 65535, an IPv6 host in brackets"};
constexpr rule origin{.holds = is_origin, .wanted = "origins such as \"https://chat.example.org\", without a path"};
constexpr rule log_level{.holds = is_log_level, .wanted = "error, warn, info or debug"};
constexpr rule log_format{.holds = is_log_format, .wanted = "text or json"};

constexpr rule durability{.holds = is_durability, .wanted = "process or power"};

constexpr uint64_t day = 86'400'000;
constexpr uint64_t million = 1'000'000;
constexpr uint64_t kib = 1024;
constexpr uint64_t gib = kib * kib * kib;
// A deadline of zero would have passed before it was set.
constexpr rule deadline = range(1, day);
constexpr rule pause = range(0, day);

// The table: each member of `options` once. The sentence is its comment in conf/nexus-hub.toml.

using o = options;
constexpr row table[] = {
    {"server", "listen", at<&o::server, &server_options::listen>, listen,
     "Address of the one listener, HOST:PORT; an IPv6 host stands in brackets, port 0 takes a free one."},
    {"server", "threads", at<&o::server, &server_options::threads>, range(0, 1024),
     "Shards, each one thread; 0 makes one for each core."},
    {"server", "data_dir", at<&o::server, &server_options::data_dir>, filled,
     "Folder of the database, the keys and the tokens."},
    {"server", "tls_certificate", at<&o::server, &server_options::tls_certificate>, any,
     "PEM file with the certificate chain; together with tls_key the listener speaks HTTPS."},
    {"server", "tls_key", at<&o::server, &server_options::tls_key>, any,
     "PEM file with the private key of tls_certificate."},
    {"server", "connections_max", at<&o::server, &server_options::connections_max>, range(1, million),
     "Client connections of the whole process; further ones are refused."},
    {"server", "body_bytes_max", at<&o::server, &server_options::body_bytes_max>, range(kib, gib),
     "Largest request body in bytes."},
    {"server", "head_timeout_ms", at<&o::server, &server_options::head_timeout>, deadline,
     "Time to receive a whole request head."},
    {"server", "body_timeout_ms", at<&o::server, &server_options::body_timeout>, deadline,
     "Longest silence inside a request body."},
    {"server", "idle_timeout_ms", at<&o::server, &server_options::idle_timeout>, deadline,
     "How long a kept-alive connection may stay without a request."},
    {"server", "write_timeout_ms", at<&o::server, &server_options::write_timeout>, deadline,
     "How long a client may take nothing of its answer."},
    {"server", "drain_timeout_ms", at<&o::server, &server_options::drain_timeout>, pause,
     "After SIGTERM: how long running exchanges may go on."},

    {"web", "enabled", at<&o::web, &web_options::enabled>, any, "Serve the web interface at /."},
    {"web", "dir", at<&o::web, &web_options::dir>, any,
     "Serve it from this folder instead of the embedded copy, for development."},

    {"upstream", "connect_timeout_ms", at<&o::upstream, &upstream_options::connect_timeout>, deadline,
     "Time for DNS, TCP and TLS together."},
    {"upstream", "head_timeout_ms", at<&o::upstream, &upstream_options::head_timeout>, deadline,
     "Time from the sent request to the head of the answer."},
    {"upstream", "first_token_timeout_ms", at<&o::upstream, &upstream_options::first_token_timeout>, deadline,
     "Time from the head of a stream to its first event."},
    {"upstream", "idle_timeout_ms", at<&o::upstream, &upstream_options::idle_timeout>, deadline,
     "Longest silence inside an answer."},
    {"upstream", "total_timeout_ms", at<&o::upstream, &upstream_options::total_timeout>, deadline,
     "Time for a whole call."},
    {"upstream", "keep_alive_comment_ms", at<&o::upstream, &upstream_options::keep_alive_comment>, deadline,
     "Silence after which a client's stream gets a comment line, so that nothing between cuts it."},
    {"upstream", "pool_idle_timeout_ms", at<&o::upstream, &upstream_options::pool_idle_timeout>, deadline,
     "How long an unused connection is kept."},
    {"upstream", "connections_max", at<&o::upstream, &upstream_options::connections_max>, range(1, 65535),
     "Connections to one provider from one shard."},
    {"upstream", "queue_max", at<&o::upstream, &upstream_options::queue_max>, range(0, million),
     "Calls that wait for a connection, for each provider and shard."},
    {"upstream", "answer_bytes_max", at<&o::upstream, &upstream_options::answer_bytes_max>, range(kib, gib),
     "Largest answer that is not a stream, in bytes."},
    {"upstream", "output_tokens_default", at<&o::upstream, &upstream_options::output_tokens_default>,
     range(1, 10 * million), "Tokens reserved for an answer where neither the request nor its model sets a bound."},
    {"upstream", "failures_before_open", at<&o::upstream, &upstream_options::failures_before_open>, range(1, million),
     "Failures in a row that open a provider's circuit."},
    {"upstream", "backoff_min_ms", at<&o::upstream, &upstream_options::backoff_min>, deadline,
     "First pause of an open circuit; it doubles up to backoff_max_ms."},
    {"upstream", "backoff_max_ms", at<&o::upstream, &upstream_options::backoff_max>, deadline,
     "Longest pause of an open circuit."},
    {"upstream", "ca_file", at<&o::upstream, &upstream_options::ca_file>, any,
     "PEM file with roots to trust beside those of the system."},

    {"websocket", "message_bytes_max", at<&o::websocket, &websocket_options::message_bytes_max>, range(kib, gib),
     "Largest frame from a client in bytes."},
    {"websocket", "chats_max", at<&o::websocket, &websocket_options::chats_max>, range(1, 10'000),
     "Running chats of one socket."},
    {"websocket", "resume_window_ms", at<&o::websocket, &websocket_options::resume_window>, pause,
     "How long a chat outlives its socket, waiting for the client to resume it."},
    {"websocket", "ping_interval_ms", at<&o::websocket, &websocket_options::ping_interval>, deadline,
     "Time between two pings."},
    {"websocket", "origins", at<&o::websocket, &websocket_options::origins>, origin,
     "Further origins that may connect, for example [\"https://chat.example.org\"]."},

    {"storage", "durability", at<&o::storage, &storage_options::durability>, durability,
     "What may end without a loss: process (also by kill -9), or power for the whole machine."},
    {"storage", "batch_delay_ms", at<&o::storage, &storage_options::batch_delay>, pause,
     "Longest time that a row waits for its batch."},
    {"storage", "queue_max", at<&o::storage, &storage_options::queue_max>, range(1, million),
     "Requests under way or not yet in the database; beyond it new ones are refused. Each takes 1 KiB of the journal."},
    {"storage", "busy_timeout_ms", at<&o::storage, &storage_options::busy_timeout>, pause,
     "How long to wait for a locked database."},

    {"security", "master_key_file", at<&o::security, &security_options::master_key_file>, any,
     "File with the master key, 32 bytes as base64; empty is master.key in the data folder."},
    {"security", "session_idle_ms", at<&o::security, &security_options::session_idle>, range(1000, 366 * day),
     "A session ends after this time without a request."},
    {"security", "session_max_ms", at<&o::security, &security_options::session_max>, range(1000, 366 * day),
     "A session ends after this time in any case."},
    {"security", "core_dumps", at<&o::security, &security_options::core_dumps>, any,
     "Let core dumps and debuggers see the memory of the process, secrets included."},

    {"log", "level", at<&o::log, &log_options::level>, log_level, "What is written: error, warn, info or debug."},
    {"log", "format", at<&o::log, &log_options::format>, log_format, "Lines of text for people, or json for machines."},

    {"demo", "enabled", at<&o::demo, &demo_options::enabled>, any,
     "Offer the built-in demo provider while the store is new."},
    {"demo", "delta_interval_ms", at<&o::demo, &demo_options::delta_interval>, pause,
     "Its pace: the time between two pieces of an answer."},
};

constexpr std::string_view title =
    "# Settings of NexusAI Hub with their defaults. Stronger than this file are the environment\n"
    "# (NEXUS_SERVER_LISTEN for listen in [server]) and flags. Names that end in _ms are milliseconds.\n";

// Names.

std::string environment_name(const row& row) {
  std::string name = fmt::format("NEXUS_{}_{}", row.section, row.key);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

std::string flag_name(const row& row) { return fmt::format("{}.{}", row.section, row.key); }

std::vector<std::string> names(std::string (*name)(const row&)) {
  std::vector<std::string> all;
  for (const row& row : table) all.push_back(name(row));
  return all;
}

error complaint(std::string message) { return make_error(errc::invalid_request, std::move(message)); }

// Values on their way into the options.

using value = std::variant<std::string, bool, uint64_t, std::vector<std::string>>;

template <class... Cases>
struct cases : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
cases(Cases...) -> cases<Cases...>;

std::string wanted(const row& row, const field& target) {
  return std::visit(cases{
                        [&](std::string*) { return std::string(row.rule.holds ? row.rule.wanted : "a text"); },
                        [](bool*) { return std::string("true or false"); },
                        [&](std::vector<std::string>*) { return fmt::format("a list of {}", row.rule.wanted); },
                        [&](auto*) { return fmt::format("a whole number from {} to {}", row.rule.min, row.rule.max); },
                    },
                    target);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

/// Reads the text of a variable or flag as what `target` is; nullopt if it is none.
std::optional<value> from_text(const field& target, const std::string& text) {
  using found = std::optional<value>;
  return std::visit(cases{
                        [&](std::string*) { return found(text); },
                        [&](bool*) {
                          if (text == "true" || text == "1") return found(true);
                          if (text == "false" || text == "0") return found(false);
                          return found();
                        },
                        [&](std::vector<std::string>*) { return found(split(text)); },
                        [&](auto*) {
                          uint64_t number = 0;
                          const char* end = text.data() + text.size();
                          const auto [stop, ec] = std::from_chars(text.data(), end, number);
                          return ec == std::errc() && stop == end ? found(number) : found();
                        },
                    },
                    target);
}

std::optional<value> list_from_toml(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (!array) return std::nullopt;
  std::vector<std::string> items;
  for (const toml::node& item : *array) {
    if (!item.is_string()) return std::nullopt;
    items.push_back(item.as_string()->get());
  }
  return items;
}

std::optional<value> from_toml(const field& target, const toml::node& node) {
  using found = std::optional<value>;
  return std::visit(cases{
                        [&](std::string*) { return node.is_string() ? found(node.as_string()->get()) : found(); },
                        [&](bool*) { return node.is_boolean() ? found(node.as_boolean()->get()) : found(); },
                        [&](std::vector<std::string>*) { return list_from_toml(node); },
                        [&](auto*) {
                          if (!node.is_integer() || node.as_integer()->get() < 0) return found();
                          return found(static_cast<uint64_t>(node.as_integer()->get()));
                        },
                    },
                    target);
}

bool obeys(const rule& rule, const value& value) {
  auto holds = [&](const std::string& text) { return !rule.holds || rule.holds(text); };
  return std::visit(cases{
                        [&](const std::string& text) { return holds(text); },
                        [](bool) { return true; },
                        [&](uint64_t number) { return number >= rule.min && number <= rule.max; },
                        [&](const std::vector<std::string>& items) { return std::ranges::all_of(items, holds); },
                    },
                    value);
}

/// Takes a value that is of the target's type and obeys its rule.
void store(const field& target, value value) {
  std::visit(cases{
                 [&](std::string* to) { *to = std::get<std::string>(std::move(value)); },
                 [&](bool* to) { *to = std::get<bool>(value); },
                 [&](std::vector<std::string>* to) { *to = std::get<std::vector<std::string>>(std::move(value)); },
                 [&](milliseconds* to) { *to = milliseconds(std::get<uint64_t>(value)); },
                 [&](auto* to) { *to = static_cast<std::remove_pointer_t<decltype(to)>>(std::get<uint64_t>(value)); },
             },
             target);
}

// The sources.

/// The options while they are loaded, and where each value comes from.
struct loading {
  options result;
  std::array<std::string, std::size(table)> origins;

  /// Sets one member; `origin` is "file:line:column" or a variable's or flag's name, and begins every complaint.
  nexus::result<void> set(const row& row, std::optional<value> value, std::string origin) {
    const field target = row.at(result);
    if (!value || !obeys(row.rule, *value))
      return complaint(fmt::format("{}: {} in [{}] must be {}.", origin, row.key, row.section, wanted(row, target)));
    store(target, std::move(*value));
    origins[static_cast<size_t>(&row - table)] = std::move(origin);
    return {};
  }

  /// Returns where the value comes from, with ": ", or "" for a default.
  std::string origin_of(std::string_view flag) const {
    for (size_t i = 0; i < origins.size(); ++i)
      if (!origins[i].empty() && flag_name(table[i]) == flag) return origins[i] + ": ";
    return {};
  }
};

std::string place(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

result<void> load_key(loading& to, const std::string& file, std::string_view section, const toml::key& key,
                      const toml::node& node) {
  std::vector<std::string> known;
  for (const row& row : table) {
    if (row.section != section) continue;
    if (row.key == key.str()) return to.set(row, from_toml(row.at(to.result), node), place(file, node.source()));
    known.emplace_back(row.key);
  }
  return complaint(fmt::format("{}: unknown key '{}' in [{}]{}", place(file, key.source()), key.str(), section,
                               hint(key.str(), known)));
}

result<void> load_section(loading& to, const std::string& file, const toml::key& name, const toml::node& node) {
  const bool known = std::ranges::any_of(table, [&](const row& row) { return row.section == name.str(); });
  if (!known)
    return complaint(fmt::format("{}: unknown section '{}'{}", place(file, name.source()), name.str(),
                                 hint(name.str(), names([](const row& row) { return std::string(row.section); }))));
  if (!node.is_table())
    return complaint(fmt::format("{}: '{}' is a section and must stand as [{}].", place(file, name.source()),
                                 name.str(), name.str()));
  for (const auto& [key, value] : *node.as_table())
    if (auto outcome = load_key(to, file, name.str(), key, value); !outcome) return outcome;
  return {};
}

result<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code ignored;
  // Opening a folder works; reading from it does not.
  if (!stream || std::filesystem::is_directory(file, ignored))
    return complaint(fmt::format("{}: the file cannot be read.", file.string()));
  return std::string(std::istreambuf_iterator(stream), {});
}

result<void> load_file(loading& to, const std::filesystem::path& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  const std::string file = path.string();
  try {
    const toml::table root = toml::parse(*text, file);
    for (const auto& [name, node] : root)
      if (auto outcome = load_section(to, file, name, node); !outcome) return outcome;
  } catch (const toml::parse_error& error) {
    std::string reason(error.description());
    std::ranges::replace(reason, '\n', ' ');
    return complaint(fmt::format("{}: {}.", place(file, error.source()), reason));
  }
  return {};
}

/// Sets what environment or flags name; `name` tells what a row is called there.
result<void> load_settings(loading& to, const std::vector<setting>& settings, std::string (*name)(const row&),
                           std::string_view kind) {
  for (const auto& [given, text] : settings) {
    const auto found =
        std::ranges::find_if(table, [&, &wanted = given](const row& row) { return name(row) == wanted; });
    if (found == std::end(table))
      return complaint(fmt::format("{}: unknown {}{}", given, kind, hint(given, names(name))));
    if (auto outcome = to.set(*found, from_text(found->at(to.result), text), given); !outcome) return outcome;
  }
  return {};
}

/// Variables that are no settings, or not ours: they name no section of ours and resemble none of our names. A mistyped
/// setting is an error all the same.
bool is_exempt(std::string_view name) {
  if (name == "NEXUS_ADMIN_TOKEN" || name == "NEXUS_MASTER_KEY" || name == "NEXUS_CONFIG") return true;
  const bool ours = std::ranges::any_of(table, [&](const row& row) {
    const auto whole = environment_name(row);
    return name.starts_with(whole.substr(0, std::string_view("NEXUS_").size() + row.section.size() + 1));
  });
  return !ours && hint(name, names(environment_name)) == ".";
}

/// What holds between two members.
result<void> check_together(const loading& loaded) {
  const auto& [server, web, upstream, websocket, storage, security, log, demo] = loaded.result;
  if (server.tls_certificate.empty() != server.tls_key.empty())
    return complaint(
        fmt::format("{}tls_certificate and tls_key in [server] must be given together.",
                    loaded.origin_of(server.tls_key.empty() ? "server.tls_certificate" : "server.tls_key")));
  if (upstream.backoff_min > upstream.backoff_max) {
    std::string origin = loaded.origin_of("upstream.backoff_min_ms");
    if (origin.empty()) origin = loaded.origin_of("upstream.backoff_max_ms");
    return complaint(fmt::format("{}backoff_min_ms in [upstream] must not exceed backoff_max_ms.", origin));
  }
  return {};
}

// The way back.

std::string toml_string(std::string_view text) {
  std::string json;
  json::append_string(json, text);
  // JSON's escapes are TOML's, but TOML escapes DEL as well.
  std::string out;
  for (const char c : json) c == '\x7F' ? out += "\\u007F" : out += c;
  return out;
}

std::string toml_value(const field& source) {
  return std::visit(cases{
                        [](const std::string* text) { return toml_string(*text); },
                        [](const bool* flag) { return std::string(*flag ? "true" : "false"); },
                        [](const milliseconds* time) { return std::to_string(time->count()); },
                        [](const std::vector<std::string>* items) {
                          std::vector<std::string> quoted;
                          for (const std::string& item : *items) quoted.push_back(toml_string(item));
                          return fmt::format("[{}]", fmt::join(quoted, ", "));
                        },
                        [](const auto* number) { return std::to_string(*number); },
                    },
                    source);
}

}  // namespace

result<options> load_options(const std::filesystem::path& file, const std::vector<setting>& environment,
                             const std::vector<setting>& flags) {
  loading to;
  if (!file.empty())
    if (auto outcome = load_file(to, file); !outcome) return outcome.error();
  std::vector<setting> variables;
  std::ranges::copy_if(environment, std::back_inserter(variables),
                       [](const setting& setting) { return !is_exempt(setting.first); });
  if (auto outcome = load_settings(to, variables, environment_name, "variable"); !outcome) return outcome.error();
  if (auto outcome = load_settings(to, flags, flag_name, "setting"); !outcome) return outcome.error();
  if (auto outcome = check_together(to); !outcome) return outcome.error();
  return std::move(to.result);
}

std::string to_toml(const options& options) {
  nexus::options copy = options;
  std::string out(title);
  std::string_view section;
  for (const row& row : table) {
    if (row.section != section) out += fmt::format("\n[{}]\n", section = row.section);
    out += fmt::format("# {}\n{} = {}\n", row.sentence, row.key, toml_value(row.at(copy)));
  }
  return out;
}

std::vector<setting> environment_settings() {
  std::vector<setting> settings;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text = *variable;
    const size_t equals = text.find('=');
    if (text.starts_with("NEXUS_") && equals != text.npos)
      settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

}  // namespace nexus
