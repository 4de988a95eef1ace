// The program: command line, signals, exit codes. 0 done, 1 failed, 2 wrong use or configuration, 70 restarting did not
// help.
#include "actors/command_line.hpp"
#include "actors/endpoints.hpp"
#include "actors/server.hpp"
#include "actors/setup_token.hpp"
#include "actors/store_commands.hpp"
#include "conf/json.hpp"
#include "conf/log.hpp"
#include "conf/version.hpp"
#include "storage/database.hpp"

#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <caf/config.hpp>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <csignal>
#include <cstdio>
#include <iostream>

namespace nexus {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

/// The flags as they were given, by the setting that each one overrides.
struct flags {
  std::string config;
  std::string listen, data_dir, web_dir, log_level;
  bool no_web = false;
  unsigned threads = 0;
  bool print_effective = false;

  std::vector<setting> settings() const {
    std::vector<setting> made;
    const auto put = [&](const char* name, const std::string& value) {
      if (!value.empty()) made.emplace_back(name, value);
    };
    put("server.listen", listen);
    put("server.data_dir", data_dir);
    put("web.dir", web_dir);
    put("log.level", log_level);
    if (no_web) made.emplace_back("web.enabled", "false");
    if (threads != 0) made.emplace_back("server.threads", std::to_string(threads));
    return made;
  }
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// Takes a secret out of the environment, so that no child and no /proc reader finds it there.
std::string take_variable(const char* name) {
  char* value = std::getenv(name);
  if (value == nullptr) return {};
  std::string taken(value);
  ::explicit_bzero(value, taken.size());
  ::unsetenv(name);
  return taken;
}

result<options> load(const flags& flags) {
  const auto file = flags.config.empty() ? variable("NEXUS_CONFIG") : flags.config;
  return load_options(file, environment_settings(), flags.settings());
}

int complain(const error& error, int code) {
  std::cerr << "nexus-hub: " << error.message << '\n';
  return code;
}

sigset_t handled_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
  return set;
}

void greet(const greeting& welcome) {
  std::cout << "NexusAI Hub " << version << "\n\n  Address       " << welcome.address << '\n';
  if (!welcome.setup_token.empty())
    std::cout << "  Set-up token  " << welcome.setup_token << "   (signs you in at the address above, once)\n";
  if (!welcome.master_key_file.empty())
    std::cout << "  Master key    " << welcome.master_key_file << "   (made now; keep a copy apart from the data)\n";
  if (!welcome.demo_key.empty()) {
    std::cout << "  Demo          model \"demo\", key \"" << welcome.demo_key << "\"\n\n  Try it:  curl "
              << welcome.address << "/v1/chat/completions -H 'Authorization: Bearer " << welcome.demo_key
              << "' \\\n             -H 'Content-Type: application/json' -d "
                 "'{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n";
  }
  std::cout << std::endl;
}

/// True if a second SIGTERM or SIGINT came while draining: stop now.
bool told_to_hurry() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  const timespec now{};
  return ::sigtimedwait(&set, nullptr, &now) > 0;
}

