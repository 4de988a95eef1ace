#include "storage/secrets.hpp"

#include "conf/log.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cassert>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>

namespace nexus::storage {

namespace {

constexpr size_t key_bytes = 32;
constexpr size_t nonce_bytes = 12;
constexpr size_t tag_bytes = 16;
constexpr size_t envelope_bytes = nonce_bytes + tag_bytes;
constexpr size_t wrapped_bytes = envelope_bytes + key_bytes;

/// First byte of every sealed text. The first layout named no key.
constexpr char seal_version = 2;
constexpr char nameless_version = 1;

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// OpenSSL refuses these calls only if memory or its installation is broken; going on would mean working without
// encryption or randomness.
void require(bool done, std::string_view what) {
  if (done) return;
  log::storage().error("crypto-failed", "OpenSSL failed: {}.", what);
  std::abort();
}

const unsigned char* bytes_of(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data() == nullptr ? "" : view.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

cipher_context make_context() {
  cipher_context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  require(context != nullptr, "EVP_CIPHER_CTX_new");
  return context;
}

// Returns nonce | text | tag.
std::string encrypt(const secret& key, std::string_view bound, std::string_view plain) {
  assert(key.reveal().size() == key_bytes && plain.size() <= INT_MAX && bound.size() <= INT_MAX);
  std::string out = random_bytes(nonce_bytes);
  out.resize(envelope_bytes + plain.size());
  auto* const nonce = bytes_of(out);
  auto* const text = nonce + nonce_bytes;
  const auto context = make_context();
  int length = 0;
  require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) == 1, "init");
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, nonce_bytes, nullptr) == 1, "nonce length");
  require(EVP_EncryptInit_ex(context.get(), nullptr, nullptr, bytes_of(key.reveal()), nonce) == 1, "key");
  require(EVP_EncryptUpdate(context.get(), nullptr, &length, bytes_of(bound), static_cast<int>(bound.size())) == 1,
          "bound data");
  require(EVP_EncryptUpdate(context.get(), text, &length, bytes_of(plain), static_cast<int>(plain.size())) == 1,
          "text");
  require(EVP_EncryptFinal_ex(context.get(), text + length, &length) == 1, "end");
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, text + plain.size()) == 1, "tag");
  return out;
}

// Takes nonce | text | tag; nothing of the text comes out unless the tag holds.
std::optional<secret> decrypt(const secret& key, std::string_view bound, std::string_view sealed) {
  if (sealed.size() < envelope_bytes || sealed.size() > INT_MAX) return std::nullopt;
  const auto nonce = sealed.substr(0, nonce_bytes);
  const auto text = sealed.substr(nonce_bytes, sealed.size() - envelope_bytes);
  std::string tag(sealed.substr(sealed.size() - tag_bytes));
  std::string out = plain_buffer(text.size());
  const auto context = make_context();
  int length = 0;
  require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) == 1, "init");
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, nonce_bytes, nullptr) == 1, "nonce length");
  require(EVP_DecryptInit_ex(context.get(), nullptr, nullptr, bytes_of(key.reveal()), bytes_of(nonce)) == 1, "key");
  require(EVP_DecryptUpdate(context.get(), nullptr, &length, bytes_of(bound), static_cast<int>(bound.size())) == 1,
          "bound data");
  require(EVP_DecryptUpdate(context.get(), bytes_of(out), &length, bytes_of(text), static_cast<int>(text.size())) == 1,
          "text");
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1, "tag");
  const bool genuine = EVP_DecryptFinal_ex(context.get(), bytes_of(out) + length, &length) > 0;
  secret opened(std::move(out));
  if (!genuine) return std::nullopt;
  return opened;
}

// Each part behind its length, so that no two places look alike. `head` is what stands before the envelope: the layout,
// and the key's id.
std::string place(std::string_view head, std::string_view table, std::string_view column, std::string_view row_id) {
  std::string bound;
  for (const auto part : {std::string_view("nexushub"), head, table, column, row_id}) {
    for (int shift = 24; shift >= 0; shift -= 8) bound += static_cast<char>(part.size() >> shift & 0xff);
    bound += part;
  }
  return bound;
}

