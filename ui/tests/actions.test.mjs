import assert from 'node:assert/strict';
import test from 'node:test';
import { createActions } from '../app/js/actions.js';
import { problemOf } from '../app/js/backend.js';
import { shown } from '../app/js/marks.js';
import { createStore, firstState } from '../app/js/state.js';

const NOW = Date.parse('2024-02-15T14:05:00Z');
const ACCOUNT = { environment: 'production', brand: 'Acme', user: '1', name: 'Darth Vader' };
const SETTINGS = {
  quiet_hours: [], rules: { message: 'alert', shoutout: 'alert', inbox: 'alert' }, shows: 'full',
  retention: { days: null, messages: null }, images: 'always', purge_at_sign_out: true,
};
/** A button whose link is not encrypted. */
const PLAIN = { text: 'Go', target: 'http://x/', allowed: true, confirm: true };
const FULL = { code: 'store_failed', message: 'The disk is full.', hint: '' };

/** A core of a few messages whose answers a test can hold back or make fail. */
function setup({ rows = 3, answers = {}, confirm = () => true } = {}) {
  const core = {
    messages: Array.from({ length: rows }, (_, n) => ({
      id: `m${n}`, event: 'message', title: `Message ${n}`, preview: '', date: new Date(NOW - n * 60_000).toISOString(), read: false, link: null, problem: null,
    })),
    revision: 1,
    calls: [],
    questions: [],
    settings: { ...SETTINGS },
    remembered: [],
  };
  const view = (session = { state: 'online', socket: 'live', since: new Date(NOW).toISOString() }, more = {}) => ({
    revision: core.revision, session, account: ACCOUNT, unread: 0, total: rows, last_synced: null, outbox: 0, notices: [], held: null, sending: null, ...more,
  });
  const standard = {
    async page({ tab, text = '' }, cursor, limit) {
      const all = core.messages.filter((message) => (tab !== 'unread' || !message.read) && message.title.includes(text));
      const from = Number(cursor ?? 0);
      return structuredClone({ rows: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null, revision: core.revision });
    },
    async detail(id) {
      const found = core.messages.find((message) => message.id === id);
      if (!found) throw { code: 'not_found', message: 'Gone.', hint: '' };
      return { ...found, body_html: '', footer_html: '', cut: null, expires: null, image: 'none', buttons: [PLAIN] };
    },
    async markRead(id) { set([id], true); },
    async markUnread(id) { set([id], false); },
    async markAllRead() { set(core.messages.map(({ id }) => id), true); return rows; },
    async deleteMessage(id) { core.messages = core.messages.filter((message) => message.id !== id); },
    async refresh() {},
    async signIn() {},
    async signOut() {},
    async openLink() {},
    async settings() { return structuredClone(core.settings); },
    async saveSettings(settings) { core.settings = structuredClone(settings); return settings; },
    async pause() {},
    async resume() {},
    async diagnostics() { return { sections: [] }; },
    async exportDiagnostics() { return '/tmp/traybell.zip'; },
    async listShown() {},
    async showImage() {},
  };
  function set(ids, read) {
    for (const message of core.messages) if (ids.includes(message.id)) message.read = read;
    core.revision += 1;
  }
  const backend = Object.fromEntries(Object.entries(standard).map(([name, plain]) => [name, (...args) => {
    core.calls.push([name, ...args]);
    return (answers[name] ?? plain)(...args, plain);
  }]));
  const store = createStore(firstState(NOW));
  const ask = async (question) => {
    core.questions.push(question);
    return (await confirm(question)) ? { choice: question.choice?.checked ?? false } : null;
  };
  const actions = createActions(store, backend, ask, { now: () => NOW, remember: (set) => core.remembered.push([...set]) });
  const called = (name) => core.calls.filter(([call]) => call === name);
  const seen = (id) => shown(store.get().list.rows.find((row) => row.id === id) ?? { id, read: false, problem: null }, store.get().marks);
  return { core, store, actions, view, called, seen };
}

