// Hugging Face's tokenizer.json, as far as its models are byte-pair encodings:
// https://github.com/huggingface/tokenizers
#include "conf/json.hpp"
#include "conf/utf8.hpp"
#include "tokenizer/vocabulary_source.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace nexus::tokenizer {
namespace {

error broken(std::string what) { return make_error(errc::invalid_request, std::move(what)); }

std::string_view view(const json::value& value) { return {value.GetString(), value.GetStringLength()}; }

bool is_true(const json::value& object, std::string_view name) {
  const json::value* member = json::find(object, name);
  return member && member->IsBool() && member->GetBool();
}

bool is_text(const json::value& object, std::string_view name, std::string_view text) {
  return json::string_member(object, name) == text;
}

bool absent(const json::value& object, std::string_view name) {
  const json::value* member = json::find(object, name);
  return !member || member->IsNull() || (member->IsString() && member->GetStringLength() == 0);
}

// The letters that stand for bytes in byte-level vocabularies: printable bytes for themselves, the others from U+0100.
class byte_letters {
 public:
  byte_letters() {
    bytes_.fill(-1);
    int next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      bytes_[static_cast<size_t>(plain ? byte : next++)] = static_cast<int16_t>(byte);
    }
  }
  /// Returns false if a letter stands for no byte.
  bool decode(std::string_view text, std::string& out) const {
    out.clear();
    for (size_t at = 0; at < text.size();) {
      const decoded letter = tokenizer::decode(text, at);
      if (letter.code_point >= bytes_.size() || bytes_[letter.code_point] < 0) return false;
      out.push_back(static_cast<char>(bytes_[letter.code_point]));
      at += letter.size;
    }
    return true;
  }

 private:
  std::array<int16_t, 512> bytes_;
};

constexpr std::string_view word_mark = "\xE2\x96\x81";  // U+2581

void spaces_for_marks(std::string_view text, std::string& out) {
  out.clear();
  for (size_t at = 0; at < text.size();) {
    const size_t mark = std::min(text.find(word_mark, at), text.size());
    out.append(text, at, mark - at);
    if (mark == text.size()) break;
    out.push_back(' ');
    at = mark + word_mark.size();
  }
}

// <0x0A>
std::optional<unsigned char> fallback_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return {};
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  if (digit(text[3]) < 0 || digit(text[4]) < 0) return {};
  return static_cast<unsigned char>(digit(text[3]) * 16 + digit(text[4]));
}

