// The catalogue from the client's side: one row for each name, with everybody who serves it.

/// Returns [{id, name, description, offers: [{provider, model}]}], the offers in the order in which they are tried.
export function publicModels(catalogue) {
  const rows = new Map();
  for (const { provider, models } of catalogue)
    for (const model of models) {
      if (!rows.has(model.model_name)) rows.set(model.model_name, { id: model.model_name, name: model.model_name, description: '', offers: [] });
      const row = rows.get(model.model_name);
      row.offers.push({ provider, model });
      row.description ||= model.description || '';
    }
  for (const row of rows.values()) row.offers.sort((a, b) => a.provider.priority - b.provider.priority || b.provider.weight - a.provider.weight);
  return [...rows.values()];
}

/// Returns a model's prices for a million tokens in dollars, {input, output, …}; null if there is none but zero (`known`: only
/// if the hub keeps none at all). The hub writes them as decimal texts.
export function pricesOf({ prices }, known = false) {
  if (!prices || typeof prices !== 'object') return null;
  const found = Object.fromEntries(Object.entries(prices).filter(([, value]) => value !== null).map(([name, value]) => [name, Number(value)]));
  return known || found.input > 0 || found.output > 0 ? found : null;
}