/** Lets everything that waits for nothing outside run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A promise and its two ends. */
function held() {
  let give, fail;
  const promise = new Promise((resolve, reject) => { give = resolve; fail = reject; });
  return { promise, give, fail };
}

test('the list is read when the inbox comes, and again when its revision rises', async () => {
  const { core, store, actions, view, called } = setup();
  actions.viewArrived(view());
  await settled();
  assert.equal(store.get().list.rows.length, 3);
  actions.viewArrived(view());
  await settled();
  assert.equal(called('page').length, 1, 'same revision, nothing to read');
  core.revision += 1;
  actions.viewArrived(view());
  await settled();
  assert.equal(called('page').length, 2);
});

test('changes that come while a list is read become one more reading', async () => {
  const gate = held();
  let first = true;
  const { core, store, actions, view, called } = setup({ answers: { page: async (tab, cursor, limit, plain) => {
    if (first) { first = false; await gate.promise; }
    return plain(tab, cursor, limit);
  } } });
  actions.viewArrived(view());
  for (let n = 0; n < 5; n += 1) { core.revision += 1; actions.viewArrived(view()); }
  gate.give();
  await settled();
  assert.equal(called('page').length, 2);
  assert.equal(store.get().list.loading, false);
});

test('pages follow each other to the end, and a reading again covers all that is shown', async () => {
  const { store, actions, view, called } = setup({ rows: 320 });
  actions.viewArrived(view());
  await settled();
  assert.equal(store.get().list.rows.length, 50);
  while (store.get().list.next !== null) await actions.more();
  assert.equal(store.get().list.rows.length, 320);
  await actions.more();
  const before = called('page').length;
  await actions.reload();
  assert.equal(called('page').length - before, 2, '200 and 120');
  assert.equal(store.get().list.rows.length, 320);
});

test('a list that arrives after the tab was changed is not shown', async () => {
  const gate = held();
  const { store, actions, view } = setup({ answers: { page: async (query, cursor, limit, plain) => {
    if (query.tab === 'all') { await gate.promise; return { rows: [{ id: 'late', date: '', event: 'message', read: false, problem: null }], next: null, revision: 1 }; }
    return plain(query, cursor, limit);
  } } });
  actions.viewArrived(view());
  actions.showTab('unread');
  gate.give();
  await settled();
  assert.equal(store.get().list.tab, 'unread');
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m0', 'm1', 'm2']);
});

test('opening an unread message marks it read, at once and once', async () => {
  const gate = held();
  const { actions, view, called, seen } = setup({ answers: { markRead: async (id, plain) => { await gate.promise; return plain(id); } } });
  actions.viewArrived(view());
  await settled();
  void actions.openMessage('m1');
  await settled();
  assert.equal(seen('m1').read, true, 'before the core has answered');
  gate.give();
  await settled();
  assert.deepEqual(called('markRead'), [['markRead', 'm1']]);
  await actions.openMessage('m1');
  assert.equal(called('markRead').length, 1);
});

test('a mark that fails is rolled back with its reason, and a retry clears it', async () => {
  let fails = true;
  const { store, actions, view, seen } = setup({ answers: { markRead: async (id, plain) => { if (fails) throw FULL; return plain(id); } } });
  actions.viewArrived(view());
  await settled();
  await actions.mark('m0', true);
  assert.deepEqual(seen('m0'), { read: false, failure: { read: true, problem: FULL } });
  fails = false;
  await actions.mark('m0', true);
  await settled();
  assert.deepEqual(seen('m0'), { read: true, failure: null });
  assert.equal(store.get().marks.size, 0, 'the list has it now');
});

test('marking all as read shows at once, and when it fails every row is as it was', async () => {
  const gate = held();
  const { store, actions, view, seen } = setup({ answers: { markAllRead: () => gate.promise } });
  actions.viewArrived(view());
  await settled();
  const all = actions.markAllRead();
  assert.equal(seen('m2').read, true);
  gate.fail(FULL);
  await all;
  assert.deepEqual(seen('m2'), { read: false, failure: null });
  assert.equal(store.get().flash?.problem.code, 'store_failed');
});

