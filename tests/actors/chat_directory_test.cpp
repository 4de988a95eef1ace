#include "actors/chat_directory.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

class ChatDirectory : public actor_fixture {
 protected:
  ChatDirectory() {
    // An argument, because CAF forms a reference to none otherwise.
    using self_pointer = chat_directory_actor::stateful_pointer<chat_directory_state>;
    directory_ = keep(system_.spawn<caf::hidden>([](self_pointer self, int) { return chat_directory(self); }, 0));
  }
  ~ChatDirectory() override { directory_ = nullptr; }

  caf::actor make_chat() { return spawn<recorder>(std::make_shared<heard>()); }
  void enlist(uint64_t principal, const std::string& id, const caf::actor& chat) {
    caf::anon_send(directory_, enlist_chat{principal, id, chat});
    run();
  }
  caf::actor find(uint64_t principal, const std::string& id) {
    const auto reply = ask<found_chat>(directory_, find_chat{principal, id});
    run();
    EXPECT_TRUE(*reply);
    return *reply ? (*reply)->chat : nullptr;
  }
  chat_directory_actor directory_;
};

TEST_F(ChatDirectory, FindsAChatForItsOwnCallerAlone) {
  const auto chat = make_chat();
  const auto other = make_chat();
  enlist(1, "a", chat);
  enlist(2, "a", other);
  EXPECT_EQ(find(1, "a"), chat);
  EXPECT_EQ(find(2, "a"), other);
  EXPECT_FALSE(find(1, "b"));
  EXPECT_FALSE(find(3, "a"));
}

TEST_F(ChatDirectory, PutsALaterChatInTheFormersPlace) {
  const auto former = make_chat();
  const auto later = make_chat();
  enlist(1, "a", former);
  enlist(1, "a", later);
  EXPECT_EQ(find(1, "a"), later);
  kill(former);
  EXPECT_EQ(find(1, "a"), later);
}

TEST_F(ChatDirectory, ForgetsAChatThatEnded) {
  const auto chat = make_chat();
  enlist(1, "a", chat);
  enlist(1, "b", make_chat());
  kill(chat);
  EXPECT_FALSE(find(1, "a"));
  EXPECT_TRUE(find(1, "b"));
}

}  // namespace
}  // namespace nexus
