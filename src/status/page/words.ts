import type { CertificateState, EventKind, LifeLevel } from '../../model';

/** How a word is shown: text, tone (never the only sign) and, where there is one, the path of its icon. */
type Shown = readonly [text: string, tone: 'bad' | 'warn' | 'info' | 'good' | 'idle', picture?: string];

const CROSS = 'M4 4l8 8M12 4l-8 8';
const EXCLAMATION = 'M8 3v6M8 12v1';
const CLOCK = 'M8 2a6 6 0 1 0 0 12a6 6 0 0 0 0-12M8 5v3.5l2 1.5';
const DASH = 'M4 8h8';

/** In the order of the buttons. */
export const STATES: Record<CertificateState, Shown> = {
  not_served: ['Not served', 'bad', CROSS],
  refused: ['Refused', 'bad', EXCLAMATION],
  pending: ['Pending', 'info', CLOCK],
  unproven: ['Not proven', 'warn', 'M6 6a2 2 0 1 1 2.5 2L8 9.5M8 12v1'],
  no_source: ['No source', 'idle', DASH],
  in_sync: ['In sync', 'good', 'M4 8.5l3 3 5-6'],
  unused: ['Unused', 'idle', DASH],
};

/** Worst first; what needs nobody has no text of its own. */
export const LIVES: Record<LifeLevel, Shown> = {
  expired: ['Expired', 'bad', CROSS],
  critical: ['Ends very soon', 'bad', CLOCK],
  ends_soon: ['Ends soon', 'warn', CLOCK],
  renewal_due: ['', 'idle'],
  fresh: ['', 'idle'],
};

export const KINDS: Record<EventKind, Shown> = {
  swapped: ['Swapped', 'good'],
  created: ['Created', 'good'],
  taken_over: ['Taken over', 'warn'],
  handed_over: ['Handed over', 'info'],
  rolled_back: ['Rolled back', 'bad'],
  refused: ['Refused', 'bad'],
  mended: ['No longer refused', 'good'],
  failed: ['Failed', 'bad'],
  nudged: ['Nudged', 'info'],
  would_change: ['Would change', 'info'],
  removed: ['Removed', 'info'],
};
