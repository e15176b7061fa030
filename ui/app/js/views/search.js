/**
 * The search over the list: words while they are typed, and filters that stay folded away until they are wanted.
 */

import { debounce } from '../debounce.js';
import { h, newId, setAttribute, setHidden } from '../dom.js';
import { icon } from '../icons.js';
import { isFiltered, NO_SEARCH, SPANS } from '../search.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Search} Search */
/** @typedef {import('../../../types/state').Actions} Actions */

/** Faster than this nobody reads what comes between two letters. */
const STILL_MS = 150;

/**
 * @param {Actions} actions
 * @param {() => void} toList to the first row of the results
 */
export function createSearch(actions, toList) {
  const filtersId = newId('filters');
  const input = h('input', {
    type: 'search', class: 'input', placeholder: 'Search', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'search',
    'aria-label': 'Search messages', 'aria-keyshortcuts': 'Control+F /', title: 'Search (Ctrl+F)', 'data-testid': 'search',
  });
  const clear = h(
    'button',
    { type: 'button', class: 'icon-button small search-clear', hidden: true, 'aria-label': 'Clear search text', title: 'Clear', 'data-testid': 'search-clear', onclick: () => empty() },
    icon('close', 16),
  );
  const toggle = h(
    'button',
    {
      type: 'button', class: 'icon-button search-filter', 'aria-label': 'Filters', title: 'Filters', 'aria-expanded': 'false', 'aria-controls': filtersId,
      'data-testid': 'search-filter', onclick: () => unfold(filters.hidden),
    },
    icon('filter'),
  );
  const when = h(
    'select',
    {
      class: 'input', 'aria-label': 'When', 'data-testid': 'filter-when',
      onchange: () => actions.search({ when: /** @type {Search['when']} */ (when.value) }),
    },
    ...SPANS.map(({ when: value, label }) => h('option', { value, text: label })),
  );
  const link = h('button', {
    type: 'button', class: 'toggle', 'aria-pressed': 'false', 'data-testid': 'filter-link', text: 'With link',
    onclick: () => actions.search({ hasLink: link.getAttribute('aria-pressed') !== 'true' }),
  });
  const reset = h('button', {
    type: 'button', class: 'link-button', 'data-testid': 'filter-reset', text: 'Reset',
    onclick: () => {
      actions.search({ when: NO_SEARCH.when, hasLink: NO_SEARCH.hasLink });
      when.focus();
    },
  });
  const filters = h(
    'div',
    { id: filtersId, class: 'filters', role: 'group', 'aria-label': 'Filters', hidden: true, 'data-testid': 'filters' },
    h('div', { class: 'select' }, when),
    link,
    reset,
  );
  const typed = debounce((/** @type {string} */ text) => actions.search({ text }), STILL_MS);
  const element = h(
    'div',
    { class: 'search', role: 'search' },
    h('div', { class: 'search-row' }, h('div', { class: 'search-field' }, icon('search', 16), input, clear), toggle),
    filters,
  );

  input.addEventListener('input', () => {
    setHidden(clear, input.value === '');
    typed.later(input.value);
  });
  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter') typed.now(input.value);
    else if (event.key === 'Escape' && input.value !== '') empty();
    else if (event.key === 'ArrowDown') toList();
    else return;
    event.preventDefault();
  });

  function empty() {
    input.value = '';
    setHidden(clear, true);
    typed.now('');
    input.focus();
  }

  /** @param {boolean} open */
  function unfold(open) {
    setHidden(filters, !open);
    setAttribute(toggle, 'aria-expanded', String(open));
  }

  /** @type {Search} */
  let drawn = NO_SEARCH;
  return {
    element,
    focus() {
      input.focus();
      input.select();
    },
    clearAll() {
      typed.cancel();
      actions.search(NO_SEARCH);
      input.focus();
    },
    /** @param {State} state */
    draw({ search }) {
      if (search === drawn) return;
      // What is typed is ahead of the state; only what changed elsewhere comes into the field.
      if (search === NO_SEARCH || (search.text !== drawn.text && search.text === '')) {
        input.value = search.text;
        typed.cancel();
      }
      drawn = search;
      setHidden(clear, input.value === '');
      if (when.value !== search.when) when.value = search.when;
      setAttribute(link, 'aria-pressed', String(search.hasLink));
      const filtered = isFiltered(search);
      setAttribute(toggle, 'data-active', filtered && 'true');
      setAttribute(toggle, 'aria-label', filtered ? 'Filters, some are on' : 'Filters');
      setHidden(reset, !filtered);
      if (filtered) unfold(true);
    },
  };
}
