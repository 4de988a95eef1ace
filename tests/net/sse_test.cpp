#include "net/sse.hpp"

#include "conf/limits.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace nexus::net {
namespace {

struct told {
  std::string raw, data, name;
  bool has_data;
  bool operator==(const told&) const = default;
};

void PrintTo(const told& event, std::ostream* out) {
  *out << testing::PrintToString(event.raw) << " data " << testing::PrintToString(event.data) << " name " << event.name;
}

/// Feeds the pieces, each in memory of its own, and returns all events.
std::vector<told> read(sse_reader& reader, const std::vector<std::string>& pieces) {
  std::vector<told> events;
  for (auto& piece : pieces) {
    auto bytes = std::make_unique<char[]>(piece.size());
    piece.copy(bytes.get(), piece.size());
    EXPECT_TRUE(reader.feed({bytes.get(), piece.size()}));
    for (sse_reader::event event; reader.next(event);)
      events.push_back({std::string(event.raw), std::string(event.data), std::string(event.name), event.has_data});
  }
  return events;
}

std::vector<told> read(const std::vector<std::string>& pieces) {
  sse_reader reader;
  return read(reader, pieces);
}

std::vector<std::string> datas(const std::vector<std::string>& pieces) {
  std::vector<std::string> out;
  for (auto& event : read(pieces))
    if (event.has_data) out.push_back(event.data);
  return out;
}

/// A CRLF that is cut in two leaves its LF out of `raw`: see the contract of `next`.
std::vector<told> without_last_lf(std::vector<told> events) {
  for (auto& event : events)
    if (event.raw.ends_with("\r\n")) event.raw.pop_back();
  return events;
}

using strings = std::vector<std::string>;

TEST(SseReader, TellsEachEventOfOneRead) {
  EXPECT_EQ(read({"data: a\n\ndata: b\n\n"}),
            (std::vector<told>{{"data: a\n\n", "a", "", true}, {"data: b\n\n", "b", "", true}}));
}

TEST(SseReader, AcceptsEveryKindOfLineEnd) {
  for (std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(datas({"data: a" + end + "data: b" + end + end + "data: c" + end + end}), (strings{"a\nb", "c"}));
  }
  EXPECT_EQ(datas({"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r"}), (strings{"a", "b", "c", "d"}));
}

TEST(SseReader, SkipsALeadingByteOrderMarkOnly) {
  EXPECT_EQ(datas({"\xEF\xBB\xBF"
                   "data: a\n\n"}),
            (strings{"a"}));
  EXPECT_EQ(datas({"\xEF", "\xBB", "\xBF", "data: a\n\n"}), (strings{"a"}));
  EXPECT_EQ(datas({"\xEF\xBB\xBF\xEF\xBB\xBF"
                   "data: a\n\n"}),
            strings{});
  EXPECT_EQ(datas({"data: a\n\n\xEF\xBB\xBF"
                   "data: b\n\n"}),
            (strings{"a"}));
  // What only begins like a mark belongs to a field's name.
  auto events = read({"\xEF", "\xBB", "x: a\n\n"});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].raw, "\xEF\xBBx: a\n\n");
}

TEST(SseReader, RemovesOneSpaceBehindTheColon) {
  EXPECT_EQ(datas({"data:a\n\ndata: b\n\ndata:  c\n\ndata:\td\n\n"}), (strings{"a", "b", " c", "\td"}));
}

TEST(SseReader, JoinsDataLinesAcrossReads) {
  EXPECT_EQ(datas({"data: a\nda", "ta: b\n", "data:", " c\n", "\n"}), (strings{"a\nb\nc"}));
  EXPECT_EQ(datas({"data\ndata\ndata: x\n\n"}), (strings{"\n\nx"}));
}

TEST(SseReader, TellsCommentsWithoutData) {
  EXPECT_EQ(read({": ping\n\n"}), (std::vector<told>{{": ping\n\n", "", "", false}}));
  EXPECT_EQ(read({": ping\ndata: a\n\n"}), (std::vector<told>{{": ping\ndata: a\n\n", "a", "", true}}));
}

TEST(SseReader, DistinguishesEmptyDataFromNone) {
  EXPECT_EQ(read({"data:\n\n"}), (std::vector<told>{{"data:\n\n", "", "", true}}));
  EXPECT_EQ(read({"id: 7\n\n"}), (std::vector<told>{{"id: 7\n\n", "", "", false}}));
}

TEST(SseReader, ReadsTheNameAndIgnoresUnknownFields) {
  EXPECT_EQ(read({"event: message_stop\nid: 1\nretry: 5\nfoo\ndatax: no\n data: no\ndata: {}\n\n"})[0],
            (told{"event: message_stop\nid: 1\nretry: 5\nfoo\ndatax: no\n data: no\ndata: {}\n\n", "{}", "message_stop",
                  true}));
}

TEST(SseReader, TellsNoEventForStrayEmptyLines) {
  EXPECT_EQ(datas({"\n\n\r\n\rdata: a\n\n\n\n", "\n", "\r\n"}), (strings{"a"}));
  EXPECT_EQ(read({"\n\n\n"}).size(), 0u);
}

