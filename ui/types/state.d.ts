// The page's own state and what passes between its modules. Only for the type check; nothing here is shipped.

import type { Detail, Problem, Row, SignIn, Tab, View } from './backend';

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
  open: Open | null;
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
}

/** Asks the person; false is the safe answer. */
export type Ask = (question: Question) => Promise<boolean>;

export interface Format {
  locale: string;
  hour12: boolean;
  timeZone?: string;
}

export interface Actions {
  signIn(input: SignIn): Promise<boolean>;
  signOut(): Promise<void>;
  refresh(): Promise<void>;
  showTab(tab: Tab): void;
  reload(): Promise<void>;
  more(): Promise<void>;
  openMessage(id: string): Promise<void>;
  closeMessage(): void;
  /** Asks again for what is missing of the open message. */
  fetchRest(): Promise<void>;
  mark(id: string, read: boolean): Promise<void>;
  markAllRead(): Promise<void>;
  deleteMessage(id: string): Promise<void>;
  openLink(id: string, index: number): Promise<Problem | null>;
  dismissNotice(problem: Problem): void;
  closeFlash(): void;
  say(text: string): void;
}
