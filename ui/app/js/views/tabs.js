/**
 * The tabs over the list: one stop for the Tab key, arrow keys between them.
 */

import { h, setAttribute, setText } from '../dom.js';
import { TABS } from '../rows.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */

/** The element the tabs steer. */
export const PANEL_ID = 'messages';

/** @param {Actions} actions */
export function createTabs(actions) {
  const made = TABS.map(({ tab, label }) => {
    const count = h('span', { class: 'tab-count' });
    const element = h(
      'button',
      {
        type: 'button', role: 'tab', id: `tab-${tab}`, class: 'tab', 'aria-controls': PANEL_ID, 'data-testid': `tab-${tab}`,
        onclick: () => actions.showTab(tab),
      },
      h('span', { text: label }),
      tab === 'unread' ? count : null,
    );
    return { tab, element, count };
  });
  const element = h('div', { role: 'tablist', class: 'tabs', 'aria-label': 'Messages' }, ...made.map((tab) => tab.element));

  element.addEventListener('keydown', (event) => {
    const at = made.findIndex((tab) => tab.element === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: made.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = made.at(to % made.length);
    if (!next) return;
    next.element.focus();
    actions.showTab(next.tab);
  });

  return {
    element,
    /** @param {State} state */
    draw({ list, view }) {
      for (const { tab, element: button, count } of made) {
        const selected = tab === list.tab;
        setAttribute(button, 'aria-selected', String(selected));
        setAttribute(button, 'tabindex', selected ? '0' : '-1');
        if (tab === 'unread') setText(count, view && view.unread > 0 ? ` ${view.unread}` : '');
      }
    },
  };
}
