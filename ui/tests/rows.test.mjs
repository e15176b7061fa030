import assert from 'node:assert/strict';
import test from 'node:test';
import { cut, groupByDay, join, keep, typeName } from '../app/js/rows.js';

const FORMAT = { locale: 'en-GB', hour12: false, timeZone: 'UTC' };
const NOW = Date.parse('2024-02-15T14:05:00Z');
const row = (id, date, more = {}) => ({ id, date, event: 'message', title: id, preview: '', read: false, link: null, problem: null, ...more });

test('rows are grouped by day in the order they come', () => {
  const groups = groupByDay([row('a', '2024-02-15T10:00:00Z'), row('b', '2024-02-15T09:00:00Z'), row('c', '2024-02-14T09:00:00Z')], NOW, FORMAT);
  assert.deepEqual(groups.map(({ heading, rows }) => [heading, rows.map(({ id }) => id)]), [['Today', ['a', 'b']], ['Yesterday', ['c']]]);
});

test('a row without a readable date stays in the list', () => {
  const groups = groupByDay([row('x', 'soon'), row('a', '2024-02-15T10:00:00Z'), row('b', '')], NOW, FORMAT);
  assert.deepEqual(groups.map(({ heading, rows }) => [heading, rows.length]), [['Undated', 1], ['Today', 2]]);
});

test('a row that moved between two pages stands once', () => {
  assert.deepEqual(join([row('a', ''), row('b', '')], [row('b', '', { read: true }), row('c', '')]).map(({ id, read }) => `${id}${read}`), ['afalse', 'btrue', 'cfalse']);
});

test('a click never makes a row vanish: what was read in the unread tab stays at its place', () => {
  const before = [row('c', '2024-02-15T12:00:00Z'), row('b', '2024-02-15T11:00:00Z'), row('a', '2024-02-15T10:00:00Z')];
  const fresh = [row('d', '2024-02-15T13:00:00Z'), before[0], before[2]];
  const rows = keep(fresh, before, new Set(['b']));
  assert.deepEqual(rows.map(({ id, read }) => [id, read]), [['d', false], ['c', false], ['b', true], ['a', false]]);
});

test('what was read elsewhere leaves the unread tab', () => {
  assert.deepEqual(keep([], [row('a', '2024-02-15T12:00:00Z')], new Set()), []);
});

test('long text is cut between characters and never inside one', () => {
  assert.equal(cut('short', 10), 'short');
  assert.equal(cut('abcdef', 3), 'abc…');
  assert.equal(cut('ab🔥🔥', 3), 'ab…');
});

test('every event has a name, also the brand\'s own', () => {
  assert.equal(typeName('shoutout'), 'Shoutout');
  assert.equal(typeName('vip_offer'), 'Vip offer');
  assert.equal(typeName(''), 'Notification');
});
