#include "actors/setup_token.hpp"

#include "storage/private_file.hpp"
#include "storage/secrets.hpp"

#include <chrono>
#include <fstream>

namespace nexus {
namespace {

constexpr size_t token_bytes = 24;
constexpr std::chrono::hours valid_for{1};

std::filesystem::path file_of(const std::filesystem::path& data_dir) { return data_dir / "setup.token"; }

}  // namespace

result<std::string> make_reset_token(const std::filesystem::path& data_dir) {
  std::error_code ec;
  if (!std::filesystem::is_directory(data_dir, ec))
    return make_error(errc::not_found, "There is no data folder '" + data_dir.string() + "'.");
  drop_reset_token(data_dir);
  auto token = storage::base64url(storage::random_bytes(token_bytes));
  if (auto written = storage::write_private_file(file_of(data_dir), secret(token + "\n")); !written)
    return written.error();
  return token;
}

bool is_reset_token(const std::filesystem::path& data_dir, std::string_view token) {
  std::error_code ec;
  const auto written = std::filesystem::last_write_time(file_of(data_dir), ec);
  if (ec || std::filesystem::file_time_type::clock::now() - written > valid_for) return false;
  std::ifstream in(file_of(data_dir));
  std::string line;
  return in && std::getline(in, line) && !line.empty() && storage::equal_constant_time(line, token);
}

void drop_reset_token(const std::filesystem::path& data_dir) {
  std::error_code ec;
  std::filesystem::remove(file_of(data_dir), ec);
}

}  // namespace nexus
