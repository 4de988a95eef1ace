#include "tokenizer/splitter.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "tokenizer/piece_end.hpp"

namespace nexus::tokenizer {
namespace {

#define NEXUS_CONTRACTIONS "'s|'t|'re|'ve|'m|'ll|'d"
#define NEXUS_WHITE_SPACE R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define NEXUS_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define NEXUS_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define NEXUS_NOT_HAN_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"
#define NEXUS_NOT_HAN_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"
#define NEXUS_CASED(upper, lower, tail) \
  R"([^\r\n\p{L}\p{N}]?)" upper "*" lower "+" tail R"(|[^\r\n\p{L}\p{N}]?)" upper "+" lower "*" tail

constexpr std::string_view gpt2_patterns[] = {NEXUS_CONTRACTIONS
                                              R"(| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"};
constexpr std::string_view cl100k_patterns[] = {
    "(?i:" NEXUS_CONTRACTIONS R"()|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view qwen_patterns[] = {
    "(?i:" NEXUS_CONTRACTIONS R"()|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view qwen3_6_patterns[] = {
    "(?i:" NEXUS_CONTRACTIONS
    R"()|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view o200k_patterns[] = {
    NEXUS_CASED(NEXUS_UPPER, NEXUS_LOWER,
                "(?i:" NEXUS_CONTRACTIONS ")?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view tekken_patterns[] = {
    NEXUS_CASED(NEXUS_UPPER, NEXUS_LOWER, "") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view kimi_patterns[] = {R"([\p{Han}]+|)" NEXUS_CASED(
    NEXUS_NOT_HAN_UPPER, NEXUS_NOT_HAN_LOWER,
    "(?i:" NEXUS_CONTRACTIONS ")?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view deepseek_v3_patterns[] = {
    R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)" NEXUS_WHITE_SPACE};
constexpr std::string_view command_r_patterns[] = {R"(\p{N})", gpt2_patterns[0]};
constexpr std::string_view command_a_patterns[] = {R"(\d{1,3}(?=(?:\d{3})*\b))", o200k_patterns[0]};

constexpr splitter_info table[] = {
    {splitter::none, "none", {}},
    {splitter::gpt2, "gpt2", gpt2_patterns},
    {splitter::cl100k, "cl100k", cl100k_patterns},
    {splitter::qwen, "qwen", qwen_patterns},
    {splitter::qwen3_6, "qwen3_6", qwen3_6_patterns},
    {splitter::o200k, "o200k", o200k_patterns},
    {splitter::tekken, "tekken", tekken_patterns},
    {splitter::kimi, "kimi", kimi_patterns},
    {splitter::deepseek_v3, "deepseek_v3", deepseek_v3_patterns},
    {splitter::command_r, "command_r", command_r_patterns},
    {splitter::command_a, "command_a", command_a_patterns},
};

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(table); ++i) {
    if (static_cast<size_t>(table[i].kind) != i) return false;
  }
  return true;
}
static_assert(in_order(), "one row for each splitter, in the order of the enum");

/// Returns the pattern as the table writes it: escapes for newlines, no possessive quantifiers, tiktoken's short form
/// of the contractions written out.
std::string canonical(std::string_view pattern) {
  std::string out;
  bool escaped = false, property = false;  // property: within the braces of \p{…}
  int classes = 0;
  for (char c : pattern) {
    if (c == '\r' || c == '\n') {
      out += c == '\r' ? "\\r" : "\\n";
      continue;
    }
    if (c == '{') property = out.ends_with("\\p");
    bool quantified = !out.empty() && (std::string_view("+*?").find(out.back()) != std::string_view::npos ||
                                       (out.back() == '}' && !property));
    // Possessive: nothing that follows in these grammars could take back what it holds.
    if (c == '+' && quantified && !escaped && classes == 0) continue;
    if (!escaped) classes += (c == '[') - (c == ']');
    escaped = c == '\\' && !escaped;
    out += c;
  }
  constexpr std::pair<std::string_view, std::string_view> spellings[] = {
      {"'(?i:[sdmt]|ll|ve|re)", "(?i:" NEXUS_CONTRACTIONS ")"},
      {"'(?:[sdmt]|ll|ve|re)", NEXUS_CONTRACTIONS},
  };
  for (auto [from, to] : spellings) {
    for (auto at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size())) {
      out.replace(at, from.size(), to);
    }
  }
  return out;
}

std::string canonical(const split_step& step) {
  switch (step.kind) {
    case split_step::type::regex:
      return canonical(step.pattern);
    case split_step::type::single_digits:
      return std::string(command_r_patterns[0]);
    case split_step::type::byte_level_regex:
      return std::string(gpt2_patterns[0]);
  }
  return {};
}

}  // namespace

std::optional<splitter> recognise(std::span<const split_step> steps) {
  auto same = [](const split_step& step, std::string_view pattern) { return canonical(step) == pattern; };
  for (const auto& row : table) {
    if (std::ranges::equal(steps, row.patterns, same)) return row.kind;
  }
  return {};
}

std::optional<splitter> recognise(std::string_view pattern) {
  split_step step{split_step::type::regex, pattern};
  return recognise({&step, 1});
}

std::span<const splitter_info> splitters() { return table; }

size_t piece_end(splitter kind, std::string_view text, size_t begin, unicode_version version) {
  reader characters(text, version);
  return find_piece_end(kind, characters, begin);
}

}  // namespace nexus::tokenizer
