/**
 * Who is signed in, whether messages arrive and were asked for, what holds notifications back, and the menu.
 */

import { badgeOf, checkedAt, heldOf, pillOf } from '../derive.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';
import { fullDate, parse } from '../time.js';
import { createMenu } from './menu.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/**
 * @param {Actions} actions
 * @param {Format} format
 */
export function createHeader(actions, format) {
  const brand = h('span', { class: 'brand', dir: 'auto', 'data-testid': 'account-brand' });
  const name = h('span', { class: 'name', dir: 'auto', 'data-testid': 'account-name' });
  const dot = h('span', { class: 'separator', 'aria-hidden': 'true', text: '·' });
  const badge = h('span', { class: 'badge', hidden: true, 'data-testid': 'environment-badge' });
  const pillText = h('span', {});
  const pill = h('span', { class: 'pill', 'data-testid': 'pill' }, h('span', { class: 'pill-dot', 'aria-hidden': 'true' }), pillText);
  const menu = createMenu(actions, format);
  const who = h('h1', { class: 'who', 'data-testid': 'account' }, brand, dot, name);
  const checked = h('p', { class: 'checked', 'data-testid': 'checked' });
  const held = createHeld(actions, format);
  /** @type {string | null} */
  let told = null;

  return {
    element: h(
      'header',
      { class: 'header' },
      h('div', { class: 'who-block' }, who, checked),
      badge,
      held.element,
      h('div', { class: 'header-end' }, pill, menu.element),
    ),
    focusMenu: menu.focus,
    /** @param {State} state */
    draw(state) {
      const { view, now } = state;
      if (!view) return;
      const account = view.account;
      setText(brand, account?.brand ?? 'Traybell');
      setText(name, account?.name ?? '');
      setHidden(name, !account?.name);
      setHidden(dot, !account?.name);
      setAttribute(who, 'title', account ? [account.brand, account.name].filter(Boolean).join(' · ') : null);
      const label = account ? badgeOf(account) : null;
      setHidden(badge, label === null);
      setText(badge, label ?? '');
      setAttribute(badge, 'title', account && label ? `Environment: ${account.environment}` : null);
      const shown = pillOf(view, now, format);
      setAttribute(pill, 'data-state', shown.kind);
      setAttribute(pill, 'title', shown.title || null);
      setText(pillText, shown.text);
      // The banner says the rest aloud; that all is well again stands nowhere else.
      if (told !== null && told !== shown.kind && shown.kind === 'online') actions.say('Online again');
      told = shown.kind;
      setText(checked, checkedAt(view, now, format));
      setAttribute(checked, 'title', fullDate(parse(view.last_synced), format) || null);
      held.draw(state);
      menu.draw(state);
    },
  };
}

/**
 * @param {Actions} actions
 * @param {Format} format
 */
function createHeld(actions, format) {
  const sign = h('span', { class: 'held-sign' });
  const text = h('span', {});
  const resume = h('button', { type: 'button', class: 'held-resume', 'data-testid': 'held-resume', onclick: () => void actions.resume(), text: 'Resume' });
  const chip = h('p', { class: 'held', 'data-testid': 'held' }, sign, text, resume);
  const element = h('div', { class: 'held-line', hidden: true }, chip);
  return {
    element,
    /** @param {State} state */
    draw({ view, now }) {
      const shown = view && heldOf(view, now, format);
      setHidden(element, !shown);
      if (!shown) return;
      if (chip.dataset['by'] !== view.held?.by) {
        chip.dataset['by'] = view.held?.by;
        sign.replaceChildren(icon(shown.resumable ? 'pause' : 'moon', 16));
      }
      setText(text, shown.text);
      setAttribute(chip, 'title', fullDate(parse(view.held?.until), format) || null);
      setHidden(resume, !shown.resumable);
    },
  };
}
