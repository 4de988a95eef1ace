#include "storage/master_key.hpp"

#include "storage/secrets.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <fstream>

namespace nexus::storage {
namespace {

constexpr std::string_view one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view two = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

master_key ring_of(const std::string& text) { return *master_key::from_base64(text); }

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

result<master_key> from_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
  ::chmod(file.c_str(), 0600);
  bool created = false;
  return master_key::from_file(file, false, created);
}

TEST(KeyRing, OfSeveralKeysSealsWithTheFirstAndOpensWithAll) {
  const auto ring = ring_of(std::string(one) + "," + std::string(two));
  ASSERT_EQ(ring.ring().size(), 2U);
  EXPECT_EQ(ring.check_value(), ring_of(std::string(one)).check_value());
  const auto old = seal(ring_of(std::string(two)), "t", "c", "r", secret("text"));
  EXPECT_EQ(open(ring, "t", "c", "r", old)->reveal(), "text");
  const auto fresh = seal(ring, "t", "c", "r", secret("text"));
  EXPECT_TRUE(fresh.starts_with(seal_head(ring_of(std::string(one)))));
  EXPECT_FALSE(open(ring_of(std::string(two)), "t", "c", "r", fresh));
  EXPECT_TRUE(open(ring.active_only(), "t", "c", "r", fresh));
  EXPECT_FALSE(open(ring.active_only(), "t", "c", "r", old));
}

TEST(KeyRing, KnowsTheCheckValuesOfItsKeys) {
  const auto ring = ring_of(std::string(one) + "," + std::string(two));
  EXPECT_TRUE(ring.knows(ring_of(std::string(one)).check_value()));
  EXPECT_TRUE(ring.knows(ring_of(std::string(two)).check_value()));
  EXPECT_FALSE(ring.active_only().knows(ring_of(std::string(two)).check_value()));
  EXPECT_FALSE(ring.knows(""));
}

TEST(KeyRing, GetsAFreshActiveKey) {
  const auto ring = ring_of(std::string(one)).with_fresh_key(77);
  ASSERT_EQ(ring.ring().size(), 2U);
  EXPECT_EQ(ring.ring()[0].created_at, 77);
  EXPECT_NE(ring.id(), ring_of(std::string(one)).id());
  EXPECT_EQ(ring.ring()[1].id, ring_of(std::string(one)).id());
}

TEST(KeyRing, IsSavedAndReadAgain) {
  const temporary_folder folder;
  const auto file = folder / "master.key";
  auto ring = ring_of(std::string(one)).with_fresh_key(77);
  ASSERT_TRUE(ring.save(file));
  ASSERT_TRUE(ring.save(file));  // over what stands there
  struct stat found {};
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(folder / "master.key.next"));
  bool created = false;
  const auto again = master_key::from_file(file, false, created);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->ring().size(), 2U);
  EXPECT_EQ(again->check_value(), ring.check_value());
  EXPECT_EQ(again->ring()[0].created_at, 77);
  EXPECT_EQ(again->ring()[1].id, ring.ring()[1].id);
}

TEST(KeyRing, IsReadInAnyOrderOfItsLines) {
  const temporary_folder folder;
  ASSERT_TRUE(ring_of(std::string(one) + "," + std::string(two)).save(folder / "a"));
  const auto text = read(folder / "a");
  const auto end = text.find('\n') + 1;
  const auto turned = from_text(folder / "b", "\n" + text.substr(end) + "\n" + text.substr(0, end));
  ASSERT_TRUE(turned) << turned.error().message;
  EXPECT_EQ(turned->check_value(), ring_of(std::string(one)).check_value());
}

TEST(KeyRing, IsRefusedIfItsFileIsDamaged) {
  const temporary_folder folder;
  ASSERT_TRUE(ring_of(std::string(one) + "," + std::string(two)).save(folder / "a"));
  const auto text = read(folder / "a");
  const auto first = text.substr(0, text.find('\n') + 1);
  const auto second = text.substr(first.size());
  ASSERT_TRUE(from_text(folder / "b", first + second));
  for (const auto& damaged :
       {second, first + first, first + "x", first.substr(0, first.size() - 5) + "\n" + second, "0" + text,
        first + "00000000 0 decrypt-only " + std::string(two) + "\n", first.substr(0, first.rfind(' ')) + "\n",
        first + second.substr(0, second.size() - 1) + " more\n"})
    EXPECT_FALSE(from_text(folder / "b", damaged)) << damaged;
}

TEST(KeyRing, ThatCannotBeSavedSaysSo) {
  const temporary_folder folder;
  std::filesystem::create_directory(folder / "master.key");
  const auto refused = ring_of(std::string(one)).save(folder / "master.key");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot be written"), std::string::npos);
}

// The first layout: version 1 and no id. Made by another program from its description: the master key's bytes are 0 to
// 31, the data key's 7, the nonces' 1 and 2.
TEST(KeyRing, OpensTextsFromBeforeKeysHadNames) {
  constexpr std::string_view hex =
      "010101010101010101010101015c0afce3eab7c79dd110d43ea2da27dac7c7596ee1bc8232d3ae4cd91c7b2c036e3741"
      "ab87855c154bab9fa195a5575a0202020202020202020202027bdac968378f95547f33f4d296da8cd4584f513c9c431c"
      "a3c0a7a23f13";
  std::string sealed;
  for (size_t i = 0; i < hex.size(); i += 2)
    sealed += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  for (const auto& ring : {std::string(one), std::string(two) + "," + std::string(one)}) {
    const auto opened = open(ring_of(ring), "t", "c", "r", sealed);
    ASSERT_TRUE(opened) << ring;
    EXPECT_EQ(opened->reveal(), "an old secret");
  }
  EXPECT_FALSE(open(ring_of(std::string(two)), "t", "c", "r", sealed));
  EXPECT_FALSE(open(ring_of(std::string(one)), "t", "c", "r", sealed.substr(0, 40)));
  EXPECT_FALSE(open(ring_of(std::string(one)), "t", "c", "r", std::string(1, 1)));
}

}  // namespace
}  // namespace nexus::storage
