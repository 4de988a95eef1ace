// How often log-ins may be tried: for each account, each address, and all together. An attempt counts when it begins,
// so that attempts at the same time are not one. Shared by all shards behind one mutex.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace nexus {

class login_limits {
 public:
  using time = std::chrono::steady_clock::time_point;

  /// Counts an attempt. If it comes too early: how long to wait, and it does not count.
  std::optional<std::chrono::seconds> begin(std::string_view account, std::string_view address, time now);
  /// The attempt was right: it does not count, and the account's slate is clean.
  void succeed(std::string_view account, std::string_view address);

 private:
  struct record {
    unsigned attempts = 0;
    unsigned strikes = 0;  // how often the limit was hit: each doubles the wait
    time since{};
    time blocked_until{};
  };
  using records = std::map<std::string, record, std::less<>>;
  static record& find(records& all, std::string_view name, time now);
  static std::optional<time> blocked(record& record, unsigned attempts_max, time now);

  std::mutex mutex_;
  records accounts_;
  records addresses_;
  record everyone_;
};

}  // namespace nexus
