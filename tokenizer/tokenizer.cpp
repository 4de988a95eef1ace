#include "tokenizer/tokenizer.hpp"

#include "tokenizer/merger.hpp"
#include "tokenizer/text_form.hpp"

#include <array>

namespace nexus::tokenizer {
namespace {

/// Returns the calling thread's scratch memory.
merger& thread_merger() {
  thread_local merger one;
  return one;
}

struct counter {
  size_t count = 0;
  size_t limit = SIZE_MAX;

  bool full() const { return count > limit; }
  void token(token_id) { ++count; }
  void merge(const vocabulary& words, std::string_view piece) { count += thread_merger().count(words, piece); }
};

struct collector {
  std::vector<token_id> ids = {};

  static constexpr bool full() { return false; }
  void token(token_id id) { ids.push_back(id); }
  void merge(const vocabulary& words, std::string_view piece) { thread_merger().encode(words, piece, ids); }
};

}  // namespace

tokenizer::tokenizer(text_rules rules, std::shared_ptr<const vocabulary> words, std::span<const special_row> specials)
    : rules_(std::move(rules)), words_(std::move(words)) {
  for (const special_token& special : words_->specials()) {
    specials_.add(special.text, special.id);
    if (special.always) always_.add(special.text, special.id);
  }
  for (const special_row& row : specials) specials_.add(row.text, row.id);
}

template <class Sink>
void tokenizer::visit_plain(std::string_view text, Sink&& sink) const {
  if (text.empty()) return;
  std::string own;
  text = merging_form(text, rules_.normal, words_->symbols() == alphabet::characters, rules_.prefix_space, own);
  std::array<uint32_t, 256> ends;
  for (size_t begin = 0; begin < text.size();) {
    const size_t found = split(rules_.split, text, begin, ends, true, rules_.unicode);
    for (size_t i = 0; i < found; ++i) {
      const std::string_view piece = text.substr(begin, ends[i] - begin);
      const token_id whole = words_->find(piece);
      if (whole != no_token) {
        sink.token(whole);
      } else {
        sink.merge(*words_, piece);
      }
      begin = ends[i];
    }
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
  counter sink;
  visit(text, mode, sink);
  return sink.count;
}

std::optional<size_t> tokenizer::count_up_to(std::string_view text, size_t limit, special mode) const {
  counter sink{.limit = limit};
  visit(text, mode, sink);
  return sink.full() ? std::nullopt : std::optional(sink.count);
}

std::vector<token_id> tokenizer::encode(std::string_view text, special mode) const {
  collector sink;
  visit(text, mode, sink);
  return std::move(sink.ids);
}

std::string tokenizer::decode(std::span<const token_id> ids) const {
  std::string text;
  bool plain_before = false;
  for (const token_id id : ids) {
    const std::string_view special = specials_.text_of(id);
    const size_t size = text.size();
    if (!special.empty() && (id >= words_->size() || words_->kind(id) == token_kind::inert)) {
      text += special;
      plain_before = false;
      continue;
    }
    if (id < words_->size()) text += words_->bytes(id);
    // The space that was put before a text goes again.
    if (rules_.prefix_space && !plain_before && text.size() > size && text[size] == ' ') text.erase(size, 1);
    plain_before = true;
  }
  return text;
}

}  // namespace nexus::tokenizer
