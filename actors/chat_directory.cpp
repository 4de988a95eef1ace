#include "actors/chat_directory.hpp"

#include "actors/errors.hpp"

namespace nexus {

chat_directory_actor::behavior_type chat_directory(chat_directory_actor::stateful_pointer<chat_directory_state> self) {
  self->set_exception_handler(report_exception);
  self->set_down_handler([self](caf::down_msg& down) {
    std::erase_if(self->state.chats, [&](const auto& entry) { return entry.second.address() == down.source; });
  });
  return {
      [self](enlist_chat& message) {
        self->monitor(message.chat);
        self->state.chats.insert_or_assign({message.principal, std::move(message.id)}, std::move(message.chat));
      },
      [self](const find_chat& message) {
        const auto found = self->state.chats.find({message.principal, message.id});
        return found == self->state.chats.end() ? found_chat{} : found_chat{found->second};
      },
  };
}

}  // namespace nexus
