#include <algorithm>
#include <array>
#include <cstring>

#include "tokenizer/piece_end.hpp"
#include "tokenizer/splitter.hpp"

namespace nexus::tokenizer {
namespace {

constexpr size_t part_bytes = 512;     // read at once
constexpr size_t kept_bytes_max = 96;  // beyond it digits that wait for their end are cut without it
constexpr size_t boundary_window = 8;  // a last space, or `'l`, and a character that is not complete
constexpr size_t nowhere = static_cast<size_t>(-1);

/// What to keep of an open piece: [first_begin, first_end), or what stands for it, and [rest, size). Everything else
/// can be left out, because the piece can go on and end in the same ways without it.
struct essence {
  size_t first_begin = 0, first_end = 0, rest = 0;
  size_t fork = nowhere;
  std::string_view between = {};
};

/// Looks through a piece that is still open. What it may be follows from its first two characters, because a text is
/// only left open where the grammar does not know yet.
template <grammar G>
class condenser {
 public:
  condenser(std::string_view text, unicode_version version) : text_(text), reader_(text, version) {
    first_ = reader_.raw(0);
    second_ = reader_.raw(first_.size);
    complete_ = text.size();
    for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
      if (decode(text, text.size() - back).incomplete) complete_ = text.size() - back;
    }
  }

  essence find() {
    if (complete_ <= first_.size) return {0, complete_, complete_};
    constexpr bool grouped = G.stretches == stretch_rule::grouped_digits;
    if (first_.in(sets::white) && second_.in(grouped ? sets::white | sets::numbers : sets::white)) return white_space();
    if (grouped && first_.in(sets::numbers)) return {};
    if (first_.in(G.first)) return run();
    if (G.words == word_rule::cased && (first_.in(G.upper | G.lower) || second_.in(G.upper | G.lower))) return word();
    if ((G.punctuation & sets::others) == 0 && first_.in(sets::others) && second_.in(sets::others))
      return {0, first_.size, last_begin()};
    return run();
  }

 private:
  size_t last_begin() const {
    size_t at = complete_ - 1;
    while (at > 0 && (static_cast<uint8_t>(text_[at]) & 0xc0) == 0x80) --at;
    return at;
  }

  /// Words without case, runs of Han, numbers, punctuation: where two characters are, any number may be. Newlines
  /// behind punctuation end all but themselves.
  essence run() {
    if (text_.find_first_of("\r\n", first_.size) != text_.npos)
      return {complete_, complete_, complete_, nowhere, "!\n"};
    // A beginning of a character must not meet the bytes that come next.
    if (second_.code_point == 0xfffd) return {0, first_.size, complete_, nowhere, "\ufffd"};
    size_t two = size_t{first_.size} + second_.size;
    // Neither must 'l of a longer word be taken for the beginning of 'll.
    return {complete_ > two && first_.code_point == '\'' && second_.in(G.word) && !G.punctuated_ascii ? 1U : 0U, two,
            complete_};
  }

  /// The last newline, and of what follows the first and the last.
  essence white_space() {
    size_t at = 0, last = 0, newline = nowhere;
    auto next = reader_.raw(0);
    for (; at < complete_ && next.in(sets::white); next = reader_.raw(at)) {
      last = at;
      at += next.size;
      if (G.newlines && next.in(sets::newlines)) newline = last;
    }
    if (newline == nowhere) return {0, first_.size, std::max<size_t>(last, first_.size), nowhere};
    auto tail = newline + 1;
    if (last <= tail) return {newline, tail, tail, tail};
    return {newline, tail + reader_.raw(tail).size, last, tail};
  }

  /// If lower case was seen that alone; otherwise the last character that may be of both cases and a capital behind it.
  essence word() {
    size_t begin = first_.in(G.upper | G.lower) ? 0 : first_.size;
    size_t both_begin = nowhere, both_end = nowhere, capital_end = nowhere;
    size_t at = begin;
    auto next = reader_.raw(at);
    for (; at < complete_ && next.in(G.upper | G.lower); next = reader_.raw(at)) {
      auto end = at + next.size;
      if (!next.in(G.upper)) return lower_word(at, end);
      if (next.in(G.lower)) {
        both_begin = at;
        both_end = end;
        capital_end = nowhere;
      } else if (capital_end == nowhere) {
        capital_end = end;
      }
      at = end;
    }
    if (both_begin != nowhere) return {both_begin, capital_end == nowhere ? both_end : capital_end, at, both_end};
    return {0, capital_end == nowhere ? begin : capital_end, at};
  }

  essence lower_word(size_t begin, size_t end) {
    return {begin, end, [&] {
              size_t at = end;
              for (auto next = reader_.raw(at); at < complete_ && next.in(G.lower); next = reader_.raw(at))
                at += next.size;
              return at;
            }()};
  }

