// The plain reference implementation of splitting: a backtracking interpreter for just the regular expressions of
// splitter.cpp's table, applied one after the other as Hugging Face's Sequence of isolated Splits. Slow and simple.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/splitter.hpp"
#include "tokenizer/unicode.hpp"

namespace nexus::tokenizer::reference {

struct character {
  char32_t code;
  char_class kind;
  size_t begin, end;
};

inline std::vector<character> characters(std::string_view text, unicode_version version) {
  std::vector<character> out;
  for (size_t at = 0; at < text.size();) {
    auto [code, size, incomplete] = decode(text, at);
    out.push_back({code, class_of(code, version), at, at + size});
    at += size;
  }
  return out;
}

inline bool is_one_of(char_class kind, std::initializer_list<char_class> list) {
  for (auto each : list) {
    if (each == kind) return true;
  }
  return false;
}

inline bool has_property(const character& c, std::string_view name) {
  using enum char_class;
  if (name == "L") return is_one_of(c.kind, {upper, lower, letter, han_letter});
  // Titlecase letters share their class with capitals: the patterns name both together.
  if (name == "Lu" || name == "Lt") return c.kind == upper;
  if (name == "Ll") return c.kind == lower;
  if (name == "Lm" || name == "Lo") return is_one_of(c.kind, {letter, han_letter});
  if (name == "M") return is_one_of(c.kind, {mark, han_mark});
  if (name == "N") return is_one_of(c.kind, {digit, number, han_number});
  if (name == "P") return is_one_of(c.kind, {connector, punctuation, han_punctuation});
  if (name == "S") return is_one_of(c.kind, {symbol, han_symbol});
  if (name == "Han") return is_one_of(c.kind, {han_letter, han_mark, han_number, han_punctuation, han_symbol});
  throw std::invalid_argument("property " + std::string(name));
}

inline bool is_space(const character& c) { return is_one_of(c.kind, {char_class::space, char_class::newline}); }
inline bool is_word(const character& c) {
  return has_property(c, "L") || has_property(c, "M") || has_property(c, "N") || c.kind == char_class::connector;
}

using test = std::function<bool(const character&)>;

class regex {
 public:
  explicit regex(std::string_view pattern) : pattern_(characters(pattern, unicode_version::v16)) {
    root_ = alternatives(false);
    if (at_ != pattern_.size()) throw std::invalid_argument("pattern");
  }

  /// Returns the end of the match that begins at `from`, or npos. The text ends with `text`.
  size_t match(const std::vector<character>& text, size_t from) const {
    size_t end = npos;
    root_->match(text, from, [&](size_t at) {
      end = at;
      return true;
    });
    return end;
  }
  static constexpr size_t npos = static_cast<size_t>(-1);

 private:
  using text_type = std::vector<character>;
  using rest = std::function<bool(size_t)>;
  struct node {
    virtual ~node() = default;
    virtual bool match(const text_type& text, size_t at, const rest& then) const = 0;
  };
  using pointer = std::shared_ptr<node>;

  struct one : node {
    explicit one(test accepts) : accepts(std::move(accepts)) {}
    bool match(const text_type& text, size_t at, const rest& then) const override {
      return at < text.size() && accepts(text[at]) && then(at + 1);
    }
    test accepts;
  };
  struct sequence : node {
    bool match(const text_type& text, size_t at, const rest& then) const override { return from(0, text, at, then); }
    bool from(size_t i, const text_type& text, size_t at, const rest& then) const {
      if (i == parts.size()) return then(at);
      return parts[i]->match(text, at, [&](size_t next) { return from(i + 1, text, next, then); });
    }
    std::vector<pointer> parts;
  };
  struct choice : node {
    bool match(const text_type& text, size_t at, const rest& then) const override {
      for (const auto& each : options) {
        if (each->match(text, at, then)) return true;
      }
      return false;
    }
    std::vector<pointer> options;
  };
  struct repeat : node {
    repeat(pointer what, size_t low, size_t high) : what(std::move(what)), low(low), high(high) {}
    bool match(const text_type& text, size_t at, const rest& then) const override { return more(0, text, at, then); }
    bool more(size_t count, const text_type& text, size_t at, const rest& then) const {
      if (count < high && what->match(text, at, [&](size_t next) { return more(count + 1, text, next, then); })) {
        return true;
      }
      return count >= low && then(at);
    }
    pointer what;
    size_t low, high;
  };
  struct look_ahead : node {
    look_ahead(pointer what, bool wanted) : what(std::move(what)), wanted(wanted) {}
    bool match(const text_type& text, size_t at, const rest& then) const override {
      return what->match(text, at, [](size_t) { return true; }) == wanted && then(at);
    }
    pointer what;
    bool wanted;
  };
  struct word_boundary : node {
    bool match(const text_type& text, size_t at, const rest& then) const override {
      bool before = at > 0 && is_word(text[at - 1]), after = at < text.size() && is_word(text[at]);
      return before != after && then(at);
    }
  };

