/**
 * A core for looking at the page in an ordinary browser: `npm run preview`. Scenarios are named in the address
 * (`/?scenario=offline`). It keeps its messages in memory and fails where the scenario says so. Never shipped.
 */

/** @typedef {import('../types/backend').View} View */
/** @typedef {import('../types/backend').Detail} Detail */
/** @typedef {import('../types/backend').Problem} Problem */
/** @typedef {import('../types/backend').Code} Code */
/** @typedef {import('../types/backend').Settings} Settings */

const parameters = new URLSearchParams(location.search);
const scenario = parameters.get('scenario') ?? 'full';
const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 86_400_000;

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();
/** @param {Code} code @param {string} message @param {string} [hint] @returns {Problem} */
const problem = (code, message, hint = '') => ({ code, message, hint });
/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const UNREACHABLE = problem('unreachable', 'Acme did not answer in time.', 'Traybell keeps trying. Check the network or the VPN.');
const REJECTED = problem('rejected', 'Acme did not accept this session id or pairing code.', 'It may have expired: sign in on the Acme site again and paste the new one. A pairing code is good once, for ten minutes.');
const NO_KEYRING = problem('no_keyring', 'The system has no keyring to keep the session id in.', 'Install gnome-keyring or KWallet and sign in again, or keep the session id in memory until Traybell ends.');

/** @type {Record<string, (() => void)[]>} */
const listeners = {};
/** @param {string} name @param {unknown} payload */
const emit = (name, payload) => (listeners[name] ?? []).forEach((then) => /** @type {any} */ (then)({ payload }));

/** @param {Partial<Detail> & { id: string }} given @returns {Detail} */
function message(given) {
  return {
    event: 'message', title: 'A message', preview: '', date: iso(NOW), read: false, link: null, problem: null,
    body_html: `<p>${given.preview ?? ''}</p>`, footer_html: '', buttons: [], image: 'none', cut: null, expires: null, ...given,
  };
}

const LONG = 'All work and no play makes a long message. '.repeat(240).slice(0, 10_000);

const FULL = [
  message({
    id: '901', title: 'Your weekend bonus is here', date: iso(NOW - 4 * MINUTE), image: scenario === 'image-ask' ? 'ask' : scenario === 'image-off' ? 'off' : 'show',
    preview: 'A 50% reload up to €200 waits for you until Sunday. Claim it before the weekend is over and play on.',
    body_html: '<p>Hi Darth,</p><p>a <strong>50% reload up to €200</strong> waits for you until Sunday. Here is how it works:</p><ol><li>Make a deposit of €20 or more.</li><li>Enter the code <code>WEEKEND</code>.</li><li>Play it through <em>20 times</em> within seven days.</li></ol><p>Questions? <a href="https://help.acme.example/bonus">Our help pages</a> answer most of them.</p>',
    footer_html: '<p>You get this because you asked for offers. 18+, terms apply.</p>',
    buttons: [
      { text: 'Claim the bonus', target: 'https://acme.example/bonus/weekend?campaign=42', allowed: true, confirm: false },
      { text: 'Read the terms', target: 'http://acme.example/terms', allowed: true, confirm: true },
    ],
    expires: iso(NOW + 2 * DAY),
  }),
  message({ id: '900', event: 'shoutout', title: 'Maintenance at 02:00', date: iso(NOW - 38 * MINUTE), preview: 'The cashier will be away for about twenty minutes.' }),
  message({ id: '899', event: 'inbox', title: 'Your documents were accepted', date: iso(NOW - 3 * 60 * MINUTE), read: true, preview: 'Thank you. Withdrawals are open now, no further steps are needed on your side.' }),
  message({ id: '898', event: 'vip_offer', title: 'A table is reserved for you', date: iso(NOW - 5 * 60 * MINUTE), read: true, preview: 'Friday at eight, bring a friend.',
    buttons: [{ text: 'Call the host', target: 'tel:+35699000000', allowed: false, confirm: false }] }),
  message({ id: '897', title: 'Deposit received', date: iso(NOW - DAY), read: true, preview: '€50.00 by card ending in 4242.' }),
  message({ id: '896', event: 'shoutout', title: 'New: live tables in your language', date: iso(NOW - DAY - 3 * 60 * MINUTE), preview: 'Twelve of them, open from noon to midnight.' }),
  message({ id: '895', event: 'inbox', title: 'Monthly statement', date: iso(NOW - 3 * DAY), read: true, preview: 'Your statement for last month is ready.' }),
  message({ id: '894', title: 'Welcome back', date: iso(NOW - 12 * DAY), read: true, preview: 'It has been a while.' }),
  message({ id: '893', event: 'shoutout', title: 'Terms of use have changed', date: iso(NOW - 400 * DAY), read: true, preview: 'They count from next month on.' }),
];

