// The page's own state and what passes between its modules. Only for the type check; nothing here is shipped.

import type { Button, Detail, Diagnostics, PageName, PauseLength, Problem, Row, Settings, SignIn, SignInLink, Tab, View } from './backend';

/** A read or unread mark made here that the list from the core does not show yet, or that failed. */
export interface Mark {
  read: boolean;
  state: 'sending' | 'done' | 'failed';
  problem: Problem | null;
  /** Which try this is: the answer to an older one changes nothing. */
  turn: number;
}

export interface List {
  tab: Tab;
  rows: Row[];
  next: string | null;
  /** Nothing of this tab has arrived yet. */
  loading: boolean;
  loadingMore: boolean;
  problem: Problem | null;
}

/** What the list is narrowed to, beside its tab. */
export interface Search {
  text: string;
  when: 'any' | 'today' | 'week' | 'month';
  hasLink: boolean;
}

/** What a change of the settings is about, and where its refusal is told. */
export type Field = keyof Settings;

export interface SettingsPage {
  /** As shown: what the core has, with what is being saved over it. Null before it was read. */
  shown: Settings | null;
  /** Why they could not be read. */
  problem: Problem | null;
  /** Why the last change of each was not taken. */
  refused: ReadonlyMap<Field | 'pause', Problem>;
}

export interface DiagnosticsPage {
  report: Diagnostics | null;
  loading: boolean;
  problem: Problem | null;
  exporting: boolean;
  /** The file that was written last. */
  file: string | null;
  exportProblem: Problem | null;
}

export interface Open {
  id: string;
  detail: Detail | null;
  problem: Problem | null;
}

/** Something that failed and belongs to no row: shown above the list until it is closed or retried. */
export interface Flash {
  title: string;
  problem: Problem;
  retry: (() => void) | null;
}

export type Screen = 'starting' | 'failed' | 'sign-in' | 'inbox';

export interface State {
  screen: Screen;
  /** Why the core does not answer. */
  fatal: Problem | null;
  view: View | null;
  /** Milliseconds; moves on every half minute so that times on the screen stay true. */
  now: number;
  /** Since when the socket has been connecting, as seen from here. */
  connectingSince: number | null;
  list: List;
  marks: ReadonlyMap<string, Mark>;
  /** Read here while the Unread tab was shown: they stay until the tab is left. */
  kept: ReadonlySet<string>;
  search: Search;
  open: Open | null;
  /** What lies over the list. */
  page: PageName | null;
  settings: SettingsPage;
  diagnostics: DiagnosticsPage;
  /** Signing out, which sends waiting read marks first. */
  leaving: boolean;
  signIn: { busy: boolean; problem: Problem | null };
  trying: boolean;
  flash: Flash | null;
  dismissed: ReadonlySet<string>;
  /** What a screen reader is told next; `turn` tells two equal texts apart. */
  said: { text: string; turn: number };
  version: string;
}

export interface Store {
  get(): State;
  set(patch: Partial<State>): void;
  subscribe(then: (state: State) => void): void;
}

export interface Question {
  title: string;
  text: string;
  /** An address or the like, shown apart. */
  quote?: string;
  confirm: string;
  danger?: boolean;
  /** Something to decide along with the answer. */
  choice?: { label: string; hint: string; checked: boolean };
}

/** Asks the person; null is no, the safe answer. */
export type Ask = (question: Question) => Promise<{ choice: boolean } | null>;

export interface Format {
  locale: string;
  hour12: boolean;
  timeZone?: string;
}

export interface Actions {
  signIn(input: SignIn): Promise<boolean>;
  /** Asks whether a link may fill in the form. */
  acceptLink(link: SignInLink): Promise<boolean>;
  signOut(): Promise<void>;
  refresh(): Promise<void>;
  showTab(tab: Tab): void;
  search(patch: Partial<Search>): void;
  showPage(page: PageName): void;
  closePage(): void;
  changeSetting<F extends Field>(field: F, value: Settings[F]): Promise<void>;
  readSettings(): Promise<void>;
  pause(length: PauseLength): Promise<void>;
  resume(): Promise<void>;
  readDiagnostics(): Promise<void>;
  exportDiagnostics(): Promise<void>;
  /** Whether a message would be seen as it arrives. */
  listShown(shown: boolean): void;
  /** @returns why it is not shown */
  showImage(id: string): Promise<Problem | null>;
  reload(): Promise<void>;
  more(): Promise<void>;
  openMessage(id: string): Promise<void>;
  closeMessage(): void;
  /** Asks again for what is missing of the open message. */
  fetchRest(): Promise<void>;
  mark(id: string, read: boolean): Promise<void>;
  markAllRead(): Promise<void>;
  deleteMessage(id: string): Promise<void>;
  /** `button` is what was pressed: what the state holds may be under way to something newer. */
  openLink(id: string, index: number, button: Button): Promise<Problem | null>;
  dismissNotice(problem: Problem): void;
  closeFlash(): void;
  say(text: string): void;
}
