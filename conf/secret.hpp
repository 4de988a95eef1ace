// A string that must not be seen: no stream operator, no formatter, no copy by accident; wiped when it dies.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace nexus {

class secret {
 public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  secret(secret&& other) noexcept : text_(std::exchange(other.text_, {})) {}
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::exchange(other.text_, {});
    }
    return *this;
  }
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret() { wipe(); }

  /// Returns a copy, on purpose.
  secret duplicate() const { return secret(text_); }
  /// Returns the text itself: only for building a header, sealing, or hashing.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// Returns what may be shown: "sk-…3f9a"; short secrets show nothing but "…".
  std::string masked() const;

 private:
  void wipe() noexcept {
    if (!text_.empty()) ::explicit_bzero(text_.data(), text_.size());
    text_.clear();
  }
  std::string text_;
};

}  // namespace nexus
