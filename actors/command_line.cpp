#include "actors/command_line.hpp"

#include "actors/ids.hpp"
#include "actors/secrets_rotation.hpp"
#include "actors/server.hpp"
#include "conf/json.hpp"
#include "net/blocking_client.hpp"
#include "storage/private_file.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>

namespace nexus {
namespace {

// A connection test may take its thirty seconds.
constexpr std::chrono::seconds call_timeout{60};

/// "id  name" lines: what a person looks for in a list.
void print_rows(const json::value& rows, std::initializer_list<const char*> columns) {
  for (const auto& row : rows.GetArray()) {
    std::string line;
    for (const auto* column : columns) {
      const auto* value = json::find(row, column);
      if (!line.empty()) line.append("  ");
      if (value == nullptr || value->IsNull()) {
        line.append("-");
      } else if (value->IsString()) {
        line.append(value->GetString(), value->GetStringLength());
      } else if (value->IsInt64()) {
        line.append(std::to_string(value->GetInt64()));
      }
    }
    std::cout << line << '\n';
  }
}

std::string member_text(const json::value& object, const char* name) {
  return std::string(json::string_member(object, name).value_or(""));
}

/// What the hub said, as text and parsed.
struct hub_answer {
  std::string text;
  json::document object;
};

void write_texts(json::writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).array();
  for (const auto& text : texts) out.string(text);
  out.end_array();
}

}  // namespace

struct remote_commands::state {
  loader load;
  std::string config, data_dir, url;
  bool as_json = false;
  std::string name, server_url, server_key, personalized_key, kind = "openai";
  std::vector<std::string> models;
  std::vector<int64_t> providers;
  int64_t id = 0;
  CLI::App *key_create, *key_list, *key_disable, *provider_list, *provider_add, *provider_test, *secrets_rotate;

  options settings;
  secret token;
  std::string base_url;
  std::shared_ptr<net::tls_context> tls;

  int complain(const error& failure) const {
    std::cerr << "nexus-hub: " << failure.message << '\n';
    return 1;
  }
  CLI::App* add(CLI::App* group, const char* name_, const char* help);
  result<void> prepare(secret admin_token);
  result<hub_answer> call(std::string_view method, const std::string& path,
                          const std::optional<std::string>& body = {});
  /// Prints what the hub answered, as it is or through `show`.
  int answer(const result<hub_answer>& reply, const std::function<void(const json::value&)>& show) const;
  int list(const std::string& path, const char* member, std::initializer_list<const char*> columns);
  int create_key();
  int add_provider();
  int test_provider();
  int rotate(const std::string& master_key);
};

CLI::App* remote_commands::state::add(CLI::App* group, const char* name_, const char* help) {
  auto* const command = group->add_subcommand(name_, help);
  command->add_option("--config", config, "TOML file with the settings (else $NEXUS_CONFIG)")->type_name("FILE");
  command->add_option("--data-dir", data_dir, "Folder of the database, the keys and the tokens")->type_name("DIR");
  command->add_option("--url", url, "Address of the running hub (else that of server.listen)")->type_name("URL");
  command->add_flag("--json", as_json, "Print the hub's answer as it is");
  return command;
}

// The token of the environment, or the one that the hub made in its data folder.
result<void> remote_commands::state::prepare(secret admin_token) {
  auto loaded = load(config, data_dir);
  if (!loaded) return loaded.error();
  settings = std::move(*loaded);
  base_url = url;
  if (base_url.empty())
    base_url = (settings.server.tls_certificate.empty() ? "http://" : "https://") + settings.server.listen;
  auto context = net::tls_context::client(settings.upstream.ca_file);
  if (!context) return context.error();
  tls = std::move(*context);
  token = std::move(admin_token);
  if (!token.empty()) return {};
  const auto file = std::filesystem::path(settings.server.data_dir) / "admin.token";
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty())
    return make_error(errc::not_found,
                      "There is no administrator token: neither NEXUS_ADMIN_TOKEN nor '" + file.string() + "'.");
  token = secret(std::move(line));
  return {};
}

