#include "tokenizer/vocabulary_table.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace nexus::tokenizer {
namespace {

// "NXV1", then one zstd frame with its size and a checksum. Inside: integers as varints, fields in the order of
// `write_table`.
constexpr std::string_view magic = "NXV1";
constexpr size_t body_bytes_max = size_t{64} << 20;

error broken(size_t byte, const std::string& what) {
  return make_error(errc::invalid_request, "byte " + std::to_string(byte) + " of the table: " + what);
}

void put(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

uint64_t zigzag(int64_t value) { return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63); }
int64_t unzigzag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

// Takes fields off a body; after the first one that is not there all are 0 and `failed`.
class field_reader {
 public:
  explicit field_reader(std::string_view body) : body_(body) {}
  uint64_t number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < body_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(body_[at_++]);
      value |= uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  /// A count of things of which each takes at least one byte.
  size_t count() {
    const uint64_t value = number();
    if (value <= body_.size() - at_) return value;
    failed_ = true;
    return 0;
  }
  std::string_view text(size_t size) {
    if (size > body_.size() - at_) {
      failed_ = true;
      return {};
    }
    at_ += size;
    return body_.substr(at_ - size, size);
  }
  bool failed() const { return failed_; }
  bool ended() const { return at_ == body_.size(); }
  size_t at() const { return at_; }

 private:
  std::string_view body_;
  size_t at_ = 0;
  bool failed_ = false;
};

void put_kinds(std::string& out, const std::vector<token_kind>& kinds) {
  for (size_t begin = 0; begin < kinds.size();) {
    size_t end = begin;
    while (end < kinds.size() && kinds[end] == kinds[begin]) ++end;
    put(out, static_cast<uint64_t>(kinds[begin]));
    put(out, end - begin);
    begin = end;
  }
}

std::string write_body(const vocabulary_parts& parts) {
  std::string body;
  put(body, static_cast<uint64_t>(parts.symbols));
  put(body, parts.whole_first);
  put(body, parts.token_ranks);
  put(body, parts.lengths.size());
  for (const uint32_t length : parts.lengths) put(body, length);
  put_kinds(body, parts.kinds);
  body += parts.arena;
  for (const token_id id : parts.byte_tokens) put(body, id == no_token ? 0 : uint64_t{id} + 1);
  put(body, parts.merges.size());
  int64_t last = 0;
  for (const merge_row& row : parts.merges) {
    put(body, zigzag(int64_t{row.merged} - last));
    last = row.merged;
  }
  for (const merge_row& row : parts.merges) put(body, row.left_bytes);
  put(body, parts.specials.size());
  for (const special_token& special : parts.specials) {
    put(body, special.id);
    put(body, special.always);
    put(body, special.text.size());
    body += special.text;
  }
  return body;
}

bool read_tokens(field_reader& fields, vocabulary_parts& parts) {
  parts.lengths.resize(fields.count());
  uint64_t sum = 0;
  for (uint32_t& length : parts.lengths) {
    length = static_cast<uint32_t>(std::min<uint64_t>(fields.number(), body_bytes_max));
    sum += length;
  }
  parts.kinds.reserve(parts.lengths.size());
  while (parts.kinds.size() < parts.lengths.size() && !fields.failed()) {
    const uint64_t kind = fields.number();
    const uint64_t run = fields.number();
    if (kind > 2 || run == 0 || run > parts.lengths.size() - parts.kinds.size()) return false;
    parts.kinds.insert(parts.kinds.end(), run, static_cast<token_kind>(kind));
  }
  parts.arena = fields.text(sum);
  for (token_id& id : parts.byte_tokens) {
    const uint64_t value = fields.number();
    if (value > tokens_max) return false;
    id = value == 0 ? no_token : static_cast<token_id>(value - 1);
  }
  return !fields.failed();
}

bool read_merges(field_reader& fields, vocabulary_parts& parts) {
  parts.merges.resize(fields.count());
  int64_t last = 0;
  for (merge_row& row : parts.merges) {
    last += unzigzag(fields.number());
    if (last < 0 || last >= static_cast<int64_t>(parts.lengths.size())) return false;
    row.merged = static_cast<token_id>(last);
  }
  for (merge_row& row : parts.merges) {
    row.left_bytes = static_cast<uint32_t>(std::min<uint64_t>(fields.number(), token_bytes_max));
  }
  return !fields.failed();
}

bool read_specials(field_reader& fields, vocabulary_parts& parts) {
  const size_t count = fields.count();
  for (size_t i = 0; i < count && !fields.failed(); ++i) {
    special_token special;
    special.id = static_cast<token_id>(std::min<uint64_t>(fields.number(), tokens_max));
    special.always = fields.number() != 0;
    special.text = fields.text(fields.count());
    parts.specials.push_back(std::move(special));
  }
  return !fields.failed();
}

}  // namespace

std::string write_table(const vocabulary_parts& parts) {
  const std::string body = write_body(parts);
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(magic.size() + ZSTD_compressBound(body.size()), '\0');
  out.replace(0, magic.size(), magic);
  const size_t size =
      ZSTD_compress2(context.get(), out.data() + magic.size(), out.size() - magic.size(), body.data(), body.size());
  if (ZSTD_isError(size)) throw std::runtime_error(ZSTD_getErrorName(size));
  out.resize(magic.size() + size);
  return out;
}

result<vocabulary_parts> read_table(std::string_view bytes) {
  if (!bytes.starts_with(magic)) return broken(0, "no table of this version");
  bytes.remove_prefix(magic.size());
  const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > body_bytes_max) {
    return broken(magic.size(), "no frame of a known size");
  }
  std::string body(size, '\0');
  const size_t got = ZSTD_decompress(body.data(), body.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got)) return broken(magic.size(), ZSTD_getErrorName(got));
  field_reader fields(body);
  vocabulary_parts parts;
  const uint64_t symbols = fields.number();
  parts.symbols = symbols == 0 ? alphabet::bytes : alphabet::characters;
  parts.whole_first = fields.number() != 0;
  parts.token_ranks = fields.number() != 0;
  const bool good = symbols <= 1 && read_tokens(fields, parts) && read_merges(fields, parts) &&
                    read_specials(fields, parts) && fields.ended();
  if (!good) return broken(fields.at(), "a field is out of its range (counted uncompressed)");
  return parts;
}

}  // namespace nexus::tokenizer
