#include "tokenizer/vocabulary.hpp"

#include <algorithm>
#include <bit>

namespace nexus::tokenizer {
namespace {

error broken(const std::string& what) { return make_error(errc::invalid_request, "The vocabulary is broken: " + what); }

// Merges that are looked up together, so that the waits for their slots overlap.
constexpr size_t batch = 32;

}  // namespace

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

result<void> vocabulary::index_batch(std::span<const merge_row> rows, size_t first, bool token_ranks) {
  struct pending {
    std::string_view left, right;
    uint64_t left_hash, right_hash;
    token_id left_id, right_id;
  };
  std::array<pending, batch> parts;
  const auto at = [&](size_t i) { return "merge " + std::to_string(first + i); };
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto [merged, left_bytes] = rows[i];
    if (merged >= kinds_.size() || kinds_[merged] == token_kind::inert) return broken(at(i) + " has no product");
    const std::string_view text = bytes(merged);
    if (left_bytes == 0 || left_bytes >= text.size()) return broken(at(i) + " does not divide its product");
    pending& part = parts[i];
    part.left = text.substr(0, left_bytes);
    part.right = text.substr(left_bytes);
    part.left_hash = hash_bytes(part.left);
    part.right_hash = hash_bytes(part.right);
    __builtin_prefetch(&token_slots_[part.left_hash & token_mask_]);
    __builtin_prefetch(&token_slots_[part.right_hash & token_mask_]);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    pending& part = parts[i];
    part.left_id = find(part.left, part.left_hash);
    part.right_id = find(part.right, part.right_hash);
    if (part.left_id == no_token || part.right_id == no_token) return broken(at(i) + " has a part that is no token");
    __builtin_prefetch(&pair_slots_[hash_pair(pair_key(part.left_id, part.right_id)) >> pair_shift_], 1);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!token_ranks || merged_.empty() || merged_.back() != rows[i].merged) merged_.push_back(rows[i].merged);
    insert_pair(parts[i].left_id, parts[i].right_id, static_cast<uint32_t>(merged_.size() - 1));
  }
  return {};
}

result<void> vocabulary::index_merges(const std::vector<merge_row>& merges, bool token_ranks) {
  if (merges.size() >= no_rank) return broken("it has too many merges");
  const size_t slots = std::bit_ceil(std::max<size_t>(merges.size() * 3 / 2, 16));
  pair_mask_ = slots - 1;
  pair_shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  pair_slots_.assign(slots, empty_pair);
  merged_.reserve(merges.size());
  for (size_t row = 0; row < merges.size(); row += batch) {
    const auto some = std::span(merges).subspan(row, std::min(batch, merges.size() - row));
    if (auto done = index_batch(some, row, token_ranks); !done) return done;
  }
  merged_.shrink_to_fit();
  return {};
}

size_t vocabulary::memory() const {
  return arena_.capacity() + offsets_.capacity() * 4 + kinds_.capacity() + token_slots_.capacity() * 4 +
         pair_slots_.capacity() * 8 + merged_.capacity() * 4 + specials_.capacity() * sizeof(special_token);
}

}  // namespace nexus::tokenizer
