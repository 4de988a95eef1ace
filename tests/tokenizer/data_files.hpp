// The files that tests of prompts and estimates read.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace nexus::tokenizer::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A file of tests/tokenizer/data.
inline std::string data_file(const std::string& name) {
  return read_file(std::filesystem::path(TOKENIZER_DATA_DIR) / name);
}

}  // namespace nexus::tokenizer::test
