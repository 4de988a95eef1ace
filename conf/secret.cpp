#include "conf/secret.hpp"

namespace nexus {

std::string secret::masked() const {
  if (text_.empty()) return {};
  if (text_.size() < 12) return "…";
  return text_.substr(0, 3) + "…" + text_.substr(text_.size() - 4);
}

}  // namespace nexus
