#include "storage/journal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace nexus::storage {
namespace {

constexpr size_t page_bytes = 4096;
constexpr size_t place_bytes = 1024;
// Another layout of ledger_entry is another number.
constexpr uint32_t layout_version = 2;
constexpr std::array<char, 8> magic{'N', 'X', 'H', 'J', 'R', 'N', 'L', '\n'};

// The first page of the file.
struct header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t place_bytes;
  uint32_t places;
};

static_assert(sizeof(ledger_entry) <= place_bytes);

size_t file_bytes(uint32_t places) { return page_bytes + static_cast<size_t>(places) * place_bytes; }

error foreign(const std::filesystem::path& file, std::string_view why) {
  return make_error(errc::storage_error, "The journal '" + file.string() + "' " + std::string(why));
}

// Checks what stands in the first page against the size of the file.
result<header> read_header(int descriptor, const std::filesystem::path& file, uint64_t size) {
  header found{};
  const auto read = ::pread(descriptor, &found, sizeof found, 0);
  // Its process ended before the first page was written, and so before anything else.
  if (found.magic == std::array<char, 8>{}) return header{};
  if (read != static_cast<ssize_t>(sizeof found) || found.magic != magic)
    return foreign(file, "is no journal of NexusAI Hub.");
  if (found.version != layout_version || found.place_bytes != place_bytes)
    return foreign(file,
                   "was written by another version of NexusAI Hub: start and stop that version once, so that it is "
                   "empty, and remove it then.");
  if (file_bytes(found.places) != size) return foreign(file, "is damaged: its size does not fit its places.");
  return found;
}

result<std::vector<ledger_entry>> read_entries(int descriptor, const std::filesystem::path& file, uint32_t places) {
  std::vector<ledger_entry> found;
  std::array<char, 64 * place_bytes> block;
  for (uint32_t first = 0; first < places; first += 64) {
    const auto count = std::min<uint32_t>(64, places - first);
    const auto bytes = static_cast<ssize_t>(count * place_bytes);
    if (::pread(descriptor, block.data(), static_cast<size_t>(bytes), static_cast<off_t>(file_bytes(first))) != bytes)
      return system_failure("The journal '" + file.string() + "' cannot be read", errno);
    for (uint32_t i = 0; i < count; ++i) {
      ledger_entry entry;
      std::memcpy(&entry, block.data() + i * place_bytes, sizeof entry);
      if (entry.now != ledger_entry::stage::unused) found.push_back(entry);
    }
  }
  return found;
}

}  // namespace

bool settle_leftover(ledger_entry& entry, int64_t now) {
  using stage = ledger_entry::stage;
  if (entry.now == stage::settled) return true;
  if (entry.now != stage::sent) return false;
  entry.outcome = outcome::interrupted;
  entry.settled_at = now;
  entry.charged = {.prompt = std::max<int64_t>(0, entry.counted_prompt),
                   .completion = std::max<int64_t>(0, entry.counted_completion)};
  entry.prompt_source = (entry.flags & counts_are_exact) != 0 ? token_source::counted : token_source::estimated;
  entry.completion_source = token_source::partial;
  entry.cached_source = entry.reasoning_source = token_source::none;
  entry.history_hash = 0;
  if (entry.attempts > 0)
    entry.tries[std::min<size_t>(entry.attempts, ledger_attempts_max) - 1].outcome = outcome::interrupted;
  entry.now = stage::settled;
  return true;
}

journal::~journal() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

result<void> journal::map(uint32_t places) {
  places_ = places;
  bytes_ = file_bytes(places);
  const int descriptor = file_ ? file_.number() : -1;
  const int flags = file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (memory_ == MAP_FAILED) {
    memory_ = nullptr;
    return system_failure("The journal '" + name_.string() + "' cannot be mapped into memory", errno);
  }
  return {};
}

ledger_entry* journal::place(uint32_t index) const {
  return reinterpret_cast<ledger_entry*>(static_cast<char*>(memory_) + file_bytes(index));
}

