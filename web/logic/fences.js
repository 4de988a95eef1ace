// Splits an answer into text and fenced code blocks, also while it is still arriving.

const opening = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;

/// Returns [{kind: 'text', text} | {kind: 'code', language, text}]. A block that is still open reaches to the end.
export function splitFences(answer) {
  const segments = [];
  let text = [];
  let code = null;
  const flush = () => {
    const whole = text.join('\n').replace(/^\n+|\s+$/g, '');
    if (whole) segments.push({ kind: 'text', text: whole });
    text = [];
  };
  const close = () => {
    segments.push({ kind: 'code', language: code.language, text: code.lines.join('\n') });
    code = null;
  };
  for (const line of answer.split('\n')) {
    if (code) {
      if (closes(line, code.fence)) close();
      else code.lines.push(line);
      continue;
    }
    const found = opening.exec(line);
    if (found) {
      flush();
      code = { fence: found[1], language: found[2], lines: [] };
    } else {
      text.push(line);
    }
  }
  if (code) close();
  flush();
  return segments;
}

function closes(line, fence) {
  const bare = line.trim();
  return bare.length >= fence.length && bare === fence[0].repeat(bare.length) && /^ {0,3}\S/.test(line);
}
