import assert from 'node:assert/strict';
import test from 'node:test';
import {
  BANNER_AFTER_MS, badgeOf, bannerOf, checkedAt, emptyOf, failureText, heldOf, isListSeen, noticeKey, noticesOf, pillOf, screenOf, sendingOf, sentence,
  sidRequestOf, stepsOf, syncedText,
} from '../app/js/derive.js';
import { discardQuestion, signOutQuestion } from '../app/js/questions.js';
import { firstState } from '../app/js/state.js';

const FORMAT = { locale: 'en-GB', hour12: false, timeZone: 'UTC' };
const NOW = Date.parse('2024-02-15T14:05:00Z');
const SINCE = '2024-02-15T14:02:00Z';
const PROBLEM = { code: 'unreachable', message: 'Acme did not answer.', hint: 'Check the network.' };
const ACCOUNT = { environment: 'production', brand: 'Acme', user: '1', name: 'Darth Vader' };
const view = (session, more = {}) => ({
  revision: 1, session, account: ACCOUNT, unread: 0, total: 0, last_synced: null, outbox: 0, notices: [], held: null, sending: null, ...more,
});
const LIVE = view({ state: 'online', socket: 'live', since: SINCE });
const CONNECTING = view({ state: 'online', socket: 'connecting', since: SINCE });
const OFFLINE = view({ state: 'offline', problem: PROBLEM, since: SINCE });
const REJECTED = view({ state: 'rejected', problem: PROBLEM, since: SINCE });
const SIGNED_OUT = view({ state: 'signed_out', problem: null }, { account: null });
const SIGNING_IN = view({ state: 'signing_in', step: 'session' });

test('the pill tells each state of the session apart', () => {
  const text = (of) => pillOf(of, NOW, FORMAT).text;
  assert.equal(text(LIVE), 'Online');
  assert.equal(text(CONNECTING), 'Connecting…');
  assert.equal(text(OFFLINE), 'Offline since 14:02');
  assert.equal(text(REJECTED), 'Session expired');
  assert.equal(text(SIGNING_IN), 'Connecting…');
  assert.equal(text(SIGNED_OUT), 'Signed out');
});

test('signed out shows the form, every other state of an account its list', () => {
  assert.equal(screenOf(SIGNED_OUT, 'starting'), 'sign-in');
  for (const of of [LIVE, CONNECTING, OFFLINE, REJECTED]) assert.equal(screenOf(of, 'sign-in'), 'inbox');
});

test('a refusal before there is an account is told by the sign-in form', () => {
  assert.equal(screenOf({ ...REJECTED, account: null }, 'sign-in'), 'sign-in');
});

test('a sign-in shows its steps where it was begun', () => {
  assert.equal(screenOf(SIGNING_IN, 'sign-in'), 'sign-in', 'first run');
  assert.equal(screenOf(SIGNING_IN, 'inbox'), 'inbox', 'a new session id for an expired one');
  assert.equal(screenOf(SIGNING_IN, 'starting'), 'inbox', 'a window opened meanwhile');
  assert.equal(screenOf({ ...SIGNING_IN, account: null }, 'starting'), 'sign-in');
});

test('offline has a banner with since-when, the reason and what to do', () => {
  assert.deepEqual(bannerOf(OFFLINE, null, NOW, FORMAT), {
    kind: 'offline', title: 'Offline since 14:02', text: 'Acme did not answer. Check the network.',
  });
});

test('the session id alone is asked for when it expired and when its keyring is missing', () => {
  assert.deepEqual(sidRequestOf(REJECTED), { title: 'Session expired', reason: 'Acme did not answer. Check the network.' });
  const withoutKeyring = view({ state: 'offline', problem: { code: 'no_keyring', message: 'No keyring.', hint: 'Start one.' }, since: SINCE });
  assert.equal(sidRequestOf(withoutKeyring)?.title, 'Go on without the keyring');
  assert.equal(bannerOf(withoutKeyring, null, NOW, FORMAT)?.text, 'No keyring. Start one.', 'what is wrong, and Try now');
  for (const of of [LIVE, CONNECTING, OFFLINE, SIGNED_OUT, SIGNING_IN]) assert.equal(sidRequestOf(of), null);
});

test('a socket that connects at once shows no banner, one that takes long does', () => {
  assert.equal(bannerOf(LIVE, null, NOW, FORMAT), null);
  assert.equal(bannerOf(CONNECTING, NOW - BANNER_AFTER_MS + 1, NOW, FORMAT), null);
  assert.equal(bannerOf(CONNECTING, NOW - BANNER_AFTER_MS, NOW, FORMAT)?.kind, 'connecting');
});

test('an expired session has its own form and no banner', () => {
  assert.equal(bannerOf(REJECTED, null, NOW, FORMAT), null);
  assert.equal(bannerOf(SIGNING_IN, null, NOW, FORMAT), null);
});

test('the environment shows unless it is production', () => {
  assert.equal(badgeOf(ACCOUNT), null);
  assert.equal(badgeOf({ ...ACCOUNT, environment: 'staging' }), 'Staging');
  assert.equal(badgeOf({ ...ACCOUNT, environment: 'http://127.0.0.1:8443/x' }), '127.0.0.1:8443');
  assert.equal(badgeOf({ ...ACCOUNT, environment: 'odd' }), 'odd');
});

test('the steps of a sign-in are done, doing and to do', () => {
  assert.deepEqual(stepsOf('session', 'Acme').map(({ text, state }) => [text, state]), [
    ['Finding Acme', 'done'], ['Checking the session id', 'doing'], ['Opening the channel', 'todo'],
  ]);
});