// White space and HTML tags are matched wherever they stand, before any merge, in families that made them tokens by
// hand (Gemma); what frames a conversation is not.
bool is_layout(std::string_view text) {
  if (text == "<mask>") return false;
  std::string spaces;
  spaces_for_marks(text, spaces);
  if (spaces.find_first_not_of(" \t\n") == std::string::npos) return true;
  if (text.size() < 3 || text.front() != '<' || text.back() != '>') return false;
  std::string_view name = text.substr(1, text.size() - 2);
  if (name.starts_with('/')) name.remove_prefix(1);
  if (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
}

class reader {
 public:
  result<vocabulary_source> read(const json::value& root);

 private:
  result<void> read_model(const json::value& root);
  result<void> read_normalizer(const json::value& root);
  result<void> read_normalizer_step(const json::value& step, const std::string& place);
  result<void> read_pre_tokenizer(const json::value& root);
  result<void> read_pre_tokenizer_step(const json::value& step, const std::string& place);
  result<void> read_split_step(const json::value& step, const std::string& place);
  result<void> read_tokens(const json::value& vocab);
  result<void> read_added(const json::value& root);
  result<void> read_merges(const json::value& merges);
  result<void> check_bytes();
  bool own_letters(std::string_view text, std::string& out) const;
  void put(token_id id, std::string text, token_kind kind);

  vocabulary_source source_;
  std::vector<std::string> texts_;
  std::vector<token_kind> kinds_;
  std::vector<split_step> steps_;
  std::unordered_map<std::string, token_id> ids_;
  byte_letters letters_;
  bool byte_level_ = false;
  bool spaces_marked_ = false;
};

void reader::put(token_id id, std::string text, token_kind kind) {
  if (id >= texts_.size()) {
    texts_.resize(id + 1);
    kinds_.resize(id + 1, token_kind::inert);
  }
  texts_[id] = std::move(text);
  kinds_[id] = kind;
}

result<void> reader::read_normalizer_step(const json::value& step, const std::string& place) {
  if (!step.IsObject()) return broken(place + ": no object");
  const std::string type(json::string_member(step, "type").value_or("(none)"));
  if (type == "Sequence") {
    const json::value* list = json::find(step, "normalizers");
    if (!list || !list->IsArray()) return broken(place + ".normalizers: no list");
    for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
      auto done = read_normalizer_step((*list)[i], place + ".normalizers[" + std::to_string(i) + "]");
      if (!done) return done;
    }
    return {};
  }
  if (type == "NFC" || type == "NFKC") {
    if (source_.normal != normalizer::none) return broken(place + ": a second normaliser is not known");
    source_.normal = type == "NFC" ? normalizer::nfc : normalizer::nfkc;
    return {};
  }
  if (type == "Prepend" && is_text(step, "prepend", word_mark) && !spaces_marked_) {
    source_.prefix_space = true;
    return {};
  }
  const json::value* pattern = json::find(step, "pattern");
  if (type == "Replace" && pattern && pattern->IsObject() && is_text(*pattern, "String", " ") &&
      is_text(step, "content", word_mark)) {
    spaces_marked_ = true;
    return {};
  }
  return broken(place + ": the normaliser " + type + " is not known");
}

result<void> reader::read_normalizer(const json::value& root) {
  const json::value* step = json::find(root, "normalizer");
  if (!step || step->IsNull()) return {};
  return read_normalizer_step(*step, "normalizer");
}

result<void> reader::read_split_step(const json::value& step, const std::string& place) {
  const json::value* pattern = json::find(step, "pattern");
  if (!pattern || !pattern->IsObject()) return broken(place + ".pattern: no object");
  // Gemma splits at spaces when all of them have become U+2581: nothing is left to split at.
  if (spaces_marked_ && is_text(*pattern, "String", " ")) return {};
  const auto regex = json::string_member(*pattern, "Regex");
  if (!regex) return broken(place + ".pattern: no regular expression");
  if (is_true(step, "invert") || !is_text(step, "behavior", "Isolated")) {
    return broken(place + ".behavior: only Isolated is known");
  }
  steps_.push_back({split_step::type::regex, *regex});
  return {};
}

result<void> reader::read_pre_tokenizer_step(const json::value& step, const std::string& place) {
  if (!step.IsObject()) return broken(place + ": no object");
  const std::string type(json::string_member(step, "type").value_or("(none)"));
  if (type == "Sequence") {
    const json::value* list = json::find(step, "pretokenizers");
    if (!list || !list->IsArray()) return broken(place + ".pretokenizers: no list");
    for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
      auto done = read_pre_tokenizer_step((*list)[i], place + ".pretokenizers[" + std::to_string(i) + "]");
      if (!done) return done;
    }
    return {};
  }
  if (byte_level_) return broken(place + ": nothing may follow ByteLevel");
  if (type == "Split") return read_split_step(step, place);
  if (type == "Digits" && is_true(step, "individual_digits")) {
    steps_.push_back({split_step::type::single_digits, {}});
    return {};
  }
  if (type == "ByteLevel") {
    if (is_true(step, "add_prefix_space")) return broken(place + ".add_prefix_space: true is not known");
    byte_level_ = true;
    const json::value* use = json::find(step, "use_regex");
    if (!use || !use->IsBool() || use->GetBool()) steps_.push_back({split_step::type::byte_level_regex, {}});
    return {};
  }
  return broken(place + ": the pre-tokenizer " + type + " is not known");
}