test('a message read in the unread tab stays there until the tab is left', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  actions.showTab('unread');
  await settled();
  await actions.openMessage('m1');
  await settled();
  assert.deepEqual(store.get().list.rows.map(({ id, read }) => [id, read]), [['m0', false], ['m1', true], ['m2', false]]);
  actions.showTab('all');
  actions.showTab('unread');
  await settled();
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m0', 'm2']);
});

test('a notification clicked before there is a list is opened once there is', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view({ state: 'signed_out', problem: null }, { account: null }));
  actions.focusOn('m2');
  assert.equal(store.get().open, null);
  actions.viewArrived(view());
  await settled();
  assert.equal(store.get().open?.detail?.id, 'm2');
});

test('the answer for a message that is no longer open is dropped', async () => {
  const gate = held();
  const { store, actions, view } = setup({ answers: { detail: async (id, plain) => { if (id === 'm0') await gate.promise; return plain(id); } } });
  actions.viewArrived(view());
  await settled();
  const slow = actions.openMessage('m0');
  await actions.openMessage('m1');
  gate.give();
  await slow;
  assert.equal(store.get().open?.detail?.id, 'm1');
});

test('a message that cannot be opened says why and is not marked', async () => {
  const { store, actions, view, called } = setup();
  actions.viewArrived(view());
  await actions.openMessage('nowhere');
  assert.equal(store.get().open?.problem?.code, 'not_found');
  assert.equal(called('markRead').length, 0);
});

test('an insecure server is confirmed and then tried again with that', async () => {
  const { actions, called, core } = setup({ answers: { signIn: async (input) => {
    if (!input.insecureConfirmed) throw { code: 'insecure_server', message: 'Plain http.', hint: '' };
  } } });
  const input = { environment: 'http://far.example', brand: 'a', sid: 's', sessionOnly: false, insecureConfirmed: false };
  assert.equal(await actions.signIn(input), true);
  assert.deepEqual(called('signIn').map(([, given]) => given.insecureConfirmed), [false, true]);
  assert.equal(core.questions[0].quote, 'http://far.example');
});

test('a refused sign-in keeps its reason, and the state never holds the session id', async () => {
  const { store, actions } = setup({ answers: { signIn: async () => { throw { code: 'no_keyring', message: 'No keyring.', hint: '' }; } } });
  assert.equal(await actions.signIn({ environment: 'production', brand: 'a', sid: 'very-secret', sessionOnly: false, insecureConfirmed: false }), false);
  assert.deepEqual(store.get().signIn, { busy: false, problem: { code: 'no_keyring', message: 'No keyring.', hint: '' } });
  assert.doesNotMatch(JSON.stringify(store.get()), /very-secret/);
});

test('signing out asks, and discards only what the person was told of', async () => {
  let waiting = true;
  const { actions, view, called, core } = setup({ answers: { signOut: async (discard) => {
    if (waiting && !discard) { waiting = false; throw { code: 'outbox_not_empty', message: 'Marks wait.', hint: '' }; }
  } } });
  actions.viewArrived(view());
  await actions.signOut();
  assert.deepEqual(called('signOut'), [['signOut', false, true], ['signOut', true, true]]);
  assert.equal(core.questions.length, 2);
  assert.match(core.questions[1].text, /will be lost/);
});

test('what was declined is not done', async () => {
  const { actions, view, called } = setup({ confirm: () => false });
  actions.viewArrived(view());
  await settled();
  await actions.signOut();
  await actions.deleteMessage('m0');
  await actions.openMessage('m0');
  assert.equal(await actions.openLink('m0', 0, PLAIN), null);
  for (const name of ['signOut', 'deleteMessage', 'openLink']) assert.equal(called(name).length, 0, name);
});

test('a deleted message leaves the list and closes', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  await settled();
  await actions.openMessage('m1');
  await actions.deleteMessage('m1');
  assert.equal(store.get().open, null);
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m0', 'm2']);
});

