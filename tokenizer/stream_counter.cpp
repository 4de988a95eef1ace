#include "tokenizer/stream_counter.hpp"

#include "conf/utf8.hpp"
#include "tokenizer/text_form.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace nexus::tokenizer {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

}  // namespace

stream_counter::stream_counter(std::shared_ptr<const tokenizer> one)
    : tokenizer_(std::move(one)), scanner_(tokenizer_->rules().split, tokenizer_->rules().unicode) {}

stream_counter::stream_counter(const stream_counter& other)
    : tokenizer_(other.tokenizer_),
      scanner_(other.scanner_),
      count_(other.count_),
      begin_(other.begin_),
      long_(other.long_ ? std::make_unique<long_piece>(*other.long_) : nullptr),
      held_(other.held_),
      marks_(other.marks_),
      open_(other.open_),
      open_size_(other.open_size_),
      partial_size_(other.partial_size_),
      partial_(other.partial_),
      cut_(other.cut_),
      segment_(other.segment_) {}

stream_counter& stream_counter::operator=(const stream_counter& other) {
  if (this != &other) *this = stream_counter(other);
  return *this;
}

uint64_t stream_counter::count() const { return stream_counter(*this).finish(); }

// Invalid bytes become U+FFFD, one for each maximal subpart; a character that is cut waits for its rest.
void stream_counter::feed(std::string_view bytes) {
  while (partial_size_ > 0 && !bytes.empty()) {
    partial_[partial_size_++] = bytes[0];
    const std::string_view begun(partial_.data(), partial_size_);
    const decoded read = decode(begun, 0);
    if (read.incomplete) {
      bytes.remove_prefix(1);
      continue;
    }
    const bool whole = read.size == begun.size() && find_invalid(begun) == begun.size();
    // The byte that broke it begins something else.
    if (whole || read.size == begun.size()) bytes.remove_prefix(1);
    partial_size_ = 0;
    feed_valid(whole ? begun : replacement);
  }
  while (!bytes.empty()) {
    const size_t good = find_invalid(bytes);
    if (good > 0) feed_valid(bytes.substr(0, good));
    bytes.remove_prefix(good);
    if (bytes.empty()) return;
    const decoded read = decode(bytes, 0);
    if (read.incomplete) {
      partial_size_ = static_cast<uint8_t>(bytes.size());
      std::memcpy(partial_.data(), bytes.data(), bytes.size());
      return;
    }
    feed_valid(replacement);
    bytes.remove_prefix(read.size);
  }
}

void stream_counter::feed_valid(std::string_view text) {
  if (!tokenizer_->always_special().empty()) return feed_special(text, false);
  feed_plain(text);
}

// Special strings that are matched in any text: the longest one at the first place where one begins, so that a
// beginning of one has to wait.
void stream_counter::feed_special(std::string_view text, bool last) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::move(held_).append(text);
    held_.clear();
    text = joined;
  }
  const special_finder& finder = tokenizer_->always_special();
  size_t plain = 0;
  for (size_t at = 0; at < text.size();) {
    const special_finder::match found = finder.match_at(text, at);
    if (found.open && !last) {
      feed_plain(text.substr(plain, at - plain));
      held_ = text.substr(at);
      return;
    }
    if (found.id == no_token) {
      ++at;
      continue;
    }
    feed_plain(text.substr(plain, at - plain));
    end_segment();
    ++count_;
    plain = at = found.end;
  }
  feed_plain(text.substr(plain));
}

void stream_counter::feed_plain(std::string_view text) {
  if (tokenizer_->rules().normal == normalizer::none) return feed_normal(text);
  std::string joined;
  if (!marks_.empty()) {
    joined = std::move(marks_).append(text);
    marks_.clear();
    text = joined;
  }
  size_t settled = settled_bytes(text, tokenizer_->rules().normal);
  if (text.size() - settled > mark_bytes_max) settled = text.size();
  marks_ = text.substr(settled);
  feed_settled(text.substr(0, settled));
}

void stream_counter::feed_settled(std::string_view text) {
  std::string own;
  feed_normal(normalise(text, tokenizer_->rules().normal, own));
}

void stream_counter::feed_normal(std::string_view text) {
  if (text.empty()) return;
  if (!segment_ && tokenizer_->rules().prefix_space) feed_form(" ");
  segment_ = true;
  std::string own;
  feed_form(merging_form(text, normalizer::none, tokenizer_->words().symbols() == alphabet::characters, false, own));
}

void stream_counter::feed_form(std::string_view text) {
  while (!text.empty()) {
    size_t size = std::min(text.size(), slice_bytes);
    while (size < text.size() && is_continuation(text[size])) --size;
    feed_slice(text.substr(0, size));
    text.remove_prefix(size);
  }
}

// The scanner says which boundaries this slice makes; they may lie before it.
void stream_counter::feed_slice(std::string_view slice) {
  if (!long_ && open_size_ + slice.size() > open_bytes_max) shorten();
  std::array<uint64_t, 16> ends;
  uint64_t taken = scanner_.fed();
  std::string_view rest = slice;
  while (!rest.empty()) {
    const size_t found = scanner_.feed(rest, ends);
    for (size_t i = 0; i < found; ++i) {
      if (ends[i] > taken) {
        const auto size = static_cast<size_t>(ends[i] - taken);
        take(slice.substr(0, size));
        slice.remove_prefix(size);
        taken = ends[i];
      }
      on_boundary(ends[i]);
    }
  }
  take(slice);
  if (long_) shorten_long_piece();
}

