// Texts against the plain reference implementation, whole and in chunks. The first byte picks the encoding, the second
// the size of the chunks.
#include "tests/tokenizer/reference_tokenizer.hpp"
#include "tokenizer/stream_counter.hpp"

#include <cstdlib>
#include <map>
#include <memory>

namespace {

using namespace nexus::tokenizer;

struct subject {
  explicit subject(const encoding_info& info) : one(load(info).value()), plain(*one) {}
  std::shared_ptr<const tokenizer> one;
  reference::reference_tokenizer plain;
};

const subject& pick(uint8_t byte) {
  static constexpr std::string_view names[] = {"o200k_base",  "cl100k_base", "r50k_base",    "qwen3",
                                               "deepseek_v3", "glm5",        "llama3",       "kimi_k2",
                                               "llama2",      "gemma3",      "mistral_nemo", "yi"};
  static std::map<size_t, std::unique_ptr<subject>> subjects;
  const size_t at = byte % std::size(names);
  auto& found = subjects[at];
  if (!found) found = std::make_unique<subject>(*encoding(names[at]));
  return *found;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4096) return 0;
  const subject& chosen = pick(data[0]);
  const size_t chunk = data[1] % 80 + 1;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto expected = chosen.plain.encode(text);
  require(chosen.one->encode(text) == expected);
  require(chosen.one->count(text) == expected.size());
  stream_counter counter(chosen.one);
  for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) counter.feed(text.substr(0, chunk));
  require(counter.finish() == expected.size());
  return 0;
}