result<hub_answer> remote_commands::state::call(std::string_view method, const std::string& path,
                                                const std::optional<std::string>& body) {
  auto reply = net::fetch(method, base_url, path, token, body, tls, call_timeout);
  if (!reply) {
    auto failure = reply.error();
    failure.message = "The hub at " + base_url + " did not answer: " + failure.message;
    return failure;
  }
  auto parsed = json::parse(reply->body.empty() ? "{}" : reply->body);
  if (!parsed || !parsed->IsObject())
    return make_error(errc::upstream_invalid_response, "What answers at " + base_url + " is no NexusAI Hub.");
  if (reply->status < 300) return hub_answer{std::move(reply->body), std::move(*parsed)};
  const auto* said = json::find(*parsed, "error");
  return make_error(errc::upstream_status, said != nullptr && said->IsObject()
                                               ? member_text(*said, "message")
                                               : "The hub answered with status " + std::to_string(reply->status) + ".");
}

int remote_commands::state::answer(const result<hub_answer>& reply,
                                   const std::function<void(const json::value&)>& show) const {
  if (!reply) return complain(reply.error());
  if (!as_json) {
    show(reply->object);
    return 0;
  }
  std::cout << reply->text << '\n';
  return 0;
}

int remote_commands::state::list(const std::string& path, const char* member,
                                 std::initializer_list<const char*> columns) {
  return answer(call("GET", path + "?limit=10000"), [&](const json::value& reply) {
    if (const auto* rows = json::find(reply, member); rows != nullptr && rows->IsArray()) print_rows(*rows, columns);
  });
}

int remote_commands::state::create_key() {
  json::writer out;
  out.object().key("name").string(name).key("grants").object().key("providers").array();
  for (const auto provider : providers) out.number(provider);
  out.end_array();
  write_texts(out, "models", models);
  out.end_object().end_object();
  return answer(call("POST", "/keys", out.take()),
                [](const json::value& reply) { std::cout << member_text(reply, "key") << '\n'; });
}

int remote_commands::state::add_provider() {
  if (server_key == "-") std::getline(std::cin, server_key);
  json::writer out;
  out.object().key("name").string(name).key("kind").string(kind).key("server_url").string(server_url);
  out.key("server_key").string(server_key).key("personalized_key").string(personalized_key).end_object();
  const auto made = call("POST", "/providers", out.take());
  if (!made) return complain(made.error());
  const auto* made_id = json::find(made->object, "id");
  const auto provider_id = made_id != nullptr && made_id->IsInt64() ? made_id->GetInt64() : 0;
  for (const auto& model : models) {
    json::writer row;
    row.object().key("provider_id").number(provider_id).key("model_name").string(model).end_object();
    if (auto added = call("POST", "/provider_models", row.take()); !added) return complain(added.error());
  }
  return answer(call("GET", "/providers/" + std::to_string(provider_id)),
                [&](const json::value&) { std::cout << provider_id << '\n'; });
}

int remote_commands::state::test_provider() {
  const auto reply = call("POST", "/providers/" + std::to_string(id) + "/test");
  if (!reply) return complain(reply.error());
  answer(reply, [](const json::value& report) {
    const auto* steps = json::find(report, "steps");
    if (steps == nullptr || !steps->IsArray()) return;
    for (const auto& step : steps->GetArray()) {
      const auto* ok = json::find(step, "ok");
      std::cout << member_text(step, "name") << ": " << (ok != nullptr && ok->IsTrue() ? "ok" : "failed");
      if (const auto failure = member_text(step, "error"); !failure.empty()) std::cout << ", " << failure;
      std::cout << '\n';
    }
  });
  const auto* ok = json::find(reply->object, "ok");
  return ok != nullptr && ok->IsTrue() ? 0 : 1;
}

