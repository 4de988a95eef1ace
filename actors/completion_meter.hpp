// Counts an answer while it passes: for the ledger's entry, which thereby always knows what was spent, and for the
// key's budget, which may end the stream. One for each attempt, in its provider-client.
#pragma once

#include "actors/protocols.hpp"
#include "net/chat.hpp"

namespace nexus {

class completion_meter final : public net::answer_meter {
 public:
  explicit completion_meter(const call& call) : call_(call) {}

  bool add(const net::chat_delta& delta) override;
  net::usage used() const override;
  int64_t tokens() const;

 private:
  const call& call_;
  net::text_measure measure_;
};

}  // namespace nexus
