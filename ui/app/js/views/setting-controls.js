/**
 * The parts the settings page is made of: a section with its heading, one choice of several, the reason of a refusal.
 */

import { sentence } from '../derive.js';
import { h, newId, setAttribute, setHidden, setText } from '../dom.js';

/** @typedef {import('../../../types/backend').Problem} Problem */

/**
 * @param {{ title: string, hint?: string, testid: string }} what
 * @param {...Node} children
 */
export function section({ title, hint, testid }, ...children) {
  const id = newId('section');
  return h(
    'section',
    { class: 'setting', 'aria-labelledby': id, 'data-testid': testid },
    h('h3', { id, text: title }),
    hint ? h('p', { class: 'setting-hint', text: hint }) : null,
    ...children,
  );
}

/**
 * Why the last change was not taken, at the setting it was of.
 * @param {string} field
 */
export function refusal(field) {
  const element = h('p', { id: newId('refusal'), class: 'field-error', hidden: true, 'data-testid': 'setting-error', 'data-field': field });
  return {
    element,
    /** @param {Problem | null | undefined} problem @param {string} [otherwise] what is wrong before the core was asked */
    draw(problem, otherwise = '') {
      const text = problem ? sentence(problem) : otherwise;
      setText(element, text);
      setHidden(element, text === '');
    },
  };
}

/**
 * @template {string} T
 * @param {{ label: string, name: string, options: readonly { value: T, label: string }[], describedBy: string, then: (value: T) => void }} what
 *   `name` begins the test id of each
 */
export function radios({ label, name, options, describedBy, then }) {
  const group = newId(name);
  const made = options.map(({ value, label: words }) => {
    const input = h('input', { type: 'radio', name: group, value, 'data-testid': `${name}-${value}`, onchange: () => then(value) });
    return { value, input, element: h('label', { class: 'option' }, input, h('span', { text: words })) };
  });
  return {
    element: h(
      'div',
      { class: 'options', role: 'radiogroup', 'aria-label': label, 'aria-describedby': describedBy },
      ...made.map((option) => option.element),
    ),
    /** @param {T} value */
    draw(value) {
      for (const option of made) option.input.checked = option.value === value;
    },
  };
}

/**
 * One of several where a line has room for one word.
 * @template {string} T
 * @param {{ label: string, testid: string, options: readonly { value: T, label: string }[], then: (value: T) => void }} what
 */
export function selectLine({ label, testid, options, then }) {
  const id = newId(testid);
  const select = h(
    'select',
    { id, class: 'input', 'data-testid': testid, onchange: () => then(/** @type {T} */ (select.value)) },
    ...options.map(({ value, label: words }) => h('option', { value, text: words })),
  );
  return {
    element: h('div', { class: 'setting-line' }, h('label', { for: id, text: label }), h('div', { class: 'select' }, select)),
    /** @param {T} value */
    draw(value) {
      select.value = value;
    },
  };
}

/**
 * A number that is taken when the person leaves the field or presses Enter.
 * @param {{ label: string, testid: string, then: (text: string) => void }} what
 */
export function countField({ label, testid, then }) {
  const input = h('input', {
    type: 'text', inputmode: 'numeric', maxlength: '9', class: 'input count', autocomplete: 'off', 'aria-label': label, 'data-testid': testid,
    onchange: () => then(input.value),
  });
  return {
    input,
    /** @param {number | null} value null: not in use @param {number} otherwise what it offers then */
    draw(value, otherwise) {
      input.value = String(value ?? otherwise);
      setAttribute(input, 'disabled', value === null);
    },
  };
}

/**
 * Runs `then` for a value that is another than before: what is being typed is left alone by all other drawing.
 * @template T
 * @param {(value: T) => void} then
 */
export function whenNew(then) {
  let drawn = '';
  return (/** @type {T} */ value) => {
    const key = JSON.stringify(value);
    if (key === drawn) return;
    drawn = key;
    then(value);
  };
}
