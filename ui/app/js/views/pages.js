/**
 * The pages that lie over the list, or over the sign-in: each with its title and the way back.
 */

import { h, newId, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';
import { createDiagnostics } from './diagnostics.js';
import { createSettings } from './settings.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Store} Store */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

const TITLES = { settings: 'Settings', diagnostics: 'Diagnostics' };

/**
 * @param {Store} store
 * @param {Actions} actions
 * @param {Format} format
 */
export function createPages(store, actions, format) {
  const views = { settings: createSettings(actions, format), diagnostics: createDiagnostics(actions) };
  const id = newId('page-title');
  const back = h(
    'button',
    { type: 'button', class: 'bar-button back', 'data-testid': 'page-back', onclick: () => actions.closePage() },
    icon('back'),
    h('span', { text: 'Back' }),
  );
  const title = h('h2', { id, class: 'page-title', tabindex: '-1', 'data-testid': 'page-title' });
  const body = h('div', { class: 'page-body' }, views.settings.element, views.diagnostics.element);
  const scroller = h('div', { class: 'page-scroll', tabindex: '0', role: 'group', 'aria-labelledby': id }, body);
  const element = h('section', { class: 'page', 'aria-labelledby': id, hidden: true, 'data-testid': 'page' }, h('div', { class: 'page-bar' }, back, title), scroller);
  /** @type {State['page']} */
  let shown = null;

  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || store.get().page === null || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    actions.closePage();
  });

  return {
    element,
    /** @param {State} state @returns {boolean} whether another page, or none, is shown now */
    draw(state) {
      const { page } = state;
      const moved = page !== shown;
      shown = page;
      setHidden(element, page === null);
      if (page === null) return moved;
      setText(title, TITLES[page]);
      for (const [name, view] of Object.entries(views)) setHidden(view.element, name !== page);
      views[page].draw(state);
      if (moved) {
        scroller.scrollTop = 0;
        title.focus();
      }
      return moved;
    },
  };
}
