import assert from 'node:assert/strict';
import test from 'node:test';
import { isFiltered, isNarrowed, nothingFound, NO_SEARCH, queryOf, resultsText, sameSearch } from '../app/js/search.js';

const NOW = new Date(2024, 1, 15, 14, 5).getTime();
const local = (...parts) => new Date(...parts).toISOString();

test('a query names only what it is narrowed to', () => {
  assert.deepEqual(queryOf('all', NO_SEARCH, NOW), { tab: 'all' });
  assert.deepEqual(queryOf('unread', { ...NO_SEARCH, text: '  bonus  friday ' }, NOW), { tab: 'unread', text: 'bonus  friday' });
  assert.deepEqual(queryOf('inbox', { ...NO_SEARCH, hasLink: true }, NOW), { tab: 'inbox', has_link: true });
});

test('a span begins at a midnight of the calendar here, today counted', () => {
  assert.equal(queryOf('all', { ...NO_SEARCH, when: 'today' }, NOW).since, local(2024, 1, 15));
  assert.equal(queryOf('all', { ...NO_SEARCH, when: 'week' }, NOW).since, local(2024, 1, 9));
  assert.equal(queryOf('all', { ...NO_SEARCH, when: 'month' }, NOW).since, local(2024, 0, 17));
});

test('blanks alone narrow nothing and make no other search', () => {
  assert.equal(isNarrowed({ ...NO_SEARCH, text: '  ' }), false);
  assert.equal(isNarrowed({ ...NO_SEARCH, when: 'today' }), true);
  assert.equal(isFiltered({ ...NO_SEARCH, text: 'x' }), false);
  assert.equal(sameSearch({ ...NO_SEARCH, text: 'a ' }, { ...NO_SEARCH, text: 'a' }), true);
  assert.equal(sameSearch({ ...NO_SEARCH, hasLink: true }, NO_SEARCH), false);
});

test('how many results there are is said only where it is known', () => {
  assert.equal(resultsText(0, false), 'Nothing found');
  assert.equal(resultsText(1, false), 'One result');
  assert.equal(resultsText(7, false), '7 results');
  assert.equal(resultsText(50, true), 'The first 50 results are shown');
});

test('a search without result names the text, and the filters where they may be why', () => {
  assert.equal(nothingFound({ ...NO_SEARCH, text: ' xyzzy ' }).title, 'Nothing found for “xyzzy”');
  assert.match(nothingFound({ ...NO_SEARCH, text: 'a', when: 'today' }).text, /filters/);
  assert.equal(nothingFound({ ...NO_SEARCH, hasLink: true }).title, 'No messages match');
  assert.ok(nothingFound({ ...NO_SEARCH, text: '🎉'.repeat(200) }).title.length < 160);
});
