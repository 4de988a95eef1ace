#include "tokenizer/python_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace nexus::tokenizer {

namespace {

std::string_view text_of(const json::value& value) { return {value.GetString(), value.GetStringLength()}; }

class dumper {
 public:
  dumper(std::string& out, const json_style& style) : out_(out), style_(style) {}

  void value(const json::value& value, unsigned depth) {
    if (value.IsObject()) return object(value, depth);
    if (value.IsArray()) return array(value, depth);
    if (value.IsString()) return append_python_string(out_, text_of(value));
    if (value.IsBool()) {
      out_ += value.GetBool() ? "true" : "false";
    } else if (value.IsInt64()) {
      out_ += std::to_string(value.GetInt64());
    } else if (value.IsNumber()) {
      append_python_number(out_, value.GetDouble());
    } else {
      out_ += "null";
    }
  }

 private:
  void object(const json::value& value, unsigned depth) {
    std::vector<const json::value::Member*> members;
    members.reserve(value.MemberCount());
    for (const auto& member : value.GetObject()) members.push_back(&member);
    if (style_.sorted) {
      std::ranges::sort(members, {}, [](const auto* member) { return text_of(member->name); });
    }
    out_ += '{';
    for (const auto* member : members) {
      separate(member == members.front(), depth + 1);
      append_python_string(out_, text_of(member->name));
      out_ += style_.colon;
      this->value(member->value, depth + 1);
    }
    close('}', members.empty(), depth);
  }

  void array(const json::value& value, unsigned depth) {
    out_ += '[';
    bool first = true;
    for (const auto& element : value.GetArray()) {
      separate(first, depth + 1);
      first = false;
      this->value(element, depth + 1);
    }
    close(']', value.Empty(), depth);
  }

  void separate(bool first, unsigned depth) {
    if (style_.indent == 0) {
      if (!first) out_ += style_.comma;
      return;
    }
    if (!first) out_ += ',';
    break_line(depth);
  }

  void close(char bracket, bool empty, unsigned depth) {
    if (style_.indent != 0 && !empty) break_line(depth);
    out_ += bracket;
  }

  void break_line(unsigned depth) {
    out_ += '\n';
    out_.append(size_t{depth} * style_.indent, ' ');
  }

  std::string& out_;
  const json_style& style_;
};

}  // namespace

void append_python_json(std::string& out, const json::value& value, const json_style& style) {
  dumper(out, style).value(value, 0);
}

void append_python_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char letter : text) {
    switch (letter) {
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
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(letter) >= 0x20) {
          out += letter;
        } else {
          out += "\\u00";
          out += hex[(letter >> 4) & 15];
          out += hex[letter & 15];
        }
    }
  }
  out += '"';
}

void append_python_number(std::string& out, double number) {
  char buffer[64];
  const double size = std::fabs(number);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), number, format).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  out += text;
  if (!scientific && text.find('.') == std::string_view::npos) out += ".0";
}

}  // namespace nexus::tokenizer
