// Plays connections with a reader at their end: feeds bytes whole, in pieces and mutated, and notes what they led to.
#pragma once

#include "net/http_reader.hpp"
#include "tests/net/http_corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::net::player {

using namespace std::string_view_literals;

inline std::string text_of(const fields& headers) {
  std::string out;
  for (const auto& [name, value] : headers.all()) out += name + "=" + value + "\n";
  return out;
}

/// All that a connection's bytes led to.
struct outcome {
  std::vector<std::string> messages;
  std::optional<errc> refusal;
  bool started = false;
  bool operator==(const outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const outcome& of) {
  out << of.messages.size() << " messages";
  if (of.refusal) out << ", then " << info(*of.refusal).name;
  return out << (of.started ? ", then a part" : "");
}

/// Plays one connection of a client whose bytes arrive in the given pieces.
class client_connection {
 public:
  void feed(std::string_view piece) {
    while (!seen_.refusal && !piece.empty()) {
      auto taken = reader_.feed(piece);
      if (!taken) {
        seen_.refusal = taken.error().code;
        EXPECT_FALSE(taken.error().message.empty());
        return;
      }
      ASSERT_LE(*taken, piece.size());
      piece.remove_prefix(*taken);
      if (reader_.state() != request_reader::progress::complete) {
        ASSERT_TRUE(piece.empty()) << "bytes of an unfinished request were left";
        return;
      }
      take();
    }
  }
  outcome finish() {
    seen_.started = !seen_.refusal && reader_.started();
    return seen_;
  }

 private:
  void take() {
    const auto got = std::move(reader_.current());
    seen_.messages.push_back(got.method + " " + got.target + (got.keep_alive ? " keep" : " close") +
                             (got.expects_continue ? " expect" : "") + (got.upgrade ? " upgrade\n" : "\n") +
                             text_of(got.headers) + "\n" + got.body);
    reader_.next();
  }
  request_reader reader_{corpus::body_bytes_max};
  outcome seen_;
};

/// Plays one connection of an upstream; `closed` says that it ends behind the bytes.
class upstream_connection {
 public:
  void feed(std::string_view piece) {
    while (!seen_.refusal && !piece.empty()) {
      auto taken = reader_.feed(piece);
      if (!taken) {
        seen_.refusal = taken.error().code;
        return;
      }
      piece.remove_prefix(*taken);
      body_ += reader_.body();
      reader_.clear_body();
      if (!reader_.complete()) {
        ASSERT_TRUE(piece.empty()) << "bytes of an unfinished answer were left";
        return;
      }
      take();
    }
  }
  outcome close() {
    if (seen_.refusal) return seen_;
    if (auto ended = reader_.feed_end(); ended) {
      take();
    } else {
      seen_.refusal = ended.error().code;
    }
    return seen_;
  }
  outcome finish() {
    seen_.started = !seen_.refusal && reader_.has_head();
    return seen_;
  }

 private:
  void take() {
    const auto& head = reader_.current();
    seen_.messages.push_back(std::to_string(head.status) + (head.keep_alive ? " keep\n" : " close\n") +
                             text_of(head.headers) + "\n" + body_);
    body_.clear();
    reader_.next();
  }
  response_reader reader_;
  std::string body_;
  outcome seen_;
};

/// Runs `bytes` whole, byte by byte, and in two pieces cut at every place (of long inputs: at some, and all near the
/// ends), and expects the same outcome each time.
template <class Connection, class End>
outcome run_every_way(std::string_view bytes, End end) {
  Connection whole;
  whole.feed(bytes);
  const outcome expected = end(whole);
  Connection single;
  for (size_t i = 0; i < bytes.size(); ++i) single.feed(bytes.substr(i, 1));
  EXPECT_EQ(end(single), expected) << "byte by byte";
  constexpr size_t dense = 600;
  for (size_t cut = 1; cut<bytes.size(); cut += cut> dense && cut + dense < bytes.size() ? 1021 : 1) {
    Connection halves;
    halves.feed(bytes.substr(0, cut));
    halves.feed(bytes.substr(cut));
    EXPECT_EQ(end(halves), expected) << "cut at " << cut;
  }
  return expected;
}

inline outcome run_requests(std::string_view bytes) {
  return run_every_way<client_connection>(bytes, [](auto& connection) { return connection.finish(); });
}
inline outcome run_responses(std::string_view bytes) {
  return run_every_way<upstream_connection>(bytes, [](auto& connection) { return connection.finish(); });
}
inline outcome run_closed_responses(std::string_view bytes) {
  return run_every_way<upstream_connection>(bytes, [](auto& connection) { return connection.close(); });
}

/// Puts a byte with a meaning of its own somewhere, or removes, doubles or swaps a piece.
inline std::string mutate(std::string bytes, std::mt19937& random) {
  static constexpr std::string_view special = "\r\n\0 \t:;,0155fFxX\"\x7f\xff"sv;
  for (auto times = 1 + random() % 3; times > 0 && bytes.size() > 4; --times) {
    const auto at = random() % bytes.size();
    const auto length = std::min<size_t>(1 + random() % 6, bytes.size() - at);
    switch (random() % 4) {
      case 0:
        bytes[at] = special[random() % special.size()];
        break;
      case 1:
        bytes.insert(at, 1, special[random() % special.size()]);
        break;
      case 2:
        bytes.erase(at, length);
        break;
      default:
        bytes.insert(random() % bytes.size(), bytes.substr(at, length));
    }
  }
  return bytes;
}

/// Expects the outcome of mutated inputs not to depend on random cuts.
template <class Connection>
void expect_same_however_cut(const std::vector<std::string>& seeds, unsigned rounds) {
  std::mt19937 random(20);
  for (unsigned round = 0; round < rounds; ++round) {
    const auto& seed = seeds[random() % seeds.size()];
    if (seed.size() > 2000) continue;
    const auto bytes = mutate(seed + (round % 2 == 0 ? seeds[0] : ""), random);
    Connection whole, single, pieces;
    whole.feed(bytes);
    for (size_t i = 0; i < bytes.size(); ++i) single.feed(std::string_view(bytes).substr(i, 1));
    for (size_t i = 0; i < bytes.size();) {
      const auto piece = std::string_view(bytes).substr(i, 1 + random() % 40);
      pieces.feed(piece);
      i += piece.size();
    }
    const auto expected = whole.finish();
    ASSERT_EQ(single.finish(), expected) << testing::PrintToString(bytes);
    ASSERT_EQ(pieces.finish(), expected) << testing::PrintToString(bytes);
  }
}

}  // namespace nexus::net::player
