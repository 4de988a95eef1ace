#include "tokenizer/tokenizer.hpp"

#include "tokenizer/piece_counter.hpp"
#include "tokenizer/text_form.hpp"

#include <array>

namespace nexus::tokenizer {
namespace {

struct counter {
  piece_counter& pieces;
  size_t limit = SIZE_MAX;
  size_t count = 0;

  bool full() const { return count > limit; }
  void token(token_id) { ++count; }
  void visit(std::string_view text, size_t begin, std::span<const uint32_t> ends) {
    count += pieces.count(text, begin, ends);
  }
};

struct collector {
  piece_counter& pieces;
  std::vector<token_id> ids = {};

  static constexpr bool full() { return false; }
  void token(token_id id) { ids.push_back(id); }
  void visit(std::string_view text, size_t begin, std::span<const uint32_t> ends) {
    for (const uint32_t end : ends) {
      pieces.encode(text.substr(begin, end - begin), ids);
      begin = end;
    }
  }
};

// The counter refers to the lexicon, which lives as long as it.
struct thread_slot {
  std::shared_ptr<const lexicon> owner;
  std::unique_ptr<piece_counter> pieces;
};

}  // namespace

tokenizer::tokenizer(text_rules rules, std::shared_ptr<const lexicon> lexicon, std::span<const special_row> specials)
    : rules_(std::move(rules)), lexicon_(std::move(lexicon)) {
  for (const special_token& special : words().specials()) {
    specials_.add(special.text, special.id);
    if (special.always) always_.add_with_beginnings(special.text, special.id);
  }
  for (const special_row& row : specials) specials_.add(row.text, row.id);
}

piece_counter& tokenizer::pieces() const {
  thread_local std::array<thread_slot, 2> slots;
  if (slots[0].owner == lexicon_) return *slots[0].pieces;
  std::swap(slots[0], slots[1]);
  if (slots[0].owner != lexicon_) slots[0] = {lexicon_, std::make_unique<piece_counter>(*lexicon_)};
  return *slots[0].pieces;
}

template <class Sink>
void tokenizer::visit_plain(std::string_view text, Sink&& sink) const {
  if (text.empty()) return;
  std::string own;
  text = merging_form(text, rules_.normal, words().symbols() == alphabet::characters, rules_.prefix_space, own);
  std::array<uint32_t, 256> ends;
  for (size_t begin = 0; begin < text.size();) {
    const size_t found = split(rules_.split, text, begin, ends, true, rules_.unicode);
    sink.visit(text, begin, std::span(ends).first(found));
    begin = ends[found - 1];
    if (sink.full()) return;
  }
}

template <class Sink>
void tokenizer::visit(std::string_view text, special mode, Sink&& sink) const {
  const special_finder& finder = mode == special::allow ? specials_ : always_;
  size_t begin = 0;
  while (!finder.empty() && begin < text.size() && !sink.full()) {
    const special_finder::match found = finder.find(text, begin);
    if (found.id == no_token) break;
    visit_plain(text.substr(begin, found.begin - begin), sink);
    sink.token(found.id);
    begin = found.end;
  }
  if (!sink.full()) visit_plain(text.substr(begin), sink);
}

size_t tokenizer::count(std::string_view text, special mode) const {
  counter sink{pieces()};
  visit(text, mode, sink);
  return sink.count;
}

std::optional<size_t> tokenizer::count_up_to(std::string_view text, size_t limit, special mode) const {
  counter sink{pieces(), limit};
  visit(text, mode, sink);
  return sink.full() ? std::nullopt : std::optional(sink.count);
}

std::vector<token_id> tokenizer::encode(std::string_view text, special mode) const {
  collector sink{pieces()};
  visit(text, mode, sink);
  return std::move(sink.ids);
}

std::string tokenizer::decode(std::span<const token_id> ids) const {
  std::string text;
  bool plain_before = false;
  for (const token_id id : ids) {
    const std::string_view special = specials_.text_of(id);
    const size_t size = text.size();
    if (!special.empty() && (id >= words().size() || words().kind(id) == token_kind::inert)) {
      text += special;
      plain_before = false;
      continue;
    }
    if (id < words().size()) text += words().bytes(id);
    // The space that was put before a text goes again.
    if (rules_.prefix_space && !plain_before && text.size() > size && text[size] == ' ') text.erase(size, 1);
    plain_before = true;
  }
  return text;
}

}  // namespace nexus::tokenizer
