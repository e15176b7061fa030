import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const css = readFileSync(new URL('../app/css/tokens.css', import.meta.url), 'utf8');

/** The tokens of each theme: a later block changes some of an earlier one's. */
const themes = (() => {
  const blocks = [...css.matchAll(/(?:@media ([^{]+)\{\s*)?:root \{([^}]*)\}/g)].map(([, media = '', body]) => ({
    media: media.trim(),
    tokens: Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, colour]) => [name, colour])),
  }));
  const of = (...media) => Object.assign({}, ...blocks.filter((block) => media.includes(block.media)).map((block) => block.tokens));
  const [dark, more] = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'];
  return { light: of(''), dark: of('', dark), 'light, more contrast': of('', more), 'dark, more contrast': of('', dark, more, `${more} and ${dark}`) };
})();

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ['ground', 'ground-2', 'ground-3', 'amber-ground', 'red-ground'];
const RULES = [
  ['text', GROUNDS, 7],
  ['meta', ['ground', 'ground-2', 'ground-3'], 4.5],
  ['red-text', ['ground', 'ground-2', 'red-ground'], 4.5],
  ['on-accent', ['accent'], 4.5],
  ['on-red', ['red'], 4.5],
  // What is seen and not read: focus ring and dot, the edge of a field, the dots of the pill, the signs of strips.
  ['accent', ['ground', 'ground-2', 'ground-3'], 3],
  ['field-line', ['ground'], 3],
  ['green', ['ground-3', 'ground-2'], 3],
  ['grey', ['ground-3'], 3],
  ['amber', ['ground-3', 'amber-ground'], 3],
  ['red', ['ground-3', 'red-ground'], 3],
];

for (const [name, tokens] of Object.entries(themes)) {
  test(`every text can be read on every ground it stands on: ${name}`, () => {
    for (const [front, grounds, least] of RULES) {
      for (const ground of grounds) {
        const found = contrast(tokens[front], tokens[ground]);
        assert.ok(found >= least, `${front} on ${ground}: ${found.toFixed(2)}, at least ${least} is wanted`);
      }
    }
  });
}

test('the accent is the brand\'s blue', () => {
  assert.equal(themes.light.accent, '#2f6fed');
  assert.equal(themes.dark.accent, '#7aa5ff');
});
