#include "net/chat.hpp"

#include "net/utf8.hpp"

#include <cassert>
#include <cstring>

namespace nexus::net {

namespace {

// Bytes that no UTF-8 text holds, so no text can pretend to begin a message.
constexpr unsigned char role_begins = 0xFE;
constexpr unsigned char role_ends = 0xFF;

constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

constexpr uint64_t absorb(uint64_t state, unsigned char byte) {
  state = (state ^ byte) * 0x9E3779B97F4A7C15;
  return state ^ (state >> 29);
}

constexpr bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::string apply_edits(std::string_view body, const std::vector<edit>& edits) {
  size_t added = 0;
  for (auto& edit : edits) added += edit.text.size();
  std::string out;
  out.reserve(body.size() + added);
  size_t at = 0;
  for (auto& [where, text] : edits) {
    assert(at <= where.begin && where.begin <= where.end && where.end <= body.size());
    out += body.substr(at, where.begin - at);
    out += text;
    at = where.end;
  }
  return out += body.substr(at);
}

void text_measure::add(std::string_view utf8) {
  for (size_t at = 0; at < utf8.size();) {
    uint64_t word;
    if (utf8.size() - at >= 8 && (std::memcpy(&word, utf8.data() + at, 8), (word & 0x8080808080808080) == 0)) {
      ascii += 8;
      at += 8;
      continue;
    }
    auto c = utf8::next(utf8, at);
    if (c < 0x80)
      ++ascii;
    else if (utf8::is_wide(c))
      ++wide;
    else
      ++other;
  }
}

history_hasher::history_hasher(uint64_t seed, uint64_t history) : state_(mix(mix(seed) + history)) {}

void history_hasher::role(std::string_view role) {
  state_ = absorb(state_, role_begins);
  text(role);
  state_ = absorb(state_, role_ends);
}

void history_hasher::text(std::string_view piece) {
  auto state = state_;
  for (unsigned char c : piece) state = is_space(c) ? state : absorb(state, c);
  state_ = state;
}

uint64_t history_hasher::value() const {
  auto value = mix(state_);
  return value == 0 ? 1 : value;
}

void chat_delta::clear() {
  content.clear();
  reasoning.clear();
  tool_calls.clear();
  tool_call_ids.clear();
  finish_reason.clear();
  usage.reset();
  has_choices = false;
  is_error = false;
  error_message.clear();
}

}  // namespace nexus::net
