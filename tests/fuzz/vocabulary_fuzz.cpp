// Every reader of vocabularies on foreign bytes: refused or built, and what is built counts.
#include "tokenizer/merger.hpp"
#include "tokenizer/vocabulary_source.hpp"
#include "tokenizer/vocabulary_table.hpp"

#include <string_view>

namespace {

using namespace nexus::tokenizer;

void use(vocabulary_parts parts) {
  if (!classify(parts)) return;
  const auto words = vocabulary::build(std::move(parts));
  if (!words) return;
  merger merge;
  merge.count(*words, "The quick brown fox, 你好 12345\n\n  \xF0\x9F\x99\x82");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto source = read_rank_file(bytes)) use(std::move(source->parts));
  if (auto source = read_tokenizer_json(bytes)) use(std::move(source->parts));
  if (auto source = read_htk(bytes)) use(std::move(source->parts));
  if (auto parts = read_table(bytes)) use(std::move(*parts));
  return 0;
}
