// The set-up token of `nexus-hub admin reset`: a file in the data folder, good once and for an hour. Whoever may write
// there is in charge of the hub anyway. Not for shards: it touches the disk.
#pragma once

#include "conf/error.hpp"

#include <filesystem>
#include <string_view>

namespace nexus {

/// Makes a token, in place of a former one, and returns it.
result<std::string> make_reset_token(const std::filesystem::path& data_dir);
bool is_reset_token(const std::filesystem::path& data_dir, std::string_view token);
void drop_reset_token(const std::filesystem::path& data_dir);

}  // namespace nexus
