#include "storage/records.hpp"

namespace nexus::storage {

provider provider::duplicate() const {
  return {.id = id,
          .name = name,
          .kind = kind,
          .server_url = server_url,
          .server_key = server_key.duplicate(),
          .personalized_key = personalized_key.duplicate(),
          .description = description,
          .enabled = enabled,
          .weight = weight,
          .priority = priority,
          .headers = headers,
          .timeouts = timeouts,
          .created_at = created_at,
          .updated_at = updated_at,
          .version = version};
}

}  // namespace nexus::storage
