/**
 * The list as data: pages joined, rows grouped by day, opened rows kept in place. Pure.
 * It must never drop a row because of one it cannot read.
 */

import { dayHeading, dayKey, parse } from './time.js';

/** @typedef {import('../../types/backend').Row} Row */
/** @typedef {import('../../types/backend').Tab} Tab */
/** @typedef {import('../../types/state').Format} Format */

/** @type {readonly { tab: Tab, label: string }[]} */
export const TABS = [
  { tab: 'all', label: 'All' },
  { tab: 'unread', label: 'Unread' },
  { tab: 'messages', label: 'Messages' },
  { tab: 'shoutouts', label: 'Shoutouts' },
  { tab: 'inbox', label: 'Inbox' },
];

/**
 * Rows followed by the next page. A row that moved between the two calls stands once, as it was read last.
 * @param {readonly Row[]} rows
 * @param {readonly Row[]} more
 * @returns {Row[]}
 */
export function join(rows, more) {
  const again = new Set(more.map((row) => row.id));
  return [...rows.filter((row) => !again.has(row.id)), ...more];
}

/**
 * A click never makes a row vanish: what was read here while the Unread tab is shown stays at its place.
 * @param {readonly Row[]} fresh newest first
 * @param {readonly Row[]} before
 * @param {ReadonlySet<string>} kept
 * @returns {Row[]}
 */
export function keep(fresh, before, kept) {
  const listed = new Set(fresh.map((row) => row.id));
  const stay = before.filter((row) => kept.has(row.id) && !listed.has(row.id)).map((row) => ({ ...row, read: true }));
  if (stay.length === 0) return [...fresh];
  const all = [...fresh, ...stay];
  return all.sort((a, b) => parse(b.date) - parse(a.date) || (a.id < b.id ? 1 : -1));
}

/**
 * Rows by calendar day, in their order. A row whose date cannot be read joins the group before it.
 * @param {readonly Row[]} rows
 * @param {number} now
 * @param {Format} format
 * @returns {{ key: string, heading: string, rows: Row[] }[]}
 */
export function groupByDay(rows, now, format) {
  /** @type {{ key: string, heading: string, rows: Row[] }[]} */
  const groups = [];
  /** @type {Map<string, { key: string, heading: string, rows: Row[] }>} */
  const byKey = new Map();
  for (const row of rows) {
    const ms = parse(row.date);
    const key = Number.isNaN(ms) ? (groups.at(-1)?.key ?? 'undated') : dayKey(ms, format);
    let group = byKey.get(key);
    if (!group) {
      group = { key, heading: Number.isNaN(ms) ? 'Undated' : dayHeading(ms, now, format), rows: [] };
      byKey.set(key, group);
      groups.push(group);
    }
    group.rows.push(row);
  }
  return groups;
}

/**
 * What the event of a row is called.
 * @param {string} event
 */
export function typeName(event) {
  switch (event) {
    case 'message': return 'Message';
    case 'shoutout': return 'Shoutout';
    case 'inbox': return 'Inbox';
    default: {
      const words = event.replace(/[_-]+/g, ' ').trim();
      return words === '' ? 'Notification' : words.charAt(0).toUpperCase() + words.slice(1);
    }
  }
}

/**
 * At most so many characters, never half of one, for a row shows two lines of what may be very long.
 * @param {string} text
 * @param {number} most
 */
export function cut(text, most) {
  if (text.length <= most) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}
