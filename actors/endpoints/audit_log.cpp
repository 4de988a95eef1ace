// GET /audit_log: who changed what, newest first.
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/team.hpp"

#include <limits>

namespace nexus::endpoints {
namespace {

void write_object(json::writer& out, std::string_view name, std::string_view text) {
  out.key(name);
  if (text.empty()) {
    out.null();
  } else {
    out.raw(text);
  }
}

void write_entry(json::writer& out, const storage::audit_entry& entry) {
  out.object().key("id").number(entry.id).key("at").number(entry.at).key("actor").string(entry.actor);
  out.key("action").string(entry.action).key("resource").string(entry.resource);
  out.key("resource_id").number(entry.resource_id);
  write_object(out, "before", entry.before);
  write_object(out, "after", entry.after);
  out.key("address").string(entry.address).key("request_id").string(entry.request_id).end_object();
}

}  // namespace

void list_audit_log(session& session) {
  const auto page = read_page(session);
  if (!page) return session.fail(page.error());
  const auto before = page->after == 0 ? std::numeric_limits<int64_t>::max() : page->after;
  using entries = std::vector<storage::audit_entry>;
  with_store<entries>(
      session, [before, limit = page->limit](storage::store& store) { return store.audit_log(before, limit + 1); },
      [limit = page->limit](nexus::session& session_, entries& found) {
        json::writer out;
        out.object().key("entries").array();
        for (size_t i = 0; i < std::min(limit, found.size()); ++i) write_entry(out, found[i]);
        out.end_array().key("next_cursor");
        if (found.size() > limit) {
          out.string(std::to_string(found[limit - 1].id));
        } else {
          out.null();
        }
        out.end_object();
        session_.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
      });
}

}  // namespace nexus::endpoints
