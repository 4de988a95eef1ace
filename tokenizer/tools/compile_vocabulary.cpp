// Compiles a vocabulary into the compact table that is embedded: compile_vocabulary INPUT OUTPUT. Runs at build time.
#include "tokenizer/vocabulary_source.hpp"
#include "tokenizer/vocabulary_table.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace {

using namespace nexus::tokenizer;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be opened");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void compile(const std::string& input, const std::string& output) {
  const std::string bytes = read_file(input);
  auto source = bytes.starts_with("HTKVOCAB") ? read_htk(bytes)
                : bytes.starts_with('{')      ? read_tokenizer_json(bytes)
                                              : read_rank_file(bytes);
  if (!source) throw std::runtime_error(input + ": " + source.error().message);
  if (auto done = classify(source->parts); !done) throw std::runtime_error(input + ": " + done.error().message);
  const std::string table = write_table(source->parts);
  std::ofstream file(output, std::ios::binary);
  if (!file.write(table.data(), static_cast<std::streamsize>(table.size()))) {
    throw std::runtime_error(output + " cannot be written");
  }
  const auto& parts = source->parts;
  const auto kinds = [&](token_kind kind) { return std::count(parts.kinds.begin(), parts.kinds.end(), kind); };
  std::printf("%s: %zu tokens (%ld whole only, %ld inert), %zu merges, %zu specials, %zu bytes\n", output.c_str(),
              parts.lengths.size(), kinds(token_kind::whole_only), kinds(token_kind::inert), parts.merges.size(),
              parts.specials.size(), table.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("usage: compile_vocabulary INPUT OUTPUT");
    compile(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "compile_vocabulary: %s\n", failure.what());
    return 1;
  }
}
