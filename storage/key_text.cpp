#include "storage/key_text.hpp"

#include "storage/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace nexus::storage {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view head = "nxh_u_";
constexpr size_t random_letters = 43;
constexpr size_t sum_letters = 6;
constexpr size_t shown_letters = 4;

// CRC-32 as in Ethernet and zip (reflected, polynomial 0xEDB88320).
consteval std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320U ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}

std::array<char, sum_letters> sum_of(std::string_view text) {
  static constexpr auto table = make_crc_table();
  uint32_t crc = 0xffffffffU;
  for (const char c : text) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  crc ^= 0xffffffffU;
  std::array<char, sum_letters> letters{};
  for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter) {
    *letter = alphabet[crc % alphabet.size()];
    crc /= static_cast<uint32_t>(alphabet.size());
  }
  return letters;
}

}  // namespace

secret make_hub_key() {
  // Bytes above the largest multiple of 62 are drawn again, or the first letters would come more often.
  constexpr unsigned fair = 256 / alphabet.size() * alphabet.size();
  std::string text;
  text.reserve(head.size() + random_letters + sum_letters);
  text += head;
  while (text.size() < head.size() + random_letters) {
    const secret bytes(random_bytes(random_letters));
    for (const char c : bytes.reveal()) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < fair && text.size() < head.size() + random_letters) text += alphabet[byte % alphabet.size()];
    }
  }
  const auto sum = sum_of(text);
  text.append(sum.data(), sum.size());
  return secret(std::move(text));
}

bool is_hub_key(std::string_view text) {
  if (text.size() != head.size() + random_letters + sum_letters || !text.starts_with(head)) return false;
  const auto body = text.substr(0, text.size() - sum_letters);
  if (body.find_first_not_of(alphabet, head.size()) != std::string_view::npos) return false;
  const auto sum = sum_of(body);
  return std::equal(sum.begin(), sum.end(), text.end() - sum_letters);
}

std::string masked_hub_key(std::string_view text) {
  return std::string(head).append("…").append(text.substr(text.size() - std::min(text.size(), shown_letters)));
}

}  // namespace nexus::storage
