#include "actors/token_counter.hpp"

#include "actors/errors.hpp"
#include "conf/log.hpp"

namespace nexus {

bool can_count_at_once(const model_counting& counting, size_t bytes) {
  return bytes <= counted_at_once_bytes && (!counting.has_tokenizer() || counting.loaded() != nullptr);
}

token_counter_actor::behavior_type token_counter(token_counter_actor::pointer self,
                                                 const model_calibrations* calibrations) {
  self->set_exception_handler(report_exception);
  return {
      [calibrations](const count_tokens& question) {
        const auto& counting = *question.counting;
        if (counting.has_tokenizer())
          if (auto loaded = tokenizer::load(*counting.text.encoding); !loaded)
            log::actors().error("vocabulary-refused", "{} {}", loaded.error().message, loaded.error().detail);
        count_reply reply;
        if (!question.is_chat) {
          reply.counted = count_text(counting, *calibrations, *question.text);
        } else if (auto request = tokenizer::read_chat_request(*question.text)) {
          reply.counted = count_prompt(counting, *calibrations, request->prompt, 0, nullptr);
        } else {
          reply.failure = request.error();
        }
        return reply;
      },
  };
}

}  // namespace nexus
