#include "conf/log.hpp"

#include "conf/json.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <thread>
#include <vector>

namespace nexus::log {
namespace {

class Log : public testing::Test {
 protected:
  void TearDown() override { configure({}); }

  /// Returns what `speak` writes.
  template <class Speak>
  std::string written(Speak speak) {
    testing::internal::CaptureStderr();
    speak();
    return testing::internal::GetCapturedStderr();
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == text.npos ? text.size() : end + 1;
  }
  return lines;
}

TEST_F(Log, TextLineHasTimeLevelComponentEventAndSentence) {
  const auto text = written([] { net().info("listening", "Listening on {}.", "http://127.0.0.1:8000"); });
  const std::regex line(
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  net/listening  Listening on http://127\.0\.0\.1:8000\.\n)");
  EXPECT_TRUE(std::regex_match(text, line)) << text;
}

TEST_F(Log, TextLineEndsWithTheRequestId) {
  const auto text = written([] { actors().of("req-7").warn("slow", "Slow."); });
  EXPECT_TRUE(text.ends_with("Z warn  actors/slow  Slow.  [req-7]\n")) << text;
}

TEST_F(Log, JsonLineHasTheSameMembers) {
  configure({.level = "info", .format = "json"});
  const auto text = written([] { storage().of("req-7").error("disk-full", "No space for {} rows.", 3); });
  const auto line = json::parse(text);
  ASSERT_TRUE(line) << text;
  EXPECT_TRUE(std::regex_match(std::string(*json::string_member(*line, "ts")),
                               std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
  EXPECT_EQ(json::string_member(*line, "level"), "error");
  EXPECT_EQ(json::string_member(*line, "logger"), "storage");
  EXPECT_EQ(json::string_member(*line, "event"), "disk-full");
  EXPECT_EQ(json::string_member(*line, "msg"), "No space for 3 rows.");
  EXPECT_EQ(json::string_member(*line, "request_id"), "req-7");
}

TEST_F(Log, JsonLineWithoutRequestHasNoRequestId) {
  configure({.level = "info", .format = "json"});
  const auto line = json::parse(written([] { conf().info("loaded", "Loaded."); }));
  ASSERT_TRUE(line);
  EXPECT_EQ(json::find(*line, "request_id"), nullptr);
}

TEST_F(Log, WritesOnlyFromTheLevelOn) {
  const auto speak = [] {
    net().debug("a", "debug");
    net().info("b", "info");
    net().warn("c", "warn");
    net().error("d", "error");
  };
  const std::pair<const char*, size_t> expected[] = {{"debug", 4}, {"info", 3}, {"warn", 2}, {"error", 1}};
  for (const auto& [level, count] : expected) {
    configure({.level = level, .format = "text"});
    EXPECT_EQ(lines_of(written(speak)).size(), count) << level;
  }
}

TEST_F(Log, EnabledFollowsConfigure) {
  configure({.level = "error", .format = "text"});
  EXPECT_FALSE(enabled(level::warn));
  EXPECT_TRUE(enabled(level::error));
  configure({.level = "debug", .format = "text"});
  EXPECT_TRUE(enabled(level::debug));
}

TEST_F(Log, WriteItselfRespectsTheLevel) {
  EXPECT_EQ(written([] { write(level::debug, "net", "x", "", "unseen"); }), "");
}

TEST_F(Log, NoMessageBreaksTheTextLine) {
  std::string hostile = "a\nb\r\tc\x1b[31m\x7f\xC2\x9B";
  hostile += '\0';
  const auto text = written([&] { net().of("id\n2").info("e", "{}", hostile); });
  EXPECT_EQ(lines_of(text).size(), 1u);
  const std::string escaped = R"(a\nb\x0d\x09c\x1b[31m\x7f\x9b\x00  [id\n2])";
  EXPECT_TRUE(text.ends_with("Z info  net/e  " + escaped + "\n")) << text;
}

TEST_F(Log, TextKeepsUtf8AndReplacesWhatIsNone) {
  const auto text = written([] { net().info("e", "{}", "grün \xF0\x9F\x98\x80 \xFF!"); });
  EXPECT_TRUE(text.ends_with("grün 😀 \uFFFD!\n")) << text;
}

TEST_F(Log, NoMessageBreaksTheJsonLine) {
  configure({.level = "info", .format = "json"});
  for (int byte = 0; byte < 256; ++byte) {
    const std::string hostile = "x\"}" + std::string(1, static_cast<char>(byte)) + "y";
    const auto text = written([&] { net().info("e", "{}", hostile); });
    ASSERT_EQ(lines_of(text).size(), 1u) << byte;
    const auto line = json::parse(text);
    ASSERT_TRUE(line) << byte << ": " << text;
    EXPECT_TRUE(byte > 127 || json::string_member(*line, "msg") == hostile) << byte;
  }
}

TEST_F(Log, BracesInAValueStayAsTheyAre) {
  const auto text = written([] { net().info("e", "{}", "%v {} {0}"); });
  EXPECT_TRUE(text.ends_with("  %v {} {0}\n")) << text;
}

TEST_F(Log, LinesOfSeveralThreadsDoNotMix) {
  const std::string sentence(200, 'x');
  const auto text = written([&] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) {
          if (t == 0) configure({.level = "info", .format = "text"});
          net().info("e", "{}", sentence);
        }
      });
  });
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 400u);
  for (const auto& line : lines) ASSERT_TRUE(line.ends_with("Z info  net/e  " + sentence)) << line;
}

}  // namespace
}  // namespace nexus::log
