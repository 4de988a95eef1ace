#include "actors/router.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

class Router : public actor_fixture {
 protected:
  provider_ptr ranked(int64_t id, int32_t priority, int32_t weight) {
    auto row = make_row(id);
    row->priority = priority;
    row->weight = weight;
    return make_config(row);
  }
  static int64_t id_of(const provider_ptr& chosen) { return chosen ? chosen->row->id : 0; }
  std::shared_ptr<heard> call(const call_ptr& what, std::vector<int64_t> tried = {}) {
    const auto into = std::make_shared<heard>();
    caf::anon_send(router_, route_call{what, 4, std::move(tried), consumer(into)});
    run();
    return into;
  }
  /// Starts the providers' actors and tells the router.
  void serve(const std::vector<provider_ptr>& providers) {
    routes update;
    for (const auto& config : providers) update.providers.emplace(config->row->id, spawn<provider>(config, scripted()));
    caf::anon_send(router_, std::move(update));
    run();
  }
  ~Router() override { router_ = nullptr; }
  caf::actor router_ = spawn<router>();
};

TEST_F(Router, ChoosesTheBestPriorityAlone) {
  const std::vector<provider_ptr> candidates = {ranked(1, 0, 1), ranked(2, 5, 100), ranked(3, 9, 100)};
  for (const double random : {0.0, 0.5, 0.999}) EXPECT_EQ(id_of(choose_provider(candidates, {}, {}, random)), 1);
  EXPECT_EQ(id_of(choose_provider(candidates, {1}, {}, 0.9)), 2);
  EXPECT_EQ(id_of(choose_provider(candidates, {2, 1}, {}, 0.9)), 3);
  EXPECT_EQ(id_of(choose_provider(candidates, {1, 2, 3}, {}, 0.9)), 0);
  EXPECT_EQ(id_of(choose_provider({}, {}, {}, 0)), 0);
}

TEST_F(Router, ChoosesAmongEqualsByWeight) {
  const std::vector<provider_ptr> candidates = {ranked(1, 0, 1), ranked(2, 0, 3), ranked(3, 0, 0), ranked(4, 1, 90)};
  const auto at = [&](double random) { return id_of(choose_provider(candidates, {}, {}, random)); };
  EXPECT_EQ(at(0), 1);  // shares of 1, 3 and at least 1
  EXPECT_EQ(at(0.19), 1);
  EXPECT_EQ(at(0.21), 2);
  EXPECT_EQ(at(0.79), 2);
  EXPECT_EQ(at(0.81), 3);
  EXPECT_EQ(at(0.9999999), 3);
  EXPECT_EQ(id_of(choose_provider(candidates, {2}, {}, 0.6)), 3);
}

TEST_F(Router, ObeysACallerThatInsists) {
  const std::vector<provider_ptr> candidates = {ranked(1, 0, 1), ranked(2, 5, 1)};
  EXPECT_EQ(id_of(choose_provider(candidates, {}, 2, 0)), 2);
  EXPECT_EQ(id_of(choose_provider(candidates, {2}, 2, 0)), 0);
  EXPECT_EQ(id_of(choose_provider(candidates, {}, 3, 0)), 0);
}

TEST_F(Router, DelegatesToTheChosenProvider) {
  const auto first = ranked(1, 0, 1);
  const auto second = ranked(2, 1, 1);
  serve({first, second});
  auto what = make_call({first, second});
  const auto plain = call(what);
  const auto retried = call(what, {1});
  auto insisting = make_call({first, second});
  insisting->provider_id = 2;
  call(insisting);
  ASSERT_EQ(plain->accepted.size(), 1U);
  EXPECT_EQ(plain->accepted[0].provider, first);
  EXPECT_EQ(plain->accepted[0].attempt, 4U);
  ASSERT_EQ(retried->accepted.size(), 1U);
  EXPECT_EQ(retried->accepted[0].provider, second);
  EXPECT_EQ(clients().back().config, second);
}

TEST_F(Router, AnswersAModelThatIsGone) {
  const auto only = ranked(1, 0, 1);
  serve({only});
  auto lost = make_call({only});
  lost->model = "other";
  for (const auto& answer : {call(lost), call(make_call({only}), {1})}) {
    ASSERT_EQ(answer->ends.size(), 1U);
    EXPECT_EQ(answer->failure(), errc::model_not_found);
    EXPECT_FALSE(answer->ends[0].verdict.elsewhere);
    EXPECT_EQ(answer->ends[0].attempt, 4U);
    EXPECT_EQ(answer->ends[0].provider_id, 0);
  }
}

TEST_F(Router, SendsACallElsewhereWhileItsProviderIsBeingRestarted) {
  const auto away = ranked(3, 0, 1);
  const auto answer = call(make_call({away}));
  ASSERT_EQ(answer->ends.size(), 1U);
  EXPECT_EQ(answer->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(answer->ends[0].verdict.elsewhere);
  EXPECT_EQ(answer->ends[0].provider_id, 3);
}

}  // namespace
}  // namespace nexus
