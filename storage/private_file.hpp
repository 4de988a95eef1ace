// Files and folders that only their owner may read, and the lock that keeps a second hub out of a data folder.
// Any thread.
#pragma once

#include "conf/error.hpp"
#include "conf/secret.hpp"

#include <filesystem>
#include <utility>

namespace nexus::storage {

/// Owns a file descriptor.
class file_descriptor {
 public:
  file_descriptor() = default;
  explicit file_descriptor(int number) : number_(number) {}
  file_descriptor(file_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file_descriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Makes `folder` with mode 0700 if it is absent, with its parents; an existing one keeps its mode.
result<void> make_private_folder(const std::filesystem::path& folder);

/// Makes `file` empty if it is absent; it has mode 0600 afterwards in any case.
result<void> make_private_file(const std::filesystem::path& file);

/// Writes a new file of mode 0600, whole or not at all: it gets its name when it is on disk. Never replaces a file.
result<void> write_private_file(const std::filesystem::path& file, const secret& text);

/// Takes the exclusive lock of `file`, which is made if it is absent. The lock is held until the descriptor closes, so
/// also when the process is killed. errc::storage_error if another one holds it.
result<file_descriptor> lock_file(const std::filesystem::path& file);

/// Makes what was created or renamed in `folder` survive a power cut.
result<void> sync_folder(const std::filesystem::path& folder);

/// Returns "<sentence>: <what errno says>.".
error system_failure(const std::string& sentence, int number);

}  // namespace nexus::storage
