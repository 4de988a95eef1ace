#include "storage/private_file.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

namespace nexus::storage {
namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(file) == 0;
}

}  // namespace

file_descriptor::~file_descriptor() {
  if (number_ >= 0) ::close(number_);
}

error system_failure(const std::string& sentence, int number) {
  return make_error(errc::storage_error, fmt::format("{}: {}.", sentence, std::generic_category().message(number)));
}

result<void> make_private_folder(const std::filesystem::path& folder) {
  const auto refuse = [&](int number) {
    return system_failure(fmt::format("The folder '{}' cannot be made", folder.string()), number);
  };
  std::error_code ec;
  if (std::filesystem::is_directory(folder, ec)) return {};
  // A trailing slash would make the folder its own parent.
  const auto path = folder.has_filename() ? folder : folder.parent_path();
  if (path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), ec);
    if (ec) return refuse(ec.value());
  }
  if (::mkdir(path.c_str(), 0700) != 0) return refuse(errno);
  return {};
}

result<void> make_private_file(const std::filesystem::path& file) {
  const file_descriptor made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!made || ::fchmod(made.number(), 0600) != 0) {
    return system_failure(fmt::format("The file '{}' cannot be written", file.string()), errno);
  }
  return {};
}

result<void> write_private_file(const std::filesystem::path& file, const secret& text) {
  const auto refuse = [&] {
    return system_failure(fmt::format("The file '{}' cannot be written", file.string()), errno);
  };
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (auto made = make_private_folder(folder); !made) return made;
  const std::string fresh = file.string() + ".new";
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) return refuse();
  const file_descriptor opened(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!opened) return refuse();
  // A link, not a rename, so that it never replaces a file that somebody else made meanwhile.
  const bool done = write_all(opened.number(), text.reveal()) && ::link(fresh.c_str(), file.c_str()) == 0;
  const int reason = errno;
  ::unlink(fresh.c_str());
  errno = reason;
  if (!done) return refuse();
  return sync_folder(folder);
}

result<file_descriptor> lock_file(const std::filesystem::path& file) {
  file_descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    return system_failure(fmt::format("The folder '{}' is not writable", file.parent_path().string()), errno);
  }
  if (::flock(lock.number(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return make_error(errc::storage_error,
                      fmt::format("The folder '{}' is in use by another NexusAI Hub.", file.parent_path().string()));
  }
  return system_failure(fmt::format("The file '{}' cannot be locked", file.string()), errno);
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const file_descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.number()) != 0) {
    return system_failure(fmt::format("The folder '{}' cannot be written to disk", folder.string()), errno);
  }
  return {};
}

}  // namespace nexus::storage
