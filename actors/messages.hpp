// The CAF macros for our messages: they stay in this process, so none is serialized. Names are written in full, because
// inside the macro `net` would mean `caf::net`. Included by protocols.hpp alone.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>

#define NEXUS_MESSAGE(name) \
  namespace nexus {         \
  struct name;              \
  }                         \
  CAF_ALLOW_UNSAFE_MESSAGE_TYPE(::nexus::name)

NEXUS_MESSAGE(route_call)
NEXUS_MESSAGE(call_accepted)
NEXUS_MESSAGE(call_part)
NEXUS_MESSAGE(call_end)
NEXUS_MESSAGE(call_pause)
NEXUS_MESSAGE(call_resume)
NEXUS_MESSAGE(call_cancel)
NEXUS_MESSAGE(client_done)
NEXUS_MESSAGE(client_expired)
NEXUS_MESSAGE(publish)
NEXUS_MESSAGE(published)
NEXUS_MESSAGE(routes)
NEXUS_MESSAGE(reconfigure)
NEXUS_MESSAGE(retire)
NEXUS_MESSAGE(restart_child)
NEXUS_MESSAGE(watch_shard)
NEXUS_MESSAGE(restart_shard)
NEXUS_MESSAGE(drain)
NEXUS_MESSAGE(shard_event)
NEXUS_MESSAGE(socket_message)
NEXUS_MESSAGE(socket_written)
NEXUS_MESSAGE(ws_frame)
NEXUS_MESSAGE(frame_written)
NEXUS_MESSAGE(attach_socket)
NEXUS_MESSAGE(detach_socket)
NEXUS_MESSAGE(stop_chat)
NEXUS_MESSAGE(enlist_chat)
NEXUS_MESSAGE(find_chat)
NEXUS_MESSAGE(found_chat)
NEXUS_MESSAGE(rows_due)
NEXUS_MESSAGE(conversation_query)
NEXUS_MESSAGE(conversation_reply)
NEXUS_MESSAGE(totals_query)
NEXUS_MESSAGE(totals_reply)
NEXUS_MESSAGE(close_store)
NEXUS_MESSAGE(store_closed)
NEXUS_MESSAGE(store_change)
NEXUS_MESSAGE(change_reply)
NEXUS_MESSAGE(change_provider)
NEXUS_MESSAGE(change_model)
NEXUS_MESSAGE(remove_provider)
NEXUS_MESSAGE(remove_model)
NEXUS_MESSAGE(register_shard)
NEXUS_MESSAGE(use_options)
NEXUS_MESSAGE(probe_provider)
NEXUS_MESSAGE(probe_reply)
NEXUS_MESSAGE(list_upstream)
NEXUS_MESSAGE(upstream_reply)

#undef NEXUS_MESSAGE
