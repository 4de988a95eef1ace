// The text of the keys that the hub makes: "nxh_u_", 43 characters of randomness (256 bits), 6 of a CRC-32, all base62.
// Typos and junk are told from keys without a look-up. Pure; any thread.
#pragma once

#include "conf/secret.hpp"

#include <string>
#include <string_view>

namespace nexus::storage {

/// What stands before every key that the hub makes; no brought-along key may begin with it.
constexpr std::string_view hub_key_prefix = "nxh_";

secret make_hub_key();
/// True if the text has the shape of a hub's key and its sum is right.
bool is_hub_key(std::string_view text);
/// "nxh_u_…3f9a"
std::string masked_hub_key(std::string_view text);

}  // namespace nexus::storage
