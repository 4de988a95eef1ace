// JSON for the whole hub: RapidJSON's one strict reader, a DOM for small documents, a writer. Pure; any thread.
// Strict (RFC 8259 and the rules below): valid UTF-8, nesting <= limits::json_depth_max, no duplicate keys at any
// depth, numbers that fit a double, nothing after the document, no embedded NUL. What passes here reads the same
// everywhere.
#pragma once

#include "conf/error.hpp"

#include <rapidjson/document.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::json {

using value = rapidjson::Value;

namespace detail {
struct small_pool {
  // Within the sizes that malloc keeps at hand for each thread: most documents are small.
  static constexpr size_t step_bytes = 960;
  std::unique_ptr<value::AllocatorType> pool = std::make_unique<value::AllocatorType>(step_bytes);
};
}  // namespace detail

/// A DOM with its memory.
class document : private detail::small_pool, public rapidjson::Document {
 public:
  document() : rapidjson::Document(pool.get()) {}
};

/// Half-open range of byte offsets in a document.
struct range {
  size_t begin = 0;
  size_t end = 0;
};

/// What a strict pass tells its listener. Keys and strings are decoded and valid only during the call.
/// A callback that returns false stops the pass with `reason()`. The depth of a value at the root is 0.
class listener {
 public:
  virtual ~listener() = default;
  /// An object's key, whose value follows; array elements have none. `depth` is 1 for the members of the root.
  virtual bool on_key(std::string_view key, unsigned depth) = 0;
  virtual bool on_string(std::string_view text, unsigned depth) = 0;
  /// `integer` is set if the number is written as an integer that fits int64.
  virtual bool on_number(double number, std::optional<int64_t> integer, unsigned depth) = 0;
  virtual bool on_bool(bool value, unsigned depth) = 0;
  virtual bool on_null(unsigned depth) = 0;
  /// `depth` of a container is that of its members: the root object begins at 1.
  virtual bool on_object_begin(unsigned depth) = 0;
  virtual bool on_object_end(unsigned depth) = 0;
  virtual bool on_array_begin(unsigned depth) = 0;
  virtual bool on_array_end(unsigned depth) = 0;
  /// A member of the root object ended: `member` is its text from behind the previous member (so with its comma, if it
  /// is not the first) to the end of its value; `value` its value alone.
  virtual bool on_root_member(std::string_view key, range member, range value) = 0;
  /// Why a callback returned false: the client reads it.
  virtual error reason() const = 0;
};

/// Walks `text` once. Errors name the byte offset: "The body is not valid JSON at byte 17: ...".
result<void> walk(std::string_view text, listener& listener);

/// Parses strictly into a DOM (for control-plane bodies and the like). `also` hears the same pass; what it refuses is
/// the error.
result<document> parse(std::string_view text, listener* also = nullptr);

/// Returns the member as a string, or nullopt if it is absent or no string.
std::optional<std::string_view> string_member(const value& object, std::string_view name);
const value* find(const value& object, std::string_view name);

/// Appends `text` as a JSON string with its quotes. `text` must be UTF-8; invalid bytes become U+FFFD.
void append_string(std::string& out, std::string_view text);

/// Builds JSON text front to back: commas are put by itself.
/// `writer w; w.object().key("id").string("x").key("n").number(3).end_object(); w.text();`
class writer {
 public:
  writer& object();
  writer& end_object();
  writer& array();
  writer& end_array();
  writer& key(std::string_view name);
  writer& string(std::string_view text);
  writer& number(int64_t number);
  writer& real(double number);
  writer& boolean(bool value);
  writer& null();
  /// Inserts text that is JSON already.
  writer& raw(std::string_view json);
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void separate();
  std::string text_;
  bool comma_ = false;
};

}  // namespace nexus::json
