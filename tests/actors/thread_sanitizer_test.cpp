// What CAF promises of a message between threads, on real ones: under the thread sanitizer each test also says that the
// sanitizer understands the hand-over, and that the messages which it watches arrive as they would without it.
#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <future>
#include <memory>
#include <string>

namespace nexus {

/// Something on its way through several hands; the last one to let go of it says how it ended.
struct note {
  explicit note(std::string begin) : text(std::move(begin)) {}
  ~note() { end.set_value(text); }

  std::string text;
  std::promise<std::string> end;
};
using note_ptr = std::shared_ptr<note>;

}  // namespace nexus

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::note_ptr)

namespace nexus {
namespace {

class HandOver : public testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() {
      set("scheduler.policy", caf::atom("sharing"));
      set("scheduler.max-threads", size_t{1});
      set("logger.console", caf::atom("none"));
    }
  };

  /// Asks from CAF's own thread and waits for the answer, "" if it is an error.
  std::string ask(const caf::actor& whom, note_ptr what) {
    const auto answer = std::make_shared<std::promise<std::string>>();
    system_.spawn(
        [answer](caf::event_based_actor* self, const caf::actor& to, note_ptr message) {
          self->request(to, caf::infinite, std::move(message))
              .then([answer](const note_ptr& reply) { answer->set_value(reply->text); },
                    [answer](const caf::error&) { answer->set_value(""); });
        },
        whom, std::move(what));
    return answer->get_future().get();
  }

  /// On a thread of its own: writes into what it gets and hands it back.
  caf::actor scribe() {
    return system_.spawn<caf::detached>(
        [](caf::event_based_actor*, const std::string& end) {
          return caf::behavior{[end](const note_ptr& what) {
            what->text += end;
            return what;
          }};
        },
        std::string("!"));
  }

  config config_;
  caf::actor_system system_{config_};
};

TEST_F(HandOver, HandsMessagesToAnotherThreadAndBack) {
  const auto to = scribe();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(ask(to, std::make_shared<note>("hello")), "hello!");
  caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
}

TEST_F(HandOver, HandsMessagesToOneThatIsBusy) {
  constexpr int count = 2'000;
  const auto sum = std::make_shared<std::promise<int>>();
  const auto counter = system_.spawn<caf::detached>(
      [](caf::event_based_actor* self, const std::shared_ptr<std::promise<int>>& into) {
        const auto state = std::make_shared<std::pair<int, int>>();
        return caf::behavior{[self, into, state](const note_ptr& what) {
          state->first += static_cast<int>(what->text.size());
          if (++state->second < count) return;
          into->set_value(state->first);
          self->quit();
        }};
      },
      sum);
  for (int i = 0; i < count; ++i) caf::anon_send(counter, std::make_shared<note>(std::string(i % 3, 'x')));
  EXPECT_EQ(sum->get_future().get(), 1'999);  // 666 times 0, 1 and 2, then 0 and 1
}

TEST_F(HandOver, KeepsTheAskerOfADelegatedRequest) {
  const auto to = scribe();
  const auto clerk = system_.spawn(
      [](caf::event_based_actor* self, const caf::actor& next) {
        return caf::behavior{[self, next](note_ptr& what) { return self->delegate(next, std::move(what)); }};
      },
      to);
  EXPECT_EQ(ask(clerk, std::make_shared<note>("hello")), "hello!");
  for (const auto& actor : {to, clerk}) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_F(HandOver, AnswersForOneThatIsGone) {
  const auto to = scribe();
  caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  EXPECT_EQ(ask(to, std::make_shared<note>("hello")), "");
}

TEST_F(HandOver, DropsWhatNobodyReads) {
  auto unread = std::make_shared<note>("hello");
  auto end = unread->end.get_future();
  {
    const auto to = system_.spawn<caf::detached>(
        [](caf::event_based_actor* self, int) { return caf::behavior{[self](const note_ptr&) { self->quit(); }}; }, 0);
    for (int i = 0; i < 100; ++i) caf::anon_send(to, unread);
  }
  unread = nullptr;
  EXPECT_EQ(end.get(), "hello");
}

TEST_F(HandOver, EndsWithItsLastHandleOnWhicheverThread) {
  auto owned = std::make_shared<note>("hello");
  auto end = owned->end.get_future();
  auto last = system_.spawn(
      [](caf::event_based_actor*, const note_ptr& mine) { return caf::behavior{[mine](int) { mine->text += "!"; }}; },
      std::move(owned));
  system_.spawn<caf::detached>([](caf::event_based_actor*, const caf::actor& handle) { caf::anon_send(handle, 1); },
                               std::move(last));
  EXPECT_EQ(end.get(), "hello!");
}

}  // namespace
}  // namespace nexus