  bool is_next(std::string_view expected) const {
    for (size_t i = 0; i < expected.size(); ++i) {
      if (at_ + i >= pattern_.size() || pattern_[at_ + i].code != static_cast<unsigned char>(expected[i])) return false;
    }
    return true;
  }
  bool take(std::string_view expected) {
    if (!is_next(expected)) return false;
    at_ += expected.size();
    return true;
  }
  void expect(std::string_view expected) {
    if (!take(expected)) throw std::invalid_argument("expected " + std::string(expected));
  }
  char32_t next() {
    if (at_ == pattern_.size()) throw std::invalid_argument("end of the pattern");
    return pattern_[at_++].code;
  }
  size_t number() {
    size_t value = 0;
    while (at_ < pattern_.size() && pattern_[at_].code >= '0' && pattern_[at_].code <= '9') {
      value = value * 10 + (next() - '0');
    }
    return value;
  }

  pointer alternatives(bool fold) {
    auto all = std::make_shared<choice>();
    do {
      auto parts = std::make_shared<sequence>();
      while (at_ < pattern_.size() && !is_next("|") && !is_next(")")) parts->parts.push_back(quantified(fold));
      all->options.push_back(parts);
    } while (take("|"));
    return all;
  }

  pointer quantified(bool fold) {
    auto what = atom(fold);
    if (take("?")) return std::make_shared<repeat>(what, 0, 1);
    if (take("*")) return std::make_shared<repeat>(what, 0, npos);
    if (take("+")) return std::make_shared<repeat>(what, 1, npos);
    if (!take("{")) return what;
    auto low = number();
    auto high = take(",") ? number() : low;
    expect("}");
    return std::make_shared<repeat>(what, low, high);
  }

  pointer atom(bool fold) {
    if (take("(?:")) return group(fold);
    if (take("(?i:")) return group(true);
    if (take("(?=")) return std::make_shared<look_ahead>(group(fold), true);
    if (take("(?!")) return std::make_shared<look_ahead>(group(fold), false);
    if (take("\\b")) return std::make_shared<word_boundary>();
    if (take("[")) return std::make_shared<one>(bracket());
    if (is_next("\\")) return std::make_shared<one>(escape());
    return std::make_shared<one>(literal(next(), fold));
  }

  pointer group(bool fold) {
    auto inside = alternatives(fold);
    expect(")");
    return inside;
  }

  static test literal(char32_t code, bool fold) {
    return [=](const character& c) {
      if (c.code == code) return true;
      if (!fold || code < 'a' || code > 'z') return false;
      return c.code == code - 32 || (code == 's' && c.code == 0x17f) || (code == 'k' && c.code == 0x212a);
    };
  }

  test escape() {
    expect("\\");
    if (take("p{")) {
      std::string name;
      while (!is_next("}")) name += static_cast<char>(next());
      expect("}");
      has_property({}, name);
      return [=](const character& c) { return has_property(c, name); };
    }
    auto code = next();
    if (code == 's') return is_space;
    if (code == 'S') return [](const character& c) { return !is_space(c); };
    if (code == 'd') return [](const character& c) { return c.kind == char_class::digit; };
    if (code == 'r') return literal('\r', false);
    if (code == 'n') return literal('\n', false);
    if ((code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z')) throw std::invalid_argument("escape");
    return literal(code, false);
  }

  /// The inside of [ ]: characters, ranges, escapes, and && with another class.
  test bracket() {
    bool negated = take("^");
    std::vector<test> any;
    test also;
    while (!take("]")) {
      if (take("&&[")) {
        also = bracket();
      } else if (is_next("\\")) {
        any.push_back(escape());
      } else {
        auto low = next(), high = low;
        if (is_next("-")) {
          expect("-");
          high = next();
        }
        any.push_back([=](const character& c) { return c.code >= low && c.code <= high; });
      }
    }
    return [=](const character& c) {
      bool found = false;
      for (const auto& each : any) found = found || each(c);
      return (found && (!also || also(c))) != negated;
    };
  }

  std::vector<character> pattern_;
  size_t at_ = 0;
  pointer root_;
};

/// Returns the ends of all pieces.
inline std::vector<uint32_t> split(splitter kind, std::string_view text, unicode_version version) {
  static const auto all = [] {
    std::vector<std::vector<regex>> rows;
    for (const auto& row : splitters()) {
      rows.emplace_back();
      for (auto pattern : row.patterns) rows.back().emplace_back(pattern);
    }
    return rows;
  }();
  std::vector<std::vector<character>> pieces;
  if (!text.empty()) pieces.push_back(characters(text, version));
  for (const auto& pattern : all[static_cast<size_t>(kind)]) {
    std::vector<std::vector<character>> parts;
    for (const auto& piece : pieces) {
      size_t unmatched = 0;
      auto cut = [&](size_t from, size_t to) {
        if (from < to) parts.emplace_back(piece.begin() + from, piece.begin() + to);
      };
      for (size_t at = 0; at < piece.size();) {
        auto end = pattern.match(piece, at);
        if (end == regex::npos) {
          ++at;
          continue;
        }
        cut(unmatched, at);
        cut(at, end);
        unmatched = at = end;
      }
      cut(unmatched, piece.size());
    }
    pieces = std::move(parts);
  }
  std::vector<uint32_t> ends;
  for (const auto& piece : pieces) ends.push_back(static_cast<uint32_t>(piece.back().end));
  return ends;
}

}  // namespace nexus::tokenizer::reference
