#include "tokenizer/long_piece.hpp"

#include "conf/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace nexus::tokenizer {
namespace {

// A window of so many bytes mostly tells the last token.
constexpr size_t guess_bytes = 32;
// Bytes that are taken at a step.
constexpr size_t step_bytes = 8;

}  // namespace

long_piece::long_piece(const vocabulary& words, uint64_t begin)
    : reach_(std::max<size_t>(words.longest(), 128)),
      size_(reach_ + step_bytes),
      wide_(reach_ > 128),
      end_(begin),
      text_(reach_ + size_),
      first_{begin, 0, std::vector<uint8_t>(size_ * (wide_ ? 4 : 2))},
      second_{begin, 0, {}} {}

size_t long_piece::length_of(const track& one, size_t index) const {
  if (!wide_) return one.last[index * 2] + size_t{1};
  return one.last[index * 4] + size_t{1} + (static_cast<size_t>(one.last[index * 4 + 1]) << 8);
}

int long_piece::delta_of(const track& one, size_t index) const {
  if (!wide_) return static_cast<int8_t>(one.last[index * 2 + 1]);
  return static_cast<int16_t>(one.last[index * 4 + 2] | one.last[index * 4 + 3] << 8);
}

void long_piece::set(track& one, size_t index, size_t length, int delta) const {
  if (!wide_) {
    one.last[index * 2] = static_cast<uint8_t>(length - 1);
    one.last[index * 2 + 1] = static_cast<uint8_t>(delta);
    return;
  }
  one.last[index * 4] = static_cast<uint8_t>(length - 1);
  one.last[index * 4 + 1] = static_cast<uint8_t>((length - 1) >> 8);
  one.last[index * 4 + 2] = static_cast<uint8_t>(delta);
  one.last[index * 4 + 3] = static_cast<uint8_t>(delta >> 8);
}

void long_piece::shift(track& one, size_t bytes) const {
  const size_t width = wide_ ? 4 : 2;
  if (!one.last.empty()) std::memmove(one.last.data(), one.last.data() + bytes * width, (size_ - bytes) * width);
}

uint64_t long_piece::count_at(const track& one, uint64_t position) const {
  uint64_t count = one.count;
  for (uint64_t back = 0; back < end_ - position; ++back) {
    count -= static_cast<uint64_t>(static_cast<int64_t>(delta_of(one, size_ - 1 - back)));
  }
  return count;
}

token_id long_piece::last_token(const vocabulary& words, const track& one, size_t index) const {
  const size_t length = length_of(one, index);
  const std::string_view bytes(text_at(index + 1) - length, length);
  if (length == 1 && words.symbols() == alphabet::characters) {
    const token_id own = words.find(bytes);
    return own == no_token ? words.byte_token(static_cast<unsigned char>(bytes[0])) : own;
  }
  return words.find(bytes);
}

// Whether the encoding that ends at `position`, whose last byte stands at `index`, ends with `token`.
bool long_piece::fits(merger& merge, const vocabulary& words, const track& one, uint64_t position, size_t index,
                      token_id token) const {
  if (token == no_token || words.kind(token) == token_kind::whole_only) return false;
  const size_t length = words.bytes(token).size();
  if (length > position - one.begin) return false;
  if (length == position - one.begin) return true;
  // No encoding ends inside a character.
  if (words.symbols() == alphabet::characters && is_continuation(*(text_at(index + 1) - length)) && length > 1)
    return false;
  return merge.stable(words, last_token(words, one, index - length), token);
}

void long_piece::extend(merger& merge, const vocabulary& words, track& one, uint64_t position, size_t index) const {
  const size_t most = std::min<size_t>({position - one.begin, reach_, index + 1});
  size_t window = std::min(most, guess_bytes);
  while (window < most && words.symbols() == alphabet::characters && is_continuation(*(text_at(index + 1) - window)))
    ++window;
  token_id token = merge.last_token(words, {text_at(index + 1) - window, window});
  if (!fits(merge, words, one, position, index, token)) {
    // Then all that ends here are tried; one of them fits.
    token = words.byte_token(static_cast<unsigned char>(*text_at(index)));
    for (const size_t length : words.lengths()) {
      if (length > most) continue;
      const token_id other = words.find({text_at(index + 1) - length, length});
      if (!fits(merge, words, one, position, index, other)) continue;
      token = other;
      break;
    }
  }
  const size_t length = words.bytes(token).size();
  uint64_t before = 0;  // the count where the last token begins
  if (length < position - one.begin) {
    before = one.count;
    for (size_t back = 1; back < length; ++back) {
      before -= static_cast<uint64_t>(static_cast<int64_t>(delta_of(one, index - back)));
    }
  }
  set(one, index, length, static_cast<int>(static_cast<int64_t>(before + 1 - one.count)));
  one.count = before + 1;
}

void long_piece::push(merger& merge, const vocabulary& words, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, step_bytes);
    bytes.remove_prefix(part.size());
    std::memmove(text_.data(), text_.data() + part.size(), text_.size() - part.size());
    std::memcpy(text_.data() + text_.size() - part.size(), part.data(), part.size());
    for (track* one : {&first_, &second_}) {
      if (one->last.empty()) continue;
      shift(*one, part.size());
      for (size_t i = 0; i < part.size(); ++i) {
        extend(merge, words, *one, end_ + i + 1, size_ - part.size() + i);
      }
    }
    end_ += part.size();
  }
}

void long_piece::fork(merger& merge, const vocabulary& words, uint64_t position) {
  before_fork_ = count_at(position);
  second_ = {position, 0, std::vector<uint8_t>(first_.last.size())};
  for (uint64_t at = position; at < end_; ++at) {
    extend(merge, words, second_, at + 1, size_ - static_cast<size_t>(end_ - at));
  }
}

uint64_t long_piece::take_fork() {
  first_ = std::move(second_);
  second_ = {first_.begin, 0, {}};
  return before_fork_;
}

}  // namespace nexus::tokenizer