const HOSTILE = [
  message({ id: 'h1', title: '<b>Bold</b> &lt;a href&gt; %s ${x}', preview: '<script>alert(1)</script> {{7*7}}', date: iso(NOW - MINUTE),
    body_html: '<h2 style="position:fixed;inset:0">Heading</h2><script>document.title="hacked"</script><img src="x" onerror="document.title=\'hacked\'" alt="A picture"><p onclick="document.title=\'hacked\'">Click me</p><style>body{display:none}</style><a href="javascript:document.title=\'hacked\'">script link</a> <form><input></form><table><tr><th>Day</th><th>Won</th></tr><tr><td>Monday</td><td>€10</td></tr></table><blockquote>Quoted words.</blockquote><pre>a  b\n  c</pre><hr><ul><li>One<ul><li>Inner</li></ul></li></ul>' }),
  message({ id: 'h2', title: LONG, preview: LONG, date: iso(NOW - 2 * MINUTE), body_html: `<p>${LONG}</p>`, footer_html: LONG,
    buttons: [{ text: LONG.slice(0, 400), target: `https://acme.example/${'a'.repeat(1500)}`, allowed: true, confirm: false }, { text: 'x', target: '', allowed: false, confirm: false }] }),
  message({ id: 'h3', event: 'shoutout', title: 'مرحبا بك في عالمنا الجديد 14:05', preview: 'هذه رسالة من اليمين إلى اليسار مع English في الوسط.', date: iso(NOW - 3 * MINUTE),
    body_html: '<p>هذه رسالة من اليمين إلى اليسار مع <b>English</b> في الوسط.</p><ul><li>واحد</li><li>اثنان</li></ul>' }),
  message({ id: 'h4', event: 'inbox', title: '🎉🎁 Ünïcödé 👩‍👩‍👧‍👦 🇲🇹', preview: '🔥'.repeat(300), date: iso(NOW - 4 * MINUTE) }),
  message({ id: 'h5', title: '', preview: '', date: iso(NOW - 5 * MINUTE), body_html: '', image: 'show' }),
  message({ id: 'h6', title: 'W'.repeat(4000), preview: 'w'.repeat(4000), date: iso(NOW - 6 * MINUTE), body_html: `<p>${'W'.repeat(4000)}</p>` }),
  message({ id: 'h7', title: '\u202egnilleps drawkcab', preview: 'A right-to-left override that must not reach its neighbours', date: iso(NOW - 7 * MINUTE) }),
];

const DIAGNOSTICS = {
  sections: [
    { title: 'Traybell', entries: [
      { name: 'Version', value: '0.1.0' }, { name: 'System', value: 'Linux 6.8, GNOME 46, Wayland' }, { name: 'Running since', value: '25 November 2026, 08:12' },
      { name: 'Data folder', value: '/home/darth/.local/share/traybell' },
    ] },
    { title: 'Connection', entries: [
      { name: 'State', value: 'Online' }, { name: 'Server', value: 'notify.acme.example' }, { name: 'Socket', value: 'live since 13:58' }, { name: 'Last list call', value: '14:05, 42 ms' },
    ] },
    { title: 'Counters', entries: [
      { name: 'Received', value: '128' }, { name: 'Duplicates', value: '3' }, { name: 'Skipped', value: '2 (event 1, live 0, listed 1)' }, { name: 'Gaps', value: '0' },
      { name: 'List calls', value: '57' }, { name: 'Alerts', value: '119' }, { name: 'Retries', value: '4' },
    ] },
    { title: 'Store', entries: [{ name: 'Messages', value: '1,284, 2 unread' }, { name: 'Size', value: '3.1 MB' }, { name: 'Waiting read marks', value: 'none' }] },
  ],
};