test('a link over plain http is opened only once confirmed', async () => {
  const { actions, view, called, core } = setup();
  actions.viewArrived(view());
  await actions.openMessage('m0');
  assert.equal(await actions.openLink('m0', 0, PLAIN), null);
  assert.deepEqual(called('openLink'), [['openLink', 'm0', 0, true]]);
  assert.equal(core.questions[0].quote, 'http://x/');
});

test('a button that was pressed opens its link, even while the message is read anew', async () => {
  const gate = held();
  let opened = 0;
  const { store, actions, view, called } = setup({ answers: { detail: async (id, plain) => {
    opened += 1;
    if (opened > 1) await gate.promise;
    return plain(id);
  } } });
  actions.viewArrived(view());
  await actions.openMessage('m0');
  const [button] = store.get().open.detail.buttons;
  const again = actions.openMessage('m0');
  assert.equal(await actions.openLink('m0', 0, button), null);
  assert.deepEqual(called('openLink'), [['openLink', 'm0', 0, true]]);
  gate.give();
  await again;
});

test('an expired session keeps list and open message; signing out clears both', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  await settled();
  await actions.openMessage('m0');
  actions.viewArrived(view({ state: 'rejected', problem: FULL, since: new Date(NOW).toISOString() }));
  actions.viewArrived(view({ state: 'signing_in', step: 'session' }));
  assert.equal(store.get().screen, 'inbox');
  assert.equal(store.get().open?.id, 'm0');
  actions.viewArrived(view({ state: 'signed_out', problem: null }, { account: null }));
  assert.equal(store.get().screen, 'sign-in');
  assert.equal(store.get().open, null);
  assert.equal(store.get().list.rows.length, 0);
});

test('dismissed notices are remembered', () => {
  const { core, store, actions } = setup();
  actions.dismissNotice({ code: 'no_tray', message: 'No tray.', hint: '' });
  assert.deepEqual(core.remembered, [['no_tray\nNo tray.']]);
  assert.equal(store.get().dismissed.size, 1);
});

test('a notice that went away and comes again is shown again', () => {
  const notice = { code: 'no_tray', message: 'No tray.', hint: '' };
  const { core, store, actions, view } = setup();
  actions.viewArrived(view(undefined, { notices: [notice] }));
  actions.dismissNotice(notice);
  actions.viewArrived(view(undefined, { notices: [notice] }));
  assert.equal(store.get().dismissed.size, 1, 'it still stands');
  actions.viewArrived(view());
  assert.equal(store.get().dismissed.size, 0);
  assert.deepEqual(core.remembered.at(-1), [], 'the next window knows it too');
});

test('a refresh is announced as begun, and its result once the list was called', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  await actions.refresh();
  assert.equal(store.get().said.text, 'Checking for messages…');
  actions.viewArrived(view());
  assert.equal(store.get().said.text, 'Checking for messages…', 'nothing has come of it yet');
  actions.viewArrived(view(undefined, { last_synced: '2024-02-15T14:05:01Z', unread: 2 }));
  assert.equal(store.get().said.text, 'Checked for messages: 2 unread');
  actions.viewArrived(view(undefined, { last_synced: '2024-02-15T14:15:01Z', unread: 3 }));
  assert.equal(store.get().said.text, 'Checked for messages: 2 unread', 'nobody asked for this one');
});

test('a refresh without a connection announces no result', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  await actions.refresh();
  actions.viewArrived(view({ state: 'offline', problem: FULL, since: '' }));
  actions.viewArrived(view(undefined, { last_synced: '2024-02-15T14:05:01Z' }));
  assert.equal(store.get().said.text, 'Checking for messages…');
});

const CUT = { code: 'unreachable', message: 'The server did not answer.', hint: '' };

test('the missing rest of a message is no failed mark, and a retry fetches it and marks nothing', async () => {
  let missing = true;
  const { store, actions, view, called, seen } = setup({ answers: { detail: async (id, plain) => ({ ...await plain(id), cut: missing ? CUT : null }) } });
  actions.viewArrived(view());
  await settled();
  await actions.openMessage('m1');
  await settled();
  assert.deepEqual(store.get().open.detail.cut, CUT);
  assert.equal(seen('m1').failure, null);
  const marks = called('markRead').length;
  missing = false;
  await actions.fetchRest();
  assert.equal(store.get().open.detail.cut, null);
  assert.equal(store.get().open.detail.read, true);
  assert.equal(called('markRead').length, marks);
});

