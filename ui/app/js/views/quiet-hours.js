/**
 * The weekly quiet hours: each with its days and times, added and removed. Each change is given on at once.
 */

import { h, newId, setAttribute, setHidden } from '../dom.js';
import { icon } from '../icons.js';
import { DAYS, daysText, endsNextDay, newQuietHours, replaceAt, toggleDay } from '../settings.js';
import { readClock, writeClock } from '../time.js';

/** @typedef {import('../../../types/backend').QuietHours} Hours */
/** @typedef {import('../../../types/state').Format} Format */

/**
 * @param {Format} format
 * @param {HTMLElement} why where a refusal is told
 * @param {(hours: Hours[]) => void} then
 */
export function createQuietHours(format, why, then) {
  /** @type {readonly Hours[]} */
  let shown = [];
  /** @type {ReturnType<typeof createWindow>[]} */
  const rows = [];
  const none = h('p', { class: 'setting-hint', text: 'None: notifications come at any time.' });
  const list = h('div', { class: 'quiet-list', 'data-testid': 'quiet-hours' });
  const add = h(
    'button',
    { type: 'button', class: 'button small', 'data-testid': 'quiet-add', onclick: () => append() },
    icon('plus', 16),
    h('span', { text: 'Add quiet hours' }),
  );

  function append() {
    then([...shown, newQuietHours()]);
    // After the drawing, which makes it.
    queueMicrotask(() => rows.at(-1)?.focus());
  }

  /** @param {number} at */
  function row(at) {
    return createWindow(format, {
      change: (hours) => then(replaceAt(shown, at, hours)),
      remove() {
        then(replaceAt(shown, at, null));
        // What had the focus goes: to the one before it, or to where one is added.
        (rows[at - 1]?.removeButton ?? add).focus();
      },
    });
  }

  return {
    element: h('div', { class: 'quiet' }, none, list, why, h('div', {}, add)),
    /** @param {readonly Hours[]} hours */
    draw(hours) {
      shown = hours;
      while (rows.length > hours.length) rows.pop()?.element.remove();
      while (rows.length < hours.length) {
        const made = row(rows.length);
        rows.push(made);
        list.append(made.element);
      }
      hours.forEach((each, at) => rows[at]?.draw(each));
      setHidden(none, hours.length > 0);
    },
  };
}

/**
 * @param {Format} format
 * @param {{ change: (hours: Hours) => void, remove: () => void }} then
 */
function createWindow(format, then) {
  /** @type {Hours} */
  let shown = newQuietHours();
  const days = DAYS.map(({ day, short, name }) => {
    const button = h(
      'button',
      { type: 'button', class: 'toggle', 'data-testid': 'quiet-day', 'data-day': day, onclick: () => then.change(toggleDay(shown, day)) },
      h('span', { 'aria-hidden': 'true', text: short }),
      h('span', { class: 'spoken', text: name }),
    );
    return { day, button };
  });
  const from = timeField('From', 'quiet-from', format, (time) => then.change({ ...shown, from: time }));
  const to = timeField('To', 'quiet-to', format, (time) => then.change({ ...shown, to: time }));
  const next = h('p', { class: 'setting-hint', hidden: true, 'data-testid': 'quiet-next-day', text: 'Ends the next day' });
  const removeButton = h(
    'button',
    { type: 'button', class: 'icon-button', title: 'Remove', 'data-testid': 'quiet-remove', onclick: then.remove },
    icon('trash'),
  );
  const element = h(
    'div',
    { class: 'quiet-row', role: 'group', 'data-testid': 'quiet-row' },
    h('div', { class: 'quiet-days', role: 'group', 'aria-label': 'Days' }, ...days.map(({ button }) => button)),
    h('div', { class: 'quiet-times' }, from.element, to.element, next, removeButton),
  );
  return {
    element,
    removeButton,
    focus: () => days[0]?.button.focus(),
    /** @param {Hours} hours */
    draw(hours) {
      shown = hours;
      for (const { day, button } of days) setAttribute(button, 'aria-pressed', String(hours.days.includes(day)));
      from.draw(hours.from);
      to.draw(hours.to);
      setHidden(next, !endsNextDay(hours));
      const words = `${daysText(hours.days)}, ${writeClock(hours.from, format)} to ${writeClock(hours.to, format)}`;
      setAttribute(element, 'aria-label', `Quiet hours: ${words}`);
      setAttribute(removeButton, 'aria-label', `Remove quiet hours: ${words}`);
    },
  };
}

/**
 * A webview without a field for times shows one for text: it is then written as the system writes times and read as
 * people do.
 * @param {string} label
 * @param {string} testid
 * @param {Format} format
 * @param {(time: string) => void} then
 */
function timeField(label, testid, format, then) {
  const id = newId(testid);
  const input = h('input', { id, type: 'time', class: 'input time', required: true, autocomplete: 'off', 'data-testid': testid });
  const native = input.type === 'time';
  const written = (/** @type {string} */ time) => (native ? time : writeClock(time, format));
  let shown = '';
  input.addEventListener('change', () => {
    const time = readClock(input.value);
    if (time === null) input.value = written(shown);
    else if (time !== shown) then(time);
  });
  return {
    element: h('div', { class: 'quiet-time' }, h('label', { for: id, text: label }), input),
    /** @param {string} time */
    draw(time) {
      if (time === shown) return;
      shown = time;
      if (readClock(input.value) !== time) input.value = written(time);
    },
  };
}