result<void> reader::read_pre_tokenizer(const json::value& root) {
  const json::value* step = json::find(root, "pre_tokenizer");
  if (step && !step->IsNull()) {
    if (auto done = read_pre_tokenizer_step(*step, "pre_tokenizer"); !done) return done;
  }
  const auto known = recognise(steps_);
  if (!known) {
    std::string patterns;
    for (const split_step& one : steps_) patterns += " " + std::string(one.pattern);
    return broken("pre_tokenizer: this splitter is not known:" + patterns);
  }
  source_.split = *known;
  return {};
}

bool reader::own_letters(std::string_view text, std::string& out) const {
  if (byte_level_) return letters_.decode(text, out);
  spaces_for_marks(text, out);
  return true;
}

result<void> reader::read_tokens(const json::value& vocab) {
  std::string text;
  texts_.reserve(vocab.MemberCount());
  ids_.reserve(vocab.MemberCount());
  for (const auto& member : vocab.GetObject()) {
    const std::string_view name = view(member.name);
    const std::string place = "model.vocab[\"" + std::string(name.substr(0, 64)) + "\"]";
    if (!member.value.IsUint() || member.value.GetUint() >= tokens_max - 1) return broken(place + ": no id");
    if (name.empty() || name.size() > token_bytes_max) return broken(place + ": no token of a known length");
    const token_id id = member.value.GetUint();
    if (id < texts_.size() && !texts_[id].empty()) return broken(place + ": the id is taken");
    const auto byte = byte_level_ ? std::nullopt : fallback_byte(name);
    if (byte) {
      source_.parts.byte_tokens[*byte] = id;
      put(id, std::string(1, static_cast<char>(*byte)), token_kind::inert);
    } else if (own_letters(name, text)) {
      put(id, text, token_kind::merged);
    } else {
      put(id, std::string(name), token_kind::inert);  // a letter that no byte has: never made, but can be decoded
    }
    ids_.emplace(name, id);
  }
  return {};
}

result<void> reader::read_added(const json::value& root) {
  const json::value* list = json::find(root, "added_tokens");
  if (!list || list->IsNull()) return {};
  if (!list->IsArray()) return broken("added_tokens: no list");
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    const json::value& row = (*list)[i];
    const std::string place = "added_tokens[" + std::to_string(i) + "]";
    if (!row.IsObject()) return broken(place + ": no object");
    const auto content = json::string_member(row, "content");
    const json::value* id = json::find(row, "id");
    if (!content || content->empty() || content->size() > token_bytes_max) return broken(place + ".content: no text");
    if (!id || !id->IsUint() || id->GetUint() >= tokens_max - 1) return broken(place + ".id: no id");
    if (is_true(row, "lstrip") || is_true(row, "rstrip") || is_true(row, "single_word")) {
      return broken(place + ": lstrip, rstrip and single_word are not known");
    }
    const bool always = !byte_level_ && !is_true(row, "special") && is_layout(*content);
    source_.parts.specials.push_back({std::string(*content), id->GetUint(), always});
    if (id->GetUint() >= texts_.size() || texts_[id->GetUint()].empty()) {
      put(id->GetUint(), std::string(*content), token_kind::inert);
    }
  }
  return {};
}

result<void> reader::read_merges(const json::value& merges) {
  std::string left;
  std::string right;
  for (rapidjson::SizeType i = 0; i < merges.Size(); ++i) {
    const json::value& row = merges[i];
    const auto place = [&] { return "model.merges[" + std::to_string(i) + "]"; };
    std::string_view first;
    std::string_view second;
    if (row.IsString()) {
      const size_t space = view(row).find(' ');
      if (space == std::string_view::npos) return broken(place() + ": no pair");
      first = view(row).substr(0, space);
      second = view(row).substr(space + 1);
    } else if (row.IsArray() && row.Size() == 2 && row[0].IsString() && row[1].IsString()) {
      first = view(row[0]);
      second = view(row[1]);
    } else {
      return broken(place() + ": no pair");
    }
    const auto product = ids_.find(std::string(first) + std::string(second));
    if (product == ids_.end()) return broken(place() + ": its product is not in the vocabulary");
    if (!own_letters(first, left) || !own_letters(second, right)) return broken(place() + ": no letters of a byte");
    source_.parts.merges.push_back({product->second, static_cast<uint32_t>(left.size())});
  }
  return {};
}

