#include "conf/secret.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <type_traits>

namespace nexus {
namespace {

template <class T>
concept streamable = requires(std::ostream& out, const T& value) {
  { out << value } -> std::same_as<std::ostream&>;
};

static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(std::is_nothrow_move_constructible_v<secret> && std::is_nothrow_move_assignable_v<secret>);
static_assert(!streamable<secret>, "a secret must not print");

TEST(Secret, MasksAllButTheEnds) {
  EXPECT_EQ(secret("sk-0123456789abcdef3f9a").masked(), "sk-…3f9a");
  EXPECT_EQ(secret("123456789012").masked(), "123…9012");
}

TEST(Secret, ShowsNothingOfAShortOne) {
  for (size_t length = 1; length < 12; ++length) EXPECT_EQ(secret(std::string(length, 'x')).masked(), "…") << length;
}

TEST(Secret, MaskOfNothingIsEmpty) {
  EXPECT_EQ(secret().masked(), "");
  EXPECT_TRUE(secret().empty());
}

TEST(Secret, MovedFromIsEmpty) {
  secret from("sk-0123456789abcdef");
  secret to(std::move(from));
  EXPECT_EQ(to.reveal(), "sk-0123456789abcdef");
  EXPECT_TRUE(from.empty());
  from = std::move(to);
  EXPECT_EQ(from.reveal(), "sk-0123456789abcdef");
  EXPECT_TRUE(to.empty());
}

TEST(Secret, DuplicateOutlivesItsSource) {
  secret copy;
  {
    secret source("sk-0123456789abcdef");
    copy = source.duplicate();
    EXPECT_EQ(source.reveal(), copy.reveal());
  }
  EXPECT_EQ(copy.reveal(), "sk-0123456789abcdef");
}

}  // namespace
}  // namespace nexus
