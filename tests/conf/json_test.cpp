#include "conf/json.hpp"

#include "conf/limits.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nexus::json {
namespace {

/// Writes down all it is told, one word for each call; stops at the call `stop_at`.
class recorder : public listener {
 public:
  bool on_key(std::string_view key, unsigned depth) override { return note("key {}@{}", key, depth); }
  bool on_string(std::string_view text, unsigned depth) override { return note("string {}@{}", text, depth); }
  bool on_number(double number, std::optional<int64_t> integer, unsigned depth) override {
    return integer ? note("integer {}@{}", *integer, depth) : note("real {}@{}", number, depth);
  }
  bool on_bool(bool value, unsigned depth) override { return note("bool {}@{}", value, depth); }
  bool on_null(unsigned depth) override { return note("null@{}", depth); }
  bool on_object_begin(unsigned depth) override { return note("{{@{}", depth); }
  bool on_object_end(unsigned depth) override { return note("}}@{}", depth); }
  bool on_array_begin(unsigned depth) override { return note("[@{}", depth); }
  bool on_array_end(unsigned depth) override { return note("]@{}", depth); }
  bool on_root_member(std::string_view key, range member, range value) override {
    members.push_back({std::string(key), member, value});
    return note("member {}", key);
  }
  error reason() const override { return make_error(errc::payload_too_large, "Stopped."); }

  struct member {
    std::string key;
    range whole;
    range value;
  };
  std::vector<std::string> calls;
  std::vector<member> members;
  size_t stop_at = SIZE_MAX;

