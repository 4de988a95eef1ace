#include "tests/tokenizer/vectors.hpp"

#include "tests/tokenizer/sha256.hpp"
#include "tokenizer/tokenizer.hpp"

#include <gtest/gtest.h>

namespace nexus::tokenizer {
namespace {

class Vectors : public testing::TestWithParam<std::string> {};

std::string hash_of(const std::vector<uint32_t>& ids) {
  std::string bytes;
  for (const uint32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(id >> shift));
  }
  return sha256(bytes);
}

void expect_record(const tokenizer& one, const vector_record& record) {
  const special mode = record.allow ? special::allow : special::plain;
  const auto ids = one.encode(record.text, mode);
  EXPECT_EQ(ids.size(), record.n);
  EXPECT_EQ(one.count(record.text, mode), record.n);
  if (record.ids_sha256.empty()) {
    EXPECT_EQ(ids, record.ids);
  } else {
    EXPECT_EQ(hash_of(ids), record.ids_sha256);
  }
}

TEST_P(Vectors, AreMetIdForId) {
  const encoding_info* info = encoding(GetParam());
  ASSERT_TRUE(info);
  const auto one = load(*info);
  ASSERT_TRUE(one) << one.error().message;
  const auto records = read_vectors(GetParam());
  EXPECT_EQ(records.size(), 428);
  for (const vector_record& record : records) {
    SCOPED_TRACE(record.id + " " + record.text.substr(0, 100));
    expect_record(**one, record);
  }
}

std::vector<std::string> bundled() {
  std::vector<std::string> names;
  for (const encoding_info& info : encodings()) {
    if (info.bundled() && std::ifstream(vectors_path(info.name))) names.emplace_back(info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Bundled, Vectors, testing::ValuesIn(bundled()), [](const auto& one) { return one.param; });

}  // namespace
}  // namespace nexus::tokenizer
