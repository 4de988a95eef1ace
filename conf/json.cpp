#include "conf/json.hpp"

#include "conf/json_input.hpp"
#include "conf/key_sets.hpp"
#include "conf/limits.hpp"
#include "conf/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/reader.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace nexus::json {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

error invalid(size_t offset, std::string_view reason) {
  return make_error(errc::invalid_request, fmt::format("The body is not valid JSON at byte {}: {}.", offset, reason));
}

/// A half of a surrogate pair in UTF-8: raw bytes are checked, so it comes from an escape that RapidJSON 1.1 let pass.
bool has_lone_surrogate(std::string_view text) {
  for (size_t i = text.find('\xED'); i != text.npos; i = text.find('\xED', i + 1))
    if (static_cast<unsigned char>(text[i + 1]) >= 0xA0) return true;
  return false;
}

/// Between RapidJSON and the listener: adds depth, duplicate keys, ranges, and what RapidJSON 1.1 does not refuse.
class handler : public rapidjson::BaseReaderHandler<bulk_utf8, handler> {
 public:
  handler(const input& in, listener& listener) : in_(in), listener_(listener) {}

  bool Null() { return told(listener_.on_null(depth_)) && ended(in_.Tell()); }
  bool Bool(bool value) { return told(listener_.on_bool(value, depth_)) && ended(in_.Tell()); }
  bool RawNumber(const char* digits, rapidjson::SizeType length, bool);
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (!well_formed({text, length})) return false;
    return told(listener_.on_string({text, length}, depth_)) && ended(in_.Tell());
  }
  bool Key(const char* text, rapidjson::SizeType length, bool);
  bool StartObject() {
    if (!deeper()) return false;
    if (depth_ == 1) {
      root_is_object_ = true;
      member_begin_ = in_.Tell() + 1;
    }
    keys_.open();
    return told(listener_.on_object_begin(depth_));
  }
  // RapidJSON calls before it takes a closing bracket, hence the + 1.
  bool EndObject(rapidjson::SizeType) {
    keys_.close();
    return told(listener_.on_object_end(depth_--)) && ended(in_.Tell() + 1);
  }
  bool StartArray() { return deeper() && told(listener_.on_array_begin(depth_)); }
  bool EndArray(rapidjson::SizeType) { return told(listener_.on_array_end(depth_--)) && ended(in_.Tell() + 1); }

  error& failure() { return failure_; }

 private:
  bool told(bool go_on) {
    if (!go_on) failure_ = listener_.reason();
    return go_on;
  }
  bool refuse(size_t offset, std::string_view reason) {
    failure_ = invalid(offset, reason);
    return false;
  }
  bool deeper() {
    if (depth_ == limits::json_depth_max)
      return refuse(in_.Tell(), fmt::format("it is nested deeper than {} levels", limits::json_depth_max));
    ++depth_;
    return true;
  }
  bool well_formed(std::string_view text) {
    return !has_lone_surrogate(text) ||
           refuse(in_.Tell(), "a \\u escape of the string that ends here is half of a surrogate pair");
  }
  bool ended(size_t end);

  const input& in_;
  listener& listener_;
  error failure_;
  key_sets keys_;
  unsigned depth_ = 0;
  bool root_is_object_ = false;
  std::string root_key_;
  size_t root_key_end_ = 0;
  size_t member_begin_ = 0;
};

bool handler::RawNumber(const char* digits, rapidjson::SizeType length, bool) {
  // Not RapidJSON's own conversion: that of 1.1 overflows an int at "0.0000000001e-2147483639" and reads out of bounds.
  const char* end = digits + length;
  int64_t integer = 0;
  if (auto [stop, ec] = std::from_chars(digits, end, integer); ec == std::errc() && stop == end)
    return told(listener_.on_number(static_cast<double>(integer), integer, depth_)) && ended(in_.Tell());
  double number = 0;
  // from_chars refuses what is too small for a double as well; strtod makes that a zero.
  if (std::from_chars(digits, end, number).ec != std::errc()) number = std::strtod(digits, nullptr);
  if (!std::isfinite(number)) return refuse(in_.Tell() - length, "a number does not fit a double");
  return told(listener_.on_number(number, std::nullopt, depth_)) && ended(in_.Tell());
}

bool handler::Key(const char* text, rapidjson::SizeType length, bool) {
  const std::string_view key(text, length);
  if (!well_formed(key)) return false;
  if (!keys_.insert(key)) {
    std::string name;
    append_string(name, key.substr(0, 64));
    return refuse(in_.Tell(), fmt::format("the key {} appears twice in one object", name));
  }
  if (depth_ == 1) {
    root_key_ = key;
    root_key_end_ = in_.Tell();
  }
  return told(listener_.on_key(key, depth_));
}