/// No core dump and no debugger of the same user gets to see what is in memory.
void hide_memory() {
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int serve(const flags& flags) {
  auto loaded = load(flags);
  if (!loaded) return complain(loaded.error(), exit_usage);
  const auto settings = std::make_shared<const options>(std::move(*loaded));
  log::configure(settings->log);
  if (!settings->security.core_dumps) hide_memory();
  const auto signals = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it

  auto started = server::start(settings, take_variable("NEXUS_ADMIN_TOKEN"), take_variable("NEXUS_MASTER_KEY"));
  if (!started) return complain(started.error(), exit_failed);
  auto& server = **started;
  greet(server.welcome());
  log::net().info("listening", "Listening on {}.", server.welcome().address);
  for (;;) {
    int number = 0;
    ::sigwait(&signals, &number);
    if (number != SIGHUP) break;
    if (auto fresh = load(flags)) {
      server.reload(std::make_shared<const options>(std::move(*fresh)));
    } else {
      log::conf().error("reload-refused", "{} The former settings stay.", fresh.error().message);
    }
  }
  return server.stop([&] { return server.gave_up() || told_to_hurry(); });
}

int check_config(const flags& flags) {
  const auto loaded = load(flags);
  if (!loaded) return complain(loaded.error(), exit_usage);
  if (flags.print_effective) {
    std::cout << to_toml(*loaded);
  } else {
    std::cout << "The configuration is valid.\n";
  }
  return 0;
}

int print_version() {
  std::cout << "nexus-hub " << version << " (" << commit << ", CAF " << CAF_MAJOR_VERSION << '.' << CAF_MINOR_VERSION
            << '.' << CAF_PATCH_VERSION << ", Boost " << BOOST_VERSION / 100000 << '.' << BOOST_VERSION / 100 % 1000
            << ", " << storage::library_version() << ", " << net::tls_library_version() << ", compiler " << __VERSION__
            << ")\n";
  return 0;
}

/// A way back in for whoever lost the last password: it needs the data folder, and no hub that runs.
int reset_admin(const flags& flags) {
  const auto loaded = load(flags);
  if (!loaded) return complain(loaded.error(), exit_usage);
  const auto token = make_reset_token(loaded->server.data_dir);
  if (!token) return complain(token.error(), exit_failed);
  std::cout << "Set-up token  " << *token << "   (makes an administrator, once, within an hour)\n";
  return 0;
}

/// The table of endpoints, for tests and for documents.
int print_routes() {
  json::writer out;
  out.object().key("routes").array();
  for (const auto& row : endpoint_table()) {
    out.object().key("method").string(row.method).key("pattern").string(row.pattern);
    out.key("access").string(access_name(row.level)).end_object();
  }
  std::cout << out.end_array().end_object().take() << '\n';
  return 0;
}

int run(int argc, char** argv) {
  flags given;
  CLI::App program("NexusAI Hub: one OpenAI-compatible endpoint in front of many AI providers.", "nexus-hub");
  program.require_subcommand(1);
  program.option_defaults()->take_last();  // `./dev run` gives defaults before its caller's own
  remote_commands remote(program, [&](const std::string& config, const std::string& data_dir) {
    given.config = config;
    given.data_dir = data_dir;
    return load(given);
  });
  store_commands store(program, [&](const std::string& config, const std::string& data_dir) {
    given.config = config;
    given.data_dir = data_dir;
    return load(given);
  });
  program.set_version_flag("--version", std::string("nexus-hub ") + version);
  const auto common = [&](CLI::App* command) {
    command->add_option("--config", given.config, "TOML file with the settings (else $NEXUS_CONFIG)")
        ->type_name("FILE");
  };
  auto* const serve_command = program.add_subcommand("serve", "Run the hub until SIGTERM");
  common(serve_command);
  serve_command->add_option("--listen", given.listen, "Address to listen on")->type_name("HOST:PORT");
  serve_command->add_option("--data-dir", given.data_dir, "Folder of the database, the keys and the tokens")
      ->type_name("DIR");
  serve_command
      ->add_option("--web-dir", given.web_dir, "Serve the interface from this folder instead of the embedded copy")
      ->type_name("DIR");
  serve_command->add_flag("--no-web", given.no_web, "Serve no interface");
  serve_command->add_option("--threads", given.threads, "Shards (default: one a core)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1024U));
  serve_command->add_option("--log-level", given.log_level, "error, warn, info or debug")->type_name("LEVEL");
  auto* const check_command = program.add_subcommand(
      "check-config", "Check the settings: exit code 0, or 2 with file:line:column and the reason");
  common(check_command);
  check_command->add_flag("--print-effective", given.print_effective, "Print the settings as they are in force");
  auto* const admin_command = program.add_subcommand("admin", "Administrators");
  admin_command->require_subcommand(1);
  auto* const reset_command = admin_command->add_subcommand("reset", "Print a new set-up token, good for an hour");
  common(reset_command);
  reset_command->add_option("--data-dir", given.data_dir, "Folder of the database, the keys and the tokens")
      ->type_name("DIR");
  auto* const routes_command = program.add_subcommand("routes", "Print every route and who may use it, as JSON");
  auto* const version_command = program.add_subcommand("version", "Print the version and those of the libraries");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return program.exit(failure) == 0 ? 0 : exit_usage;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (serve_command->parsed()) return serve(given);
  if (const auto code = remote.run(secret(take_variable("NEXUS_ADMIN_TOKEN")), take_variable("NEXUS_MASTER_KEY")))
    return *code;
  if (const auto code = store.run()) return *code;
  if (check_command->parsed()) return check_config(given);
  if (reset_command->parsed()) return reset_admin(given);
  if (routes_command->parsed()) return print_routes();
  if (version_command->parsed()) return print_version();
  return exit_usage;
}

}  // namespace
}  // namespace nexus

int main(int argc, char** argv) {
  try {
    return nexus::run(argc, argv);
  } catch (const std::exception& failure) {
    std::cerr << "nexus-hub: " << failure.what() << '\n';
    return nexus::exit_failed;
  }
}
