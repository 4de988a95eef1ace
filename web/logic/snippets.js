// Programs that make the same call: shown beside a chat and when a key was made. They run as they stand.

/// Returns the text for a shell's single quotes.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const languages = ['curl', 'python', 'node'];

/// Returns the program in `language` that sends `body` to the hub at `origin` with `key`.
export function snippet(language, { origin, key, body }) {
  const json = JSON.stringify(body, null, 2);
  if (language === 'curl')
    return `curl ${origin}/v1/chat/completions \\\n  -H ${quoted(`Authorization: Bearer ${key}`)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(json)}\n`;
  if (language === 'python')
    return `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key=${JSON.stringify(key)})\n`
      + `answer = client.chat.completions.create(\n${pythonArguments(body)})\nprint(answer.choices[0].message.content)\n`;
  return `import OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: ${JSON.stringify(`${origin}/v1`)}, apiKey: ${JSON.stringify(key)} });\n`
    + `const answer = await client.chat.completions.create(${json});\nconsole.log(answer.choices[0].message.content);\n`;
}

function pythonArguments(body) {
  return Object.entries(body).map(([name, value]) => `    ${name}=${python(value, 1)},\n`).join('');
}

function python(value, depth) {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  const inner = '    '.repeat(depth + 1);
  const outer = '    '.repeat(depth);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[\n${value.map((each) => `${inner}${python(each, depth + 1)},\n`).join('')}${outer}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${python(each, depth + 1)}`).join(', ')}}`;
  return JSON.stringify(value);
}