 private:
  template <class... Args>
  bool note(fmt::format_string<Args...> text, Args&&... args) {
    calls.push_back(fmt::format(text, std::forward<Args>(args)...));
    return calls.size() - 1 != stop_at;
  }
};

/// Returns the message of the failure, or "" if the text passes.
std::string complaint(std::string_view text) {
  recorder all;
  const auto outcome = walk(text, all);
  if (outcome) return {};
  EXPECT_EQ(outcome.error().code, errc::invalid_request);
  EXPECT_EQ(parse(text).error().message, outcome.error().message);
  return outcome.error().message;
}

std::string at(size_t offset, std::string_view reason) {
  return fmt::format("The body is not valid JSON at byte {}: {}.", offset, reason);
}

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

const std::string sample =
    "{\"model\" : \"a\\u00e9\\ud83d\\ude00\\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"n\":[1,-2.5e3,0],\r\n"
    "\t\"o\":{\"x\":null,\"y\":[true,false,{}],\"z\":\"\"} }";

TEST(JsonWalk, TellsEverythingInOrder) {
  recorder all;
  ASSERT_TRUE(walk(R"({"a":[1,"x",null,{"b":true}],"c":-0.5})", all));
  const std::vector<std::string> expected{
      "{@1",         "key a@1", "[@2", "integer 1@2", "string x@2", "null@2",      "{@3",      "key b@3",
      "bool true@3", "}@3",     "]@2", "member a",    "key c@1",    "real -0.5@1", "member c", "}@1"};
  EXPECT_EQ(all.calls, expected);
}

TEST(JsonWalk, AcceptsEveryKindOfRoot) {
  for (const char* text : {"1", "\"x\"", "true", "false", "null", "[]", "{}", " \r\n\t{} \r\n\t"})
    EXPECT_EQ(complaint(text), "") << text;
}

TEST(JsonWalk, DecodesEscapes) {
  recorder all;
  ASSERT_TRUE(walk(R"(["\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00"])", all));
  EXPECT_EQ(all.calls[1], "string \"\\/\b\f\n\r\tAé€😀@1");
}

TEST(JsonWalk, KeepsAnEscapedNul) {
  recorder all;
  ASSERT_TRUE(walk(R"(["a\u0000b"])", all));
  EXPECT_EQ(all.calls[1], std::string("string a\0b@1", 12));
}

TEST(JsonWalk, StringsOfEveryLengthComeThroughWhole) {
  for (size_t length = 0; length < 70; ++length)
    for (const std::string_view tail : {"", "é", "€", "😀"}) {
      const std::string text = std::string(length, 'x') + std::string(tail) + "y";
      recorder all;
      ASSERT_TRUE(walk("[\"" + text + "\"]", all));
      EXPECT_EQ(all.calls[1], "string " + text + "@1");
    }
}

TEST(JsonWalk, RangesOfRootMembersReproduceTheText) {
  recorder all;
  ASSERT_TRUE(walk(sample, all));
  ASSERT_EQ(all.members.size(), 3u);
  std::string text = "{";
  for (const auto& member : all.members)
    text += sample.substr(member.whole.begin, member.whole.end - member.whole.begin);
  EXPECT_EQ(text + " }", sample);
  auto value = [&](size_t i) {
    return sample.substr(all.members[i].value.begin, all.members[i].value.end - all.members[i].value.begin);
  };
  EXPECT_EQ(value(0), "\"a\\u00e9\\ud83d\\ude00\\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  EXPECT_EQ(value(1), "[1,-2.5e3,0]");
  EXPECT_EQ(value(2), "{\"x\":null,\"y\":[true,false,{}],\"z\":\"\"}");
}

TEST(JsonWalk, ValueRangesHoldForEveryKindOfValue) {
  for (const std::string value :
       {"1", "-1.5e-3", "true", "false", "null", "\"a\"", "\"\"", "[]", "{}", "[[1],2]", "{\"a\":{}}"})
    for (const std::string space : {"", " ", "\n\t "}) {
      const std::string text = space + "{" + space + "\"k\"" + space + ":" + space + value + space + "}";
      recorder all;
      ASSERT_TRUE(walk(text, all)) << text;
      ASSERT_EQ(all.members.size(), 1u) << text;
      const auto& member = all.members[0];
      EXPECT_EQ(text.substr(member.value.begin, member.value.end - member.value.begin), value) << text;
      EXPECT_EQ(member.whole.begin, space.size() + 1) << text;
      EXPECT_EQ(member.whole.end, member.value.end) << text;
    }
}

TEST(JsonWalk, MemberKeysAreDecoded) {
  recorder all;
  ASSERT_TRUE(walk(R"({"mod\u0065l":1})", all));
  EXPECT_EQ(all.members[0].key, "model");
}

TEST(JsonWalk, RootArrayHasNoRootMembers) {
  recorder all;
  ASSERT_TRUE(walk(R"([{"a":1},{"a":2}])", all));
  EXPECT_TRUE(all.members.empty());
}

TEST(JsonWalk, StopsWithTheListenersReasonAtEveryCall) {
  recorder whole;
  ASSERT_TRUE(walk(sample, whole));
  for (size_t i = 0; i < whole.calls.size(); ++i) {
    recorder all;
    all.stop_at = i;
    const auto outcome = walk(sample, all);
    ASSERT_FALSE(outcome) << i;
    EXPECT_EQ(outcome.error().code, errc::payload_too_large);
    EXPECT_EQ(outcome.error().message, "Stopped.");
    EXPECT_EQ(all.calls.size(), i + 1);
  }
}

TEST(JsonWalk, RefusesDuplicateKeysAtEveryDepth) {
  EXPECT_EQ(complaint(R"({"a":1,"a":2})"), at(10, "the key \"a\" appears twice in one object"));
  EXPECT_NE(complaint(R"({"b":{"a":1,"c":{},"a":2}})"), "");
  EXPECT_NE(complaint(R"([[{"x":[{"a":1,"a":1}]}]])"), "");
  EXPECT_NE(complaint(R"({"a":1,"b":{"a":1},"a":1})"), "");
  EXPECT_NE(complaint(R"({"":1,"":2})"), "");
}

TEST(JsonWalk, DuplicateKeysAreFoundBehindTheirEscapes) {
  EXPECT_NE(complaint(R"({"a":1,"\u0061":2})"), "");
  EXPECT_NE(complaint("{\"é\":1,\"\\u00e9\":2}"), "");
}

TEST(JsonWalk, SameKeyInDifferentObjectsIsNoDuplicate) {
  EXPECT_EQ(complaint(R"({"a":{"a":{"a":1},"b":{"a":1}},"b":[{"a":1},{"a":1}]})"), "");
}

TEST(JsonWalk, FindsADuplicateAmongKeysOfEveryNumber) {
  for (size_t keys = 1; keys < 80; ++keys)
    for (const size_t twice : {size_t{0}, keys / 2, keys - 1}) {
      std::string text = "{";
      for (size_t i = 0; i < keys; ++i) text += fmt::format("\"k{}\":{{\"k{}\":0}},", i, i);
      ASSERT_EQ(complaint(text + "\"last\":0}"), "") << keys;
      ASSERT_NE(complaint(text + fmt::format("\"k{}\":0}}", twice)), "") << keys << ' ' << twice;
    }
}

TEST(JsonWalk, PassesAMillionKeysAndFindsTheOneTwice) {
  std::string text = "{";
  for (int i = 0; i < 1'000'000; ++i) text += fmt::format("\"{}\":0,", i);
  struct silent : recorder {
    bool on_key(std::string_view, unsigned) override { return ++keys > 0; }
    bool on_number(double, std::optional<int64_t>, unsigned) override { return true; }
    bool on_root_member(std::string_view, range, range) override { return true; }
    size_t keys = 0;
  } listener;
  EXPECT_TRUE(walk(text + "\"x\":0}", listener));
  EXPECT_EQ(listener.keys, 1'000'001u);
  const auto outcome = walk(text + "\"500000\":0}", listener);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("the key \"500000\" appears twice"), std::string::npos);
}

TEST(JsonWalk, NestsToTheBoundAndNoDeeper) {
  EXPECT_EQ(complaint(nested(limits::json_depth_max)), "");
  EXPECT_EQ(complaint(nested(limits::json_depth_max + 1)), at(64, "it is nested deeper than 64 levels"));
  std::string objects;
  for (unsigned i = 0; i < limits::json_depth_max; ++i) objects += "{\"a\":";
  EXPECT_EQ(complaint(objects + "1" + std::string(limits::json_depth_max, '}')), "");
  EXPECT_NE(complaint(objects + "[]" + std::string(limits::json_depth_max, '}')), "");
}

TEST(JsonWalk, RefusesAHundredThousandOpenBrackets) {
  EXPECT_EQ(complaint(std::string(100'000, '[')), at(64, "it is nested deeper than 64 levels"));
  EXPECT_EQ(complaint(nested(100'000)), at(64, "it is nested deeper than 64 levels"));
}

TEST(JsonWalk, DepthCountsOpenContainersOnly) {
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += "[],{},";
  EXPECT_EQ(complaint(many + "[]]"), "");
}

TEST(JsonWalk, RefusesEmptyBodies) {
  EXPECT_EQ(complaint(""), at(0, "it is empty or does not begin with a value"));
  EXPECT_EQ(complaint("  \n"), at(3, "it is empty or does not begin with a value"));
}

TEST(JsonWalk, RefusesAByteOrderMark) {
  EXPECT_EQ(complaint("\xEF\xBB\xBF{}"), at(0, "it begins with a byte order mark"));
}

TEST(JsonWalk, RefusesTrailingBytes) {
  for (const char* tail : {"x", ",", "}", "]", "{}", " 1", "//", "\xFF"})
    EXPECT_NE(complaint(std::string("{}") + tail), "") << tail;
  EXPECT_EQ(complaint("{} x"), at(3, "something follows the document"));
}

TEST(JsonWalk, RefusesANulByteEverywhere) {
  ASSERT_EQ(complaint(sample), "");
  for (size_t i = 0; i <= sample.size(); ++i) {
    std::string text = sample;
    text.insert(i, 1, '\0');
    EXPECT_NE(complaint(text), "") << i;
  }
  EXPECT_EQ(complaint(std::string_view("{}\0", 3)), at(2, "it holds a NUL byte"));
  EXPECT_EQ(complaint(std::string_view("[\"a\0\"]", 6)), at(3, "it holds a NUL byte"));
}

TEST(JsonWalk, RefusesTheSampleCutAtEveryByte) {
  for (size_t length = 0; length < sample.size(); ++length)
    EXPECT_NE(complaint(sample.substr(0, length)), "") << length;
}

TEST(JsonWalk, SaysThatACutDocumentEndsTooEarly) {
  EXPECT_EQ(complaint("{\"a\":1"), at(6, "it ends too early (a comma or '}' is missing)"));
  EXPECT_EQ(complaint("[\"abc"), at(5, "it ends too early (a string has no closing quote)"));
}

TEST(JsonWalk, ReadsNothingBehindTheText) {
  // On the heap at its exact size, so that a sanitizer sees any further read.
  for (size_t length = 0; length <= sample.size(); ++length) {
    const std::vector<char> exact(sample.begin(), sample.begin() + length);
    recorder all;
    EXPECT_EQ(walk({exact.data(), exact.size()}, all).has_value(), length == sample.size());
  }
}

TEST(JsonWalk, RefusesInvalidUtf8) {
  const char* bad[] = {"\x80",
                       "\xBF",
                       "\xC0\xAF",
                       "\xC1\xBF",
                       "\xC3",
                       "\xC3(",
                       "\xE2\x82",
                       "\xE0\x80\xAF",
                       "\xE0\x9F\xBF",
                       "\xED\xA0\x80",
                       "\xED\xBF\xBF",
                       "\xF0\x9F\x98",
                       "\xF0\x80\x80\xAF",
                       "\xF0\x8F\xBF\xBF",
                       "\xF4\x90\x80\x80",
                       "\xF5\x80\x80\x80",
                       "\xFE",
                       "\xFF",
                       "\xF8\x88\x80\x80\x80"};
  for (const std::string sequence : bad) {
    for (const std::string before : {"", "a", "123456789", "é"})
      EXPECT_EQ(complaint("[\"" + before + sequence + "\"]"), at(2 + before.size(), "a string is not valid UTF-8"));
    EXPECT_NE(complaint("{\"" + sequence + "\":1}"), "");
    EXPECT_NE(complaint("[\"" + sequence), "");
    EXPECT_NE(complaint("[" + sequence + "]"), "");
  }
}

TEST(JsonWalk, AcceptsTheEdgesOfUtf8) {
  for (const std::string sequence : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                     "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(complaint("[\"" + sequence + "\"]"), "");
}

TEST(JsonWalk, RefusesHalfASurrogatePair) {
  const std::string half = "a \\u escape is half of a surrogate pair";
  EXPECT_EQ(complaint(R"(["\ud800"])"), at(2, half));
  EXPECT_EQ(complaint(R"(["\ud800x"])"), at(2, half));
  EXPECT_EQ(complaint(R"(["\ud800\n"])"), at(2, half));
  EXPECT_EQ(complaint(R"(["\ud800\u0041"])"), at(2, half));
  EXPECT_EQ(complaint(R"(["\ud800\ud800"])"), at(2, half));
  const std::string ends_here = "a \\u escape of the string that ends here is half of a surrogate pair";
  EXPECT_EQ(complaint(R"(["\udc00"])"), at(9, ends_here));
  EXPECT_EQ(complaint(R"(["\uDFFF\ud83d"])").empty(), false);
  EXPECT_EQ(complaint(R"({"\udfff":1})"), at(9, ends_here));
  EXPECT_EQ(complaint("[\"\xED\x95\x9C\\udc00\"]"), at(12, ends_here));
}

TEST(JsonWalk, KoreanIsNoSurrogate) { EXPECT_EQ(complaint("{\"한국\":\"한\\ud55c\xED\x9F\xBF\"}"), ""); }

TEST(JsonWalk, RefusesBadEscapesAndControls) {
  for (const char* text :
       {R"(["\x"])", R"(["\u12"])", R"(["\u12G4"])", R"(["\)", R"(["\u)", "[\"a\nb\"]", "[\"\t\"]", "[\"\x1F\"]"})
    EXPECT_NE(complaint(text), "") << text;
}

TEST(JsonWalk, RefusesWhatOnlyLooksLikeJson) {
  for (const char* text : {"{,}",      "[1,]",     "{\"a\":1,}", "[,1]",       "{\"a\"}",
                           "{\"a\":}", "{a:1}",    "{'a':1}",    "[1 2]",      "{\"a\":1 \"b\":2}",
                           "nul",      "True",     "NaN",        "[Infinity]", "[-]",
                           "[+1]",     "[01]",     "[1.]",       "[.5]",       "[1e]",
                           "[1e+]",    "[0x10]",   "[1]/**/",    "]",          "}",
                           ":",        "[}",       "{]",         "{\"a\":1]",  "[1}",
                           "{1:2}",    "{\"a\" 1}"})
    EXPECT_NE(complaint(text), "") << text;
}

TEST(JsonWalk, NumbersKeepTheirKindAndValue) {
  const std::pair<const char*, const char*> expected[] = {
      {"0", "integer 0@1"},
      {"-0", "integer 0@1"},
      {"9223372036854775807", "integer 9223372036854775807@1"},
      {"-9223372036854775808", "integer -9223372036854775808@1"},
      {"9223372036854775808", "real 9.223372036854776e+18@1"},
      {"18446744073709551616", "real 1.8446744073709552e+19@1"},
      {"1.0", "real 1@1"},
      {"1e2", "real 100@1"},
      {"0.1", "real 0.1@1"},
      {"1.7976931348623157e308", "real 1.7976931348623157e+308@1"},
      {"5e-324", "real 5e-324@1"},
      {"1e-400", "real 0@1"},
      {"-1e-400", "real -0@1"},
      {"123456789012345678901234567890e-20", "real 1234567890.1234567@1"},
  };
  for (const auto& [text, call] : expected) {
    recorder all;
    ASSERT_TRUE(walk(fmt::format("[{}]", text), all)) << text;
    EXPECT_EQ(all.calls[1], call) << text;
  }
}

TEST(JsonWalk, RefusesNumbersBeyondADouble) {
  for (const std::string text :
       {"1e400", "-1e400", "1e309", "123456e305", "1.7976931348623159e308", "1e99999999999999999999"})
    EXPECT_EQ(complaint("[" + text + "]"), at(1, "a number does not fit a double")) << text;
  EXPECT_EQ(complaint("[" + std::string(400, '9') + "]"), at(1, "a number does not fit a double"));
}

TEST(JsonWalk, SurvivesExponentsBeyondAnInt) {
  for (const char* text : {"0.0000000001e-2147483639", "1e-99999999999999999999", "0.00001e-2147483648"}) {
    recorder all;
    ASSERT_TRUE(walk(fmt::format("[{}]", text), all)) << text;
    EXPECT_EQ(all.calls[1], "real 0@1");
  }
}

TEST(JsonWalk, ErrorQuotesTheKeySafely) {
  const std::string key(200, 'k');
  const std::string message = complaint("{\"" + key + "\":1,\"" + key + "\":1}");
  EXPECT_NE(message.find("\"" + std::string(64, 'k') + "\""), std::string::npos);
  const std::string euros =
      complaint("{\"a" + std::string("€€€€€€€€€€€€€€€€€€€€€€€€€") + "\":1,\"a€€€€€€€€€€€€€€€€€€€€€€€€€\":1}");
  std::string quoted;
  append_string(quoted, euros);
  EXPECT_TRUE(parse(quoted));
}

TEST(JsonParse, BuildsTheDocument) {
  const auto dom = parse(R"({"s":"x","n":3,"r":1.5,"t":true,"z":null,"a":[1,[2,{}],"y"],"o":{"p":{"q":[]}}})");
  ASSERT_TRUE(dom);
  EXPECT_EQ(string_member(*dom, "s"), "x");
  EXPECT_EQ(find(*dom, "n")->GetInt(), 3);
  EXPECT_EQ(find(*dom, "r")->GetDouble(), 1.5);
  EXPECT_TRUE(find(*dom, "t")->GetBool());
  EXPECT_TRUE(find(*dom, "z")->IsNull());
  ASSERT_EQ(find(*dom, "a")->Size(), 3u);
  EXPECT_EQ((*find(*dom, "a"))[1].Size(), 2u);
  EXPECT_TRUE((*find(*dom, "a"))[1][1].IsObject());
  EXPECT_EQ(find(*find(*find(*dom, "o"), "p"), "q")->Size(), 0u);
  EXPECT_EQ(dom->MemberCount(), 7u);
}

TEST(JsonParse, BuildsScalarRoots) {
  EXPECT_EQ(parse("7")->GetInt(), 7);
  EXPECT_TRUE(parse("null")->IsNull());
  EXPECT_TRUE(parse("\"x\"")->IsString());
}

TEST(JsonParse, KeepsStringsWithNul) {
  const auto dom = parse(R"({"a":"x\u0000y"})");
  EXPECT_EQ(string_member(*dom, "a"), std::string_view("x\0y", 3));
}

TEST(JsonFind, AnswersNothingForWhatIsNotThere) {
  const auto dom = parse(R"({"n":3,"a":[]})");
  EXPECT_EQ(find(*dom, "x"), nullptr);
  EXPECT_EQ(find(*find(*dom, "a"), "x"), nullptr);
  EXPECT_EQ(find(*find(*dom, "n"), "x"), nullptr);
  EXPECT_EQ(string_member(*dom, "n"), std::nullopt);
  EXPECT_EQ(string_member(*dom, "x"), std::nullopt);
}

TEST(JsonAppendString, EscapesWhatJsonDemands) {
  std::string out = "=";
  append_string(out, std::string_view("a\"\\\n\r\t\b\x1f\0z", 10));
  EXPECT_EQ(out, R"(="a\"\\\n\r\t\u0008\u001f\u0000z")");
}

TEST(JsonAppendString, ReplacesInvalidBytes) {
  std::string out;
  append_string(out, "é\xFFx\xE2\x82");
  EXPECT_EQ(out, "\"é\uFFFDx\uFFFD\uFFFD\"");
}

TEST(JsonAppendString, EverySingleByteAndPairReadsBack) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      std::string quoted = "[";
      append_string(quoted, text);
      const auto dom = parse(quoted + "]");
      ASSERT_TRUE(dom) << a << ' ' << b;
      const std::string_view read((*dom)[0].GetString(), (*dom)[0].GetStringLength());
      ASSERT_TRUE(a > 127 || b > 127 || read == text) << a << ' ' << b;
    }
}

TEST(JsonWriter, PutsCommasByItself) {
  writer w;
  w.object().key("id").string("x").key("n").number(-3).key("list").array().number(1).null().boolean(true);
  w.object().end_object().array().end_array().end_array().key("o").object().key("r").real(0.5).end_object();
  w.key("raw").raw("[1]").key("f").boolean(false).end_object();
  EXPECT_EQ(w.text(), R"({"id":"x","n":-3,"list":[1,null,true,{},[]],"o":{"r":0.5},"raw":[1],"f":false})");
  EXPECT_TRUE(parse(w.take()));
}

TEST(JsonWriter, EscapesKeys) {
  writer w;
  w.object().key("a\"b").null().end_object();
  EXPECT_EQ(w.text(), R"({"a\"b":null})");
}

TEST(JsonWriter, NumbersReadBackAsTheyWere) {
  for (const double number : {0.1, 1e300, 5e-324, -1.0 / 3, 123456789.123, 1e21}) {
    writer w;
    w.real(number);
    const auto dom = parse(w.text());
    ASSERT_TRUE(dom) << w.text();
    EXPECT_EQ(dom->GetDouble(), number);
  }
  writer w;
  w.array().number(INT64_MIN).number(INT64_MAX).end_array();
  EXPECT_EQ(w.text(), "[-9223372036854775808,9223372036854775807]");
}

TEST(JsonWriter, WritesNullForWhatIsNoNumber) {
  writer w;
  w.array().real(NAN).real(INFINITY).real(1).end_array();
  EXPECT_EQ(w.text(), "[null,null,1]");
}

}  // namespace
}  // namespace nexus::json
