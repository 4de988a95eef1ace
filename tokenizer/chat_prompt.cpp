#include "tokenizer/chat_prompt.hpp"

#include "tokenizer/chat_rules.hpp"
#include "tokenizer/templates/typescript.hpp"

#include <bit>

namespace nexus::tokenizer {

namespace {

bool is_input(const prompt_message& message) { return message.role == "user" || message.role == "tool"; }

/// Places of all messages, from one pass forth and one back.
class surroundings {
 public:
  surroundings(const chat_rule& rule, const prompt& prompt) : prompt_(prompt), shape_(*rule.shape) {
    places_.resize(prompt.messages.size());
    look_forth(prompt.thinking.value_or(rule.thinks));
    look_back();
    lead();
  }
  const place& at(size_t index) const { return places_[index]; }
  /// Whether the system message is written into another one (or nowhere).
  bool swallowed(size_t index) const {
    return index == 0 && shape_.system != system_place::own_turn && leading_system(prompt_) != nullptr;
  }

 private:
  void look_forth(bool thinking) {
    const auto& messages = prompt_.messages;
    const prompt_message* before = nullptr;  // the last that is not the system's
    const prompt_message* caller = nullptr;
    uint16_t calls = 0;
    uint16_t caller_number = 0;
    size_t answered = 0;
    for (size_t i = 0; i < messages.size(); ++i) {
      const auto& message = messages[i];
      auto& here = places_[i];
      here.first = i == 0;
      here.opens = i == (leading_system(prompt_) != nullptr ? 1 : 0);
      here.last = i + 1 == messages.size();
      here.tools = !prompt_.tools.empty();
      here.thinking = thinking;
      here.after_tool = before != nullptr && before->role == "tool";
      here.after_user = before != nullptr && before->role == "user";
      here.before_tool = !here.last && messages[i + 1].role == "tool";
      here.call_number = calls;
      if (message.role == "tool") {
        answer(here, message, caller, caller_number, answered++);
        results_ = true;
      } else if (!message.calls.empty()) {
        caller = &message;
        caller_number = calls;
        answered = 0;
        calls = static_cast<uint16_t>(calls + message.calls.size());
      }
      if (!is_system(message)) before = &message;
    }
  }

  /// By its id, else by its turn.
  static void answer(place& here, const prompt_message& message, const prompt_message* caller, uint16_t number,
                     size_t turn) {
    if (caller == nullptr) return;
    for (size_t i = 0; i < caller->calls.size(); ++i) {
      if (!message.call_id.empty() && caller->calls[i].id == message.call_id) turn = i;
    }
    if (turn >= caller->calls.size()) return;
    here.caller = caller;
    here.call = &caller->calls[turn];
    here.call_number = static_cast<uint16_t>(number + turn);
  }

  void look_back() {
    bool user = false;
    bool input = false;
    bool answer = false;
    for (size_t i = places_.size(); i-- > 0;) {
      const auto& message = prompt_.messages[i];
      auto& here = places_[i];
      here.last_user = message.role == "user" && !user;
      here.past_query = !user;
      here.past_input = !input;
      here.answered = answer;
      here.tool_results = results_;
      user = user || message.role == "user";
      input = input || is_input(message);
      answer = answer || (message.role == "assistant" && message.calls.empty());
    }
  }

  void lead() {
    const auto* system = leading_system(prompt_);
    if (system == nullptr || places_.size() < 2) return;
    if (shape_.system == system_place::in_first) places_[1].lead = system;
    if (shape_.system == system_place::in_last_if_user && prompt_.messages.back().role == "user") {
      places_.back().lead = system;
    }
  }

