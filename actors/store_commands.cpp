#include "actors/store_commands.hpp"

#include "actors/ids.hpp"
#include "actors/token_counting.hpp"
#include "conf/json.hpp"
#include "storage/backup.hpp"
#include "storage/journal.hpp"
#include "storage/store.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <iterator>

namespace nexus {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int complain(const error& failure, int code = exit_failed) {
  std::cerr << "nexus-hub: " << failure.message;
  if (!failure.detail.empty()) std::cerr << " (" << failure.detail << ')';
  std::cerr << '\n';
  return code;
}

void print_differences(const storage::audit_report& report) {
  for (const auto& difference : report.differences)
    std::cout << difference.what << (difference.where.empty() ? "" : " (" + difference.where + ")")
              << ": the ledger says " << difference.ledger << ", kept is " << difference.kept << '\n';
}

void print_audit(const storage::audit_report& report, size_t running) {
  std::cout << (report.differences.empty() ? "Consistent: " : "NOT consistent: ") << report.requests << " requests in "
            << report.attempts << " attempts, " << report.rejected << " rejected, " << running << " under way; "
            << report.tokens.prompt << " prompt and " << report.tokens.completion << " completion tokens, cost "
            << to_text(report.cost) << '\n';
  print_differences(report);
}

void print_audit_json(const storage::audit_report& report, size_t running) {
  json::writer out;
  out.object().key("consistent").boolean(report.differences.empty()).key("requests").number(report.requests);
  out.key("attempts").number(report.attempts).key("rejected").number(report.rejected);
  out.key("running").number(static_cast<int64_t>(running)).key("prompt_tokens").number(report.tokens.prompt);
  out.key("completion_tokens").number(report.tokens.completion).key("cost").string(to_text(report.cost));
  out.key("differences").array();
  for (const auto& difference : report.differences) {
    out.object().key("what").string(difference.what).key("where").string(difference.where);
    out.key("ledger").number(difference.ledger).key("kept").number(difference.kept).end_object();
  }
  std::cout << out.end_array().end_object().take() << '\n';
}

int audit(const std::filesystem::path& data_dir, bool as_json) {
  const auto left = storage::read_journal(storage::journal_file(data_dir));
  if (!left) return complain(left.error());
  auto opened = storage::reader::open(storage::store::file(data_dir));
  if (!opened) return complain(opened.error());
  const auto report = (*opened)->audit();
  if (!report) return complain(report.error());
  (as_json ? print_audit_json : print_audit)(*report, left->size());
  return report->differences.empty() ? 0 : exit_failed;
}

int back_up(const std::filesystem::path& data_dir, const std::string& file) {
  if (auto done = storage::back_up(storage::store::file(data_dir), file); !done) return complain(done.error());
  std::cout << "The store is copied to " << file << ". The master key is not in it: keep it apart.\n";
  return 0;
}

int verify(const std::string& file) {
  const auto report = storage::verify(file);
  if (!report) return complain(report.error());
  print_audit(*report, 0);
  return report->differences.empty() ? 0 : exit_failed;
}

int restore(const std::filesystem::path& data_dir, const std::string& file) {
  const auto former = storage::restore(file, data_dir, wall_clock_ms());
  if (!former) return complain(former.error());
  std::cout << "Restored. What was there before is kept as " << former->string() << ".\n";
  return 0;
}

int count(const std::string& model, const std::string& file, bool as_json) {
  std::ifstream opened;
  if (!file.empty()) {
    opened.open(file, std::ios::binary);
    if (!opened) return complain(make_error(errc::not_found, "The file '" + file + "' cannot be read."));
  }
  std::istream& in = file.empty() ? std::cin : opened;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto counting = make_model_counting(model);
  if (counting->has_tokenizer())
    if (auto loaded = tokenizer::load(*counting->text.encoding); !loaded) return complain(loaded.error());
  const auto counted = count_text(*counting, model_calibrations(), text);
  if (as_json) {
    json::writer out;
    out.object().key("tokens").number(counted.tokens).key("exact").boolean(counted.is_exact);
    std::cout << out.key("encoding").string(counting->encoding_name()).end_object().take() << '\n';
  } else {
    std::cout << counted.tokens << (counted.is_exact ? " tokens, exact (" : " tokens, estimated (")
              << counting->encoding_name() << ")\n";
  }
  return 0;
}

}  // namespace

struct store_commands::state {
  loader load;
  std::string config, data_dir, file, model;
  bool as_json = false;
  CLI::App* tokens = nullptr;
  CLI::App* audit = nullptr;
  CLI::App* backup = nullptr;
  CLI::App* restore = nullptr;
  CLI::App* verify = nullptr;

  CLI::App* add(CLI::App& program, const char* name, const char* what) const {
    return program.add_subcommand(name, what);
  }
  void needs_folder(CLI::App* command) {
    command->add_option("--config", config, "TOML file with the settings (else $NEXUS_CONFIG)")->type_name("FILE");
    command->add_option("--data-dir", data_dir, "Folder of the database, the keys and the tokens")->type_name("DIR");
  }
};

store_commands::store_commands(CLI::App& program, loader load) : state_(std::make_unique<state>()) {
  auto& self = *state_;
  self.load = std::move(load);
  self.tokens = self.add(program, "tokens", "Count the tokens of a text for a model");
  self.tokens->add_option("--model", self.model, "Name of the model")->required()->type_name("NAME");
  self.tokens->add_option("file", self.file, "File with the text (default: standard input)")->type_name("FILE");
  self.tokens->add_flag("--json", self.as_json, "Answer as JSON");
  self.audit = self.add(program, "audit", "Recompute every total from the ledger: exit code 1 on a difference");
  self.needs_folder(self.audit);
  self.audit->add_flag("--json", self.as_json, "Answer as JSON");
  self.backup = self.add(program, "backup", "Copy the store to a new file, also while a hub runs");
  self.needs_folder(self.backup);
  self.restore = self.add(program, "restore", "Put a copy into the place of the store, while no hub runs");
  self.needs_folder(self.restore);
  self.verify = self.add(program, "verify", "Look through a copy of the store: pages, references, every sum");
  for (auto* command : {self.backup, self.restore, self.verify})
    command->add_option("file", self.file, "The copy")->required()->type_name("FILE");
}

store_commands::~store_commands() = default;

std::optional<int> store_commands::run() {
  auto& self = *state_;
  if (self.tokens->parsed()) return count(self.model, self.file, self.as_json);
  if (self.verify->parsed()) return verify(self.file);
  if (!self.audit->parsed() && !self.backup->parsed() && !self.restore->parsed()) return std::nullopt;
  const auto settings = self.load(self.config, self.data_dir);
  if (!settings) return complain(settings.error(), exit_usage);
  const std::filesystem::path folder = settings->server.data_dir;
  if (self.audit->parsed()) return audit(folder, self.as_json);
  if (self.backup->parsed()) return back_up(folder, self.file);
  return restore(folder, self.file);
}

}  // namespace nexus
