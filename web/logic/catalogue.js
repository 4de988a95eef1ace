// What can be chosen in the chat, and what a model's facts mean for it.
import { pricesOf } from './models.js';

/// Returns [{value, providerId, provider, model, description, demo, facts}] of what can be used, in the hub's order.
export function choices(catalogue) {
  return catalogue
    .filter(({ provider }) => provider.enabled !== false)
    .flatMap(({ provider, models }) => models
      .filter((model) => model.enabled !== false)
      .map((model) => ({
        value: valueOf(provider.id, model.model_name),
        providerId: provider.id,
        provider: provider.name || String(provider.id),
        state: provider.state ?? 'ready',
        model: model.model_name,
        description: model.description || '',
        demo: [provider.kind, provider.name].some((word) => String(word).toLowerCase() === 'demo'),
        facts: model,
      })));
}

export const valueOf = (providerId, model) => JSON.stringify([providerId, model]);

/// Returns the choice to begin with: the wanted one if it exists, else the remembered, a real provider's, the first.
export function preselected(all, wanted, rememberedValue) {
  const same = (choice) => wanted && choice.model === wanted.model && (!wanted.providerId || choice.providerId === wanted.providerId);
  return all.find(same) ?? all.find((choice) => choice.value === rememberedValue) ?? all.find((choice) => !choice.demo) ?? all[0] ?? null;
}

/// Returns {level: 'unknown' | 'fine' | 'warn' | 'full', share, window} of a context that holds `used` tokens. How much a
/// model takes is not the hub's knowledge but the person's (`window`, 0 = not told).
export function contextState(window, used) {
  if (!window) return { level: 'unknown', share: 0, window: 0 };
  const share = Math.min(1, used / window);
  return { level: used > window ? 'full' : share >= 0.8 ? 'warn' : 'fine', share, window };
}

/// Returns what a call would cost in dollars by the model's prices, or null if they are not known.
export function estimate(choice, { prompt, completion }) {
  const prices = choice ? pricesOf(choice.facts) : null;
  if (!prices) return null;
  return (prompt * (prices.input ?? 0) + completion * (prices.output ?? 0)) / 1e6;
}