  const prompt& prompt_;
  const chat_template& shape_;
  std::vector<place> places_;
  bool results_ = false;
};

uint64_t mix(uint64_t state, uint64_t value) {
  // One round of the finaliser of MurmurHash3; the hashes that go in are keyed already.
  state = (state ^ value) * 0xff51afd7ed558ccdULL;
  return state ^ (state >> 33);
}

uint64_t bits_of(const place& where) {
  const bool flags[] = {where.first,      where.opens,        where.last,       where.after_tool, where.before_tool,
                        where.after_user, where.past_query,   where.past_input, where.answered,   where.last_user,
                        where.tools,      where.tool_results, where.thinking};
  uint64_t bits = where.call_number;
  for (const bool flag : flags) bits = bits << 1 | (flag ? 1 : 0);
  return bits;
}

/// What a message's count depends on; 0 if it must not be kept.
uint64_t key_of(const prompt_message& message, const place& where, uint64_t salt) {
  if (message.hash == 0) return 0;
  if ((where.lead != nullptr && where.lead->hash == 0) || (where.caller != nullptr && where.caller->hash == 0))
    return 0;
  uint64_t key = mix(salt, message.hash);
  key = mix(key, bits_of(where));
  key = mix(key, where.lead != nullptr ? where.lead->hash : 0);
  key = mix(key, where.caller != nullptr ? where.caller->hash : 0);
  return key == 0 ? 1 : key;
}

/// A message's count with how its ends join the neighbours', as the cache holds it.
struct message_count {
  int64_t tokens = 0;
  bool begins_open = false;   // could join with text in front
  bool begins_solid = false;  // the first letter is no white space
  bool ends_open = false;     // could join with text behind
  bool ends_line = false;     // the last letter is a line break
  uint64_t packed() const {
    return static_cast<uint64_t>(tokens) << 4 | (begins_open ? 8U : 0U) | (begins_solid ? 4U : 0U) |
           (ends_open ? 2U : 0U) | (ends_line ? 1U : 0U);
  }
  static message_count unpacked(uint64_t value) {
    return {static_cast<int64_t>(value >> 4), (value & 8) != 0, (value & 4) != 0, (value & 2) != 0, (value & 1) != 0};
  }
};

bool joins(const message_count& before, const message_count& behind) {
  // No splitter joins a line break with a letter behind it.
  return before.ends_open && behind.begins_open && !(before.ends_line && behind.begins_solid);
}

message_count measure(const rendering& out, const text_counter& counter) {
  const std::string& text = out.written();
  if (text.empty()) return {};
  return {out.count(counter), out.begins_open(), static_cast<unsigned char>(text.front()) > ' ', out.ends_open(),
          text.back() == '\n'};
}

int64_t count_images(const chat_rule& rule, const prompt& prompt) {
  int64_t tokens = 0;
  for (const auto& message : prompt.messages) {
    for (const auto& part : message.parts) {
      if (part.is == prompt_part::kind::image) {
        tokens += image_tokens(*rule.images, part.size.value_or(unknown_image_size), part.detail);
      }
    }
  }
  return tokens;
}

bool only_text(const prompt& prompt) {
  for (const auto& message : prompt.messages) {
    for (const auto& part : message.parts) {
      if (part.is != prompt_part::kind::text) return false;
    }
  }
  return true;
}

bool known_roles(const prompt& prompt) {
  for (const auto& message : prompt.messages) {
    if (message.role != "system" && message.role != "user" && message.role != "assistant" && message.role != "tool") {
      return false;
    }
  }
  return true;
}

int64_t count_frame(const chat_rule& rule, const prompt& prompt, const text_counter& counter) {
  const auto& shape = *rule.shape;
  rendering out(shape.marks);
  if (shape.open != nullptr) shape.open(out, prompt);
  int64_t tokens = out.count(counter);
  if (shape.tools != nullptr) {
    rendering behind(shape.marks);
    shape.tools(behind, prompt, leading_system(prompt));
    tokens += behind.count(counter);
  }
  if (shape.close != nullptr) {
    rendering close(shape.marks);
    shape.close(close, prompt, prompt.thinking.value_or(rule.thinks));
    tokens += close.count(counter);
  }
  if (!prompt.tools.empty() && !shape.writes_tools)
    tokens += count_overhead_tools(chat_overheads_for(""), prompt.tools, counter);
  return tokens;
}

prompt_count count_written(const chat_rule& rule, const prompt& prompt, const text_counter& counter, count_cache* cache,
                           uint64_t salt) {
  const surroundings around(rule, prompt);
  prompt_count total{.tokens = count_frame(rule, prompt, counter), .exact = rule.exact};
  message_count before;
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    if (around.swallowed(i)) continue;
    const auto& where = around.at(i);
    const uint64_t key = cache != nullptr ? key_of(prompt.messages[i], where, salt) : 0;
    message_count here;
    if (const auto kept = cache != nullptr ? cache->find(key) : std::nullopt) {
      here = message_count::unpacked(*kept);
    } else {
      rendering out(rule.shape->marks);
      rule.shape->message(out, prompt.messages[i], where);
      here = measure(out, counter);
      if (cache != nullptr) cache->keep(key, here.packed());
    }
    total.tokens += here.tokens;
    if (joins(before, here)) total.exact = false;
    before = here;
  }
  if (!known_roles(prompt) || (!prompt.tools.empty() && !rule.shape->writes_tools)) total.exact = false;
  return total;
}

/// The cookbook's rule for one message: every value counts, a name one more.
int64_t count_values(const prompt_message& message, int64_t each, const text_counter& counter) {
  int64_t tokens = each + counter(message.role);
  for (const auto& part : message.parts) {
    if (part.is == prompt_part::kind::text) tokens += counter(part.text);
  }
  if (!message.name.empty()) tokens += counter(message.name) + 1;
  if (!message.call_id.empty()) tokens += counter(message.call_id);
  // gpt-tokenizer's functionCalling.ts: 3 around a call.
  for (const auto& call : message.calls) tokens += counter(call.name) + counter(call.arguments) + 3;
  return tokens;
}

int64_t count_hosted_tools(const prompt& prompt, const text_counter& counter) {
  if (prompt.tools.empty()) return 0;
  // https://github.com/hmarr/openai-chat-tokens: 9 around the definitions, 4 less where a system message bears them.
  std::string text;
  append_hosted_tools(text, prompt.tools);
  int64_t tokens = counter(text) + 9 - (leading_system(prompt) != nullptr ? 4 : 0);
  if (prompt.tool_choice == "none") tokens += 1;
  if (!prompt.chosen_tool.empty()) tokens += counter(prompt.chosen_tool) + 4;
  return tokens;
}

prompt_count count_by_values(const chat_rule& rule, const prompt& prompt, const text_counter& counter,
                             count_cache* cache, uint64_t salt) {
  const bool cookbook = rule.kind == chat_kind::cookbook;
  const int64_t each = cookbook ? 3 : rule.overheads->message;
  prompt_count total{.tokens = cookbook ? 3 : rule.overheads->request, .exact = rule.exact};
  for (const auto& message : prompt.messages) {
    const uint64_t key = cache != nullptr ? key_of(message, {}, salt) : 0;
    const auto kept = cache != nullptr ? cache->find(key) : std::nullopt;
    const int64_t tokens =
        kept ? static_cast<int64_t>(*kept) : std::max<int64_t>(count_values(message, each, counter), 0);
    if (!kept && cache != nullptr) cache->keep(key, static_cast<uint64_t>(tokens));
    total.tokens += tokens;
    if (!message.calls.empty() || message.role == "tool" || message.parts.size() > 1) total.exact = false;
  }
  total.tokens +=
      cookbook ? count_hosted_tools(prompt, counter) : count_overhead_tools(*rule.overheads, prompt.tools, counter);
  if (!prompt.tools.empty()) total.exact = false;
  return total;
}

}  // namespace

