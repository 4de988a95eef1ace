#include "actors/ledger.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

using storage::outcome;

class LedgerTicket : public ::testing::Test {
 protected:
  ledger_ticket_ptr open(reservation held = {}) {
    return ledger_ticket::open(
        ledger_, {.request_id = "r", .conversation_id = "c", .model = "m", .key_id = 5, .prompt_tokens = 10}, held,
        limits_);
  }
  storage::ledger_entry* settled() {
    const auto all = ledger_.take();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? nullptr : all[0];
  }
  ledger ledger_{storage::journal::in_memory(2)};
  storage::key_limits limits_;
};

TEST_F(LedgerTicket, CountsEveryTry) {
  {
    const auto ticket = open();
    ticket->sent(1, {}, 1'000);
    ticket->attempt_failed(503, 1'040);
    ticket->sent(2, {}, 1'050);
    EXPECT_TRUE(ticket->settle({.outcome = outcome::delivered, .duration = std::chrono::milliseconds(70)}, 1'120));
  }
  const auto* entry = settled();
  EXPECT_EQ(entry->attempts, 2);
  EXPECT_EQ(entry->provider_id, 2);
  EXPECT_EQ(entry->tries[0].provider_id, 1);
  EXPECT_EQ(entry->tries[0].outcome, outcome::upstream_error);
  EXPECT_EQ(entry->tries[0].status, 503);
  EXPECT_EQ(entry->tries[0].duration_ms, 40U);
  EXPECT_EQ(entry->tries[1].outcome, outcome::delivered);
}

TEST_F(LedgerTicket, CountsASecondSendToTheSameUpstreamAsATry) {
  open()->sent(1, {}, 1'000);
  ledger_.take();
  const auto ticket = open();
  ticket->sent(1, {}, 1'000);
  ticket->sent(1, {}, 1'010);
  static_cast<void>(ticket->settle({}, 1'020));
  EXPECT_EQ(settled()->attempts, 2);
}

TEST_F(LedgerTicket, KeepsTheLastOfMoreTriesThanItHasRoomFor) {
  const auto ticket = open();
  for (int64_t i = 1; i <= 11; ++i) {
    ticket->sent(i, {}, 1'000 + i);
    ticket->attempt_failed(500, 1'001 + i);
  }
  EXPECT_TRUE(ticket->settle_as_it_stands(2'000));
  const auto* entry = settled();
  EXPECT_EQ(entry->attempts, 11);
  EXPECT_EQ(entry->tries[storage::ledger_attempts_max - 1].provider_id, 11);
  EXPECT_EQ(entry->outcome, outcome::upstream_error);
  EXPECT_EQ(entry->charged, token_counts());
}

TEST_F(LedgerTicket, IsSettledAsItStandsWhenItIsDropped) {
  open();
  EXPECT_EQ(settled()->outcome, outcome::rejected);
  {
    const auto ticket = open();
    ticket->sent(1, {}, 1'000);
    ticket->note_completion(7);
  }
  const auto* entry = settled();
  EXPECT_EQ(entry->outcome, outcome::interrupted);
  EXPECT_EQ(entry->charged, (token_counts{.prompt = 10, .completion = 7}));
}

TEST_F(LedgerTicket, WakesTheWriterWhenItIsDropped) {
  int woken = 0;
  ledger_.wake_writer = [&woken] { ++woken; };
  open();
  open();
  EXPECT_EQ(woken, 1) << "the second finds it awake";
}

TEST_F(LedgerTicket, IsRefusedWithoutAPlace) {
  const auto first = open();
  const auto second = open();
  EXPECT_FALSE(open());
}

TEST_F(LedgerTicket, GivesBackWhatItReservedAndBooksWhatWasUsed) {
  limits_.budget = storage::budget{.amount = 1'000};
  const auto account = ledger_.accounts().account(5);
  limit_report report;
  auto held = account->admit(account, limits_, {.tokens = 300, .cost = 30}, 1'000, {}, report);
  ASSERT_TRUE(held);
  const auto ticket = open(*held);
  EXPECT_EQ(ledger_.check_reservations().size(), 0U);
  EXPECT_EQ(account->look(0).reserved_tokens, 300);
  ticket->sent(1, {.input = 1'000'000}, 1'000);
  static_cast<void>(ticket->settle({.charged = {.prompt = 12, .completion = 4}}, 2'000));
  EXPECT_EQ(account->look(0).reserved_tokens, 0);
  EXPECT_EQ(account->look(0).tokens, 16);
  EXPECT_EQ(account->look(0).cost, 12);
  const auto* entry = settled();
  EXPECT_EQ(entry->reserved_tokens, 300);
}

TEST_F(LedgerTicket, AsksForMoreWhenAStreamOutgrowsItsReservationUntilTheBudgetIsSpent) {
  limits_.budget = storage::budget{.amount = 400};
  const auto account = ledger_.accounts().account(5);
  limit_report report;
  auto held = account->admit(account, limits_, {.tokens = 20}, 1'000, {}, report);
  const auto ticket = open(*held);
  ticket->sent(1, {}, 1'000);
  EXPECT_TRUE(ticket->note_completion(10));
  EXPECT_EQ(account->look(0).reserved_tokens, 20);
  EXPECT_TRUE(ticket->note_completion(11));
  EXPECT_EQ(account->look(0).reserved_tokens, 10 + 11 + 256) << "some ahead";
  EXPECT_TRUE(ticket->note_completion(390)) << "then what there is";
  EXPECT_EQ(account->look(0).reserved_tokens, 400);
  EXPECT_EQ(ledger_.check_reservations().size(), 0U);
  EXPECT_FALSE(ticket->note_completion(391));
  EXPECT_EQ(account->look(0).reserved_tokens, 400);
}

TEST_F(LedgerTicket, AskForMoreOnABudgetOfMoney) {
  limits_.budget = storage::budget{.unit = storage::budget_unit::money, .amount = 100};
  const auto account = ledger_.accounts().account(5);
  limit_report report;
  auto held = account->admit(account, limits_, {.tokens = 20, .cost = 10}, 1'000, {}, report);
  const auto ticket = open(*held);
  ticket->sent(1, {.input = 0, .output = 1'000'000}, 1'000);
  EXPECT_TRUE(ticket->note_completion(10));
  EXPECT_TRUE(ticket->note_completion(100));
  EXPECT_FALSE(ticket->note_completion(101));
}

TEST(Ledger, NamesAReservationThatNobodyHolds) {
  ledger books(storage::journal::in_memory(2));
  const auto account = books.accounts().account(5);
  limit_report report;
  ASSERT_TRUE(account->admit(account, {}, {.tokens = 20}, 1'000, {}, report));
  const auto found = books.check_reservations();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].where, "key 5");
  EXPECT_EQ(found[0].ledger, 0);
  EXPECT_EQ(found[0].kept, 20);
}

}  // namespace
}  // namespace nexus
