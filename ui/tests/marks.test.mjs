import assert from 'node:assert/strict';
import test from 'node:test';
import { begin, done, failed, settle, shown, undone } from '../app/js/marks.js';

const PROBLEM = { code: 'store_failed', message: 'The disk is full.', hint: '' };
const row = (more = {}) => ({ id: 'a', read: false, problem: null, ...more });

test('a mark shows at once', () => {
  assert.deepEqual(shown(row(), begin(new Map(), ['a'], true, 1)), { read: true, failure: null });
});

test('a mark that failed is taken back with its reason', () => {
  const marks = failed(begin(new Map(), ['a'], true, 1), ['a'], 1, PROBLEM);
  assert.deepEqual(shown(row(), marks), { read: false, failure: { read: true, problem: PROBLEM } });
});

test('trying again clears the reason, also the one the core keeps', () => {
  const marks = failed(begin(new Map(), ['a'], true, 1), ['a'], 1, PROBLEM);
  assert.deepEqual(shown(row({ problem: PROBLEM }), begin(marks, ['a'], true, 2)), { read: true, failure: null });
});

test('the answer to an older click does not undo a newer one', () => {
  const marks = begin(begin(new Map(), ['a'], true, 1), ['a'], false, 2);
  assert.deepEqual(shown(row({ read: true }), failed(marks, ['a'], 1, PROBLEM)), { read: false, failure: null });
  assert.equal(done(marks, ['a'], 1).get('a')?.state, 'sending');
  assert.equal(undone(marks, ['a'], 1).size, 1);
});

test('a mark stays until a list that was asked for after it was done', () => {
  const sending = begin(new Map(), ['a'], true, 1);
  const kept = done(sending, ['a'], 1);
  assert.equal(settle(kept, sending, [row()]).size, 1, 'the list may be older than the mark');
  assert.equal(settle(kept, kept, [row({ read: true })]).size, 0);
});

test('a newer click survives the list that settles the older one', () => {
  const first = done(begin(new Map(), ['a'], true, 1), ['a'], 1);
  const second = begin(first, ['a'], false, 2);
  assert.equal(shown(row({ read: true }), settle(second, first, [row({ read: true })])).read, false);
});

test('a failure is over once the row is as was wanted', () => {
  const marks = failed(begin(new Map(), ['a'], true, 1), ['a'], 1, PROBLEM);
  assert.equal(settle(marks, marks, [row()]).size, 1);
  assert.equal(settle(marks, marks, [row({ read: true })]).size, 0);
});

test('the reason the core gives shows on the row', () => {
  assert.deepEqual(shown(row({ problem: PROBLEM }), new Map()).failure, { read: true, problem: PROBLEM });
});

test('maps are not changed in place', () => {
  const empty = new Map();
  begin(empty, ['a'], true, 1);
  assert.equal(empty.size, 0);
});
