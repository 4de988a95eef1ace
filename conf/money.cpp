#include "conf/money.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace nexus {
namespace {

constexpr money unit = 1'000'000'000;
constexpr size_t decimals_max = 9;
constexpr int64_t whole_max = 9'000'000'000;
constexpr int64_t tokens_of_a_price = 1'000'000;

__extension__ using wide = __int128;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

error no_money(std::string_view text) {
  return make_error(errc::invalid_request,
                    "'" + std::string(text.substr(0, 32)) +
                        "' is no amount of money: write a decimal number such as \"12.5\", with at most nine digits "
                        "after the point and not above 9000000000.");
}

}  // namespace

result<money> parse_money(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (!is_digits(whole) || fraction.size() > decimals_max) return no_money(text);
  if (point != std::string_view::npos && !is_digits(fraction)) return no_money(text);
  int64_t units = 0;
  if (std::from_chars(whole.data(), whole.data() + whole.size(), units).ec != std::errc() || units > whole_max)
    return no_money(text);
  int64_t parts = 0;
  for (size_t i = 0; i < decimals_max; ++i) parts = parts * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  if (units == whole_max && parts != 0) return no_money(text);
  return units * unit + parts;
}

std::string to_text(money amount) {
  std::string text = amount < 0 ? "-" : "";
  const auto magnitude = amount < 0 ? 0 - static_cast<uint64_t>(amount) : static_cast<uint64_t>(amount);
  text += std::to_string(magnitude / unit);
  if (const auto rest = magnitude % unit; rest != 0) {
    auto digits = std::to_string(rest);
    digits.insert(0, decimals_max - digits.size(), '0');
    digits.erase(digits.find_last_not_of('0') + 1);
    text += '.' + digits;
  }
  return text;
}

money cost_of(const token_counts& tokens, const token_prices& prices) {
  const auto part = [](int64_t count, money price) { return static_cast<wide>(std::max<int64_t>(0, count)) * price; };
  const auto cached = std::clamp<int64_t>(tokens.cached, 0, std::max<int64_t>(0, tokens.prompt));
  const auto reasoning = std::clamp<int64_t>(tokens.reasoning, 0, std::max<int64_t>(0, tokens.completion));
  const auto sum = part(tokens.prompt - cached, prices.input) +
                   part(cached, prices.cached == token_prices::none ? prices.input : prices.cached) +
                   part(tokens.completion - reasoning, prices.output) +
                   part(reasoning, prices.reasoning == token_prices::none ? prices.output : prices.reasoning);
  const auto cost = (sum + tokens_of_a_price / 2) / tokens_of_a_price;
  constexpr auto most = std::numeric_limits<money>::max();
  return cost > most ? most : static_cast<money>(cost);
}

}  // namespace nexus
