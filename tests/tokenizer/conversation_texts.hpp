// Conversations put together from real texts: the project's own documents and code, and Chinese prose. They
// are cut anew for every conversation, as a team's texts come back in ever other places.
#pragma once

#include "tests/tokenizer/data_files.hpp"

#include <random>
#include <string>
#include <vector>

namespace nexus::tokenizer::test {

/// Returns `text` cut so that no character is.
inline std::string whole_characters(const std::string& text, size_t begin, size_t length) {
  const auto inside = [&](size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  while (inside(begin)) ++begin;
  size_t end = std::min(begin + length, text.size());
  while (inside(end)) ++end;
  return begin < end ? text.substr(begin, end - begin) : std::string{};
}

class conversations {
 public:
  conversations() {
    const std::filesystem::path root = TOKENIZER_SOURCE_DIR;
    std::string code;
    for (const char* folder : {"actors", "conf", "net", "storage", "web/components", "web/logic"}) {
      for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
        const auto kind = entry.path().extension();
        if (kind == ".cpp" || kind == ".hpp" || kind == ".js") code += read_file(entry.path());
      }
    }
    std::string prose;
    for (const char* folder : {"", "actors", "conf", "net", "storage", "tests", "tests/bench", "tokenizer", "web"}) {
      prose += read_file(root / folder / "README.md");
    }
    const std::string chinese = data_file("zh.txt");
    texts_ = {code, prose, chinese, prose, chinese};
  }

  /// The next one: 5 to 24 messages of 60 to 900 bytes.
  std::string next() {
    std::string talk;
    const size_t messages = 5 + random_() % 20;
    for (size_t i = 0; i < messages; ++i) {
      const auto& text = texts_[random_() % texts_.size()];
      const size_t length = 60 + random_() % 840;
      talk += whole_characters(text, random_() % (text.size() - length), length) + "\n";
    }
    return talk;
  }

 private:
  std::vector<std::string> texts_;
  std::mt19937 random_{3};  // NOLINT(cert-msc51-cpp): repeatable
};

}  // namespace nexus::tokenizer::test