test('the missing rest of the open message is fetched once the connection is back', async () => {
  let missing = true;
  const { store, actions, view, called } = setup({ answers: { detail: async (id, plain) => ({ ...await plain(id), cut: missing ? CUT : null }) } });
  actions.viewArrived(view({ state: 'offline', problem: CUT, since: '' }));
  await settled();
  await actions.openMessage('m1');
  await settled();
  actions.viewArrived(view({ state: 'offline', problem: CUT, since: '' }));
  await settled();
  assert.equal(called('detail').length, 1, 'there is no connection to fetch it by');
  missing = false;
  actions.viewArrived(view());
  await settled();
  assert.equal(called('detail').length, 2);
  assert.equal(store.get().open.detail.cut, null);
});

test('whatever a call fails with becomes a problem', () => {
  assert.deepEqual(problemOf({ code: 'rejected', message: 'No.' }), { code: 'rejected', message: 'No.', hint: '' });
  assert.equal(problemOf('command not allowed').code, 'internal');
  assert.equal(problemOf(new Error('broken')).message, 'broken');
  assert.notEqual(problemOf('').message, '');
});

test('a search replaces the list once its results are there, and tells of them', async () => {
  const gate = held();
  const { store, actions, view } = setup({ answers: { page: async (query, cursor, limit, plain) => {
    if (query.text) await gate.promise;
    return plain(query, cursor, limit);
  } } });
  actions.viewArrived(view());
  await settled();
  actions.search({ text: 'Message 2' });
  await settled();
  assert.equal(store.get().list.rows.length, 3, 'what was shown stays meanwhile');
  assert.equal(store.get().list.loading, true);
  gate.give();
  await settled();
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m2']);
  assert.equal(store.get().said.text, 'One result');
  await actions.reload();
  assert.equal(store.get().said.turn, 1, 'a reading again is no news');
  actions.search({ text: '' });
  await settled();
  assert.equal(store.get().list.rows.length, 3);
});

test('the late answer of an older text is dropped and not waited for', async () => {
  const gate = held();
  const { store, actions, view } = setup({ answers: { page: async (query, cursor, limit, plain) => {
    if (query.text === 'Message') { await gate.promise; return { rows: [], next: null, revision: 9 }; }
    return plain(query, cursor, limit);
  } } });
  actions.viewArrived(view());
  await settled();
  actions.search({ text: 'Message' });
  actions.search({ text: 'Message 1' });
  await settled();
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m1'], 'before the older one has answered');
  gate.give();
  await settled();
  assert.deepEqual(store.get().list.rows.map(({ id }) => id), ['m1']);
  assert.equal(store.get().list.loading, false);
});

test('a list that is read after the tab was changed twice is that of the last', async () => {
  const { core, store, actions, view, called } = setup();
  actions.viewArrived(view());
  actions.showTab('unread');
  core.revision += 1;
  actions.viewArrived(view());
  actions.showTab('all');
  await settled();
  assert.equal(store.get().list.tab, 'all');
  assert.equal(store.get().list.loading, false);
  core.revision += 1;
  actions.viewArrived(view());
  await settled();
  assert.equal(called('page').at(-1)[1].tab, 'all', 'changes are still followed');
});

test('the pages of a search go on by its cursor, and blanks search for nothing', async () => {
  const { store, actions, view, called } = setup({ rows: 120 });
  actions.viewArrived(view());
  await settled();
  actions.search({ text: '  ' });
  await settled();
  assert.equal(called('page').length, 1);
  actions.search({ text: 'Message', hasLink: true });
  await settled();
  while (store.get().list.next !== null) await actions.more();
  assert.equal(store.get().list.rows.length, 120);
  for (const [, query] of called('page').slice(1)) assert.deepEqual(query, { tab: 'all', text: 'Message', has_link: true });
  assert.equal(store.get().said.text, 'The first 50 results are shown');
});

