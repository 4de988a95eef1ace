// Ranges of IP addresses in CIDR notation, for allow-lists. Values; any thread.
#pragma once

#include "conf/error.hpp"

#include <array>
#include <string_view>

namespace nexus::net {

/// "10.0.0.0/8", "2001:db8::/32", or one address. An IPv4 address that came over IPv6 (::ffff:a.b.c.d) counts as IPv4.
class address_range {
 public:
  /// errc::invalid_request if the text is no range, or names bits behind its prefix ("10.0.0.1/8").
  static result<address_range> parse(std::string_view text);
  bool contains(std::string_view address) const;

 private:
  using bytes = std::array<unsigned char, 16>;
  bytes network_{};
  unsigned prefix_ = 0;  // of 128: IPv4 stands in ::ffff:0:0/96
};

}  // namespace nexus::net
