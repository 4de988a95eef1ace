#include "storage/master_key.hpp"

#include "storage/private_file.hpp"
#include "storage/secrets.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

namespace nexus::storage {

namespace {

constexpr size_t key_bytes = 32;

/// A ring of dozens of keys fits; what is longer is something else.
constexpr size_t key_file_bytes_max = 4096;

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view active_word = "active";
constexpr std::string_view decrypt_only_word = "decrypt-only";

// Takes 43 characters and their padding, which may be missing.
std::optional<secret> decode_key(std::string_view text) {
  if (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() != (key_bytes * 8 + 5) / 6) return std::nullopt;
  std::string bytes = plain_buffer(0);
  uint32_t bits = 0;
  int count = 0;
  bool valid = true;
  for (const char letter : text) {
    const auto value = base64_alphabet.find(letter);
    valid = valid && value != std::string_view::npos;
    bits = bits << 6 | static_cast<uint32_t>(value & 63);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  secret key(std::move(bytes));
  // The last letter carries two bits that no byte takes.
  if (!valid || (bits & 3) != 0) return std::nullopt;
  return key;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// Takes the next word off the line.
std::string_view take_word(std::string_view& line) {
  line = trim(line);
  const auto end = std::min(line.find_first_of(" \t"), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

secret check_of(const secret& bytes) {
  return secret(keyed_digest(derive_key(bytes, {}, "nexushub kcv", key_bytes), "check").substr(0, 8));
}

ring_key make_ring_key(secret bytes, int64_t created_at) {
  ring_key made;
  made.id = check_of(bytes).reveal().substr(0, master_key::id_bytes);
  made.created_at = created_at;
  made.bytes = std::move(bytes);
  return made;
}

// "3f9a01c2 1795610710113 active AAECAw…="
std::optional<std::pair<ring_key, bool>> read_line(std::string_view line) {
  const auto id = take_word(line);
  const auto created = take_word(line);
  const auto state = take_word(line);
  auto bytes = decode_key(take_word(line));
  int64_t created_at = 0;
  const auto [end, ec] = std::from_chars(created.data(), created.data() + created.size(), created_at);
  const bool known_state = state == active_word || state == decrypt_only_word;
  if (!bytes || ec != std::errc() || end != created.data() + created.size() || !known_state || !trim(line).empty())
    return std::nullopt;
  auto key = make_ring_key(std::move(*bytes), created_at);
  if (hex(key.id) != id) return std::nullopt;
  return std::pair(std::move(key), state == active_word);
}

/// The whole text of the file.
result<secret> read_key_file(const std::filesystem::path& file, int descriptor) {
  const auto refuse = [&](std::string_view reason) {
    return make_error(errc::invalid_request, fmt::format("The master key file '{}' {}.", file.string(), reason));
  };
  struct stat found {};
  if (::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode)) return refuse("is not a regular file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) return refuse("belongs to another user");
  if ((found.st_mode & 077) != 0) return refuse("is open to others and needs mode 0600");
  std::string text = plain_buffer(key_file_bytes_max);
  const auto count = ::read(descriptor, text.data(), text.size());
  const int reason = errno;
  secret whole(std::move(text));
  if (count < 0) return system_failure(fmt::format("The master key file '{}' cannot be read", file.string()), reason);
  return secret(std::string(whole.reveal().substr(0, static_cast<size_t>(count))));
}

}  // namespace

std::string ring_key::name() const { return hex(id); }

secret ring_key::subkey(std::string_view purpose) const {
  return derive_key(bytes, {}, fmt::format("nexushub {}", purpose), key_bytes);
}

result<master_key> master_key::from_base64(std::string_view text) {
  master_key made;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    auto key = decode_key(trim(text.substr(0, comma)));
    if (!key) return make_error(errc::invalid_request, "The master key must be 32 bytes in base64.");
    made.ring_.push_back(make_ring_key(std::move(*key), 0));
    if (more) text.remove_prefix(comma + 1);
  }
  return made;
}

std::optional<master_key> master_key::from_text(std::string_view text) {
  text = trim(text);
  master_key made;
  if (text.find_first_of(" \t\n") == std::string_view::npos) {
    auto key = decode_key(text);
    if (!key) return std::nullopt;
    made.ring_.push_back(make_ring_key(std::move(*key), 0));
    return made;
  }
  size_t active = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = read_line(text.substr(0, end));
    text = trim(text.substr(end));
    if (!line) return std::nullopt;
    active += line->second ? 1 : 0;
    made.ring_.insert(line->second ? made.ring_.begin() : made.ring_.end(), std::move(line->first));
  }
  return active == 1 ? std::optional(std::move(made)) : std::nullopt;
}

result<master_key> master_key::from_file(const std::filesystem::path& file, bool may_create, bool& created) {
  created = false;
  // Not blocking: a pipe is refused, not waited for.
  const file_descriptor opened(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (opened) {
    const auto text = read_key_file(file, opened.number());
    if (!text) return text.error();
    auto key = from_text(text->reveal());
    if (key) return std::move(*key);
    return make_error(errc::invalid_request,
                      fmt::format("The master key file '{}' must hold 32 bytes in base64.", file.string()));
  }
  const int reason = errno;
  if (reason == ELOOP) {
    return make_error(errc::invalid_request,
                      fmt::format("The master key file '{}' is not a regular file.", file.string()));
  }
  if (reason != ENOENT) {
    return system_failure(fmt::format("The master key file '{}' cannot be read", file.string()), reason);
  }
  if (!may_create) {
    return make_error(
        errc::invalid_request,
        fmt::format("The master key file '{}' is missing, and a new key would not open the secrets of the "
                    "existing store.",
                    file.string()));
  }
  secret bytes(random_bytes(key_bytes));
  const secret text(base64(bytes.reveal()) + "\n");
  if (auto written = write_private_file(file, text); !written) return written.error();
  created = true;
  master_key made;
  made.ring_.push_back(make_ring_key(std::move(bytes), 0));
  return made;
}

std::string master_key::check_value() const { return std::string(check_of(ring_.front().bytes).reveal()); }

bool master_key::knows(std::string_view check_value) const {
  return std::any_of(ring_.begin(), ring_.end(),
                     [&](const auto& key) { return equal_constant_time(check_of(key.bytes).reveal(), check_value); });
}

master_key master_key::duplicate() const {
  master_key made;
  for (const auto& key : ring_) made.ring_.push_back({key.id, key.created_at, key.bytes.duplicate()});
  return made;
}

master_key master_key::with_fresh_key(int64_t now) const {
  auto made = duplicate();
  made.ring_.insert(made.ring_.begin(), make_ring_key(secret(random_bytes(key_bytes)), now));
  return made;
}

master_key master_key::active_only() const {
  auto made = duplicate();
  made.ring_.erase(made.ring_.begin() + 1, made.ring_.end());
  return made;
}

result<void> master_key::save(const std::filesystem::path& file) const {
  std::string text = plain_buffer(0);
  for (const auto& key : ring_)
    text.append(key.name())
        .append(fmt::format(" {} {} ", key.created_at, &key == &ring_.front() ? active_word : decrypt_only_word))
        .append(secret(base64(key.bytes.reveal())).reveal())
        .append("\n");
  const secret whole(std::move(text));
  const std::filesystem::path next = file.string() + ".next";
  std::error_code ec;
  std::filesystem::remove(next, ec);
  if (auto written = write_private_file(next, whole); !written) return written;
  if (std::rename(next.c_str(), file.c_str()) != 0)
    return system_failure(fmt::format("The master key file '{}' cannot be written", file.string()), errno);
  return sync_folder(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
}

}  // namespace nexus::storage