test('a search that fails shows its reason and no row of another', async () => {
  const { store, actions, view } = setup({ answers: { page: async (query, cursor, limit, plain) => {
    if (query.text) throw FULL;
    return plain(query, cursor, limit);
  } } });
  actions.viewArrived(view());
  await settled();
  actions.search({ text: 'x' });
  await settled();
  assert.deepEqual(store.get().list, { tab: 'all', rows: [], next: null, loading: false, loadingMore: false, problem: FULL });
});

test('the next account begins without a search', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  actions.search({ text: 'secret' });
  actions.viewArrived(view({ state: 'signed_out', problem: null }, { account: null }));
  assert.equal(store.get().search.text, '');
});

test('a setting shows at once and is saved whole', async () => {
  const gate = held();
  const { core, store, actions, called } = setup({ answers: { saveSettings: async (settings, plain) => { await gate.promise; return plain(settings); } } });
  actions.showPage('settings');
  await settled();
  void actions.changeSetting('shows', 'title');
  assert.equal(store.get().settings.shown?.shows, 'title');
  gate.give();
  await settled();
  assert.equal(core.settings.shows, 'title');
  assert.deepEqual(called('saveSettings')[0][1], { ...SETTINGS, shows: 'title' });
});

test('a refused setting is taken back with its reason, and spoils no other', async () => {
  const refusal = { code: 'bad_input', message: 'Quiet hours need a day.', hint: 'Choose one.' };
  const { core, store, actions } = setup({ answers: { saveSettings: async (settings, plain) => {
    if (settings.quiet_hours.some(({ days }) => days.length === 0)) throw refusal;
    return plain(settings);
  } } });
  actions.showPage('settings');
  await settled();
  void actions.changeSetting('quiet_hours', [{ days: [], from: '22:00', to: '07:00' }]);
  void actions.changeSetting('images', 'ask');
  assert.equal(store.get().settings.shown?.quiet_hours.length, 1);
  await settled();
  assert.deepEqual(store.get().settings.shown, { ...SETTINGS, images: 'ask' });
  assert.deepEqual(core.settings, { ...SETTINGS, images: 'ask' });
  assert.deepEqual([...store.get().settings.refused], [['quiet_hours', refusal]]);
  await actions.changeSetting('quiet_hours', []);
  assert.equal(store.get().settings.refused.size, 0);
});

test('settings that cannot be read say why and change nothing', async () => {
  const { store, actions, called } = setup({ answers: { settings: async () => { throw FULL; } } });
  actions.showPage('settings');
  await settled();
  assert.deepEqual(store.get().settings.problem, FULL);
  await actions.changeSetting('shows', 'title');
  assert.equal(called('saveSettings').length, 0);
});

test('whether the list is seen is told when it changes and not more often', async () => {
  const { actions, called } = setup();
  for (const shown of [true, true, false, false, true]) actions.listShown(shown);
  await settled();
  assert.deepEqual(called('listShown').map(([, shown]) => shown), [true, false, true]);
});

test('a picture that was asked for is shown once the core lets it, and says why when not', async () => {
  let allowed = false;
  const { store, actions, view } = setup({ answers: {
    detail: async (id, plain) => ({ ...(await plain(id)), image: allowed ? 'show' : 'ask' }),
    showImage: async (id) => { if (id === 'm1') throw FULL; allowed = true; },
  } });
  actions.viewArrived(view());
  await settled();
  await actions.openMessage('m1');
  assert.deepEqual(await actions.showImage('m1'), FULL);
  assert.equal(store.get().open?.detail?.image, 'ask');
  await actions.openMessage('m0');
  assert.equal(await actions.showImage('m0'), null);
  assert.equal(store.get().open?.detail?.image, 'show');
});

