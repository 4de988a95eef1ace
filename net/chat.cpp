#include "net/chat.hpp"

#include <algorithm>
#include <cassert>

namespace nexus::net {

namespace {

// Bytes that no UTF-8 text holds, so no text can pretend to begin a message or a call.
constexpr std::string_view role_begins = "\xFE";
constexpr std::string_view role_ends = "\xFF";
constexpr std::string_view ids_begin = "\xFD";

constexpr std::string_view white_space = " \t\n\v\f\r";

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

void history_hasher::mark(std::string_view begin, std::string_view text, std::string_view end) {
  for (const auto bytes : {begin, text, end}) trimmed_.add(bytes);
  live_ = trimmed_;
  has_text_ = false;
}

void history_hasher::role(std::string_view role) { mark(role_begins, role, role_ends); }

void history_hasher::call_ids(std::string_view joined) {
  if (!joined.empty()) mark(ids_begin, joined, {});
}

void history_hasher::text(std::string_view piece) {
  if (!has_text_) piece.remove_prefix(std::min(piece.find_first_not_of(white_space), piece.size()));
  const auto last = piece.find_last_not_of(white_space);
  const auto inner = last == std::string_view::npos ? 0 : last + 1;
  if (inner > 0) {
    has_text_ = true;
    live_.add(piece.substr(0, inner));
    trimmed_ = live_;
  }
  live_.add(piece.substr(inner));
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
