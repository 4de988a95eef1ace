#include "storage/backup.hpp"

#include "storage/database.hpp"
#include "storage/private_file.hpp"
#include "storage/store.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace nexus::storage {
namespace {

constexpr std::chrono::milliseconds patience{5'000};

error taken(const std::filesystem::path& file) {
  return make_error(errc::conflict, "The file '" + file.string() + "' exists already.");
}

result<void> put_on_disk(const std::filesystem::path& file) {
  const file_descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor || ::fsync(descriptor.number()) != 0)
    return system_failure("The file '" + file.string() + "' cannot be written", errno);
  return {};
}

// Copies under another name first, so that what has the name is whole.
result<void> copy_to(const std::filesystem::path& file, const std::filesystem::path& copy) {
  const std::filesystem::path unfinished = copy.string() + ".tmp";
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  auto source = database::open_to_read(file, patience);
  if (!source) return source.error();
  auto done = (*source)->copy_to(unfinished);
  if (done) done = put_on_disk(unfinished);
  if (!done) {
    std::filesystem::remove(unfinished, ignored);
    return done;
  }
  std::error_code failed;
  std::filesystem::rename(unfinished, copy, failed);
  if (failed)
    return make_error(errc::storage_error, "The file '" + copy.string() + "' cannot be made.", failed.message());
  return sync_folder(std::filesystem::absolute(copy).parent_path());
}

}  // namespace

result<void> back_up(const std::filesystem::path& file, const std::filesystem::path& copy) {
  if (std::filesystem::exists(copy)) return taken(copy);
  return copy_to(file, copy);
}

result<audit_report> verify(const std::filesystem::path& file) {
  auto opened = reader::open(file);
  if (!opened) return opened.error();
  if (auto sound = (*opened)->check_integrity(); !sound) return sound.error();
  return (*opened)->audit();
}

result<std::filesystem::path> restore(const std::filesystem::path& copy, const std::filesystem::path& data_dir,
                                      int64_t now) {
  const auto report = verify(copy);
  if (!report) return report.error();
  if (!report->differences.empty())
    return make_error(errc::storage_error, "'" + copy.string() + "' does not agree with its own ledger: " +
                                               report->differences.front().what + ".");
  if (auto made = make_private_folder(data_dir); !made) return made.error();
  const auto lock = lock_file(data_dir / "nexus-hub.lock");
  if (!lock) return lock.error();
  const auto file = store::file(data_dir);
  const std::filesystem::path former = file.string() + ".before-" + std::to_string(now);
  const std::filesystem::path fresh = file.string() + ".restored";
  std::error_code failed;
  std::filesystem::remove(fresh, failed);
  if (auto copied = copy_to(copy, fresh); !copied) return copied.error();
  // The log belongs to the former database: it goes with it.
  for (const auto* part : {"", "-wal", "-shm"}) {
    const std::filesystem::path from = file.string() + part;
    if (std::filesystem::exists(from)) std::filesystem::rename(from, former.string() + part, failed);
    if (failed) return make_error(errc::storage_error, "The former database cannot be moved away.", failed.message());
  }
  std::filesystem::rename(fresh, file, failed);
  if (failed) return make_error(errc::storage_error, "The database cannot be put into its place.", failed.message());
  if (auto synced = sync_folder(data_dir); !synced) return synced.error();
  return former;
}

}  // namespace nexus::storage
