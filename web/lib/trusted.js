// The one Trusted Types policy: it lets workers of this build start, and nothing else.
import { base } from './dom.js';

const workers = `${base}workers/`;

function check(url) {
  if (!url.startsWith(workers) || url.includes('..')) throw new TypeError(`not a worker of ours: ${url}`);
  return url;
}

const policy = globalThis.trustedTypes?.createPolicy('nexus', { createScriptURL: check });

/// Starts a module worker of workers/.
export function startWorker(name) {
  const url = `${workers}${name}`;
  return new Worker(policy ? policy.createScriptURL(url) : check(url), { type: 'module' });
}