void journal::free_all() {
  free_.reserve(places_);
  for (uint32_t i = places_; i > 0; --i) free_.push_back(place(i - 1));
}

result<std::unique_ptr<journal>> journal::open(const std::filesystem::path& file, uint32_t places) {
  std::unique_ptr<journal> made(new journal);
  made->name_ = file;
  if (auto exists = make_private_file(file); !exists) return exists.error();
  made->file_ = file_descriptor(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!made->file_) return system_failure("The journal '" + file.string() + "' cannot be opened", errno);
  struct stat status {};
  if (::fstat(made->file_.number(), &status) != 0)
    return system_failure("The journal '" + file.string() + "' cannot be read", errno);
  if (status.st_size > 0) {
    const auto found = read_header(made->file_.number(), file, static_cast<uint64_t>(status.st_size));
    if (!found) return found.error();
    auto left = read_entries(made->file_.number(), file, found->places);
    if (!left) return left.error();
    made->leftovers_ = std::move(*left);
  }
  made->places_ = places;
  return made;
}

std::unique_ptr<journal> journal::in_memory(uint32_t places) {
  std::unique_ptr<journal> made(new journal);
  if (!made->map(places)) throw std::bad_alloc();
  made->free_all();
  return made;
}

// Written anew, not zeroed in place: the number of places may have changed.
result<void> journal::forget_leftovers() {
  const header wanted{magic, layout_version, place_bytes, places_};
  const auto bytes = static_cast<off_t>(file_bytes(places_));
  const int descriptor = file_.number();
  const auto sentence = "The journal '" + name_.string() + "' cannot be written";
  if (::ftruncate(descriptor, 0) != 0) return system_failure(sentence, errno);
  if (const int failed = ::posix_fallocate(descriptor, 0, bytes); failed != 0) {
    static_cast<void>(::ftruncate(descriptor, 0));
    return system_failure(sentence, failed);
  }
  if (::pwrite(descriptor, &wanted, sizeof wanted, 0) != static_cast<ssize_t>(sizeof wanted))
    return system_failure(sentence, errno);
  if (::fsync(descriptor) != 0) return system_failure(sentence, errno);
  if (auto mapped = map(places_); !mapped) return mapped;
  leftovers_.clear();
  leftovers_.shrink_to_fit();
  const std::lock_guard lock(mutex_);
  free_all();
  return {};
}

ledger_entry* journal::claim() {
  ledger_entry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return nullptr;
    entry = free_.back();
    free_.pop_back();
  }
  entry->clear();
  return entry;
}

void journal::release(std::span<ledger_entry* const> entries) {
  for (auto* entry : entries) entry->enter(ledger_entry::stage::unused);
  const std::lock_guard lock(mutex_);
  free_.insert(free_.end(), entries.begin(), entries.end());
}

uint32_t journal::in_use() const {
  const std::lock_guard lock(mutex_);
  return places_ - static_cast<uint32_t>(free_.size());
}

result<void> journal::sync() {
  if (file_ && ::fdatasync(file_.number()) != 0)
    return system_failure("The journal '" + name_.string() + "' cannot be put on the disk", errno);
  return {};
}

std::filesystem::path journal_file(const std::filesystem::path& data_dir) { return data_dir / "nexus-hub.journal"; }

result<std::vector<ledger_entry>> read_journal(const std::filesystem::path& file) {
  const file_descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!descriptor) {
    if (errno == ENOENT) return std::vector<ledger_entry>();
    return system_failure("The journal '" + file.string() + "' cannot be opened", errno);
  }
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0)
    return system_failure("The journal '" + file.string() + "' cannot be read", errno);
  if (status.st_size == 0) return std::vector<ledger_entry>();
  const auto found = read_header(descriptor.number(), file, static_cast<uint64_t>(status.st_size));
  if (!found) return found.error();
  return read_entries(descriptor.number(), file, found->places);
}

}  // namespace nexus::storage
