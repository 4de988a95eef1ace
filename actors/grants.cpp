#include "actors/grants.hpp"

#include "actors/access.hpp"

#include <algorithm>

namespace nexus {

bool matches_pattern(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t star = std::string_view::npos;  // the last one seen, and where its text began
  size_t begin = 0;
  size_t i = 0;
  while (i < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      begin = i;
    } else if (at < pattern.size() && pattern[at] == text[i]) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++begin;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool grants(const principal& caller, int64_t provider_id, std::string_view model) {
  const auto& terms = caller.terms;
  if (!terms) return true;
  if (!terms->providers.empty() &&
      std::find(terms->providers.begin(), terms->providers.end(), provider_id) == terms->providers.end())
    return false;
  return terms->models.empty() || std::any_of(terms->models.begin(), terms->models.end(),
                                              [&](const auto& pattern) { return matches_pattern(pattern, model); });
}

result<void> check_key(const principal& key, int64_t now) {
  if (!key.terms) return {};
  if (!key.terms->enabled) return make_error(errc::invalid_api_key, "This API key has been disabled.");
  if (key.terms->expires_at != 0 && now >= key.terms->expires_at)
    return make_error(errc::invalid_api_key, "This API key has expired.");
  return {};
}

result<void> check_address(const principal& key, std::string_view address) {
  if (!key.terms || key.terms->addresses.empty()) return {};
  const auto& ranges = key.terms->addresses;
  if (std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) { return range.contains(address); })) return {};
  return make_error(errc::forbidden, "This API key may not be used from this address.");
}

std::optional<int64_t> next_expiry(const snapshot& snapshot, int64_t now) {
  std::optional<int64_t> next;
  for (const auto& [digest, key] : snapshot.keys) {
    const auto at = key->terms ? key->terms->expires_at : 0;
    if (at > now && (!next || at < *next)) next = at;
  }
  return next;
}

result<principal_ptr> look_again(const credential& shown, const snapshot& snapshot, const access_control& access,
                                 int64_t wall_now, std::chrono::steady_clock::time_point now) {
  if (shown.key_digest.empty()) {
    if (!shown.session_digest.empty() && !access.is_alive(shown.session_digest, now))
      return make_error(errc::invalid_api_key, "The session has ended: sign in again.");
    return snapshot.administrator;
  }
  const auto found = snapshot.keys.find(shown.key_digest);
  if (found == snapshot.keys.end()) return make_error(errc::invalid_api_key, "This API key is not valid any more.");
  if (auto usable = check_key(*found->second, wall_now); !usable) return usable.error();
  if (auto usable = check_address(*found->second, shown.address); !usable) return usable.error();
  return found->second;
}

result<void> check_running(const credential& shown, const snapshot& snapshot, const access_control& access,
                           int64_t wall_now, std::chrono::steady_clock::time_point now, int64_t provider_id,
                           std::string_view model) {
  if (provider_id != 0 && !snapshot.providers.contains(provider_id)) return {};
  const auto caller = look_again(shown, snapshot, access, wall_now, now);
  if (!caller) return caller.error();
  if (provider_id == 0 || grants(**caller, provider_id, model)) return {};
  return make_error(errc::forbidden, "This API key may not use the model '" + std::string(model) + "' any more.");
}

}  // namespace nexus
