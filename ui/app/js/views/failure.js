/**
 * The core does not answer at all: the one screen that needs nothing of it.
 */

import { h, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/state').State} State */

/** @param {() => void} retry */
export function createFailureScreen(retry) {
  const text = h('p', { 'data-testid': 'fatal-text' });
  const hint = h('p', { class: 'lead' });
  return {
    element: h(
      'main',
      { class: 'fatal', 'data-testid': 'fatal' },
      icon('warning'),
      h('h1', { text: 'Traybell could not start its window' }),
      h('div', { role: 'alert' }, text, hint),
      h('button', { type: 'button', class: 'button filled', 'data-testid': 'fatal-retry', onclick: retry, text: 'Try again' }),
    ),
    /** @param {State} state */
    draw({ fatal }) {
      setText(text, fatal?.message ?? '');
      setText(hint, fatal?.hint || 'If this stays, quit Traybell from its tray menu and start it again; `traybell doctor` says more.');
    },
  };
}