/** @type {Detail[]} */
let messages = (() => {
  switch (scenario) {
    case 'empty':
    case 'first-run':
    case 'signing-in':
    case 'no-keyring':
    case 'insecure': return [];
    case 'hostile': return HOSTILE;
    case 'many': return Array.from({ length: 1200 }, (_, n) =>
      message({ id: String(5000 - n), event: ['message', 'shoutout', 'inbox'][n % 3] ?? 'message', title: `Message number ${5000 - n}`, preview: 'One of a great many.', date: iso(NOW - n * 47 * MINUTE), read: n % 4 !== 0 }));
    default: return FULL;
  }
})();
if (scenario === 'row-failed') {
  messages = messages.map((each) => (each.id === '900'
    ? { ...each, problem: problem('mark_refused', 'Acme answered that this message is not yours.') } : each));
}

if (scenario === 'cut') messages = messages.map((each) => ({ ...each, cut: UNREACHABLE }));

/** @type {View} */
let view = {
  revision: 1,
  session: { state: 'online', socket: 'live', since: iso(NOW - 60 * MINUTE) },
  account: { environment: parameters.get('environment') ?? 'production', brand: 'Acme', user: '123', name: 'Darth Vader' },
  unread: messages.filter((each) => !each.read).length,
  total: messages.length,
  last_synced: iso(NOW - 2 * MINUTE),
  outbox: Number(parameters.get('outbox') ?? 0),
  notices: [],
  held: null,
  sending: null,
};
switch (scenario) {
  case 'first-run':
  case 'no-keyring':
  case 'insecure':
    view = { ...view, session: { state: 'signed_out', problem: null }, account: null, last_synced: null };
    break;
  case 'signed-out':
    view = { ...view, session: { state: 'signed_out', problem: REJECTED }, account: null };
    break;
  case 'signing-in':
    view = { ...view, session: { state: 'signing_in', step: 'session' }, account: null };
    break;
  case 'connecting':
    view.session = { state: 'online', socket: 'connecting', since: iso(NOW) };
    break;
  case 'offline':
    view.session = { state: 'offline', problem: UNREACHABLE, since: iso(NOW - 7 * MINUTE) };
    break;
  case 'expired':
    view.session = { state: 'rejected', problem: REJECTED, since: iso(NOW - 7 * MINUTE) };
    break;
  case 'paused':
    view.held = { until: iso(NOW + 59 * MINUTE), by: 'pause' };
    break;
  case 'quiet':
    view.held = { until: iso(new Date(NOW).setHours(31, 0, 0, 0)), by: 'quiet_hours' };
    break;
  case 'sending':
    view = { ...view, outbox: 28, sending: { done: 12, total: 40 } };
    break;
  case 'notices':
    view.notices = [
      problem('no_notifications', 'No notification service answers.', 'Messages are listed here all the same. Install a notification daemon such as dunst.'),
      problem('no_tray', 'This desktop shows no tray icons.', 'Start Traybell again to open this window.'),
      problem('store_reset', 'The saved messages were damaged and were read anew from Acme.', 'The old file is kept at ~/.local/share/traybell/acme.sqlite.corrupt-20240301.'),
    ];
    break;
}

/** @type {Settings} */
let settings = {
  quiet_hours: scenario === 'settings' ? [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '07:00' },
    { days: ['sat', 'sun'], from: '13:00', to: '15:30' },
  ] : [],
  rules: { message: 'sound', shoutout: 'alert', inbox: 'list' },
  shows: 'full',
  retention: scenario === 'settings' ? { days: 90, messages: null } : { days: null, messages: null },
  images: scenario === 'image-ask' ? 'ask' : scenario === 'image-off' ? 'never' : 'always',
  purge_at_sign_out: true,
};

