#include "actors/ids.hpp"

#include <sys/random.h>

#include <array>
#include <chrono>
#include <stdexcept>

namespace nexus {
namespace {

constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32

// Randomness in bulk: one system call for many ids.
uint64_t random_word() {
  thread_local std::array<uint64_t, 64> pool;
  thread_local size_t left = 0;
  if (left == 0) {
    if (::getrandom(pool.data(), sizeof pool, 0) != static_cast<ssize_t>(sizeof pool))
      throw std::runtime_error("The system gives no randomness.");
    left = pool.size();
  }
  return pool[--left];
}

}  // namespace

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string make_ulid() {
  std::string text(26, '0');
  auto time = static_cast<uint64_t>(wall_clock_ms());
  for (int i = 9; i >= 0; --i, time >>= 5) text[static_cast<size_t>(i)] = alphabet[time & 31];
  auto high = random_word();
  auto low = random_word();
  for (int i = 17; i >= 10; --i, high >>= 5) text[static_cast<size_t>(i)] = alphabet[high & 31];
  for (int i = 25; i >= 18; --i, low >>= 5) text[static_cast<size_t>(i)] = alphabet[low & 31];
  return text;
}

}  // namespace nexus
