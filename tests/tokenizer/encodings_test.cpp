#include "tokenizer/encodings.hpp"

#include <gtest/gtest.h>

namespace nexus::tokenizer {
namespace {

TEST(Encodings, KnowsNoEncodingOfAnUnknownName) { EXPECT_EQ(encoding("no-such-encoding"), nullptr); }

}  // namespace
}  // namespace nexus::tokenizer
