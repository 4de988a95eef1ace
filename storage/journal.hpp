// The journal: requests under way, in a file that is mapped into memory. A write is a store to memory, and yet what was
// written survives the end of the process at any instruction, because the pages belong to the kernel; after `sync` it
// survives the machine. Its places are the hub's credits: no place, no new request. Any thread.
#pragma once

#include "storage/ledger_entry.hpp"
#include "storage/private_file.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace nexus::storage {

class journal {
 public:
  /// Opens or makes `file` (0600) with `places` places, all of them on disk: writing to them cannot fail later. What a
  /// former process left is moved to `leftovers()`. Errors: no space, no journal, of another version and not empty.
  static result<std::unique_ptr<journal>> open(const std::filesystem::path& file, uint32_t places);
  /// One in memory only, for tests.
  static std::unique_ptr<journal> in_memory(uint32_t places);
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;
  ~journal();

  /// Copies of the entries in use when the file was opened. They stay in the file until `forget_leftovers`: record them
  /// first.
  std::span<ledger_entry> leftovers() { return leftovers_; }
  /// Empties the file and gives all places free. `claim` answers null before it.
  result<void> forget_leftovers();

  /// Returns a zeroed place, or null if none is free.
  ledger_entry* claim();
  /// Gives places back after what they held is committed, or if nothing of it counts.
  void release(std::span<ledger_entry* const> entries);
  void release(ledger_entry* entry) { release(std::span(&entry, 1)); }

  uint32_t in_use() const;
  uint32_t places() const { return places_; }
  /// Calls `visit` with a glance at every place in use. Their numbers may move meanwhile.
  template <class Visit>
  void each(Visit visit) const {
    for (uint32_t i = 0; i < places_; ++i)
      if (const auto seen = place(i)->look(); seen.now != ledger_entry::stage::unused) visit(seen);
  }

  /// Puts everything written so far on the disk.
  result<void> sync();

 private:
  journal() = default;
  result<void> map(uint32_t places);
  ledger_entry* place(uint32_t index) const;
  void free_all();

  file_descriptor file_;
  std::filesystem::path name_;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
  uint32_t places_ = 0;
  std::vector<ledger_entry> leftovers_;
  mutable std::mutex mutex_;
  std::vector<ledger_entry*> free_;  // last used last: few pages are touched
};

/// Where the journal of a data folder stands.
std::filesystem::path journal_file(const std::filesystem::path& data_dir);

/// Reads the entries in use of a journal that may belong to a running hub, without changing it. An absent file has
/// none.
result<std::vector<ledger_entry>> read_journal(const std::filesystem::path& file);

}  // namespace nexus::storage
