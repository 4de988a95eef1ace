#include "actors/endpoints/control.hpp"

#include "net/header_gate.hpp"

#include <algorithm>
#include <charconv>

namespace nexus::endpoints {
namespace {

constexpr size_t page_rows_default = 1'000;
constexpr size_t page_rows_max = 10'000;

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void write_value(json::writer& out, const json::value& value) {
  if (value.IsString()) {
    out.string({value.GetString(), value.GetStringLength()});
  } else if (value.IsBool()) {
    out.boolean(value.GetBool());
  } else if (value.IsInt64()) {
    out.number(value.GetInt64());
  } else if (value.IsNumber()) {
    out.real(value.GetDouble());
  } else if (value.IsArray()) {
    out.array();
    for (const auto& element : value.GetArray()) write_value(out, element);
    out.end_array();
  } else if (value.IsObject()) {
    out.object();
    for (const auto& member : value.GetObject()) {
      out.key({member.name.GetString(), member.name.GetStringLength()});
      write_value(out, member.value);
    }
    out.end_object();
  } else {
    out.null();
  }
}

}  // namespace

result<void> require_json(session& session) {
  if (!is_json(session.request().headers.find("content-type").value_or("application/json")))
    return make_error(errc::unsupported_media_type, "The body must be sent as 'Content-Type: application/json'.");
  return {};
}

result<json::document> read_object(session& session) {
  if (auto json = require_json(session); !json) return json.error();
  auto parsed = json::parse(session.request().body);
  if (parsed && !parsed->IsObject()) return make_error(errc::invalid_request, "The body must be a JSON object.");
  return parsed;
}

result<int64_t> id_parameter(const session& session, size_t index, const char* what) {
  const auto& text = session.parameter(index);
  const auto id = parse_number(text);
  if (!id || *id < 1)
    return make_error(errc::not_found, std::string("There is no ") + what + " '" + text.substr(0, 64) + "'.");
  return *id;
}

std::string etag(int64_t version) { return "\"v" + std::to_string(version) + "\""; }

result<std::optional<int64_t>> if_match(session& session) {
  const auto header = session.request().headers.find("if-match");
  if (!header || *header == "*") return std::optional<int64_t>();
  auto text = *header;
  if (text.size() > 3 && text.starts_with("\"v") && text.ends_with('"'))
    if (const auto version = parse_number(text.substr(2, text.size() - 3))) return std::optional(*version);
  return make_error(errc::precondition_failed, "The If-Match header names no version of this resource.");
}

change_origin_ptr origin_of(const session& session) {
  return std::make_shared<const change_origin>(
      change_origin{session.who().actor(), session.peer_address(), session.label()});
}

result<page_request> read_page(const session& session) {
  page_request page{.after = 0, .limit = page_rows_default};
  const auto refuse = [](const char* name, const std::string& range) {
    auto failure = make_error(errc::invalid_request, std::string("'") + name + "' must be " + range + ".");
    failure.param = name;
    return failure;
  };
  if (const auto text = net::query_parameter(session.target().query, "limit")) {
    const auto limit = parse_number(*text);
    if (!limit || *limit < 1 || *limit > static_cast<int64_t>(page_rows_max))
      return refuse("limit", "a number from 1 to " + std::to_string(page_rows_max));
    page.limit = static_cast<size_t>(*limit);
  }
  if (const auto text = net::query_parameter(session.target().query, "cursor")) {
    const auto after = parse_number(*text);
    if (!after || *after < 0) return refuse("cursor", "the next_cursor of an earlier answer");
    page.after = *after;
  }
  return page;
}

const json::value* member_reader::take(std::string_view name) {
  seen_.push_back(name);
  const auto* value = json::find(object_, name);
  return value == nullptr || value->IsNull() ? nullptr : value;
}

void member_reader::complain(std::string_view name, std::string message) {
  if (error_) return;
  error_ = make_error(errc::invalid_request, std::move(message));
  error_->param = name;
}

std::optional<std::string> member_reader::text(std::string_view name, size_t bytes_max) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->IsString() || value->GetStringLength() > bytes_max) {
    complain(name, "'" + std::string(name) + "' must be a string of at most " + std::to_string(bytes_max) + " bytes.");
    return std::nullopt;
  }
  return std::string(value->GetString(), value->GetStringLength());
}

std::optional<bool> member_reader::boolean(std::string_view name) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->IsBool()) return value->GetBool();
  complain(name, "'" + std::string(name) + "' must be true or false.");
  return std::nullopt;
}

std::optional<int64_t> member_reader::integer(std::string_view name, int64_t least, int64_t most) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->IsInt64() && value->GetInt64() >= least && value->GetInt64() <= most) return value->GetInt64();
  complain(name, "'" + std::string(name) + "' must be a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most) + ".");
  return std::nullopt;
}

std::optional<std::string> member_reader::object(std::string_view name) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->IsObject()) {
    complain(name, "'" + std::string(name) + "' must be an object.");
    return std::nullopt;
  }
  json::writer out;
  write_value(out, *value);
  return out.take();
}

void member_reader::ignore(std::initializer_list<std::string_view> names) { seen_.insert(seen_.end(), names); }

void member_reader::require(std::string_view name) {
  const auto* value = json::find(object_, name);
  if (value == nullptr || value->IsNull()) complain(name, "'" + std::string(name) + "' is required.");
}

result<void> member_reader::finish() {
  for (const auto& member : object_.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (std::find(seen_.begin(), seen_.end(), name) == seen_.end())
      complain(name.substr(0, 64), "There is no field '" + std::string(name.substr(0, 64)) + "' here.");
  }
  if (error_) return *error_;
  return {};
}

}  // namespace nexus::endpoints
