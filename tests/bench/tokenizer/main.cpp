// Counts the same texts with every encoding asked for and prints one JSON line each:
// tokenizer_bench [--encodings A,B]
// [--rounds N] FILE... MB/s of UTF-8 by the CPU time of one thread. cold: the first pass over the
// text with empty caches; unseen: one half of it after the other half; warm: the best of later
// passes; ids: encoding instead of counting.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace {

using namespace nexus::tokenizer;

// A request's worth of text.
constexpr size_t document_bytes = 4096;

struct options {
  std::vector<std::string> encodings = {"o200k_base", "cl100k_base"};
  int rounds = 7;
  std::vector<std::string> files;
};

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    names.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(list.size(), comma + 1));
  }
  return names;
}

options parse(int argc, char** argv) {
  options chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--encodings" && i + 1 < argc) {
      chosen.encodings = split_names(argv[++i]);
    } else if (word == "--rounds" && i + 1 < argc) {
      chosen.rounds = std::stoi(argv[++i]);
    } else {
      chosen.files.emplace_back(word);
    }
  }
  return chosen;
}

std::vector<std::string> read_documents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be opened");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> documents;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(begin + document_bytes, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    documents.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return documents;
}

size_t bytes_of(const std::vector<std::string>& documents, size_t first, size_t step) {
  size_t bytes = 0;
  for (size_t i = first; i < documents.size(); i += step) bytes += documents[i].size();
  return bytes;
}

// Of this thread: the machine may have other work.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

template <class Work>
double megabytes_per_second(const std::vector<std::string>& documents, size_t first, size_t step,
                            Work&& work) {
  const double begin = cpu_seconds();
  for (size_t i = first; i < documents.size(); i += step) work(documents[i]);
  return static_cast<double>(bytes_of(documents, first, step)) / (cpu_seconds() - begin) / 1e6;
}

// On a thread of its own, because caches belong to threads.
template <class Work>
void on_fresh_thread(Work&& work) {
  std::thread(work).join();
}

void measure(const tokenizer& one, const std::string& file, int rounds) {
  const auto documents = read_documents(file);
  size_t tokens = 0;
  double cold = 0;
  double unseen = 0;
  double warm = 0;
  double ids = 0;
  const auto count = [&](const std::string& text) { tokens += one.count(text); };
  on_fresh_thread([&] {
    cold = megabytes_per_second(documents, 0, 1, count);
    tokens = 0;
    for (int i = 0; i < rounds; ++i) {
      tokens = 0;
      warm = std::max(warm, megabytes_per_second(documents, 0, 1, count));
    }
  });
  const size_t total = tokens;
  on_fresh_thread([&] {
    megabytes_per_second(documents, 0, 2, count);
    unseen = megabytes_per_second(documents, 1, 2, count);
  });
  on_fresh_thread([&] {
    size_t sum = 0;
    for (int i = 0; i < std::min(rounds, 3); ++i) {
      ids = std::max(ids, megabytes_per_second(documents, 0, 1, [&](const std::string& text) {
                       sum += one.encode(text).size();
                     }));
    }
  });
  std::printf(
      "{\"encoding\":\"%s\",\"text\":\"%s\",\"bytes\":%zu,\"tokens\":%zu,\"cold\":%.1f,\"unseen\":%"
      ".1f,\"warm\":%.1f,"
      "\"ids\":%.1f}\n",
      one.rules().name.c_str(), file.substr(file.rfind('/') + 1).c_str(), bytes_of(documents, 0, 1),
      total, cold, unseen, warm, ids);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options chosen = parse(argc, argv);
    for (const std::string& name : chosen.encodings) {
      const encoding_info* info = encoding(name);
      if (!info) throw std::runtime_error("no such encoding: " + name);
      const double begin = cpu_seconds();
      const auto one = load(*info);
      const double took = (cpu_seconds() - begin) * 1e3;
      if (!one) throw std::runtime_error(one.error().message);
      std::printf("{\"encoding\":\"%s\",\"load_ms\":%.1f,\"memory_mib\":%.1f}\n", name.c_str(),
                  took, static_cast<double>((*one)->words().memory()) / (1 << 20));
      for (const std::string& file : chosen.files) measure(**one, file, chosen.rounds);
    }
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "tokenizer_bench: %s\n", failure.what());
    return 1;
  }
}