/** @param {Settings} next */
function refusalOf({ quiet_hours: hours, retention }) {
  if (hours.some(({ days }) => days.length === 0)) return problem('bad_input', 'Quiet hours need at least one day.', 'Choose another day before you take out the last.');
  if (hours.some(({ from, to }) => !/^\d\d:\d\d$/.test(from + '') || !/^\d\d:\d\d$/.test(to + ''))) return problem('bad_input', 'This is not a time.');
  if ((retention.days ?? 1) > 3650) return problem('bad_input', 'Messages can be kept for 10 years at most.', 'Choose fewer days, or keep them forever.');
  return null;
}

/** @param {Partial<View>} patch */
function change(patch) {
  view = { ...view, ...patch, revision: view.revision + 1, unread: messages.filter((each) => !each.read).length, total: messages.length };
  emit('view', view);
}

/** @param {string} id @param {boolean} read */
function setRead(id, read) {
  messages = messages.map((each) => (each.id === id ? { ...each, read, problem: null } : each));
  change({});
}

/** @param {string} tab @param {Detail} each */
function inTab(tab, each) {
  switch (tab) {
    case 'unread': return !each.read;
    case 'messages': return each.event === 'message';
    case 'shoutouts': return each.event === 'shoutout';
    case 'inbox': return each.event === 'inbox';
    default: return true;
  }
}

/** All words, the last by its beginning. @param {import('../types/backend').Query} query @param {Detail} each */
function isFound({ text = '', since, has_link: hasLink }, each) {
  const words = `${each.title} ${each.preview} ${each.body_html.replace(/<[^>]*>/g, ' ')}`.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  const sought = text.toLowerCase().split(/\s+/).filter(Boolean);
  return sought.every((word, at) => words.some((one) => (at === sought.length - 1 ? one.startsWith(word) : one === word))) &&
    (!since || each.date >= since) && (!hasLink || each.buttons.length > 0);
}

/** @param {any} input */
async function signIn(input) {
  if (scenario === 'insecure' && !input.insecureConfirmed) throw problem('insecure_server', 'notify.acme.test is reached over plain http.');
  const before = view.session;
  for (const step of /** @type {const} */ (['brand', 'session', 'channel'])) {
    view = { ...view, session: { state: 'signing_in', step } };
    emit('view', view);
    await wait(400);
    const refused = scenario === 'no-keyring' && !input.sessionOnly && step === 'session' ? NO_KEYRING
      : input.brand === 'nobody' && step === 'brand' ? problem('unknown_brand', 'Production knows no brand “nobody”.', 'Check the spelling and the environment.')
      : input.sid === 'wrong' && step === 'session' ? REJECTED : null;
    if (refused) {
      view = { ...view, session: before.state === 'rejected' ? before : { state: 'signed_out', problem: refused } };
      emit('view', view);
      throw refused;
    }
  }
  messages = messages.length > 0 ? messages : FULL;
  view.account ??= { environment: input.environment, brand: input.brand, user: '123', name: 'Darth Vader' };
  change({ session: { state: 'online', socket: 'live', since: iso(Date.now()) }, last_synced: iso(Date.now()) });
}