test('signing out tells that it waits, keeps the messages when asked to, and can be called again after a failure', async () => {
  const gate = held();
  const { core, store, actions, view, called } = setup({ answers: { signOut: () => gate.promise } });
  core.settings.purge_at_sign_out = false;
  actions.viewArrived(view());
  await settled();
  void actions.signOut();
  await settled();
  assert.equal(store.get().leaving, true);
  await actions.signOut();
  assert.deepEqual(called('signOut'), [['signOut', false, false]], 'one at a time, as the setting says');
  gate.fail(FULL);
  await settled();
  assert.equal(store.get().leaving, false);
  assert.equal(store.get().flash?.problem.code, 'store_failed');
});

test('a pause that fails says so where it was asked for', async () => {
  const { store, actions } = setup({ answers: { pause: async () => { throw FULL; }, resume: async () => { throw FULL; } } });
  actions.showPage('settings');
  await settled();
  await actions.pause('hour');
  assert.deepEqual(store.get().settings.refused.get('pause'), FULL);
  actions.closePage();
  await actions.resume();
  assert.equal(store.get().flash?.title, 'Could not resume notifications');
});

test('a message opened from a notification is not hidden by a page', async () => {
  const { store, actions, view } = setup();
  actions.viewArrived(view());
  await settled();
  actions.showPage('diagnostics');
  actions.focusOn('m0');
  assert.equal(store.get().page, null);
  assert.equal(store.get().open?.id, 'm0');
});

test('the file for support is named once it is written, and a failure is told in its place', async () => {
  let fails = false;
  const { store, actions } = setup({ answers: { exportDiagnostics: async (plain) => { if (fails) throw FULL; return plain(); } } });
  actions.showPage('diagnostics');
  await settled();
  await actions.exportDiagnostics();
  assert.equal(store.get().diagnostics.file, '/tmp/traybell.zip');
  fails = true;
  await actions.exportDiagnostics();
  assert.equal(store.get().diagnostics.file, null);
  assert.deepEqual(store.get().diagnostics.exportProblem, FULL);
});

test('settings are read anew each time they are opened, and nothing is saved over what was not read', async () => {
  let fails = false;
  const { core, store, actions, called } = setup({ answers: { settings: async (plain) => { if (fails) throw FULL; return plain(); } } });
  actions.showPage('settings');
  await settled();
  actions.closePage();
  core.settings = { ...SETTINGS, images: 'never' };
  actions.showPage('settings');
  assert.equal(store.get().settings.shown, null);
  await settled();
  assert.equal(store.get().settings.shown?.images, 'never');
  fails = true;
  actions.showPage('settings');
  await settled();
  assert.deepEqual(store.get().settings.problem, FULL);
  await actions.changeSetting('shows', 'title');
  assert.equal(called('saveSettings').length, 0);
});

test('a link fills in the form only after the person agreed, and one at a time', async () => {
  const link = { environment: 'https://relay.example.com', brand: 'acme', code: null };
  const answers = [];
  const { actions, core, store, view } = setup({ confirm: () => new Promise((resolve) => answers.push(resolve)) });
  actions.viewArrived(view({ state: 'signed_out', problem: null }, { account: null }));
  const first = actions.acceptLink(link);
  assert.equal(await actions.acceptLink({ ...link, brand: 'other' }), false);
  assert.equal(core.questions.length, 1);
  assert.match(core.questions[0].title, /acme/);
  assert.equal(core.questions[0].quote, 'https://relay.example.com');
  answers[0](true);
  assert.equal(await first, true);
  const second = actions.acceptLink({ ...link, environment: 'staging', code: 'ABCD' });
  assert.equal(core.questions[1].quote, 'Staging');
  assert.match(core.questions[1].text, /pairing code/);
  answers[1](false);
  assert.equal(await second, false);
  assert.equal(store.get().flash, null);
});

test('a link does nothing to whoever is signed in, and says so', async () => {
  const { actions, core, store, view } = setup();
  actions.viewArrived(view());
  assert.equal(await actions.acceptLink({ environment: 'staging', brand: 'other', code: null }), false);
  assert.equal(core.questions.length, 0);
  assert.match(store.get().flash.problem.message, /signed in to Acme already/);
});
