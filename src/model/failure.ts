/** Kinds of failures by their consequence. The pass decides by them, in one place. */
export const FAILURE_KINDS = {
  refused: 'this content will never do: nothing is tried until it changes',
  forbidden:
    'the caller may not: alert, tried again with a backoff, never remembered as a verdict on the content',
  conflict: 'somebody else was first: read again, plan again, compare the ages again',
  away: 'nobody answers just now: tried again with a backoff, what was known stays',
  mistake: 'an error of this program: logged and counted',
} as const;

export type FailureKind = keyof typeof FAILURE_KINDS;

/** An error that crosses rooms. Its message is one sentence for a person and holds no secret. */
export class Failure extends Error {
  override readonly name: string = 'Failure';

  constructor(
    readonly failureKind: FailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Error codes of the operating system that say nothing about the content: the machine, the network or permissions
 * are to blame.
 */
const SYSTEM: Readonly<Record<string, FailureKind>> = {
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EROFS: 'forbidden',
  EMFILE: 'away',
  ENFILE: 'away',
  ENOMEM: 'away',
  ENOSPC: 'away',
  EDQUOT: 'away',
  EIO: 'away',
  EBUSY: 'away',
  EAGAIN: 'away',
  ESTALE: 'away',
  ETIMEDOUT: 'away',
  ECONNREFUSED: 'away',
  ECONNRESET: 'away',
  EPIPE: 'away',
  EHOSTUNREACH: 'away',
  ENETUNREACH: 'away',
  ENOTFOUND: 'away',
  EAI_AGAIN: 'away',
};

/** More causes than any error has; ends a cycle of causes. */
const MAX_CAUSES = 10;

/** The kind that an error carries, or else the nearest of its causes; an error without a kind is a mistake of ours. */
export function failureKindOf(error: unknown): FailureKind {
  let at = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const { failureKind, code, cause } = at as { failureKind?: unknown; code?: unknown; cause?: unknown };
    if (isFailureKind(failureKind)) return failureKind;
    const ofSystem = typeof code === 'string' && Object.hasOwn(SYSTEM, code) ? SYSTEM[code] : undefined;
    if (ofSystem !== undefined) return ofSystem;
    at = cause;
  }
  return 'mistake';
}

function isFailureKind(value: unknown): value is FailureKind {
  return typeof value === 'string' && Object.hasOwn(FAILURE_KINDS, value);
}
