// The endpoints' handlers, one file for each resource. Each answers its session, at once or later.
#pragma once

#include "actors/session.hpp"

namespace nexus::endpoints {

// chat.cpp
void chat_completions(session& session);

// models.cpp
void list_models(session& session);
void show_model(session& session);

// providers.cpp
void list_providers(session& session);
void create_provider(session& session);
void show_provider(session& session);
void update_provider(session& session);
void delete_provider(session& session);
void list_provider_models(session& session);
void create_provider_model(session& session);
void show_provider_model(session& session);
void update_provider_model(session& session);
void delete_provider_model(session& session);
void test_provider(session& session);
void list_upstream_models(session& session);

// stats.cpp
void conversation_stats(session& session);
void total_stats(session& session);

// usage.cpp
void usage_stats(session& session);
void drift_stats(session& session);
void audit_stats(session& session);

// sign_in.cpp
void show_session(session& session);
void sign_in(session& session);
void sign_out(session& session);

// health.cpp
void healthz(session& session);
void readyz(session& session);

// chat_socket.cpp
void chat_socket(session& session);

// pages.cpp
void page(session& session);

}  // namespace nexus::endpoints