bool handler::ended(size_t end) {
  if (depth_ != 1 || !root_is_object_) return true;
  const char* p = in_.begin + root_key_end_;
  while (is_space(*p) || *p == ':') ++p;
  const range member{member_begin_, end};
  member_begin_ = end;
  return told(listener_.on_root_member(root_key_, member, {static_cast<size_t>(p - in_.begin), end}));
}

std::string_view reason_of(rapidjson::ParseErrorCode code) {
  using namespace rapidjson;
  switch (code) {
    case kParseErrorDocumentEmpty:
      return "it is empty or does not begin with a value";
    case kParseErrorDocumentRootNotSingular:
      return "something follows the document";
    case kParseErrorObjectMissName:
      return "a key in quotes is missing";
    case kParseErrorObjectMissColon:
      return "a colon is missing behind a key";
    case kParseErrorObjectMissCommaOrCurlyBracket:
      return "a comma or '}' is missing";
    case kParseErrorArrayMissCommaOrSquareBracket:
      return "a comma or ']' is missing";
    case kParseErrorStringUnicodeEscapeInvalidHex:
      return "a \\u escape needs four hexadecimal digits";
    case kParseErrorStringUnicodeSurrogateInvalid:
      return "a \\u escape is half of a surrogate pair";
    case kParseErrorStringEscapeInvalid:
      return "a string holds an unknown escape or a raw control character";
    case kParseErrorStringMissQuotationMark:
      return "a string has no closing quote";
    case kParseErrorStringInvalidEncoding:
      return "a string is not valid UTF-8";
    case kParseErrorNumberTooBig:
      return "a number does not fit a double";
    case kParseErrorNumberMissFraction:
      return "a number lacks digits behind its point";
    case kParseErrorNumberMissExponent:
      return "a number lacks the digits of its exponent";
    default:
      return "a value is missing or misspelt";
  }
}

error failure_at(std::string_view text, size_t offset, rapidjson::ParseErrorCode code) {
  if (text.starts_with("\xEF\xBB\xBF")) return invalid(0, "it begins with a byte order mark");
  if (offset < text.size() && text[offset] == '\0') return invalid(offset, "it holds a NUL byte");
  if (offset >= text.size() && offset > 0 && code != rapidjson::kParseErrorDocumentEmpty)
    return invalid(offset, fmt::format("it ends too early ({})", reason_of(code)));
  return invalid(offset, reason_of(code));
}

/// Feeds what a strict pass tells into a DOM.
class dom_builder final : public listener {
 public:
  explicit dom_builder(rapidjson::Document& dom) : dom_(dom) {}
  bool on_key(std::string_view key, unsigned) override { return dom_.Key(key.data(), size(key), true); }
  bool on_string(std::string_view text, unsigned) override {
    ++counts_.back();
    return dom_.String(text.data(), size(text), true);
  }
  bool on_number(double number, std::optional<int64_t> integer, unsigned) override {
    ++counts_.back();
    return integer ? dom_.Int64(*integer) : dom_.Double(number);
  }
  bool on_bool(bool value, unsigned) override {
    ++counts_.back();
    return dom_.Bool(value);
  }
  bool on_null(unsigned) override {
    ++counts_.back();
    return dom_.Null();
  }
  bool on_object_begin(unsigned) override {
    begin();
    return dom_.StartObject();
  }
  bool on_object_end(unsigned) override { return dom_.EndObject(take_count()); }
  bool on_array_begin(unsigned) override {
    begin();
    return dom_.StartArray();
  }
  bool on_array_end(unsigned) override { return dom_.EndArray(take_count()); }
  bool on_root_member(std::string_view, range, range) override { return true; }
  error reason() const override { return make_error(errc::internal, "The document could not be built."); }

 private:
  static rapidjson::SizeType size(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }
  void begin() {
    ++counts_.back();
    counts_.push_back(0);
  }
  rapidjson::SizeType take_count() {
    const auto count = counts_.back();
    counts_.pop_back();
    return count;
  }

  rapidjson::Document& dom_;
  std::vector<rapidjson::SizeType> counts_{0};  // values of each open container; the first counts the root
};

