// The plain reference implementation of encoding: normalise, split by regular expressions, then merge the lowest rank
// over and over. No cache, no cut, no window: slow and simple.
#pragma once

#include "tests/tokenizer/reference_splitter.hpp"
#include "tokenizer/text_form.hpp"
#include "tokenizer/tokenizer.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer::reference {

class reference_tokenizer {
 public:
  explicit reference_tokenizer(const tokenizer& one) : rules_(one.rules()), words_(one.words()) {
    for (token_id id = 0; id < words_.size(); ++id) {
      if (words_.kind(id) != token_kind::inert) ids_.emplace(words_.bytes(id), id);
    }
    for (const special_token& special : words_.specials()) {
      if (special.always) always_.push_back(special);
    }
  }

  /// Where a token that is always matched begins, the longest one counts.
  std::vector<token_id> encode(std::string_view text) const {
    std::vector<token_id> ids;
    size_t plain = 0;
    for (size_t at = 0; at < text.size();) {
      const special_token* best = nullptr;
      for (const special_token& special : always_) {
        if (text.substr(at).starts_with(special.text) && (!best || special.text.size() > best->text.size()))
          best = &special;
      }
      if (!best) {
        ++at;
        continue;
      }
      encode_plain(text.substr(plain, at - plain), ids);
      ids.push_back(best->id);
      plain = at += best->text.size();
    }
    encode_plain(text.substr(plain), ids);
    return ids;
  }

 private:
  void encode_plain(std::string_view text, std::vector<token_id>& ids) const {
    std::string own;
    const bool marked = words_.symbols() == alphabet::characters;
    text = merging_form(text, rules_.normal, marked, rules_.prefix_space && !text.empty(), own);
    size_t begin = 0;
    for (const size_t end : ends(text)) {
      encode_piece(text.substr(begin, end - begin), ids);
      begin = end;
    }
  }

  std::vector<uint32_t> ends(std::string_view text) const {
    if (rules_.split == splitter::none) {
      return text.empty() ? std::vector<uint32_t>() : std::vector<uint32_t>{static_cast<uint32_t>(text.size())};
    }
    return split(rules_.split, text, rules_.unicode);
  }

  std::vector<token_id> symbols(std::string_view piece) const {
    std::vector<token_id> ids;
    for (size_t at = 0; at < piece.size();) {
      size_t size = words_.symbols() == alphabet::bytes ? 1 : decode(piece, at).size;
      const auto whole = ids_.find(piece.substr(at, size));
      if (whole != ids_.end()) {
        ids.push_back(whole->second);
      } else {
        for (size_t i = 0; i < size; ++i) ids.push_back(words_.byte_token(static_cast<unsigned char>(piece[at + i])));
      }
      at += size;
    }
    return ids;
  }

  void encode_piece(std::string_view piece, std::vector<token_id>& out) const {
    const auto whole = ids_.find(piece);
    if (words_.whole_first() && whole != ids_.end()) return out.push_back(whole->second);
    std::vector<token_id> ids = symbols(piece);
    for (;;) {
      size_t best = ids.size();
      uint32_t lowest = no_rank;
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        const uint32_t rank = words_.rank(ids[i], ids[i + 1]);
        if (rank < lowest) {
          lowest = rank;
          best = i;
        }
      }
      if (best == ids.size()) break;
      ids[best] = words_.merged(lowest);
      ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
    out.insert(out.end(), ids.begin(), ids.end());
  }

  const text_rules& rules_;
  const vocabulary& words_;
  std::map<std::string_view, token_id> ids_;
  std::vector<special_token> always_;
};

}  // namespace nexus::tokenizer::reference