/** @type {Record<string, (args: any) => unknown>} */
const commands = {
  view: () => {
    if (scenario === 'fatal') throw problem('store_failed', 'The folder /home/darth/.local/share/traybell cannot be written.', 'Make it writable or set TRAYBELL_DATA_DIR to another folder.');
    return view;
  },
  page: async ({ query, cursor, limit }) => {
    if (scenario === 'loading') await wait(1e9);
    if (scenario === 'list-error') throw problem('store_failed', 'The message store cannot be read: disk I/O error.', 'Check the disk.');
    await wait(5);
    if (query.text) await wait(query.text.length % 2 ? 40 : 10);
    const all = messages.filter((each) => inTab(query.tab, each) && isFound(query, each));
    const from = cursor === null ? 0 : Number(cursor);
    return { rows: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null, revision: view.revision };
  },
  detail: async ({ id }) => {
    await wait(5);
    const found = messages.find((each) => each.id === id);
    if (!found || scenario === 'detail-error') throw problem('not_found', 'This message is gone.', 'It may have expired.');
    return found;
  },
  sign_in: signIn,
  sign_out: async ({ discard, purge }) => {
    if (view.outbox > 0 && !discard) {
      const total = view.outbox;
      for (let done = 0; done < total && scenario !== 'outbox-stuck'; done += 1) {
        change({ outbox: total - done, sending: { done, total } });
        await wait(60);
      }
      await wait(300);
      change({ sending: null });
      if (scenario === 'outbox-stuck') throw problem('outbox_not_empty', 'Read marks have not reached Acme yet.');
    }
    if (purge) messages = [];
    change({ session: { state: 'signed_out', problem: null }, account: null, outbox: 0, last_synced: null, held: null });
  },
  mark_read: async ({ id }) => {
    await wait(60);
    if (scenario === 'mark-fails') throw problem('store_failed', 'the disk is full.', 'Free some space.');
    setRead(id, true);
  },
  mark_unread: ({ id }) => setRead(id, false),
  mark_all_read: async () => {
    await wait(60);
    if (scenario === 'mark-fails') throw problem('store_failed', 'The disk is full.', 'Free some space.');
    messages = messages.map((each) => ({ ...each, read: true }));
    change({});
    return 1;
  },
  delete_message: ({ id }) => {
    messages = messages.filter((each) => each.id !== id);
    change({});
  },
  refresh: async () => {
    await wait(700);
    if (scenario === 'offline') throw UNREACHABLE;
    change({ last_synced: iso(Date.now()) });
  },
  open_link: ({ id, index, confirmed }) => {
    document.body.dataset['opened'] = `${id} ${index} ${confirmed}`;
    if (scenario === 'link-fails') throw problem('internal', 'No browser was found.', 'Set a default browser.');
  },
  settings: async () => {
    if (scenario === 'settings-error') throw problem('store_failed', 'The settings file cannot be read: permission denied.', 'Check the rights of the data folder.');
    return settings;
  },
  save_settings: async ({ settings: next }) => {
    await wait(120);
    const refused = refusalOf(next);
    if (refused) throw refused;
    settings = next;
    return settings;
  },
  pause: ({ length }) => {
    const until = { half_hour: Date.now() + 30 * MINUTE, hour: Date.now() + 60 * MINUTE, tomorrow: new Date().setHours(32, 0, 0, 0) }[/** @type {'hour'} */ (length)];
    change({ held: { until: iso(until), by: 'pause' } });
  },
  resume: () => change({ held: null }),
  diagnostics: async () => {
    await wait(80);
    if (scenario === 'diagnostics-error') throw problem('internal', 'The counters are not there.');
    return DIAGNOSTICS;
  },
  export_diagnostics: async () => {
    await wait(400);
    if (scenario === 'export-fails') throw problem('store_failed', 'The disk is full.', 'Free some space and save again.');
    return '/home/darth/.local/share/traybell/diagnostics/traybell-diagnostics-2026-11-25T14-05-00Z.txt';
  },
  list_shown: ({ shown }) => {
    document.body.dataset['listShown'] = String(shown);
  },
  show_image: async ({ id }) => {
    await wait(200);
    messages = messages.map((each) => (each.id === id ? { ...each, image: 'show' } : each));
  },
  window_ready: () => {
    const page = parameters.get('page') ?? (scenario === 'settings' || scenario === 'settings-error' ? 'settings' : scenario.startsWith('diagnostics') || scenario === 'export-fails' ? 'diagnostics' : null);
    if (page) setTimeout(() => emit('show', { page }));
    return { focus: parameters.get('focus') };
  },
};

window.__TAURI__ = {
  core: {
    invoke: async (command, args) => {
      const answer = commands[command];
      if (!answer) throw `command ${command} not found`;
      return structuredClone(await answer(args ?? {}));
    },
    convertFileSrc: (id, protocol) => `/__${protocol}/${encodeURIComponent(id)}`,
  },
  event: {
    listen: async (name, then) => {
      (listeners[name] ??= []).push(/** @type {() => void} */ (/** @type {unknown} */ (then)));
      return () => {};
    },
  },
  app: { getVersion: async () => '0.1.0' },
};

// For trying things by hand in the console, and for scripts.
Object.assign(window, {
  mock: {
    change,
    emit,
    /** @param {Partial<Detail> & { id: string }} given */
    arrive(given) {
      messages = [message(given), ...messages];
      change({});
    },
  },
});
