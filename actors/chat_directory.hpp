// The CHAT DIRECTORY: which chats run, so that a socket that reconnects, on whichever shard, finds its own.
#pragma once

#include "actors/protocols.hpp"

namespace nexus {

struct chat_directory_state {
  std::map<std::pair<uint64_t, std::string>, caf::actor> chats;
  static inline const char* name = "chat-directory";
};

chat_directory_actor::behavior_type chat_directory(chat_directory_actor::stateful_pointer<chat_directory_state> self);

}  // namespace nexus
