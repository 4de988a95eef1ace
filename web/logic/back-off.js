// When to connect again after a connection was lost.

const firstMs = 500;
const mostMs = 15_000;
const steadyMs = 10_000; // a connection that lived this long was a good one

/// Returns how long to wait before attempt 1, 2, …: doubling, between half and all of the step, so that the browsers
/// of a team do not come back in the same moment. `random` is in [0, 1).
export function backOff(attempt, random) {
  const step = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(step * (0.5 + random / 2));
}

/// Returns the number of the next attempt, after a connection that was open for `openMs` (0 = never).
export function nextAttempt(attempt, openMs) {
  return openMs >= steadyMs ? 1 : attempt + 1;
}