void stream_counter::take(std::string_view slice) {
  if (long_) return long_->push(tokenizer_->pieces().merging(), tokenizer_->words(), slice);
  std::memcpy(open_.data() + open_size_, slice.data(), slice.size());
  open_size_ = static_cast<uint16_t>(open_size_ + slice.size());
}

void stream_counter::on_boundary(uint64_t end) {
  if (end == begin_) {
    // The piece was cut at its very end, and what was before is counted.
    cut_ = false;
    return;
  }
  if (long_) return end_long_piece(end);
  const auto size = static_cast<size_t>(end - begin_);
  const std::string_view piece(open_.data(), size);
  piece_counter& pieces = tokenizer_->pieces();
  count_ += cut_ ? pieces.count_part(piece) : pieces.count(piece);
  open_again({open_.data() + size, open_size_ - size}, end);
}

void stream_counter::open_again(std::string_view text, uint64_t begin) {
  std::memmove(open_.data(), text.data(), text.size());
  open_size_ = static_cast<uint16_t>(text.size());
  begin_ = begin;
  cut_ = false;
}

void stream_counter::end_long_piece(uint64_t end) {
  const bool at_fork = end == long_->forked_at();
  const uint64_t count = at_fork ? 0 : long_->count_at(end);
  count_ += at_fork ? long_->take_fork() : count;
  // What follows a fork may be long itself.
  begin_ = end;
  if (long_->end() - end > split_scanner::lookback_max) return;
  open_again(long_->text_from(end), end);
  long_.reset();
}

// Returns up to where it is certain how the open piece is split: there it may be cut.
uint64_t stream_counter::certain() const {
  const uint64_t fork = scanner_.fork();
  return fork > scanner_.open() ? std::min(fork, scanner_.certain()) : scanner_.certain();
}

// Cuts the open piece where merging cannot cross.
void stream_counter::shorten() {
  const std::string_view text(open_.data(), open_size_);
  size_t done = 0;
  while (done < text.size()) {
    const size_t next = tokenizer_->cuts().next(text, done);
    if (next == text.size() || begin_ + next > certain()) break;
    count_ += tokenizer_->pieces().count_part(text.substr(done, next - done));
    done = next;
  }
  if (done > 0) {
    open_again(text.substr(done), begin_ + done);
    cut_ = true;
  }
  if (open_size_ + slice_bytes > open_bytes_max) {
    merger& merge = tokenizer_->pieces().merging();
    const vocabulary& words = tokenizer_->words();
    const std::string_view rest(open_.data(), open_size_);
    const size_t fork = scanner_.fork() > begin_ ? static_cast<size_t>(scanner_.fork() - begin_) : 0;
    long_ = std::make_unique<long_piece>(words, begin_);
    long_->push(merge, words, rest.substr(0, fork));
    if (fork > 0) long_->fork(merge, words, begin_ + fork);
    long_->push(merge, words, rest.substr(fork));
    open_size_ = 0;
  }
}

// The same for a piece that has become long; where it can be cut it becomes short again.
void stream_counter::shorten_long_piece() {
  const uint64_t fork = scanner_.fork();
  if (fork > scanner_.open() && fork > long_->begin()) {
    if (fork != long_->forked_at()) long_->fork(tokenizer_->pieces().merging(), tokenizer_->words(), fork);
    return;
  }
  uint64_t from = long_->end() - std::min<uint64_t>(long_->end() - long_->begin(), split_scanner::lookback_max);
  std::string_view text = long_->text_from(from);
  while (!text.empty() && is_continuation(text[0])) text.remove_prefix(1);
  from = long_->end() - text.size();
  size_t cut = 0;
  while (cut < text.size()) {
    const size_t next = tokenizer_->cuts().next(text, cut);
    if (next == text.size() || from + next > scanner_.certain()) break;
    cut = next;
  }
  if (cut == 0) return;
  count_ += long_->count_at(from + cut);
  open_again(long_->text_from(from + cut), from + cut);
  cut_ = true;
  long_.reset();
}

// Everything up to here is split and counted; what comes is a text of its own.
void stream_counter::end_segment() {
  if (!marks_.empty()) feed_settled(std::exchange(marks_, {}));
  std::array<uint64_t, 16> ends;
  while (const size_t found = scanner_.finish(ends)) {
    for (size_t i = 0; i < found; ++i) on_boundary(ends[i]);
  }
  long_.reset();
  open_size_ = 0;
  begin_ = 0;
  cut_ = false;
  segment_ = false;
}

uint64_t stream_counter::finish() {
  if (partial_size_ > 0) feed_valid(replacement);
  partial_size_ = 0;
  if (!held_.empty()) feed_special({}, true);
  end_segment();
  const uint64_t total = count_;
  count_ = 0;
  return total;
}

}  // namespace nexus::tokenizer