TEST(SseReader, TellsAnEventBeforeTheLfOfItsCutCrlf) {
  sse_reader reader;
  EXPECT_EQ(read(reader, {"data: a\r\n\r"}).size(), 1u);
  EXPECT_FALSE(reader.has_partial());
  EXPECT_EQ(read(reader, {"\n"}).size(), 0u);
  EXPECT_FALSE(reader.has_partial());
  EXPECT_EQ(read(reader, {"data: b\r\n\r\n"}).size(), 1u);
}

TEST(SseReader, PointsIntoTheFedBytes) {
  std::string bytes = "data: {\"a\":1}\n\ndata: [DONE]\n\n";
  sse_reader reader;
  ASSERT_TRUE(reader.feed(bytes));
  sse_reader::event event;
  ASSERT_TRUE(reader.next(event));
  EXPECT_EQ(event.raw.data(), bytes.data());
  EXPECT_EQ(event.data.data(), bytes.data() + 6);
  ASSERT_TRUE(reader.next(event));
  EXPECT_EQ(event.raw.data(), bytes.data() + 15);
  EXPECT_FALSE(reader.next(event));
}

TEST(SseReader, KnowsWhetherAnEventWasCut) {
  sse_reader reader;
  EXPECT_FALSE(reader.has_partial());
  read(reader, {"data: a\n\n"});
  EXPECT_FALSE(reader.has_partial());
  read(reader, {"data: b\n"});
  EXPECT_TRUE(reader.has_partial());
  EXPECT_EQ(read(reader, {"\n"}).size(), 1u);
  EXPECT_FALSE(reader.has_partial());
}

TEST(SseReader, RefusesAnEventThatIsTooLong) {
  auto limit = limits::sse_event_bytes_max;
  std::string fits = "data: " + std::string(limit - 8, 'x') + "\n\n";
  std::string too_long = "data: " + std::string(limit - 7, 'x') + "\n\n";
  EXPECT_EQ(read({fits + fits + "data: a\n\n"}).size(), 3u);
  EXPECT_EQ(read({std::string(limit + 1, '\n') + "data: a\n\n"}).size(), 1u);
  for (auto& bytes : {too_long, "data: a\n\n" + too_long, std::string(limit + 1, 'x')}) {
    sse_reader reader;
    auto fed = reader.feed(bytes);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, errc::upstream_invalid_response);
  }
}

TEST(SseReader, RefusesAnEventThatGrowsTooLongOverReads) {
  sse_reader reader;
  std::string piece(limits::sse_event_bytes_max / 4, 'x');
  sse_reader::event event;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(reader.feed(piece));
    ASSERT_FALSE(reader.next(event));
  }
  EXPECT_FALSE(reader.feed("y"));
}

const std::string sample =
    "\xEF\xBB\xBF: hello\r\n\r\ndata: {\"text\":\"h\xC3\xA9llo, w\xE4\xB8\x96\"}\n\nevent: x\rdata:1\rdata: 2\r\r\r\n\n"
    "data: a longer line of data, longer than eight bytes\r\n\r\nid: 4\n: c\ndata\ndata:\n\n: only\n\n\n\ndata: "
    "[DONE]\n\nda";

TEST(SseReader, TellsTheSameByteByByte) {
  strings bytes;
  for (char c : sample) bytes.emplace_back(1, c);
  EXPECT_EQ(without_last_lf(read(bytes)), without_last_lf(read({sample})));
  EXPECT_EQ(read({sample}).size(), 7u);
}

TEST(SseReader, TellsTheSameCutAnywhere) {
  auto whole = without_last_lf(read({sample}));
  for (size_t first = 0; first <= sample.size(); ++first)
    for (size_t second = first; second <= sample.size(); ++second) {
      ASSERT_EQ(
          without_last_lf(read({sample.substr(0, first), sample.substr(first, second - first), sample.substr(second)})),
          whole)
          << first << ' ' << second;
    }
}

TEST(SseReader, TellsTheSameForRandomStreamsAndCuts) {
  std::mt19937 random(20261125);
  const strings words = {
      "\n", "\r", "\r\n", "data:", "data: ", "event: ", ":", "a", "{\"b\":\"c\"}", "12345678", "\xE4\xB8\x96", "\t"};
  for (int round = 0; round < 2000; ++round) {
    std::string stream;
    for (int i = 0; i < 40; ++i) stream += words[random() % (random() % 2 ? words.size() : 5)];
    strings pieces;
    for (size_t at = 0; at < stream.size(); at += pieces.back().size())
      pieces.push_back(stream.substr(at, 1 + random() % 9));
    ASSERT_EQ(without_last_lf(read(pieces)), without_last_lf(read({stream}))) << testing::PrintToString(stream);
  }
}

TEST(SseWriter, WritesWhatTheReaderReads) {
  std::string out;
  append_comment(out, "ping");
  append_data(out, "{}");
  out += sse_done;
  EXPECT_EQ(out, ": ping\n\ndata: {}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(datas({out}), (strings{"{}", "[DONE]"}));
}

}  // namespace
}  // namespace nexus::net