// Through the running hub, whose writer is to be the only one; on the store itself if none runs.
int remote_commands::state::rotate(const std::string& master_key) {
  bool created = false;
  const std::filesystem::path data_dir_ = settings.server.data_dir;
  if (!std::filesystem::exists(storage::store::file(data_dir_)))
    return complain(make_error(errc::not_found, "There is no store in '" + data_dir_.string() + "'."));
  if (!storage::lock_file(data_dir_ / "nexus-hub.lock"))
    return answer(call("POST", "/secrets/rotate", "{}"),
                  [](const json::value&) { std::cout << "Every secret is sealed under a new master key.\n"; });
  auto key = find_master_key(master_key, settings, created);
  if (!key) return complain(key.error());
  auto store = storage::store::open(data_dir_, settings.storage, std::move(*key));
  if (!store) return complain(store.error());
  const auto file = master_key.empty() ? master_key_file(settings) : std::filesystem::path();
  if (auto done = rotate_offline(**store, file, wall_clock_ms()); !done) return complain(done.error());
  std::cout << "Every secret is sealed under a new master key.\n";
  return 0;
}

remote_commands::remote_commands(CLI::App& program, loader load) : state_(std::make_unique<state>()) {
  auto& self = *state_;
  self.load = std::move(load);
  auto* const key = program.add_subcommand("key", "Personalized keys of a running hub");
  auto* const provider = program.add_subcommand("provider", "Providers of a running hub");
  auto* const secrets = program.add_subcommand("secrets", "Secrets at rest");
  for (auto* group : {key, provider, secrets}) group->require_subcommand(1);
  self.key_create = self.add(key, "create", "Make a key and print it: it is shown this once");
  self.key_create->add_option("NAME", self.name, "Whose it is")->required();
  self.key_create->add_option("--provider", self.providers, "Grant this provider (its id); none: all")->type_name("ID");
  self.key_create->add_option("--model", self.models, "Grant models of this pattern; none: all")->type_name("PATTERN");
  self.key_list = self.add(key, "list", "List the keys");
  self.key_disable = self.add(key, "disable", "Switch a key off");
  self.key_disable->add_option("ID", self.id, "Its id")->required();
  self.provider_list = self.add(provider, "list", "List the providers");
  self.provider_add = self.add(provider, "add", "Add a provider and print its id");
  self.provider_add->add_option("NAME", self.name, "Its name")->required();
  self.provider_add->add_option("--kind", self.kind, "openai or demo");
  self.provider_add->add_option("--server-url", self.server_url, "Where it is")->type_name("URL");
  self.provider_add->add_option("--server-key", self.server_key, "Its key; - reads a line of standard input");
  self.provider_add->add_option("--personalized-key", self.personalized_key, "A key that reaches it");
  self.provider_add->add_option("--model", self.models, "A model that it serves")->type_name("NAME");
  self.provider_test = self.add(provider, "test", "Test the connection step by step");
  self.provider_test->add_option("ID", self.id, "Its id")->required();
  self.secrets_rotate =
      self.add(secrets, "rotate", "Seal every secret under a new master key; goes on where it stopped");
}

remote_commands::~remote_commands() = default;

std::optional<int> remote_commands::run(secret admin_token, const std::string& master_key) {
  auto& self = *state_;
  const auto chosen = [](const CLI::App* command) { return command->parsed(); };
  const bool any = chosen(self.key_create) || chosen(self.key_list) || chosen(self.key_disable) ||
                   chosen(self.provider_list) || chosen(self.provider_add) || chosen(self.provider_test) ||
                   chosen(self.secrets_rotate);
  if (!any) return std::nullopt;
  const auto ready = self.prepare(std::move(admin_token));
  // Without a hub, secrets are rotated without its token.
  if (!ready && !(chosen(self.secrets_rotate) && ready.error().code == errc::not_found))
    return self.complain(ready.error());
  if (chosen(self.key_create)) return self.create_key();
  if (chosen(self.key_list)) return self.list("/keys", "keys", {"id", "key", "origin", "state", "name"});
  if (chosen(self.key_disable))
    return self.answer(self.call("PUT", "/keys/" + std::to_string(self.id), R"({"enabled":false})"),
                       [&](const json::value&) { std::cout << "Key " << self.id << " is disabled.\n"; });
  if (chosen(self.provider_list))
    return self.list("/providers", "providers", {"id", "state", "kind", "name", "server_url"});
  if (chosen(self.provider_add)) return self.add_provider();
  if (chosen(self.provider_test)) return self.test_provider();
  return self.rotate(master_key);
}

}  // namespace nexus
