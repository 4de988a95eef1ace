// Money as whole numbers: 10^-9 of the currency's unit. Prices are money for a million tokens. Pure.
#pragma once

#include "conf/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace nexus {

/// 10^-9 of the currency's unit.
using money = int64_t;

/// Reads a decimal amount such as "12.5": at most nine digits after the point, from 0 to 9,000,000,000. Anything else
/// is errc::invalid_request.
result<money> parse_money(std::string_view text);
/// Returns the shortest decimal text, for example "12.5".
std::string to_text(money amount);

/// Money for a million tokens of each kind. A kind without a price of its own costs as the one that it is part of.
struct token_prices {
  static constexpr money none = -1;
  money input = 0;
  money output = 0;
  money cached = none;     // of the input
  money reasoning = none;  // of the output
  bool operator==(const token_prices&) const = default;
};

struct token_counts {
  int64_t prompt = 0;
  int64_t completion = 0;
  int64_t cached = 0;     // of the prompt
  int64_t reasoning = 0;  // of the completion
  bool operator==(const token_counts&) const = default;
};

/// Returns what the tokens cost, rounded half up once. Saturates.
money cost_of(const token_counts& tokens, const token_prices& prices);

}  // namespace nexus