  std::string_view text_;
  reader reader_;
  reader::character first_{}, second_{};
  size_t complete_;  // without a last character of which bytes are missing
};

}  // namespace

/// Returns how much of a piece to cut off that is too much to keep: three digits, so that however they are grouped
/// there are as many groups.
size_t split_scanner::forced_piece(std::string_view text) const {
  size_t end = 0;
  for (int i = 0; i < 3; ++i) {
    auto [code, size, incomplete] = decode(text, end);
    if (class_of(code, version_) != char_class::digit) return piece_end(kind_, text, 0, version_);
    end += size;
  }
  return end;
}

size_t split_scanner::feed(std::string_view& bytes, std::span<uint64_t> ends) {
  if (kind_ == splitter::none) {
    fed_ += bytes.size();
    certain_ = fed_;
    bytes = {};
    return 0;
  }
  size_t count = 0;
  std::array<char, sizeof kept_ + part_bytes> buffer;
  while (!bytes.empty() && count < ends.size()) {
    auto part = bytes.substr(0, part_bytes);
    std::memcpy(buffer.data(), kept_, size_);
    std::memcpy(buffer.data() + size_, part.data(), part.size());
    auto [taken, written] = take({buffer.data(), size_ + part.size()}, ends.subspan(count), false);
    bytes.remove_prefix(taken);
    count += written;
  }
  return count;
}

size_t split_scanner::finish(std::span<uint64_t> ends) {
  size_t count = 0;
  if (kind_ == splitter::none) {
    if (open_ < fed_ && !ends.empty()) ends[count++] = open_ = fed_;
  } else if (size_ > 0) {
    std::array<char, sizeof kept_> buffer;
    std::memcpy(buffer.data(), kept_, size_);
    count = take({buffer.data(), size_}, ends, true).written;
  }
  if (count == 0 && open_ == fed_) *this = split_scanner(kind_, version_);
  return count;
}

/// Splits what is kept and what follows it, and keeps what is open then.
split_scanner::progress split_scanner::take(std::string_view text, std::span<uint64_t> ends, bool last) {
  const size_t fresh = text.size() - size_;
  const uint64_t before = fed_;
  std::array<uint32_t, 64> cuts;
  size_t at = 0, written = 0;
  fed_ += fresh;
  auto cut = [&](size_t end) {
    open_ = ends[written++] = position(end, text.size());
    at = end;
  };
  while (written < ends.size()) {
    auto room = std::span(cuts).first(std::min(cuts.size(), ends.size() - written));
    auto count = split(kind_, text, at, room, last, version_);
    for (size_t i = 0; i < count; ++i) cut(cuts[i]);
    if (count != 0) continue;
    if (keep(text.substr(at), at)) return {fresh, written};
    cut(at + forced_piece(text.substr(at)));
  }
  // No room: what is not split yet is to be fed again, but for what was kept.
  if (at >= size_) {
    fed_ = open_;
    keep({}, 0);
    return {static_cast<size_t>(fed_ - before), written};
  }
  fed_ = before;
  keep(text.substr(at, size_ - at), at);
  return {0, written};
}

/// Keeps the essence of `text`, which ends at fed() and begins at `offset` of what gap_ counts from; nothing if that is
/// too much.
bool split_scanner::keep(std::string_view text, size_t offset) {
  fork_ = certain_ = open_;
  size_t gap = gap_ > offset ? gap_ - offset : 0;
  if (text.empty()) {
    size_ = gap_ = 0;
    return true;
  }
  auto found = with_grammar(kind_, [&]<grammar G>() { return condenser<G>(text, version_).find(); });
  auto first = text.substr(found.first_begin, found.first_end - found.first_begin), rest = text.substr(found.rest);
  if (first.size() + found.between.size() + rest.size() > kept_bytes_max) return false;
  auto behind = [&](size_t at) { return fed_ - (text.size() - at) - (at < gap ? removed_ : 0); };
  auto ahead = [&](size_t at) { return fed_ - (text.size() - at) - (gap != 0 && at <= gap ? removed_ : 0); };
  if (found.fork != nowhere) fork_ = ahead(found.fork);
  certain_ = std::max(open_, std::min(behind(found.rest), fed_ - std::min<uint64_t>(fed_, boundary_window)));
  auto removed = behind(found.rest) - ahead(found.first_end);
  removed_ = removed;
  size_ = gap_ = 0;
  for (auto part : {first, found.between}) {
    std::copy(part.begin(), part.end(), kept_ + size_);
    gap_ = size_ = static_cast<uint8_t>(size_ + part.size());
  }
  std::copy(rest.begin(), rest.end(), kept_ + size_);
  size_ = static_cast<uint8_t>(size_ + rest.size());
  return true;
}

}  // namespace nexus::tokenizer