std::string write_prompt(const chat_rule& rule, const prompt& prompt) {
  const auto& shape = *rule.shape;
  const surroundings around(rule, prompt);
  rendering out(shape.marks);
  if (shape.open != nullptr) shape.open(out, prompt);
  const auto* system = leading_system(prompt);
  if (shape.tools != nullptr && !shape.tools_at_end && system == nullptr) shape.tools(out, prompt, system);
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    const auto& where = around.at(i);
    if (shape.tools != nullptr && shape.tools_at_end && where.last_user) shape.tools(out, prompt, system);
    if (!around.swallowed(i)) shape.message(out, prompt.messages[i], where);
    if (shape.tools != nullptr && !shape.tools_at_end && i == 0 && system != nullptr) shape.tools(out, prompt, system);
  }
  if (shape.close != nullptr) shape.close(out, prompt, prompt.thinking.value_or(rule.thinks));
  return out.written();
}

prompt_count count_prompt(const chat_rule& rule, const prompt& prompt, const text_counter& counter, count_cache* cache,
                          uint64_t salt) {
  salt = mix(salt, std::hash<std::string_view>{}(rule.name));
  prompt_count total = rule.kind == chat_kind::written ? count_written(rule, prompt, counter, cache, salt)
                                                       : count_by_values(rule, prompt, counter, cache, salt);
  total.images = count_images(rule, prompt);
  total.tokens = std::max<int64_t>(total.tokens + total.images, 0);
  if (!only_text(prompt)) total.exact = false;
  if (prompt.response_schema != nullptr && rule.name != "kimi_k3") {
    // Hosted models are given the schema in some form; servers of open models mostly steer the sampler instead.
    if (rule.kind != chat_kind::written) {
      std::string schema;
      append_python_json(schema, *prompt.response_schema, {.comma = ",", .colon = ":"});
      total.tokens += counter(schema);
    }
    total.exact = false;
  }
  return total;
}

}  // namespace nexus::tokenizer
