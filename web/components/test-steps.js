// The test of a provider, step by step, with the time of each and what to do about the one that failed.
import { fill, h, icon } from '../lib/dom.js';
import { duration, t } from '../lib/i18n.js';
import { adviceFor } from '../logic/providers.js';

/// Shows a report of the hub; null while it runs.
export function testSteps(el, report) {
  if (!report) return fill(el, h('p', { className: 'row', role: 'status' }, h('span', { className: 'spinner' }), t('test.running')));
  return fill(el, h('div', { className: `note ${report.ok ? '-success' : '-danger'}`, role: 'status' }, icon(report.ok ? 'circle-check' : 'circle-xmark'), t(report.ok ? 'test.ok' : 'test.failed')),
    h('ol', { className: 'steps', role: 'list' }, report.steps.map((step) => h('li', { className: step.ok ? '-ok' : '-bad' },
      icon(step.ok ? 'check' : 'xmark'),
      h('div', {}, h('span', { className: 'row -between' }, h('strong', {}, t(`test.step.${step.name}`)), h('span', { className: 'quiet number' }, duration(step.duration_ms))),
        h('span', { className: 'hush' }, t(step.ok ? 'test.step-ok' : 'test.step-bad')),
        step.detail && h('span', { className: 'quiet' }, step.detail),
        step.error && h('p', { className: 'wrong' }, step.error), step.error && h('p', { className: 'quiet' }, t(adviceFor(step.name))))))));
}
