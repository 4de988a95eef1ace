// Statistics that read much: usage over time, our counts beside the upstreams', and the audit.
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/questions.hpp"
#include "actors/ids.hpp"

#include <charconv>

namespace nexus::endpoints {
namespace {

// A chart of more points shows nothing more, and an answer has to end.
constexpr int64_t buckets_max = 1'500;
// `bucket=auto` chooses the finest that gives a few hundred points.
constexpr int64_t minutes_up_to = 6 * storage::hour_span;
constexpr int64_t hours_up_to = 14 * storage::day_span;
constexpr int64_t range_default = 7 * storage::day_span;
// An audit reads every row.
constexpr std::chrono::minutes audit_patience{15};

struct named_span {
  std::string_view name;
  int64_t span;
};
constexpr std::array spans{named_span{"minute", storage::minute_span}, named_span{"hour", storage::hour_span},
                           named_span{"day", storage::day_span}};
constexpr std::array<std::string_view, 4> groups{"none", "provider", "model", "key"};

error refuse(const char* name, const std::string& message) {
  auto failure = make_error(errc::invalid_request, std::string("'") + name + "' must be " + message + ".");
  failure.param = name;
  return failure;
}

result<int64_t> read_time(const session& session, const char* name, int64_t absent) {
  const auto text = net::query_parameter(session.target().query, name);
  if (!text) return absent;
  int64_t time = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), time);
  if (ec != std::errc() || end != text->data() + text->size() || time < 0 || time > INT64_MAX / 2)
    return refuse(name, "milliseconds since 1970");
  return time;
}

result<int64_t> read_span(const session& session, int64_t range) {
  const auto name = net::query_parameter(session.target().query, "bucket").value_or("auto");
  if (name == "auto")
    return range <= minutes_up_to ? storage::minute_span
           : range <= hours_up_to ? storage::hour_span
                                  : storage::day_span;
  for (const auto& known : spans)
    if (known.name == name) return known.span;
  return refuse("bucket", "auto, minute, hour or day");
}

result<storage::usage_group> read_group(const session& session) {
  const auto name = net::query_parameter(session.target().query, "group_by").value_or("none");
  for (size_t i = 0; i < groups.size(); ++i)
    if (groups[i] == name) return static_cast<storage::usage_group>(i);
  return refuse("group_by", "none, provider, model or key");
}

result<usage_question> read_question(const session& session) {
  const auto to = read_time(session, "to", wall_clock_ms());
  if (!to) return to.error();
  const auto from = read_time(session, "from", std::max<int64_t>(0, *to - range_default));
  if (!from) return from.error();
  if (*from >= *to) return refuse("from", "before 'to'");
  const auto span = read_span(session, *to - *from);
  if (!span) return span.error();
  if ((*to - *from) / *span > buckets_max)
    return refuse("bucket", "coarser for this range: at most " + std::to_string(buckets_max) + " buckets");
  const auto group = read_group(session);
  if (!group) return group.error();
  return usage_question{.span = *span, .from = *from - *from % *span, .to = *to, .group = *group};
}

std::string_view name_of_span(int64_t span) {
  for (const auto& known : spans)
    if (known.span == span) return known.name;
  return {};
}

std::string key_name(const snapshot& snapshot, int64_t id) {
  const auto found = snapshot.key_rows.find(id);
  return found == snapshot.key_rows.end() ? std::string() : found->second->name;
}

std::string provider_name(const snapshot& snapshot, int64_t id) {
  const auto found = snapshot.providers.find(id);
  return found == snapshot.providers.end() ? std::string() : found->second->row->name;
}

void write_group(json::writer& out, const snapshot& snapshot, storage::usage_group group,
                 const storage::usage_row& row) {
  out.key("group").object();
  switch (group) {
    case storage::usage_group::provider:
      out.key("id").number(row.group_id).key("name").string(provider_name(snapshot, row.group_id));
      break;
    case storage::usage_group::key:
      out.key("id").number(row.group_id).key("name").string(key_name(snapshot, row.group_id));
      break;
    case storage::usage_group::model:
      out.key("id").string(row.group_name).key("name").string(row.group_name);
      break;
    case storage::usage_group::none:
      out.key("id").null().key("name").string("");
      break;
  }
  out.end_object();
}

