#include "tokenizer/vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace nexus::tokenizer {
namespace {

error broken(std::string what) { return make_error(errc::invalid_request, "The vocabulary is broken: " + what); }

uint64_t load(const char* p, size_t bytes) {
  uint64_t word = 0;
  std::memcpy(&word, p, bytes);
  return word;
}

uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using wide = unsigned __int128;
  const auto product = static_cast<wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

uint64_t vocabulary::hash_bytes(std::string_view bytes) {
  constexpr uint64_t one = 0xA0761D6478BD642F;
  constexpr uint64_t two = 0xE7037ED1A0B428DB;
  uint64_t hash = bytes.size() * one;
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left > 8; p += 8, left -= 8) hash = mix(load(p, 8) ^ one, hash ^ two);
  return mix(load(p, left) ^ two, hash ^ one);
}

result<vocabulary> vocabulary::build(vocabulary_parts parts) {
  vocabulary made;
  const size_t size = parts.lengths.size();
  if (size == 0 || size >= tokens_max) return broken("it has " + std::to_string(size) + " tokens");
  if (parts.kinds.size() != size) return broken("there is not one kind for each token");
  made.symbols_ = parts.symbols;
  made.whole_first_ = parts.whole_first;
  made.arena_ = std::move(parts.arena);
  made.kinds_ = std::move(parts.kinds);
  made.byte_tokens_ = parts.byte_tokens;
  made.specials_ = std::move(parts.specials);
  made.offsets_.resize(size + 1);
  size_t end = 0;
  for (size_t id = 0; id < size; ++id) {
    if (parts.lengths[id] > token_bytes_max) return broken("token " + std::to_string(id) + " is too long");
    end += parts.lengths[id];
    made.offsets_[id + 1] = static_cast<uint32_t>(end);
  }
  if (end != made.arena_.size()) return broken("the lengths of the tokens do not sum to their bytes");
  for (const token_id id : made.byte_tokens_) {
    if (id == no_token ? made.symbols_ == alphabet::bytes : id >= size) return broken("not every byte is a token");
  }
  for (const special_token& special : made.specials_) {
    if (special.text.empty() || special.id >= tokens_max) return broken("a special token has no text or no id");
  }
  if (auto done = made.index_tokens(); !done) return done.error();
  if (auto done = made.index_merges(parts.merges, parts.token_ranks); !done) return done.error();
  return made;
}

result<void> vocabulary::index_tokens() {
  const size_t slots = std::bit_ceil(kinds_.size() * 2);
  token_mask_ = slots - 1;
  token_slots_.assign(slots, no_token);
  std::vector<bool> seen(token_bytes_max + 1);
  for (token_id id = 0; id < kinds_.size(); ++id) {
    const std::string_view text = bytes(id);
    if (kinds_[id] == token_kind::inert) continue;
    seen[text.size()] = true;
    if (text.empty()) return broken("token " + std::to_string(id) + " is empty");
    longest_ = std::max(longest_, text.size());
    whole_only_ |= kinds_[id] == token_kind::whole_only;
    const uint64_t hash = hash_bytes(text);
    size_t slot = hash & token_mask_;
    while (token_slots_[slot] != no_token) slot = (slot + 1) & token_mask_;
    token_slots_[slot] = static_cast<uint32_t>(hash >> 52 << token_bits) | id;
  }
  for (size_t length = longest_; length > 0; --length) {
    if (seen[length]) lengths_.push_back(static_cast<uint16_t>(length));
  }
  return {};
}

void vocabulary::insert_pair(token_id left, token_id right, uint32_t rank) {
  const uint64_t key = pair_key(left, right);
  size_t slot = hash_pair(key) >> pair_shift_;
  while (pair_slots_[slot] != empty_pair) {
    if (pair_slots_[slot] >> 24 == key) return;  // the first one counts
    slot = (slot + 1) & pair_mask_;
  }
  pair_slots_[slot] = key << 24 | rank;
}

result<void> vocabulary::index_merges(const std::vector<merge_row>& merges, bool token_ranks) {
  if (merges.size() >= no_rank) return broken("it has too many merges");
  const size_t slots = std::bit_ceil(std::max<size_t>(merges.size() * 3 / 2, 16));
  pair_mask_ = slots - 1;
  pair_shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  pair_slots_.assign(slots, empty_pair);
  merged_.reserve(merges.size());
  for (size_t row = 0; row < merges.size(); ++row) {
    const auto [merged, left_bytes] = merges[row];
    const auto at = [&] { return "merge " + std::to_string(row); };
    if (merged >= kinds_.size() || kinds_[merged] == token_kind::inert) return broken(at() + " has no product");
    const std::string_view text = bytes(merged);
    if (left_bytes == 0 || left_bytes >= text.size()) return broken(at() + " does not divide its product");
    const token_id left = find(text.substr(0, left_bytes));
    const token_id right = find(text.substr(left_bytes));
    if (left == no_token || right == no_token) return broken(at() + " has a part that is no token");
    if (!token_ranks || merged_.empty() || merged_.back() != merged) merged_.push_back(merged);
    insert_pair(left, right, static_cast<uint32_t>(merged_.size() - 1));
  }
  merged_.shrink_to_fit();
  return {};
}

size_t vocabulary::memory() const {
  return arena_.capacity() + offsets_.capacity() * 4 + kinds_.capacity() + token_slots_.capacity() * 4 +
         pair_slots_.capacity() * 8 + merged_.capacity() * 4 + specials_.capacity() * sizeof(special_token);
}

}  // namespace nexus::tokenizer
