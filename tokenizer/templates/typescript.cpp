#include "tokenizer/templates/typescript.hpp"

#include "tokenizer/templates/chat_template.hpp"

#include <algorithm>

namespace nexus::tokenizer {

namespace {

std::string_view view(const json::value& text) { return {text.GetString(), text.GetStringLength()}; }

const json::value* member(const json::value& object, std::string_view name) {
  return object.IsObject() ? json::find(object, name) : nullptr;
}

std::string_view text_member(const json::value& object, std::string_view name) {
  const auto* value = member(object, name);
  return value != nullptr && value->IsString() ? view(*value) : std::string_view{};
}

const json::value* filled(const json::value* value) {
  if (value == nullptr) return nullptr;
  if (value->IsObject()) return value->ObjectEmpty() ? nullptr : value;
  return value->IsArray() && !value->Empty() ? value : nullptr;
}

bool is_true(const json::value* value) { return value != nullptr && value->IsBool() && value->GetBool(); }

bool is_required(const json::value& schema, std::string_view name) {
  const auto* names = member(schema, "required");
  if (names == nullptr || !names->IsArray()) return false;
  return std::ranges::any_of(names->GetArray(),
                             [&](const json::value& entry) { return entry.IsString() && view(entry) == name; });
}

std::string joined(const json::value& array, std::string_view between) {
  std::string text;
  for (const auto& entry : array.GetArray()) {
    if (&entry != array.Begin()) text += between;
    if (entry.IsString())
      text += view(entry);
    else
      append_python_json(text, entry);
  }
  return text;
}

std::string harmony_type(const json::value& schema);

std::string harmony_array(const json::value& schema) {
  const auto* items = filled(member(schema, "items"));
  std::string text = "any[]";
  if (items != nullptr) {
    const auto inner = text_member(*items, "type");
    if (inner == "string" || inner == "boolean" || inner == "number") {
      text = std::string(inner) + "[]";
    } else if (inner == "integer") {
      text = "number[]";
    } else {
      const std::string nested = harmony_type(*items);
      text = nested == "object | object" || nested.size() > 50 ? "any[]" : nested + "[]";
    }
  }
  return is_true(member(schema, "nullable")) ? text + " | null" : text;
}

std::string harmony_choice(const json::value& variants) {
  const bool objects = std::ranges::any_of(
      variants.GetArray(), [](const json::value& variant) { return text_member(variant, "type") == "object"; });
  if (objects && variants.Size() > 1) return "any";
  std::string text;
  for (const auto& variant : variants.GetArray()) {
    text += harmony_type(variant);
    if (const auto description = text_member(variant, "description"); !description.empty()) {
      text += "// " + std::string(description);
    }
    if (const auto* standard = member(variant, "default"); standard != nullptr) {
      text += "// default: ";
      append_python_json(text, *standard);
    }
    if (&variant != variants.End() - 1) text += " | ";
  }
  return text;
}

std::string harmony_object(const json::value& schema) {
  const auto* properties = filled(member(schema, "properties"));
  if (properties == nullptr || !properties->IsObject()) return "object";
  std::string text = "{\n";
  for (const auto& property : properties->GetObject()) {
    const auto name = view(property.name);
    text += name;
    if (!is_required(schema, name)) text += '?';
    text += ": " + harmony_type(property.value);
    if (&property != &*(properties->MemberEnd() - 1)) text += ", ";
  }
  return text + "}";
}

std::string harmony_type(const json::value& schema) {
  const auto type = text_member(schema, "type");
  if (type == "array") return harmony_array(schema);
  if (const auto* types = filled(member(schema, "type")); types != nullptr && types->IsArray()) {
    return joined(*types, " | ");
  }
  if (const auto* variants = filled(member(schema, "oneOf")); variants != nullptr && variants->IsArray()) {
    return harmony_choice(*variants);
  }
  if (type == "string") {
    const auto* values = filled(member(schema, "enum"));
    if (values != nullptr && values->IsArray()) return "\"" + joined(*values, "\" | \"") + "\"";
    return is_true(member(schema, "nullable")) ? "string | null" : "string";
  }
  if (type == "number" || type == "integer") return "number";
  if (type == "boolean") return "boolean";
  return type == "object" ? harmony_object(schema) : "any";
}

void append_harmony_default(std::string& out, const json::value& schema) {
  const auto* standard = member(schema, "default");
  if (standard == nullptr) return;
  const bool choice = filled(member(schema, "enum")) != nullptr;
  const bool variants = filled(member(schema, "oneOf")) != nullptr;
  out += variants && !choice ? "// default: " : ", // default: ";
  if ((choice || variants) && standard->IsString())
    out += view(*standard);
  else
    append_python_json(out, *standard);
}

void append_harmony_tool(std::string& out, const json::value& function) {
  out.append("// ").append(text_member(function, "description")).append("\ntype ");
  out.append(text_member(function, "name")).append(" = ");
  const auto* parameters = member(function, "parameters");
  const auto* properties = parameters != nullptr ? filled(member(*parameters, "properties")) : nullptr;
  if (properties == nullptr || !properties->IsObject()) {
    out += "() => any;\n\n";
    return;
  }
  out += "(_: {\n";
  for (const auto& property : properties->GetObject()) {
    if (const auto description = text_member(property.value, "description"); !description.empty()) {
      out.append("// ").append(description).append("\n");
    }
    out += view(property.name);
    if (!is_required(*parameters, view(property.name))) out += '?';
    out += ": " + harmony_type(property.value);
    append_harmony_default(out, property.value);
    out += ",\n";
  }
  out += "}) => any;\n\n";
}

std::string hosted_type(const json::value& schema, size_t indent);

/// Descriptions of the second level and deeper are left out.
std::string hosted_properties(const json::value& schema, size_t indent) {
  const auto* properties = member(schema, "properties");
  if (properties == nullptr || !properties->IsObject()) return {};
  const std::string margin(indent, ' ');
  std::string lines;
  for (const auto& property : properties->GetObject()) {
    if (!lines.empty()) lines += '\n';
    const auto description = text_member(property.value, "description");
    if (!description.empty() && indent < 2) lines.append(margin).append("// ").append(description).append("\n");
    lines.append(margin).append(view(property.name));
    if (!is_required(schema, view(property.name))) lines += '?';
    lines += ": " + hosted_type(property.value, indent) + ",";
  }
  return lines;
}

std::string hosted_type(const json::value& schema, size_t indent) {
  const auto type = text_member(schema, "type");
  const auto* values = member(schema, "enum");
  const bool choice = values != nullptr && values->IsArray();
  if (type == "string") {
    if (!choice) return "string";
    std::string text;
    for (const auto& value : values->GetArray()) {
      if (!text.empty()) text += " | ";
      append_python_json(text, value);
    }
    return text;
  }
  if (type == "integer" || type == "number") return choice ? joined(*values, " | ") : "number";
  if (type == "boolean" || type == "null") return std::string(type);
  if (type == "array") {
    const auto* items = filled(member(schema, "items"));
    return items != nullptr ? hosted_type(*items, indent) + "[]" : "any[]";
  }
  if (type != "object") return "any";
  return "{\n" + hosted_properties(schema, indent + 2) + "\n" + std::string(indent, ' ') + "}";
}

}  // namespace

void append_harmony_tools(std::string& out, const std::vector<const json::value*>& tools) {
  out += "namespace functions {\n\n";
  for (const auto* tool : tools) append_harmony_tool(out, function_of(*tool));
  out += "} // namespace functions";
}

void append_hosted_tools(std::string& out, const std::vector<const json::value*>& tools) {
  out += "namespace functions {\n\n";
  for (const auto* tool : tools) {
    const auto& function = function_of(*tool);
    if (const auto description = text_member(function, "description"); !description.empty()) {
      out.append("// ").append(description).append("\n");
    }
    out.append("type ").append(text_member(function, "name"));
    const auto* parameters = member(function, "parameters");
    if (parameters == nullptr || filled(member(*parameters, "properties")) == nullptr) {
      out += " = () => any;\n\n";
    } else {
      out += " = (_: {\n" + hosted_properties(*parameters, 0) + "\n}) => any;\n\n";
    }
  }
  out += "} // namespace functions";
}

}  // namespace nexus::tokenizer