void write_point(json::writer& out, const storage::usage_row& row) {
  out.object().key("t").number(row.begin_at).key("requests").number(row.requests).key("errors").number(row.errors);
  out.key("prompt_tokens").number(row.tokens.prompt).key("completion_tokens").number(row.tokens.completion);
  out.key("cached_tokens").number(row.tokens.cached).key("reasoning_tokens").number(row.tokens.reasoning);
  out.key("cost").string(to_text(row.cost)).key("duration_ms_sum").number(row.duration_ms);
  out.key("ttft_ms_sum").number(row.ttft_ms).key("ttft_count").number(row.streams).end_object();
}

// Reported by counted, as a decimal; null where there is nothing to compare.
void write_ratio(json::writer& out, const char* name, int64_t reported, int64_t counted) {
  out.key(name);
  counted == 0 ? out.null() : out.real(static_cast<double>(reported) / static_cast<double>(counted));
}

int64_t sent_requests(storage::journal& journal) {
  int64_t sent = 0;
  journal.each([&sent](const storage::ledger_entry::glance& entry) { sent += entry.attempts > 0 ? 1 : 0; });
  return sent;
}

}  // namespace

void usage_stats(session& session) {
  const auto question = read_question(session);
  if (!question) return session.fail(question.error());
  ask_reader<usage_reply>(
      session, session.hub().stats_reader, *question,
      [&session, asked = *question](const usage_reply& reply) -> result<std::string> {
        json::writer out;
        out.object().key("from").number(asked.from).key("to").number(asked.to);
        out.key("bucket").string(name_of_span(asked.span)).key("bucket_ms").number(asked.span);
        out.key("group_by").string(groups[static_cast<size_t>(asked.group)]).key("series").array();
        const storage::usage_row* last = nullptr;
        for (const auto& row : reply.found) {
          if (last == nullptr || last->group_id != row.group_id || last->group_name != row.group_name) {
            if (last != nullptr) out.end_array().end_object();
            out.object();
            write_group(out, *session.home().snapshot, asked.group, row);
            out.key("points").array();
          }
          write_point(out, row);
          last = &row;
        }
        if (last != nullptr) out.end_array().end_object();
        return out.end_array().end_object().take();
      });
}

void drift_stats(session& session) {
  ask_reader<drift_reply>(
      session, session.hub().stats_reader, drift_question{},
      [&session](const drift_reply& reply) -> result<std::string> {
        json::writer out;
        out.object().key("drift").array();
        for (const auto& row : reply.found) {
          out.object().key("provider_id").number(row.provider_id).key("provider_name");
          out.string(provider_name(*session.home().snapshot, row.provider_id)).key("model_name").string(row.model_name);
          out.key("reported_prompt_tokens").number(row.reported_prompt);
          out.key("counted_prompt_tokens").number(row.counted_prompt);
          out.key("reported_completion_tokens").number(row.reported_completion);
          out.key("counted_completion_tokens").number(row.counted_completion);
          write_ratio(out, "prompt_ratio", row.reported_prompt, row.counted_prompt);
          write_ratio(out, "completion_ratio", row.reported_completion, row.counted_completion);
          out.end_object();
        }
        return out.end_array().end_object().take();
      });
}

void audit_stats(session& session) {
  ask_reader<audit_reply>(
      session, session.hub().auditor, audit_question{},
      [&session](const audit_reply& reply) -> result<std::string> {
        auto& ledger = session.hub().ledger;
        auto report = reply.found;
        const auto running = sent_requests(ledger.journal());
        for (auto& difference : ledger.check_reservations()) report.differences.push_back(std::move(difference));
        json::writer out;
        out.object().key("consistent").boolean(report.differences.empty());
        out.key("requests").number(report.requests + running).key("running").number(running);
        out.key("rejected").number(report.rejected).key("attempts").number(report.attempts);
        out.key("prompt_tokens").number(report.tokens.prompt).key("completion_tokens").number(report.tokens.completion);
        out.key("cost").string(to_text(report.cost)).key("differences").array();
        for (const auto& difference : report.differences) {
          out.object().key("what").string(difference.what).key("where").string(difference.where);
          out.key("ledger").number(difference.ledger).key("kept").number(difference.kept).end_object();
        }
        return out.end_array().end_object().take();
      },
      audit_patience);
}

}  // namespace nexus::endpoints