result<void> reader::check_bytes() {
  auto& bytes = source_.parts.byte_tokens;
  if (byte_level_) {
    for (token_id id = 0; id < texts_.size(); ++id) {
      if (kinds_[id] == token_kind::merged && texts_[id].size() == 1)
        bytes[static_cast<unsigned char>(texts_[id][0])] = id;
    }
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    if (bytes[byte] != no_token) continue;
    // A character that is a token needs no byte.
    const std::string text(1, static_cast<char>(byte));
    if (byte_level_ || byte >= 0x80 || !ids_.contains(text == " " ? std::string(word_mark) : text)) {
      return broken("model.vocab: byte " + std::to_string(byte) + " has no token");
    }
  }
  return {};
}

result<void> reader::read_model(const json::value& root) {
  const json::value* model = json::find(root, "model");
  if (!model || !model->IsObject()) return broken("model: no object");
  if (const auto type = json::string_member(*model, "type"); type && *type != "BPE") {
    return broken("model.type: " + std::string(*type) + " is not known");
  }
  for (const std::string_view name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!absent(*model, name)) return broken("model." + std::string(name) + ": is not known");
  }
  if (!byte_level_ && !is_true(*model, "byte_fallback")) return broken("model.byte_fallback: must be true");
  if (!byte_level_ && !spaces_marked_) return broken("normalizer: spaces must become U+2581");
  source_.parts.symbols = byte_level_ ? alphabet::bytes : alphabet::characters;
  source_.parts.whole_first = is_true(*model, "ignore_merges");
  source_.parts.byte_tokens.fill(no_token);
  const json::value* vocab = json::find(*model, "vocab");
  const json::value* merges = json::find(*model, "merges");
  if (!vocab || !vocab->IsObject() || vocab->ObjectEmpty()) return broken("model.vocab: no object");
  if (!merges || !merges->IsArray()) return broken("model.merges: no list");
  if (auto done = read_tokens(*vocab); !done) return done;
  if (auto done = check_bytes(); !done) return done;
  return read_merges(*merges);
}

result<vocabulary_source> reader::read(const json::value& root) {
  if (!root.IsObject()) return broken("byte 0: no object");
  if (auto done = read_normalizer(root); !done) return done.error();
  if (auto done = read_pre_tokenizer(root); !done) return done.error();
  if (auto done = read_model(root); !done) return done.error();
  if (auto done = read_added(root); !done) return done.error();
  // Control tokens of the vocabulary proper never come out of merging.
  std::unordered_set<token_id> produced;
  for (const merge_row& row : source_.parts.merges) produced.insert(row.merged);
  for (const special_token& special : source_.parts.specials) {
    if (!produced.contains(special.id) && texts_[special.id].size() > 1) kinds_[special.id] = token_kind::inert;
  }
  for (const std::string& text : texts_) {
    source_.parts.arena += text;
    source_.parts.lengths.push_back(static_cast<uint32_t>(text.size()));
  }
  source_.parts.kinds = std::move(kinds_);
  return std::move(source_);
}

}  // namespace

result<vocabulary_source> read_tokenizer_json(std::string_view text) {
  if (text.size() > vocabulary_file_bytes_max) return broken("the file is too large");
  const auto root = json::parse(text);
  if (!root) return broken("no JSON: " + root.error().message);
  return reader().read(*root);
}

}  // namespace nexus::tokenizer
