#include "tokenizer/python_json.hpp"

#include <gtest/gtest.h>

namespace nexus::tokenizer {
namespace {

std::string rewritten(std::string_view text, const json_style& style = {}) {
  std::string out;
  append_python_json(out, *json::parse(text), style);
  return out;
}

TEST(PythonJson, SeparatesAsPythonDoes) {
  EXPECT_EQ(rewritten(R"({"b":[1,2,{}],"a":{"c":null,"d":true,"e":false}})"),
            R"({"b": [1, 2, {}], "a": {"c": null, "d": true, "e": false}})");
  EXPECT_EQ(rewritten("[]"), "[]");
}

TEST(PythonJson, IndentsAsPythonDoes) {
  EXPECT_EQ(rewritten(R"({"a":[1,[]],"b":{}})", {.indent = 4}),
            "{\n    \"a\": [\n        1,\n        []\n    ],\n    \"b\": {}\n}");
}

TEST(PythonJson, SortsIfAsked) {
  EXPECT_EQ(rewritten(R"({"b":1,"a":{"d":1,"c":2}})", {.sorted = true, .comma = ",", .colon = ":"}),
            R"({"a":{"c":2,"d":1},"b":1})");
}

TEST(PythonJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(rewritten(R"("\"\\\/\b\f\n\r\t\u0001\u007f\u00e9\u4f60<")"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\u00e9\u4f60<\"");
}

TEST(PythonJson, WritesNumbersAsRepr) {
  EXPECT_EQ(rewritten("[0,-1,9223372036854775807,1.0,0.1,1e5,1e-4,1e-5,1.5e16,1e15,-0.0,123456789.125]"),
            "[0, -1, 9223372036854775807, 1.0, 0.1, 100000.0, 0.0001, 1e-05, 1.5e+16, 1000000000000000.0, -0.0, "
            "123456789.125]");
}

}  // namespace
}  // namespace nexus::tokenizer
