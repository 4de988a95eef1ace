#include "net/demo_answer.hpp"

#include "conf/json.hpp"
#include "net/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus::net {

namespace {

constexpr size_t quote_bytes_max = 120;
constexpr size_t piece_bytes_max = 12;

/// A character for a Markdown line: what could begin code, HTML or other markup is made harmless.
void append_quoted(std::string& out, char32_t c, std::string_view bytes) {
  if (c == '`')
    out += '\'';
  else if (c == '<')
    out += "\u2039";
  else if (c == '>')
    out += "\u203A";
  else if (c == utf8::invalid)
    out += "\uFFFD";
  else if (c < 0x80 && std::string_view("\\*_[]|~$&#!").find(static_cast<char>(c)) != std::string_view::npos)
    (out += '\\') += bytes;
  else
    out += bytes;
}

bool is_blank(char32_t c) { return c <= ' ' || c == 0x7F || (c >= 0x80 && c < 0xA0) || c == 0x2028 || c == 0x2029; }

/// Returns the question on one line, shortened at a character's end.
std::string quote(std::string_view question) {
  std::string out;
  size_t taken = 0;
  bool gap = false;
  for (size_t at = 0; at < question.size();) {
    auto begin = at;
    auto c = utf8::next(question, at);
    if (is_blank(c)) {
      gap = !out.empty();
      continue;
    }
    auto bytes = question.substr(begin, at - begin);
    taken += bytes.size() + (gap ? 1 : 0);
    if (taken > quote_bytes_max) return out += "\u2026";
    if (gap) out += ' ';
    gap = false;
    append_quoted(out, c, bytes);
  }
  return out;
}

bool holds_chinese(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto c = utf8::next(text, at);
    if ((c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x3FFFF)) return true;
  }
  return false;
}

/// A code example, and the words of a question that ask for it, in lower case. The last row needs none.
struct example_row {
  std::string_view words[3];
  std::string_view language;
  std::string_view code;
};

constexpr std::string_view python_code = R"(from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="YOUR_KEY")
stream = client.chat.completions.create(
    model="YOUR_MODEL",
    messages=[{"role": "user", "content": "Hello!"}],
    stream=True,
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="")
)";

constexpr std::string_view javascript_code =
    R"(const answer = await fetch('http://127.0.0.1:8000/v1/chat/completions', {
  method: 'POST',
  headers: { 'Authorization': 'Bearer YOUR_KEY', 'Content-Type': 'application/json' },
  body: JSON.stringify({
    model: 'YOUR_MODEL',
    messages: [{ role: 'user', content: 'Hello!' }],
  }),
});
console.log((await answer.json()).choices[0].message.content);
)";

constexpr std::string_view shell_code = R"(curl http://127.0.0.1:8000/v1/chat/completions \
  -H "Authorization: Bearer YOUR_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "YOUR_MODEL", "messages": [{"role": "user", "content": "Hello!"}]}'
)";

constexpr example_row examples[] = {
    {{"python", "pip", "django"}, "python", python_code},
    {{"javascript", "typescript", "node"}, "javascript", javascript_code},
    {{}, "bash", shell_code},
};

const example_row& example_for(std::string_view question) {
  std::string lower(question);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  auto asked = [&](std::string_view word) { return !word.empty() && lower.find(word) != std::string::npos; };
  auto row = std::ranges::find_if(examples, [&](auto& example) { return std::ranges::any_of(example.words, asked); });
  return row == std::end(examples) ? *std::prev(row) : *row;
}

std::string english(std::string_view quoted, const example_row& example) {
  auto asked = quoted.empty() ? "You sent an empty message" : fmt::format("You asked: “{}”", quoted);
  return fmt::format(
      R"(## Hello from NexusAI Hub

{}

I am the **built-in demo**: no language model is behind this answer, so I can *not* really help.

Everything around me is real, though:

- this text **streams** to you piece by piece, the way a provider's answer does
- its tokens are **counted** and booked to your conversation
- Markdown, code and tables are rendered as you see them here

### Add a real provider

1. Open **Providers** and choose *Add provider*.
2. Enter its server URL and its key, then test the connection.
3. Add a model, and select it above the chat.

Your programs reach the same models with a key of the hub:

```{}
{}```

| Server URL | Where requests go |
| --- | --- |
| `https://api.example.com` | `/v1/chat/completions` is appended |
| ends in `/` | `chat/completions` is appended |
| ends in `#` | used as it stands |

> Tip: press stop while I write. The hub then ends the call to the provider, too.
)",
      asked, example.language, example.code);
}

std::string chinese(std::string_view quoted, const example_row& example) {
  return fmt::format(
      R"(## 你好，这里是 NexusAI Hub

你的问题是：“{}”

我是**内置演示**：这个回答背后没有语言模型，所以我*不能*真正回答你的问题。不过其他一切都是真实的：

- 这段文字像真实供应商的回答一样**逐段传输**
- 它的词元会被**计数**，并记入你的对话
- Markdown、代码和表格会像你看到的这样显示

### 添加真正的供应商

1. 打开**供应商**页面，选择*添加供应商*。
2. 填写服务器地址和密钥，然后测试连接。
3. 添加一个模型，并在对话上方选择它。

你的程序可以用 Hub 的密钥访问同样的模型：

```{}
{}```

| 服务器地址 | 请求发往哪里 |
| --- | --- |
| `https://api.example.com` | 追加 `/v1/chat/completions` |
| 以 `/` 结尾 | 追加 `chat/completions` |
| 以 `#` 结尾 | 原样使用 |

> 提示：我还在写的时候可以按停止，Hub 也会结束对供应商的调用。
)",
      quoted, example.language, example.code);
}

/// Splits into words with their leading space, one or two wide characters, and what no word holds.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size();) {
    size_t at = begin;
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n')) ++at;
    size_t wide = 0;
    for (auto first = at; at < text.size() && wide < 2 && at - first < piece_bytes_max;) {
      auto before = at;
      auto is_wide = utf8::is_wide(utf8::next(text, at));
      if (text[before] == ' ' || text[before] == '\n' || (before != first && is_wide != (wide > 0))) {
        at = before;
        break;
      }
      wide += is_wide;
    }
    pieces.emplace_back(text.substr(begin, at - begin));
    begin = at;
  }
  return pieces;
}

void append_text(std::string& out, const json::value* text) {
  if (text != nullptr && text->IsString()) out.append(text->GetString(), text->GetStringLength());
}

}  // namespace

std::vector<std::string> demo_answer(std::string_view question) {
  auto quoted = quote(question);
  auto& example = example_for(question);
  return split(holds_chinese(question) ? chinese(quoted, example) : english(quoted, example));
}

std::string last_user_text(std::string_view body) {
  auto parsed = json::parse(body);
  if (!parsed) return {};
  auto messages = json::find(*parsed, "messages");
  if (messages == nullptr || !messages->IsArray()) return {};
  for (auto message = messages->End(); message != messages->Begin();) {
    --message;
    if (json::string_member(*message, "role") != "user") continue;
    std::string out;
    auto content = json::find(*message, "content");
    append_text(out, content);
    if (content != nullptr && content->IsArray())
      for (auto& part : content->GetArray()) append_text(out, json::find(part, "text"));
    return out;
  }
  return {};
}

}  // namespace nexus::net
