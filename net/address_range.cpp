#include "net/address_range.hpp"

#include "net/asio.hpp"

#include <charconv>
#include <optional>
#include <string>

namespace nexus::net {
namespace {

constexpr unsigned mapped_prefix = 96;
constexpr unsigned whole = 128;

std::optional<std::pair<std::array<unsigned char, 16>, bool>> read(std::string_view text) {
  error_code ec;
  const auto address = asio::ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  if (address.is_v6()) {
    if (address.to_v6().scope_id() != 0) return std::nullopt;
    return std::pair(address.to_v6().to_bytes(), address.to_v6().is_v4_mapped());
  }
  return std::pair(asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes(), true);
}

bool same_bits(const std::array<unsigned char, 16>& left, const std::array<unsigned char, 16>& right, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    if (((left[i / 8] ^ right[i / 8]) >> (7 - i % 8) & 1) != 0) return false;
  return true;
}

}  // namespace

result<address_range> address_range::parse(std::string_view text) {
  const auto refusal = [&] {
    return make_error(errc::invalid_request, "'" + std::string(text.substr(0, 64)) +
                                                 "' is no address or range such as 10.0.0.0/8 or 2001:db8::/32.");
  };
  const auto slash = text.find('/');
  const auto address = read(text.substr(0, slash));
  if (!address) return refusal();
  address_range range;
  range.network_ = address->first;
  range.prefix_ = whole;
  if (slash == std::string_view::npos) return range;
  const auto digits = text.substr(slash + 1);
  // An IPv4 address is written without colons; its prefix counts its own 32 bits.
  const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  unsigned prefix = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (ec != std::errc() || end != digits.data() + digits.size() || digits.size() > 3) return refusal();
  if (prefix > (is_v4 ? whole - mapped_prefix : whole)) return refusal();
  range.prefix_ = is_v4 ? prefix + mapped_prefix : prefix;
  auto cut = range.network_;
  for (unsigned i = range.prefix_; i < whole; ++i) cut[i / 8] &= static_cast<unsigned char>(~(1U << (7 - i % 8)));
  if (cut != range.network_) return refusal();
  return range;
}

bool address_range::contains(std::string_view address) const {
  const auto read_address = read(address);
  return read_address && same_bits(read_address->first, network_, prefix_);
}

}  // namespace nexus::net
