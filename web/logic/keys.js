// What a key does in the composer.

/// Returns 'send', 'stop' or null. A key that belongs to an input method never acts: Enter chooses a candidate there.
/// Safari reports that Enter with keyCode 229 after the composition has ended. On a touch keyboard Enter is a new line.
export function composerAction(event, { running, touch }) {
  if (event.isComposing || event.keyCode === 229) return null;
  if (event.key === 'Escape') return running ? 'stop' : null;
  if (event.key !== 'Enter' || event.shiftKey || event.altKey) return null;
  if (touch && !event.ctrlKey && !event.metaKey) return null;
  return running ? null : 'send';
}
