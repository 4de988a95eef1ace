// What is loaded: bundled encodings once for the whole process, and files of the user's.
#include "tokenizer/embedded_tables.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/vocabulary_source.hpp"
#include "tokenizer/vocabulary_table.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

namespace nexus::tokenizer {
namespace {

// Written once, before `ready`; read by anybody after it.
template <class T>
struct once {
  std::atomic<bool> ready = false;
  std::shared_ptr<const T> value;
};

struct registry {
  std::mutex loading;
  std::map<std::string_view, std::shared_ptr<const lexicon>> tables;  // guarded by `loading`
  std::vector<once<tokenizer>> slots{encodings().size()};
};

registry& the_registry() {
  static registry one;
  return one;
}

once<tokenizer>* slot_of(const encoding_info& encoding) {
  const auto table = encodings();
  if (&encoding < table.data() || &encoding >= table.data() + table.size()) return nullptr;
  return &the_registry().slots[static_cast<size_t>(&encoding - table.data())];
}

text_rules rules_of(const encoding_info& encoding) {
  return {.name = std::string(encoding.name),
          .split = encoding.split,
          .normal = encoding.normal,
          .prefix_space = encoding.prefix_space,
          .unicode = encoding.unicode};
}

result<std::shared_ptr<const lexicon>> build(vocabulary_parts parts) {
  auto words = vocabulary::build(std::move(parts));
  if (!words) return words.error();
  return std::make_shared<const lexicon>(std::move(*words));
}

result<std::shared_ptr<const lexicon>> load_table(std::string_view name) {
  auto& known = the_registry().tables[name];
  if (known) return known;
  const std::string_view bytes = embedded_table(name);
  if (bytes.empty()) return make_error(errc::internal, "There is no vocabulary " + std::string(name));
  auto parts = read_table(bytes);
  if (!parts) return parts.error();
  auto words = build(std::move(*parts));
  if (words) known = *words;
  return words;
}

error refused(const std::string& path, const std::string& why) {
  return make_error(errc::invalid_request, "The vocabulary " + path + " is refused: " + why);
}

result<std::string> read_whole(const std::string& path) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return refused(path, ec.message());
  if (size > vocabulary_file_bytes_max) {
    return refused(path, "it has more than " + std::to_string(vocabulary_file_bytes_max) + " bytes");
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) return refused(path, "it cannot be read");
  return bytes;
}

}  // namespace

result<std::shared_ptr<const tokenizer>> load(const encoding_info& encoding) {
  once<tokenizer>* slot = slot_of(encoding);
  if (!slot || !encoding.bundled()) {
    return make_error(errc::not_found, "The encoding " + std::string(encoding.name) + " is not bundled");
  }
  if (slot->ready.load(std::memory_order_acquire)) return slot->value;
  const std::lock_guard lock(the_registry().loading);
  if (!slot->ready.load(std::memory_order_relaxed)) {
    auto words = load_table(encoding.table);
    if (!words) return words.error();
    slot->value = std::make_shared<const tokenizer>(rules_of(encoding), *words, encoding.specials);
    slot->ready.store(true, std::memory_order_release);
  }
  return slot->value;
}

std::shared_ptr<const tokenizer> loaded_or_null(const encoding_info& encoding) {
  once<tokenizer>* slot = slot_of(encoding);
  return slot && slot->ready.load(std::memory_order_acquire) ? slot->value : nullptr;
}

result<std::shared_ptr<const tokenizer>> load_file(const std::string& path, const file_options& options) {
  const auto bytes = read_whole(path);
  if (!bytes) return bytes.error();
  const size_t first = bytes->find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (*bytes)[first] == '{';
  if (!json && !options.like)
    return refused(path, "a rank file does not say how its text is split: name an encoding that it is like");
  auto source = json ? read_tokenizer_json(*bytes) : read_rank_file(*bytes);
  if (!source) return refused(path, source.error().message);
  if (auto done = classify(source->parts); !done) return refused(path, done.error().message);
  auto words = build(std::move(source->parts));
  if (!words) return refused(path, words.error().message);
  text_rules rules;
  if (json) {
    rules.split = source->split;
    rules.normal = source->normal;
    rules.prefix_space = source->prefix_space;
  } else {
    rules = rules_of(*options.like);
  }
  rules.name = options.name.empty() ? std::filesystem::path(path).filename().string() : options.name;
  const auto specials = json ? std::span<const special_row>() : options.like->specials;
  return std::make_shared<const tokenizer>(std::move(rules), *words, specials);
}

}  // namespace nexus::tokenizer
