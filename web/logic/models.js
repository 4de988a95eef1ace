// The choices of the model picker.

/// Returns [{provider, choices: [{value, providerId, model, description}]}] of what can be used, in the hub's order.
export function groups(catalogue) {
  return catalogue
    .filter(({ provider, models }) => provider.enabled !== false && models.length > 0)
    .map(({ provider, models }) => ({
      provider: provider.name || String(provider.id),
      demo: isDemo(provider),
      choices: models
        .filter((model) => model.enabled !== false)
        .map((model) => ({
          value: JSON.stringify([provider.id, model.model_name]),
          providerId: provider.id,
          model: model.model_name,
          description: model.description || '',
        })),
    }))
    .filter((group) => group.choices.length > 0);
}

function isDemo(provider) {
  return [provider.kind, provider.id, provider.name].some((word) => String(word).toLowerCase() === 'demo');
}

/// Returns the choice to begin with: the remembered one if it still exists, else the demo provider's, else the first.
export function preselected(choiceGroups, rememberedValue) {
  const choices = choiceGroups.flatMap((group) => group.choices);
  const demo = choiceGroups.find((group) => group.demo);
  return choices.find((choice) => choice.value === rememberedValue) ?? demo?.choices[0] ?? choices[0] ?? null;
}
