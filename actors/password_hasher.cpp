#include "actors/password_hasher.hpp"

#include "actors/errors.hpp"
#include "storage/passwords.hpp"

namespace nexus {
namespace {

std::atomic<uint32_t> permits_out{0};

}  // namespace

std::shared_ptr<const hash_permit> hash_permit::take() {
  if (permits_out.fetch_add(1) < passwords_max) return std::shared_ptr<const hash_permit>(new hash_permit);
  permits_out.fetch_sub(1);
  return nullptr;
}

hash_permit::~hash_permit() { permits_out.fetch_sub(1); }

password_hasher_actor::behavior_type password_hasher(password_hasher_actor::pointer self) {
  self->set_exception_handler(report_exception);
  return {
      [](const hash_password& message) { return password_hashed{storage::hash_password(*message.password)}; },
      [](const check_password& message) {
        // An unknown name costs the same.
        const bool known = !message.hash.empty();
        password_checked reply;
        reply.right =
            storage::verify_password(known ? message.hash : storage::nobodys_hash(), *message.password) && known;
        if (reply.right && storage::is_outdated_hash(message.hash))
          reply.fresh_hash = storage::hash_password(*message.password);
        return reply;
      },
  };
}

}  // namespace nexus