// `envelope` is what stands behind the head.
std::optional<secret> open_envelope(const secret& wrap, std::string_view bound, std::string_view envelope) {
  if (envelope.size() < wrapped_bytes + envelope_bytes) return std::nullopt;
  const auto data_key = decrypt(wrap, bound, envelope.substr(0, wrapped_bytes));
  if (!data_key) return std::nullopt;
  return decrypt(*data_key, bound, envelope.substr(wrapped_bytes));
}

std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t begin = 0; begin < bytes.size(); begin += 3) {
    const auto group = bytes.substr(begin, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0u);
    for (size_t i = 0; i < 4; ++i) {
      if (i <= group.size()) {
        out += alphabet[bits >> (18 - 6 * i) & 63];
      } else if (padded) {
        out += '=';
      }
    }
  }
  return out;
}

}  // namespace

std::string seal_head(const master_key& key) { return std::string(1, seal_version).append(key.id()); }

std::string seal(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                 const secret& plain) {
  if (plain.empty()) return {};
  auto sealed = seal_head(key);
  const std::string bound = place(sealed, table, column, row_id);
  const secret data_key(random_bytes(key_bytes));
  sealed += encrypt(key.subkey("wrap"), bound, data_key.reveal());
  sealed += encrypt(data_key, bound, plain.reveal());
  return sealed;
}

result<secret> open(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                    std::string_view sealed) {
  if (sealed.empty()) return secret();
  const bool named = sealed.front() == seal_version;
  const size_t head_bytes = named ? 1 + master_key::id_bytes : 1;
  if ((named || sealed.front() == nameless_version) && sealed.size() > head_bytes) {
    const auto head = sealed.substr(0, head_bytes);
    const std::string bound = place(head, table, column, row_id);
    for (const auto& candidate : key.ring()) {
      if (named && candidate.id != head.substr(1)) continue;
      if (auto plain = open_envelope(candidate.subkey("wrap"), bound, sealed.substr(head_bytes)))
        return std::move(*plain);
    }
  }
  return make_error(errc::storage_error,
                    "A stored secret cannot be opened: it was changed, moved or sealed with another master key.",
                    fmt::format("{}.{} of row {}", table, column, row_id));
}

secret derive_key(const secret& key, std::string_view salt, std::string_view purpose, size_t count) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> method(EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  require(method != nullptr, "HKDF");
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(method.get()),
                                                                          EVP_KDF_CTX_free);
  require(context != nullptr, "EVP_KDF_CTX_new");
  char digest[] = "SHA256";
  // OSSL_PARAM has no const; the derivation only reads.
  const auto parameter = [](const char* name, std::string_view value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(bytes_of(value)), value.size());
  };
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                              parameter(OSSL_KDF_PARAM_KEY, key.reveal()), parameter(OSSL_KDF_PARAM_SALT, salt),
                              parameter(OSSL_KDF_PARAM_INFO, purpose), OSSL_PARAM_construct_end()};
  std::string out = plain_buffer(count);
  require(EVP_KDF_derive(context.get(), bytes_of(out), out.size(), parameters.data()) == 1, "EVP_KDF_derive");
  return secret(std::move(out));
}

std::string keyed_digest(const secret& key, std::string_view text) {
  std::string digest(key_bytes, '\0');
  unsigned length = 0;
  const auto* done = HMAC(EVP_sha256(), bytes_of(key.reveal()), static_cast<int>(key.reveal().size()), bytes_of(text),
                          text.size(), bytes_of(digest), &length);
  require(done != nullptr && length == digest.size(), "HMAC");
  return digest;
}

std::string plain_buffer(size_t size) {
  std::string buffer;
  buffer.reserve(std::max<size_t>(size, 64));
  buffer.resize(size);
  return buffer;
}

std::string random_bytes(size_t count) {
  std::string bytes = plain_buffer(count);
  require(RAND_bytes(bytes_of(bytes), static_cast<int>(count)) == 1, "RAND_bytes");
  return bytes;
}

std::string base64(std::string_view bytes) { return encode(bytes, base64_alphabet, true); }
std::string base64url(std::string_view bytes) { return encode(bytes, base64url_alphabet, false); }

bool equal_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(bytes_of(left), bytes_of(right), left.size()) == 0;
}

}  // namespace nexus::storage
