// Counts an answer while it passes: for the ledger's entry, which thereby always knows what was spent, and for the
// key's budget, which may end the stream. One for each attempt, in its provider-client.
#pragma once

#include "actors/protocols.hpp"
#include "net/chat.hpp"

namespace nexus {

class completion_meter final : public net::answer_meter {
 public:
  /// Both must outlive it.
  completion_meter(const call& call, model_calibrations& calibrations);

  bool add(const net::chat_delta& delta, bool is_whole) override;
  net::usage used() const override;
  int64_t tokens() const;
  bool is_exact() const;
  /// Teaches the model's estimate what the upstream reported of this whole answer.
  void learn(int64_t reported);

 private:
  const call& call_;
  model_calibrations& calibrations_;
  text_tally content_;
  std::unique_ptr<text_tally> reasoning_, tool_calls_;  // most answers have none
};

}  // namespace nexus
