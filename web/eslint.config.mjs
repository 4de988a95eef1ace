// What tsc does not see: names that nobody uses, and every way from a string to markup, style or code.
const sinks = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'setHTMLUnsafe', 'srcdoc', 'cssText', 'createContextualFragment', 'parseFromString'];

export default [
  { ignores: ['node_modules/**'] },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-var': 'error', 'prefer-const': 'error', eqeqeq: 'error', 'no-eval': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error',
      'no-script-url': 'error', 'no-shadow-restricted-names': 'error', 'no-dupe-keys': 'error', 'no-unreachable': 'error', 'no-self-assign': 'error',
      'no-unsafe-finally': 'error', 'no-constant-condition': 'error', 'no-fallthrough': 'error', 'no-duplicate-imports': 'error', 'no-useless-return': 'error',
      'no-restricted-properties': ['error', ...sinks.map((property) => ({ property, message: 'Build elements with lib/dom.js.' })),
        { object: 'document', property: 'write', message: 'Build elements with lib/dom.js.' }],
      'no-restricted-syntax': ['error',
        { selector: "CallExpression[callee.property.name='setAttribute'][arguments.0.value='style']", message: 'The policy drops it: set a property of the style.' },
        { selector: "CallExpression[callee.property.name='setAttribute'][arguments.0.value=/^on/]", message: 'The policy drops it: use addEventListener.' }],
      'no-restricted-globals': ['error', { name: 'event', message: 'Take it as a parameter.' }],
    },
  },
  {
    files: ['**/*.js'],
    ignores: ['**/lib/api.js'],
    rules: { 'no-restricted-globals': ['error', { name: 'fetch', message: 'Only lib/api.js calls the hub.' }, { name: 'XMLHttpRequest', message: 'Only lib/api.js calls the hub.' }] },
  },
];
