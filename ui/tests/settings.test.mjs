import assert from 'node:assert/strict';
import test from 'node:test';
import { debounce } from '../app/js/debounce.js';
import { daysText, endsNextDay, newQuietHours, readCount, replaceAt, toggleDay, withChanges } from '../app/js/settings.js';

test('quiet hours that end when they begin, or before, end on the next day', () => {
  for (const [from, to, next] of [['22:00', '07:00', true], ['00:00', '06:00', false], ['12:00', '12:00', true], ['09:00', '09:01', false]]) {
    assert.equal(endsNextDay({ days: [], from, to }), next, `${from} to ${to}`);
  }
  assert.equal(endsNextDay(newQuietHours()), true);
});

test('days are kept in the order of the week, and named shortly', () => {
  const none = { days: [], from: '22:00', to: '07:00' };
  assert.deepEqual(toggleDay(toggleDay(none, 'sun'), 'tue').days, ['tue', 'sun']);
  assert.deepEqual(toggleDay({ ...none, days: ['tue', 'sun'] }, 'tue').days, ['sun']);
  assert.equal(daysText(newQuietHours().days), 'Every day');
  assert.equal(daysText(['mon', 'tue', 'wed', 'thu', 'fri']), 'Weekdays');
  assert.equal(daysText(['sun', 'sat']), 'Weekend');
  assert.equal(daysText(['wed', 'mon']), 'Mon, Wed');
  assert.equal(daysText([]), 'No day');
});

test('one of a list is changed or taken out, and the others stay', () => {
  assert.deepEqual(replaceAt(['a', 'b', 'c'], 1, 'x'), ['a', 'x', 'c']);
  assert.deepEqual(replaceAt(['a', 'b', 'c'], 1, null), ['a', 'c']);
});

test('a count is a whole number of one and more', () => {
  for (const [text, count] of [['90', 90], [' 7 ', 7], ['0', null], ['-1', null], ['1.5', null], ['1e3', null], ['', null], ['99999999999', null]]) {
    assert.equal(readCount(text), count, text);
  }
});

test('changes that are not answered lie over what the core has, the newest on top', () => {
  const known = { shows: 'full', images: 'always' };
  const changes = [{ field: 'shows', value: 'title' }, { field: 'shows', value: 'nothing' }];
  assert.deepEqual(withChanges(known, changes), { shows: 'nothing', images: 'always' });
  assert.deepEqual(known, { shows: 'full', images: 'always' });
});

test('a debounced call comes once, with the last value, when it has been still', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const came = [];
  const call = debounce((value) => came.push(value), 150);
  call.later('a');
  t.mock.timers.tick(149);
  call.later('ab');
  t.mock.timers.tick(149);
  assert.deepEqual(came, []);
  t.mock.timers.tick(1);
  assert.deepEqual(came, ['ab']);
  call.later('abc');
  call.now('');
  t.mock.timers.tick(1000);
  assert.deepEqual(came, ['ab', ''], 'what waited does not come after it');
});