/// Lets a DOM grow beside the listener that judges.
class tee final : public listener {
 public:
  tee(dom_builder& dom, listener& judge) : dom_(dom), judge_(judge) {}
  bool on_key(std::string_view key, unsigned depth) override {
    return judge_.on_key(key, depth) && dom_.on_key(key, depth);
  }
  bool on_string(std::string_view text, unsigned depth) override {
    return judge_.on_string(text, depth) && dom_.on_string(text, depth);
  }
  bool on_number(double number, std::optional<int64_t> integer, unsigned depth) override {
    return judge_.on_number(number, integer, depth) && dom_.on_number(number, integer, depth);
  }
  bool on_bool(bool value, unsigned depth) override {
    return judge_.on_bool(value, depth) && dom_.on_bool(value, depth);
  }
  bool on_null(unsigned depth) override { return judge_.on_null(depth) && dom_.on_null(depth); }
  bool on_object_begin(unsigned depth) override { return judge_.on_object_begin(depth) && dom_.on_object_begin(depth); }
  bool on_object_end(unsigned depth) override { return judge_.on_object_end(depth) && dom_.on_object_end(depth); }
  bool on_array_begin(unsigned depth) override { return judge_.on_array_begin(depth) && dom_.on_array_begin(depth); }
  bool on_array_end(unsigned depth) override { return judge_.on_array_end(depth) && dom_.on_array_end(depth); }
  bool on_root_member(std::string_view key, range member, range value) override {
    return judge_.on_root_member(key, member, value);
  }
  error reason() const override { return judge_.reason(); }

 private:
  dom_builder& dom_;
  listener& judge_;
};

}  // namespace

result<void> walk(std::string_view text, listener& listener) {
  using namespace rapidjson;
  constexpr unsigned flags = kParseValidateEncodingFlag | kParseIterativeFlag | kParseNumbersAsStringsFlag;
  input in{text.data(), text.data(), text.data() + text.size()};
  handler handler(in, listener);
  GenericReader<bulk_utf8, bulk_utf8> reader;
  const ParseResult outcome = reader.Parse<flags>(in, handler);
  if (outcome.Code() == kParseErrorTermination) return std::move(handler.failure());
  if (outcome.IsError()) return failure_at(text, outcome.Offset(), outcome.Code());
  // RapidJSON takes a NUL byte for the end.
  if (in.p != in.end) return failure_at(text, in.Tell(), kParseErrorDocumentRootNotSingular);
  return {};
}

result<document> parse(std::string_view text, listener* also) {
  document dom;
  result<void> outcome;
  // Not document::Parse: this way it is the same reader, and one pass.
  auto fill = [&](rapidjson::Document& target) {
    dom_builder builder(target);
    if (also == nullptr) {
      outcome = walk(text, builder);
    } else {
      tee both(builder, *also);
      outcome = walk(text, both);
    }
    return outcome.has_value();
  };
  dom.Populate(fill);
  if (!outcome) return outcome.error();
  return dom;
}

const value* find(const value& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  const auto member = object.FindMember(value(rapidjson::StringRef(name.data(), name.size())));
  return member != object.MemberEnd() ? &member->value : nullptr;
}

std::optional<std::string_view> string_member(const value& object, std::string_view name) {
  const value* member = find(object, name);
  if (!member || !member->IsString()) return std::nullopt;
  return std::string_view(member->GetString(), member->GetStringLength());
}

void append_string(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  const char* p = text.data();
  const char* end = p + text.size();
  out += '"';
  for (;;) {
    const char* stop = skip_unescaped(p, end);
    out.append(p, stop);
    if (stop == end) break;
    p = stop + 1;
    switch (const char c = *stop; c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x80) {
          out += "\uFFFD";
        } else {
          out += "\\u00";
          out += hex[static_cast<size_t>(c) >> 4];
          out += hex[static_cast<size_t>(c) & 15];
        }
    }
  }
  out += '"';
}

void writer::separate() {
  if (comma_) text_ += ',';
  comma_ = true;
}

writer& writer::object() {
  separate();
  text_ += '{';
  comma_ = false;
  return *this;
}

writer& writer::end_object() {
  text_ += '}';
  comma_ = true;
  return *this;
}

writer& writer::array() {
  separate();
  text_ += '[';
  comma_ = false;
  return *this;
}

writer& writer::end_array() {
  text_ += ']';
  comma_ = true;
  return *this;
}

writer& writer::key(std::string_view name) {
  separate();
  append_string(text_, name);
  text_ += ':';
  comma_ = false;
  return *this;
}

writer& writer::string(std::string_view text) {
  separate();
  append_string(text_, text);
  return *this;
}

writer& writer::number(int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", number);
  return *this;
}

writer& writer::real(double number) {
  // JSON knows neither infinities nor NaN.
  if (!std::isfinite(number)) return null();
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", number);
  return *this;
}

writer& writer::boolean(bool value) { return raw(value ? "true" : "false"); }

writer& writer::null() { return raw("null"); }

writer& writer::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

}  // namespace nexus::json
