#include "conf/options.hpp"

#include "conf/hint.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace nexus {
namespace {

namespace fs = std::filesystem;

class Options : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nexus-options-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file_of(std::string_view text) {
    const fs::path file = folder_ / "x.toml";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  result<options> load(std::string_view text, const std::vector<setting>& environment = {},
                       const std::vector<setting>& flags = {}) {
    return load_options(file_of(text), environment, flags);
  }

  /// Returns the message of the failure without the folder: it begins with "x.toml:".
  std::string complaint(std::string_view text, const std::vector<setting>& environment = {},
                        const std::vector<setting>& flags = {}) {
    const auto outcome = load(text, environment, flags);
    if (outcome) return {};
    EXPECT_EQ(outcome.error().code, errc::invalid_request);
    std::string message = outcome.error().message;
    if (message.starts_with(folder_.string())) message.erase(0, folder_.string().size() + 1);
    return message;
  }

  fs::path folder_;
};

std::string complaint_of(const std::vector<setting>& environment, const std::vector<setting>& flags = {}) {
  const auto outcome = load_options({}, environment, flags);
  return outcome ? "" : outcome.error().message;
}

std::string sample() {
  std::ifstream stream(NEXUS_SAMPLE, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST_F(Options, SampleIsExactlyTheDefaults) { EXPECT_EQ(to_toml({}), sample()); }

TEST_F(Options, SampleLoads) {
  const auto loaded = load_options(NEXUS_SAMPLE, {}, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(to_toml(*loaded), sample());
}

TEST_F(Options, EveryKeyOfTheSampleHasASentence) {
  std::istringstream lines(sample());
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    const bool is_setting = line.find(" = ") != line.npos && !line.starts_with('#');
    EXPECT_TRUE(!is_setting || (before.starts_with("# ") && before.ends_with('.'))) << line;
  }
}

TEST_F(Options, WithoutSourcesAreTheDefaults) {
  const auto loaded = load_options({}, {}, {});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->server.listen, "127.0.0.1:8000");
  EXPECT_EQ(loaded->upstream.total_timeout, std::chrono::minutes(30));
}

TEST_F(Options, FileSetsEveryKind) {
  const auto loaded = load(
      "[server]\nlisten = \"[::1]:0\"\nbody_bytes_max = 2048\nhead_timeout_ms = 5\nthreads = 3\n"
      "[web]\nenabled = false\n[websocket]\norigins = [\"https://a.example\", \"http://b.example:81\"]\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->server.listen, "[::1]:0");
  EXPECT_EQ(loaded->server.body_bytes_max, 2048u);
  EXPECT_EQ(loaded->server.head_timeout, milliseconds(5));
  EXPECT_EQ(loaded->server.threads, 3u);
  EXPECT_FALSE(loaded->web.enabled);
  EXPECT_EQ(loaded->websocket.origins, (std::vector<std::string>{"https://a.example", "http://b.example:81"}));
}

TEST_F(Options, EnvironmentSetsEveryKind) {
  const auto loaded = load_options({},
                                   {{"NEXUS_SERVER_LISTEN", "0.0.0.0:80"},
                                    {"NEXUS_SERVER_HEAD_TIMEOUT_MS", "7"},
                                    {"NEXUS_SERVER_BODY_BYTES_MAX", "4096"},
                                    {"NEXUS_WEB_ENABLED", "false"},
                                    {"NEXUS_DEMO_ENABLED", "0"},
                                    {"NEXUS_WEBSOCKET_ORIGINS", "https://a.example, https://b.example,"}},
                                   {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->server.listen, "0.0.0.0:80");
  EXPECT_EQ(loaded->server.head_timeout, milliseconds(7));
  EXPECT_EQ(loaded->server.body_bytes_max, 4096u);
  EXPECT_FALSE(loaded->web.enabled);
  EXPECT_FALSE(loaded->demo.enabled);
  EXPECT_EQ(loaded->websocket.origins, (std::vector<std::string>{"https://a.example", "https://b.example"}));
}

TEST_F(Options, FlagsBeatEnvironmentBeatsFileBeatsDefaults) {
  const std::string file = "[server]\nthreads = 1\nconnections_max = 1\nbody_bytes_max = 2000\n";
  const auto loaded =
      load(file, {{"NEXUS_SERVER_THREADS", "2"}, {"NEXUS_SERVER_CONNECTIONS_MAX", "2"}}, {{"server.threads", "3"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->server.threads, 3u);
  EXPECT_EQ(loaded->server.connections_max, 2u);
  EXPECT_EQ(loaded->server.body_bytes_max, 2000u);
  EXPECT_EQ(loaded->server.data_dir, "./data");
}

TEST_F(Options, UnknownKeyNamesItsPlaceAndTheNearest) {
  EXPECT_EQ(complaint("# x\n[server]\nlisen = \"a:1\"\n"),
            "x.toml:3:1: unknown key 'lisen' in [server], did you mean 'listen'?");
  EXPECT_EQ(complaint("[server]\nhead_timeout = 3\n"),
            "x.toml:2:1: unknown key 'head_timeout' in [server], did you mean 'head_timeout_ms'?");
  EXPECT_EQ(complaint("[server]\ncompletely_else = 3\n"), "x.toml:2:1: unknown key 'completely_else' in [server].");
}

TEST_F(Options, UnknownSectionNamesItsPlaceAndTheNearest) {
  EXPECT_EQ(complaint("\n[sever]\n"), "x.toml:2:2: unknown section 'sever', did you mean 'server'?");
  EXPECT_EQ(complaint("listen = \"a:1\"\n"), "x.toml:1:1: unknown section 'listen'.");
  EXPECT_EQ(complaint("server = 1\n"), "x.toml:1:1: 'server' is a section and must stand as [server].");
}

TEST_F(Options, WrongTypesNameTheirPlaceAndWhatIsWanted) {
  EXPECT_EQ(complaint("[server]\nthreads = \"4\"\n"),
            "x.toml:2:11: threads in [server] must be a whole number from 0 to 1024.");
  EXPECT_EQ(complaint("[server]\nthreads = 1.5\n"),
            "x.toml:2:11: threads in [server] must be a whole number from 0 to 1024.");
  EXPECT_EQ(complaint("[server]\ntls_key = 5\n"), "x.toml:2:11: tls_key in [server] must be a text.");
  EXPECT_EQ(complaint("[web]\nenabled = \"true\"\n"), "x.toml:2:11: enabled in [web] must be true or false.");
  const std::string list =
      "x.toml:2:11: origins in [websocket] must be a list of origins such as \"https://chat.example.org\", without a "
      "path.";
  EXPECT_EQ(complaint("[websocket]\norigins = \"https://a.example\"\n"), list);
  EXPECT_EQ(complaint("[websocket]\norigins = [1]\n"), list);
  EXPECT_EQ(complaint("[websocket]\norigins = [\"https://a.example/x\"]\n"), list);
}

TEST_F(Options, NumbersOutOfRangeAreRefused) {
  for (const char* line : {"[server]\nthreads = -1", "[server]\nthreads = 1025", "[server]\nhead_timeout_ms = 0",
                           "[server]\nbody_bytes_max = 9223372036854775807", "[upstream]\nconnections_max = 65536",
                           "[server]\nhead_timeout_ms = 86400001"})
    EXPECT_NE(complaint(line), "") << line;
  EXPECT_EQ(complaint("[server]\nthreads = 1024\nhead_timeout_ms = 86400000\n"), "");
}

TEST_F(Options, SyntaxErrorsNameTheirPlace) {
  const std::string message = complaint("[server]\nlisten = \n");
  EXPECT_TRUE(message.starts_with("x.toml:2:")) << message;
  EXPECT_TRUE(message.ends_with(".")) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_TRUE(complaint("[server]\nthreads = 1\nthreads = 2\n").starts_with("x.toml:3:"));
  EXPECT_NE(complaint("[server]\nlisten = \"\xFF\"\n"), "");
}

TEST_F(Options, FileThatCannotBeReadIsNamed) {
  EXPECT_EQ(load_options(folder_ / "none.toml", {}, {}).error().message,
            (folder_ / "none.toml").string() + ": the file cannot be read.");
  EXPECT_EQ(load_options(folder_, {}, {}).error().message, folder_.string() + ": the file cannot be read.");
}

TEST_F(Options, EmptyFileIsTheDefaults) {
  const auto loaded = load("");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(to_toml(*loaded), to_toml({}));
}

TEST_F(Options, UnknownVariablesAreRefusedWithTheNearest) {
  EXPECT_EQ(complaint_of({{"NEXUS_SERVER_LISEN", "x"}}),
            "NEXUS_SERVER_LISEN: unknown variable, did you mean 'NEXUS_SERVER_LISTEN'?");
  EXPECT_EQ(complaint_of({{"NEXUS_SEVER_LISTEN", "x"}}),
            "NEXUS_SEVER_LISTEN: unknown variable, did you mean 'NEXUS_SERVER_LISTEN'?");
  EXPECT_EQ(complaint_of({{"NEXUS_SERVER_WHATEVER_ELSE_THERE_IS", "x"}}),
            "NEXUS_SERVER_WHATEVER_ELSE_THERE_IS: unknown variable.");
}

TEST_F(Options, VariablesThatAreNoSettingsAreLeftAlone) {
  EXPECT_EQ(
      complaint_of(
          {{"NEXUS_ADMIN_TOKEN", "x"}, {"NEXUS_MASTER_KEY", "x"}, {"NEXUS_CONFIG", "x"}, {"NEXUS_HUB", "somebody's"}}),
      "");
}

TEST_F(Options, BadVariablesAndFlagsAreNamed) {
  EXPECT_EQ(complaint_of({{"NEXUS_SERVER_THREADS", "many"}}),
            "NEXUS_SERVER_THREADS: threads in [server] must be a whole number from 0 to 1024.");
  for (const char* text : {"", "-1", "1.5", "5x", " 5", "99999999999999999999999"})
    EXPECT_NE(complaint_of({{"NEXUS_SERVER_THREADS", text}}), "") << text;
  EXPECT_NE(complaint_of({{"NEXUS_WEB_ENABLED", "maybe"}}), "");
  EXPECT_EQ(
      complaint_of({}, {{"server.listen", "nowhere"}}),
      "server.listen: listen in [server] must be HOST:PORT with a port from 0 to 65535, an IPv6 host in brackets.");
  EXPECT_EQ(complaint_of({}, {{"server.lisen", "x"}}), "server.lisen: unknown setting, did you mean 'server.listen'?");
}

TEST_F(Options, ComplaintsNeverShowTheValue) {
  EXPECT_EQ(complaint_of({{"NEXUS_SERVER_THREADS", "sk-secret"}}).find("sk-secret"), std::string::npos);
}

TEST_F(Options, ListenIsHostAndPort) {
  for (const char* good : {"127.0.0.1:8000", "localhost:0", "[::1]:65535", "0.0.0.0:80", "hub.example.org:443"})
    EXPECT_EQ(complaint_of({{"NEXUS_SERVER_LISTEN", good}}), "") << good;
  for (const char* bad : {"", "8000", ":8000", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[::1]",
                          "[]:1", "[::1:1", "::1]:1", "host:80 ", "http://host:80", "a b:1", "host:080x"})
    EXPECT_NE(complaint_of({{"NEXUS_SERVER_LISTEN", bad}}), "") << bad;
}

TEST_F(Options, OriginsHaveASchemeAndNoPath) {
  for (const char* good : {"https://chat.example.org", "http://localhost:3000", ""})
    EXPECT_EQ(complaint_of({{"NEXUS_WEBSOCKET_ORIGINS", good}}), "") << good;
  for (const char* bad : {"chat.example.org", "https://", "https://a.example/", "ws://a.example", "*"})
    EXPECT_NE(complaint_of({{"NEXUS_WEBSOCKET_ORIGINS", bad}}), "") << bad;
}

TEST_F(Options, LogLevelAndFormatAreOfTheirSets) {
  for (const char* level : {"error", "warn", "info", "debug"})
    EXPECT_EQ(complaint_of({{"NEXUS_LOG_LEVEL", level}}), "") << level;
  EXPECT_EQ(complaint("[log]\nlevel = \"trace\"\n"), "x.toml:2:9: level in [log] must be error, warn, info or debug.");
  EXPECT_EQ(complaint("[log]\nformat = \"xml\"\n"), "x.toml:2:10: format in [log] must be text or json.");
  EXPECT_EQ(complaint_of({{"NEXUS_LOG_FORMAT", "json"}}), "");
}

TEST_F(Options, DataFolderIsNeverEmpty) { EXPECT_NE(complaint_of({{"NEXUS_SERVER_DATA_DIR", ""}}), ""); }

TEST_F(Options, CertificateAndKeyComeTogether) {
  EXPECT_EQ(complaint("[server]\ntls_key = \"k.pem\"\n"),
            "x.toml:2:11: tls_certificate and tls_key in [server] must be given together.");
  EXPECT_EQ(complaint_of({{"NEXUS_SERVER_TLS_CERTIFICATE", "c.pem"}}),
            "NEXUS_SERVER_TLS_CERTIFICATE: tls_certificate and tls_key in [server] must be given together.");
  EXPECT_EQ(complaint("[server]\ntls_key = \"k.pem\"\n", {{"NEXUS_SERVER_TLS_CERTIFICATE", "c.pem"}}), "");
}

TEST_F(Options, BackoffGrows) {
  EXPECT_EQ(complaint("[upstream]\nbackoff_min_ms = 2\nbackoff_max_ms = 2\n"), "");
  EXPECT_EQ(complaint("[upstream]\nbackoff_min_ms = 30001\n"),
            "x.toml:2:18: backoff_min_ms in [upstream] must not exceed backoff_max_ms.");
  EXPECT_EQ(complaint("[upstream]\nbackoff_max_ms = 249\n"),
            "x.toml:2:18: backoff_min_ms in [upstream] must not exceed backoff_max_ms.");
}

TEST_F(Options, WhatIsWrittenLoadsAsTheSame) {
  options changed;
  changed.server.data_dir = "C:\\\"x\"\n\x7F\x01 é";
  changed.server.threads = 7;
  changed.web.enabled = false;
  changed.upstream.idle_timeout = milliseconds(1);
  changed.websocket.origins = {"https://a.example", "https://b.example"};
  changed.log.format = "json";
  const auto loaded = load(to_toml(changed));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->server.data_dir, changed.server.data_dir);
  EXPECT_EQ(loaded->websocket.origins, changed.websocket.origins);
  EXPECT_EQ(to_toml(*loaded), to_toml(changed));
  EXPECT_NE(to_toml(changed), to_toml({}));
}

TEST_F(Options, EveryKeyCanBeSetByItsVariableAndItsFlag) {
  std::istringstream lines(sample());
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.size() - 2);
    const size_t equals = line.find(" = ");
    if (line.starts_with('#') || equals == line.npos) continue;
    const std::string key = line.substr(0, equals);
    std::string value = line.substr(equals + 3);
    if (value == "[]") value = "";
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    std::string variable = "NEXUS_" + section + "_" + key;
    for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(complaint_of({{variable, value}}), "");
    EXPECT_EQ(complaint_of({}, {{section + "." + key, value}}), "");
  }
}

TEST_F(Options, EnvironmentSettingsAreThoseOfTheHub) {
  ::setenv("NEXUS_TEST_VALUE", "a=b", 1);
  ::setenv("OTHER_TEST_VALUE", "x", 1);
  const auto settings = environment_settings();
  ::unsetenv("NEXUS_TEST_VALUE");
  ::unsetenv("OTHER_TEST_VALUE");
  EXPECT_NE(std::ranges::find(settings, setting{"NEXUS_TEST_VALUE", "a=b"}), settings.end());
  for (const auto& [name, value] : settings) EXPECT_TRUE(name.starts_with("NEXUS_")) << name;
}

TEST(Hint, CountsSingleEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace nexus
