// What the core says to the page: the JSON of `crates/inbox/src/{view,problem,message}.rs`. Only for the type check;
// nothing here is shipped.

export type Code =
  | 'bad_input' | 'unknown_brand' | 'rejected' | 'unreachable' | 'no_live_connection' | 'bad_answer' | 'insecure_server' | 'no_keyring'
  | 'no_notifications' | 'no_tray' | 'store_reset' | 'store_failed' | 'not_signed_in' | 'already_signed_in'
  | 'not_found' | 'no_server_id' | 'mark_refused' | 'outbox_not_empty' | 'confirm_link' | 'bad_link' | 'settings_reset'
  | 'image_held' | 'internal';

export interface Problem {
  code: Code;
  message: string;
  hint: string;
}

export type Step = 'brand' | 'session' | 'channel';

export type Session =
  | { state: 'signed_out'; problem: Problem | null }
  | { state: 'signing_in'; step: Step }
  | { state: 'online'; socket: 'live' | 'connecting'; since: string }
  | { state: 'offline'; problem: Problem; since: string }
  | { state: 'rejected'; problem: Problem; since: string };

export interface Account {
  environment: string;
  brand: string;
  user: string;
  name: string;
}

export interface View {
  revision: number;
  session: Session;
  account: Account | null;
  unread: number;
  total: number;
  last_synced: string | null;
  outbox: number;
  notices: Problem[];
  /** Notifications wait until then. */
  held: { until: string; by: 'pause' | 'quiet_hours' } | null;
  /** Read marks on their way to the server, while there are several. */
  sending: { done: number; total: number } | null;
}

export type Tab = 'all' | 'unread' | 'messages' | 'shoutouts' | 'inbox';

/** Which messages a page is of. */
export interface Query {
  tab: Tab;
  text?: string;
  unread?: boolean;
  since?: string;
  until?: string;
  has_link?: boolean;
}

export interface Row {
  id: string;
  /** `message`, `shoutout`, `inbox` or a name of the brand's own. */
  event: string;
  title: string;
  preview: string;
  date: string;
  read: boolean;
  link: string | null;
  problem: Problem | null;
}

export interface Page {
  rows: Row[];
  next: string | null;
  revision: number;
}

export interface Button {
  text: string;
  target: string;
  allowed: boolean;
  confirm: boolean;
}

export interface Detail extends Row {
  body_html: string;
  footer_html: string;
  buttons: Button[];
  /** `ask`: shown once the person says so; `off`: the settings forbid it. */
  image: 'none' | 'show' | 'ask' | 'off';
  /** Why the rest of a message that arrived cut is missing. */
  cut: Problem | null;
  expires: string | null;
}

export interface SignIn {
  environment: string;
  brand: string;
  sid: string;
  sessionOnly: boolean;
  insecureConfirmed: boolean;
}

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Times as `22:00`. One that ends when it begins or before that ends on the next day. */
export interface QuietHours {
  days: Day[];
  from: string;
  to: string;
}

export type Rule = 'sound' | 'alert' | 'list';

export interface Settings {
  quiet_hours: QuietHours[];
  rules: { message: Rule; shoutout: Rule; inbox: Rule };
  shows: 'full' | 'title' | 'nothing';
  /** Of read messages; null: forever, any number. */
  retention: { days: number | null; messages: number | null };
  images: 'always' | 'ask' | 'never';
  purge_at_sign_out: boolean;
}

export type PauseLength = 'half_hour' | 'hour' | 'tomorrow';

/** Texts, ready to show. */
export interface Diagnostics {
  sections: { title: string; entries: { name: string; value: string }[] }[];
}

/** A page over the list. */
/** What a link fills the sign-in form in with, once the person agrees. */
export interface SignInLink {
  /** `production`, `staging` or an address. */
  environment: string;
  brand: string;
  /** A relay's pairing code. */
  code: string | null;
}

export type PageName = 'settings' | 'diagnostics';

/** The commands and events of the core, as `js/backend.js` offers them. Every call rejects with a `Problem`. */
export interface Backend {
  view(): Promise<View>;
  page(query: Query, cursor: string | null, limit: number): Promise<Page>;
  detail(id: string): Promise<Detail>;
  signIn(input: SignIn): Promise<void>;
  /** `purge` null: as the setting says. */
  signOut(discard: boolean, purge: boolean | null): Promise<void>;
  markRead(id: string): Promise<void>;
  markUnread(id: string): Promise<void>;
  markAllRead(): Promise<number>;
  deleteMessage(id: string): Promise<void>;
  refresh(): Promise<void>;
  openLink(id: string, index: number, confirmed: boolean): Promise<void>;
  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<Settings>;
  pause(length: PauseLength): Promise<void>;
  resume(): Promise<void>;
  diagnostics(): Promise<Diagnostics>;
  /** The path of the file it wrote. */
  exportDiagnostics(): Promise<string>;
  listShown(shown: boolean): Promise<void>;
  showImage(id: string): Promise<void>;
  windowReady(): Promise<{ focus: string | null }>;
  onView(then: (view: View) => void): Promise<void>;
  onFocus(then: (id: string | null) => void): Promise<void>;
  onShow(then: (place: { page: PageName } | ({ page: 'sign_in' } & SignInLink)) => void): Promise<void>;
  picture(id: string): string;
  version(): Promise<string>;
}

/** The part of `window.__TAURI__` that the page uses. */
export interface Tauri {
  core: {
    invoke(command: string, args?: Record<string, unknown>): Promise<unknown>;
    convertFileSrc(path: string, protocol: string): string;
  };
  event: { listen(name: string, then: (event: { payload: unknown }) => void): Promise<() => void> };
  app?: { getVersion(): Promise<string> };
}

declare global {
  interface Window {
    __TAURI__?: Tauri;
  }
}
