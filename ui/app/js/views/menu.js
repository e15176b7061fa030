/**
 * The overflow menu: a menu button as the ARIA practices describe it.
 */

import { syncedText } from '../derive.js';
import { h, newId, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/**
 * @param {Actions} actions
 * @param {Format} format
 */
export function createMenu(actions, format) {
  const id = newId('menu');
  const button = h(
    'button',
    {
      type: 'button', class: 'icon-button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-controls': id,
      'aria-label': 'More', title: 'More', 'data-testid': 'menu',
    },
    icon('more'),
  );
  const refresh = item('refresh', 'Refresh', 'refresh', () => void actions.refresh());
  const markAll = item('checks', 'Mark all as read', 'mark-all', () => void actions.markAllRead());
  const signOut = item('leave', 'Sign out…', 'sign-out', () => void actions.signOut());
  const settings = item('settings', 'Settings', 'open-settings', () => actions.showPage('settings'));
  const diagnostics = item('pulse', 'Diagnostics', 'open-diagnostics', () => actions.showPage('diagnostics'));
  const items = [refresh, markAll, settings, diagnostics, signOut];
  const synced = h('p', { 'data-testid': 'last-synced' });
  const version = h('p', { 'data-testid': 'version' });
  const list = h(
    'div',
    { id, role: 'menu', class: 'menu-items', 'aria-label': 'More' },
    refresh,
    markAll,
    h('div', { role: 'separator', class: 'rule' }),
    settings,
    diagnostics,
    h('div', { role: 'separator', class: 'rule' }),
    signOut,
  );
  const popup = h('div', { class: 'menu-popup', hidden: true, 'data-testid': 'menu-list' }, list, h('div', { class: 'menu-foot' }, synced, version));
  const element = h('div', { class: 'menu' }, button, popup);

  /**
   * @param {string} sign
   * @param {string} label
   * @param {string} testid
   * @param {() => void} then
   */
  function item(sign, label, testid, then) {
    return h(
      'button',
      {
        type: 'button', role: 'menuitem', tabindex: '-1', class: 'menu-item', 'data-testid': testid,
        onclick: (/** @type {Event} */ event) => {
          const target = /** @type {HTMLElement} */ (event.currentTarget);
          if (target.getAttribute('aria-disabled') === 'true') return;
          close();
          button.focus();
          then();
        },
      },
      icon(sign),
      h('span', { text: label }),
    );
  }

  /** @param {number} at */
  function open(at) {
    popup.hidden = false;
    setAttribute(button, 'aria-expanded', 'true');
    items.at(at)?.focus();
  }

  function close() {
    popup.hidden = true;
    setAttribute(button, 'aria-expanded', 'false');
  }

  button.addEventListener('click', () => (popup.hidden ? open(0) : close()));
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open(event.key === 'ArrowDown' ? 0 : -1);
  });
  list.addEventListener('keydown', (event) => {
    const at = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length)?.focus();
  });
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || popup.hidden) return;
    event.stopPropagation();
    close();
    button.focus();
  });
  element.addEventListener('focusout', (event) => {
    if (event.relatedTarget instanceof Node && !element.contains(event.relatedTarget)) close();
  });
  document.addEventListener('pointerdown', (event) => {
    if (event.target instanceof Node && !element.contains(event.target)) close();
  });

  return {
    element,
    focus: () => button.focus(),
    /** @param {State} state */
    draw({ view, now, trying, leaving, version: number }) {
      if (!view) return;
      setAttribute(refresh, 'aria-disabled', trying && 'true');
      setAttribute(markAll, 'aria-disabled', view.unread === 0 && 'true');
      setAttribute(signOut, 'aria-disabled', leaving && 'true');
      setText(synced, syncedText(view, now, format));
      setText(version, number ? `Traybell ${number}` : 'Traybell');
    },
  };
}
