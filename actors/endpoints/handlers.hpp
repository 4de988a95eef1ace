// The endpoints' handlers, one file for each resource. Each answers its session, at once or later.
#pragma once

#include "actors/session.hpp"

namespace nexus::endpoints {

// chat.cpp
void chat_completions(session& session);

// tokenize.cpp
void tokenize(session& session);

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

// keys.cpp
void list_keys(session& session);
void create_key(session& session);
void show_key(session& session);
void update_key(session& session);
void rotate_key(session& session);
void delete_key(session& session);

// stats.cpp
void conversation_stats(session& session);
void total_stats(session& session);

// usage.cpp
void usage_stats(session& session);
void drift_stats(session& session);
void audit_stats(session& session);

// administrators.cpp
void list_administrators(session& session);
void create_administrator(session& session);
void show_administrator(session& session);
void update_administrator(session& session);
void delete_administrator(session& session);
void change_password(session& session);

// secrets.cpp
void show_secrets(session& session);
void rotate_secrets(session& session);

// audit_log.cpp
void list_audit_log(session& session);

// sign_in.cpp
void show_setup(session& session);
void set_up(session& session);
void show_session(session& session);
void sign_in(session& session);
void sign_out(session& session);

// health.cpp
void healthz(session& session);
void readyz(session& session);
void show_version(session& session);

// chat_socket.cpp
void chat_socket(session& session);

// pages.cpp
void page(session& session);
void page_file(session& session);

}  // namespace nexus::endpoints
