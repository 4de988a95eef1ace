#include "actors/stats_reader.hpp"

#include "actors/errors.hpp"

namespace nexus {
namespace {

// Opens the store for one question: a connection that stays would keep the log from being emptied.
template <class Reply, class Ask>
Reply answer(const std::filesystem::path& file, Ask ask) {
  Reply reply;
  auto reader = storage::reader::open(file);
  if (!reader) {
    reply.failure = reader.error();
    return reply;
  }
  if (auto found = ask(**reader)) {
    reply.found = std::move(*found);
  } else {
    reply.failure = found.error();
  }
  return reply;
}

}  // namespace

stats_reader_actor::behavior_type stats_reader(stats_reader_actor::pointer self, const std::filesystem::path& file) {
  self->set_exception_handler(report_exception);
  return {
      [file](const usage_question& question) {
        return answer<usage_reply>(file, [&](storage::reader& reader) {
          return reader.usage(question.span, question.from, question.to, question.group);
        });
      },
      [file](const drift_question&) {
        return answer<drift_reply>(file, [](storage::reader& reader) { return reader.drift(); });
      },
      [file](const audit_question&) {
        return answer<audit_reply>(file, [](storage::reader& reader) { return reader.audit(); });
      },
  };
}

}  // namespace nexus
