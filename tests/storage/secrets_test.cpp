#include "storage/secrets.hpp"

#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>
#include <set>

namespace nexus::storage {
namespace {

constexpr std::string_view key_text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";  // bytes 0 to 31

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

master_key test_key() { return *master_key::from_base64(key_text); }
master_key other_key() { return *master_key::from_base64(std::string(43, 'A')); }

std::string sealed_sample() { return seal(test_key(), "table", "column", "row", secret("sk-sample")); }

// RFC 4231, test cases 1, 2, 3, 4, 6 and 7 (5 truncates).
TEST(KeyedDigest, AgreesWithRfc4231) {
  const auto digest = [](std::string key, std::string_view text) {
    return to_hex(keyed_digest(secret(std::move(key)), text));
  };
  EXPECT_EQ(digest(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(digest("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(digest(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(digest(from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd')),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(digest(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      digest(std::string(131, '\xaa'),
             "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
             "hashed before being used by the HMAC algorithm."),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(KeyedDigest, TakesAnEmptyText) { EXPECT_EQ(keyed_digest(secret("key"), {}), keyed_digest(secret("key"), "")); }

// RFC 5869, appendices A.1 to A.3.
TEST(DeriveKey, AgreesWithRfc5869) {
  EXPECT_EQ(to_hex(derive_key(secret(std::string(22, '\x0b')), from_hex("000102030405060708090a0b0c"),
                              from_hex("f0f1f2f3f4f5f6f7f8f9"), 42)
                       .reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(
      to_hex(derive_key(secret(bytes.substr(0, 80)), bytes.substr(0x60, 80), bytes.substr(0xb0, 80), 82).reveal()),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8"
      "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(to_hex(derive_key(secret(std::string(22, '\x0b')), {}, {}, 42).reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Base64url, AgreesWithRfc4648WithoutPadding) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("foob"), "Zm9vYg");
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
}

TEST(EqualConstantTime, ComparesLengthAndBytes) {
  EXPECT_TRUE(equal_constant_time("", {}));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_constant_time("abc", ""));
}

TEST(RandomBytes, NeverRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto bytes = random_bytes(16);
    EXPECT_EQ(bytes.size(), 16u);
    EXPECT_TRUE(seen.insert(bytes).second);
  }
}

TEST(MasterKey, TakesThirtyTwoBytesInBase64) {
  for (const std::string& text :
       {std::string(key_text), std::string(key_text.substr(0, 43)), " " + std::string(key_text) + "\r\n"}) {
    const auto key = master_key::from_base64(text);
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(key->check_value(), test_key().check_value());
  }
}

TEST(MasterKey, RefusesWhatIsNotThirtyTwoBytes) {
  const std::string whole(key_text);
  for (const std::string& text :
       {std::string(), std::string("   "), std::string("="), whole.substr(0, 42), whole + "=", "A" + whole,
        whole.substr(0, 20) + "-" + whole.substr(21), whole.substr(0, 20) + " " + whole.substr(21),
        whole.substr(0, 42) + "9="}) {  // the last: bits that no byte takes
    const auto key = master_key::from_base64(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, errc::invalid_request);
    EXPECT_EQ(key.error().message, "The master key must be 32 bytes in base64.");
  }
}

TEST(MasterKey, DerivesAnotherSubkeyForEachPurpose) {
  std::set<std::string> seen;
  for (const auto* purpose : {"wrap", "apikey-pepper", "session", "kcv"}) {
    const auto subkey = test_key().subkey(purpose);
    EXPECT_EQ(subkey.reveal().size(), 32u);
    EXPECT_EQ(subkey.reveal(), test_key().subkey(purpose).reveal());
    seen.insert(std::string(subkey.reveal()));
    seen.insert(std::string(other_key().subkey(purpose).reveal()));
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(MasterKey, CheckValueTellsKeysApart) {
  EXPECT_EQ(test_key().check_value().size(), 8u);
  EXPECT_NE(test_key().check_value(), other_key().check_value());
}

TEST(MasterKeyFile, IsMadeOnceAndReadAgain) {
  const temporary_folder folder;
  const auto file = folder.path() / "deep" / "data" / "master.key";
  bool created = false;
  const auto made = master_key::from_file(file, true, created);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(created);
  EXPECT_EQ(mode(file), 0600u);
  EXPECT_EQ(mode(file.parent_path()), 0700u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file.parent_path()), {}), 1);
  for (const bool may_create : {true, false}) {
    const auto again = master_key::from_file(file, may_create, created);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(created);
    EXPECT_EQ(again->check_value(), made->check_value());
  }
  EXPECT_EQ(master_key::from_base64(contents(file))->check_value(), made->check_value());
}

TEST(MasterKeyFile, IsMadeDespiteLeftoversOfAKilledAttempt) {
  const temporary_folder folder;
  write(folder / "master.key.new", "half");
  bool created = false;
  EXPECT_TRUE(master_key::from_file(folder / "master.key", true, created));
  EXPECT_TRUE(created);
  EXPECT_FALSE(std::filesystem::exists(folder / "master.key.new"));
}

TEST(MasterKeyFile, TwoFreshOnesDiffer) {
  const temporary_folder folder;
  bool created = false;
  EXPECT_NE(master_key::from_file(folder / "one", true, created)->check_value(),
            master_key::from_file(folder / "two", true, created)->check_value());
}

TEST(MasterKeyFile, IsNotMadeWhileTheStoreNeedsTheOldOne) {
  const temporary_folder folder;
  bool created = true;
  const auto key = master_key::from_file(folder / "master.key", false, created);
  ASSERT_FALSE(key);
  EXPECT_FALSE(created);
  EXPECT_EQ(key.error().message, "The master key file '" + (folder / "master.key").string() +
                                     "' is missing, and a new key would not open the secrets of the existing store.");
  EXPECT_FALSE(std::filesystem::exists(folder / "master.key"));
}

// What `from_file` says of a file, behind its name.
std::string refusal(const std::filesystem::path& file, bool may_create = false) {
  bool created = false;
  const auto key = master_key::from_file(file, may_create, created);
  EXPECT_FALSE(key);
  EXPECT_FALSE(created);
  if (key) return "";
  const std::string start = "The master key file '" + file.string() + "' ";
  return key.error().message.starts_with(start) ? key.error().message.substr(start.size()) : key.error().message;
}

TEST(MasterKeyFile, IsRefusedIfOthersMayTouchIt) {
  const temporary_folder folder;
  write(folder / "key", std::string(key_text));
  for (const mode_t wrong : {0640, 0604, 0620, 0602, 0610, 0601}) {
    ASSERT_EQ(::chmod((folder / "key").c_str(), wrong), 0);
    EXPECT_EQ(refusal(folder / "key"), "is open to others and needs mode 0600.");
  }
  ASSERT_EQ(::chmod((folder / "key").c_str(), 0400), 0);
  bool created = false;
  EXPECT_TRUE(master_key::from_file(folder / "key", false, created));
}

TEST(MasterKeyFile, IsRefusedIfItIsNoRegularFile) {
  const temporary_folder folder;
  std::filesystem::create_directory(folder / "folder");
  EXPECT_EQ(refusal(folder / "folder"), "is not a regular file.");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal(folder / "pipe"), "is not a regular file.");
  write(folder / "key", std::string(key_text));
  ASSERT_EQ(::chmod((folder / "key").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder / "key", folder / "link");
  EXPECT_EQ(refusal(folder / "link"), "is not a regular file.");
}

TEST(MasterKeyFile, IsRefusedIfItBelongsToAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const temporary_folder folder;
  write(folder / "key", std::string(key_text));
  ASSERT_EQ(::chmod((folder / "key").c_str(), 0600), 0);
  ASSERT_EQ(::chown((folder / "key").c_str(), 65534, 65534), 0);
  EXPECT_EQ(refusal(folder / "key"), "belongs to another user.");
}

TEST(MasterKeyFile, IsRefusedIfItHoldsSomethingElse) {
  const temporary_folder folder;
  for (const std::string& text :
       {std::string(), std::string("password"), std::string(5000, ' ') + std::string(key_text)}) {
    write(folder / "key", text);
    ASSERT_EQ(::chmod((folder / "key").c_str(), 0600), 0);
    EXPECT_EQ(refusal(folder / "key", true), "must hold 32 bytes in base64.");
  }
}

TEST(MasterKeyFile, SaysWhyItCannotBeReadOrMade) {
  const temporary_folder folder;
  write(folder / "file", "");
  EXPECT_EQ(refusal(folder / "file" / "key"), "cannot be read: Not a directory.");
  std::filesystem::create_directories(folder / "key.new" / "in the way");
  EXPECT_EQ(refusal(folder / "key", true),
            "The file '" + (folder / "key").string() + "' cannot be written: Is a directory.");
  const auto long_name = folder / std::string(252, 'k');
  EXPECT_EQ(refusal(long_name, true), "The file '" + long_name.string() + "' cannot be written: File name too long.");
  std::filesystem::create_symlink(folder / "nowhere", folder / "gone");
  EXPECT_EQ(refusal(folder / "gone" / "key", true),
            "The folder '" + (folder / "gone").string() + "' cannot be made: File exists.");
}

TEST(Seal, OpensWithTheSameKeyAtTheSamePlace) {
  for (const size_t size : {1, 15, 16, 17, 64, 300'000}) {
    const std::string plain(size, 'x');
    const auto sealed = seal(test_key(), "table", "column", "row", secret(plain));
    EXPECT_EQ(sealed.size(), size + 93);
    EXPECT_EQ(sealed.substr(0, 5), seal_head(test_key()));
    const auto opened = open(test_key(), "table", "column", "row", sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->reveal(), plain);
  }
}

TEST(Seal, KeepsAnEmptySecretEmpty) {
  EXPECT_EQ(seal(test_key(), "table", "column", "row", secret()), "");
  const auto opened = open(test_key(), "table", "column", "row", "");
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
}

TEST(Seal, HidesTheTextAndNeverRepeats) {
  std::set<std::string> nonces_and_tags;
  for (int i = 0; i < 100; ++i) {
    const auto sealed = sealed_sample();
    EXPECT_EQ(sealed.find("sample"), std::string::npos);
    EXPECT_TRUE(nonces_and_tags.insert(sealed.substr(5, 12)).second);
    EXPECT_TRUE(nonces_and_tags.insert(sealed.substr(65, 12)).second);
  }
}

TEST(Seal, IsRefusedWithAnyBitChanged) {
  const auto sealed = sealed_sample();
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      const auto opened = open(test_key(), "table", "column", "row", changed);
      ASSERT_FALSE(opened) << i;
      EXPECT_EQ(opened.error().code, errc::storage_error);
    }
  }
}

TEST(Seal, IsRefusedCutAnywhereOrExtended) {
  const auto sealed = sealed_sample();
  for (size_t size = 1; size < sealed.size(); ++size) {
    EXPECT_FALSE(open(test_key(), "table", "column", "row", sealed.substr(0, size))) << size;
  }
  EXPECT_FALSE(open(test_key(), "table", "column", "row", sealed + "x"));
}

TEST(Seal, IsRefusedElsewhereOrWithAnotherKey) {
  const auto sealed = sealed_sample();
  EXPECT_FALSE(open(other_key(), "table", "column", "row", sealed));
  EXPECT_FALSE(open(test_key(), "tables", "column", "row", sealed));
  EXPECT_FALSE(open(test_key(), "table", "columns", "row", sealed));
  EXPECT_FALSE(open(test_key(), "table", "column", "row2", sealed));
  // The same letters with other borders are another place.
  EXPECT_FALSE(open(test_key(), "tablec", "olumn", "row", sealed));
  EXPECT_FALSE(open(test_key(), "table", "columnr", "ow", sealed));
}

TEST(Seal, IsRefusedPutTogetherFromTwo) {
  const auto one = sealed_sample();
  const auto two = sealed_sample();
  EXPECT_FALSE(open(test_key(), "table", "column", "row", one.substr(0, 65) + two.substr(65)));
}

TEST(Seal, RefusalNamesThePlaceForTheLogOnly) {
  const auto opened = open(other_key(), "table", "column", "row", sealed_sample());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message,
            "A stored secret cannot be opened: it was changed, moved or sealed with another master key.");
  EXPECT_EQ(opened.error().detail, "table.column of row row");
}

}  // namespace
}  // namespace nexus::storage