test('an empty list says when it was last checked', () => {
  assert.deepEqual(emptyOf('all', { ...LIVE, last_synced: '2024-02-15T14:00:00Z' }, NOW, FORMAT), {
    title: "You're all caught up", text: 'Last checked 5 min ago',
  });
  assert.equal(emptyOf('shoutouts', LIVE, NOW, FORMAT).text, 'Checking for messages…');
  assert.equal(emptyOf('inbox', OFFLINE, NOW, FORMAT).text, 'Not checked yet');
  assert.equal(syncedText(LIVE, NOW, FORMAT), 'Not synced yet');
});

test('a failed mark names what was tried and why it failed', () => {
  assert.equal(failureText({ read: true, problem: PROBLEM }), 'Could not mark as read: Acme did not answer.');
  assert.equal(failureText({ read: false, problem: { ...PROBLEM, message: '' } }), 'Could not mark as unread: no reason was given.');
});

test('a dismissed notice stays away until it says something new', () => {
  const reset = { code: 'store_reset', message: 'Set aside as a.', hint: '' };
  const again = { ...reset, message: 'Set aside as b.' };
  const dismissed = new Set([noticeKey(reset)]);
  assert.deepEqual(noticesOf([reset, again], dismissed), [again]);
});

test('signing out says what it deletes, what is sent first, and offers to keep the messages', () => {
  assert.match(signOutQuestion(LIVE, true).text, /session id is deleted/);
  assert.doesNotMatch(signOutQuestion(LIVE, true).text, /read mark/);
  assert.match(signOutQuestion({ ...LIVE, outbox: 1 }, true).text, /One read mark is sent to Acme first/);
  assert.match(signOutQuestion({ ...LIVE, outbox: 3 }, true).text, /3 read marks are sent/);
  assert.equal(signOutQuestion(LIVE, true).choice.checked, true);
  assert.equal(signOutQuestion(LIVE, false).choice.checked, false);
});

test('giving up read marks says how many are lost, and where', () => {
  assert.match(discardQuestion({ ...LIVE, outbox: 3 }).text, /3 read marks have not reached Acme and will be lost/);
  assert.match(discardQuestion({ ...LIVE, outbox: 1 }).text, /A read mark has not reached Acme and will be lost/);
  assert.equal(discardQuestion(LIVE).confirm, 'Discard and sign out');
});

test('what holds notifications back is named with its end, and only a pause can be ended', () => {
  const held = (by, ahead) => heldOf({ ...LIVE, held: { by, until: new Date(NOW + ahead).toISOString() } }, NOW, FORMAT);
  assert.equal(heldOf(LIVE, NOW, FORMAT), null);
  assert.deepEqual(held('pause', 59 * 60_000), { text: 'Paused until 15:04', resumable: true });
  assert.deepEqual(held('quiet_hours', 9 * 3_600_000), { text: 'Quiet hours until 23:05', resumable: false });
  assert.equal(held('pause', 18 * 3_600_000)?.text, 'Paused until tomorrow 08:05');
  assert.equal(heldOf({ ...LIVE, held: { by: 'pause', until: 'nonsense' } }, NOW, FORMAT)?.text, 'Paused');
});

test('the header says when the last check was, in a way that stays true', () => {
  assert.equal(checkedAt({ ...LIVE, last_synced: null }, NOW, FORMAT), 'Not checked yet');
  assert.equal(checkedAt({ ...LIVE, last_synced: new Date(NOW - 60_000).toISOString() }, NOW, FORMAT), 'Checked 14:04');
});

test('marks on their way are told while there are several, and while signing out waits for them', () => {
  assert.equal(sendingOf(LIVE, false), null);
  assert.equal(sendingOf({ ...LIVE, outbox: 1 }, false), null);
  assert.deepEqual(sendingOf({ ...LIVE, sending: { done: 12, total: 40 } }, false), { text: 'Sending read marks: 12 of 40', done: 12, total: 40 });
  assert.match(sendingOf({ ...LIVE, sending: { done: 12, total: 40 } }, true)?.text ?? '', /before signing out: 12 of 40/);
  assert.equal(sendingOf({ ...LIVE, outbox: 1 }, true)?.total, null);
  assert.equal(sendingOf(LIVE, true)?.text, 'Signing out…');
});

test('a message would be seen as it arrives only at the top of an open list that would show it', () => {
  const seen = { covered: false, atTop: true };
  const state = { ...firstState(NOW), screen: 'inbox', view: LIVE };
  assert.equal(isListSeen(state, seen), true);
  assert.equal(isListSeen({ ...state, list: { ...state.list, tab: 'unread' } }, seen), true);
  for (const [what, other, list] of [
    ['another tab', { ...state, list: { ...state.list, tab: 'inbox' } }, seen],
    ['a search', { ...state, search: { text: 'a', when: 'any', hasLink: false } }, seen],
    ['a page over it', { ...state, page: 'settings' }, seen],
    ['signed out', { ...state, screen: 'sign-in' }, seen],
    ['scrolled down', state, { ...seen, atTop: false }],
    ['a message over it', state, { ...seen, covered: true }],
  ]) assert.equal(isListSeen(other, list), false, what);
});

test('a problem without a hint is one sentence', () => {
  assert.equal(sentence({ ...PROBLEM, hint: '' }), 'Acme did not answer.');
});
