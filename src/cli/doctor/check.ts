import { setTimeout as sleep } from 'node:timers/promises';

export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

/** One result of the doctor. */
export interface Finding {
  check: string;
  verdict: Verdict;
  detail: string;
  /** What to do; null: nothing. */
  fix: string | null;
}

/** Collects the findings under one name. */
export class Check {
  readonly findings: Finding[] = [];

  constructor(private readonly name: string) {}

  ok(detail: string): void {
    this.add('ok', detail, null);
  }

  skip(detail: string): void {
    this.add('skip', detail, null);
  }

  warn(detail: string, fix: string): void {
    this.add('warn', detail, fix);
  }

  fail(detail: string, fix: string): void {
    this.add('fail', detail, fix);
  }

  /**
   * Takes over the findings of other checks.
   * @param label put before each of them
   */
  take(findings: readonly Finding[], label: string): void {
    for (const { verdict, detail, fix } of findings) this.add(verdict, label + detail, fix);
  }

  private add(verdict: Verdict, detail: string, fix: string | null): void {
    this.findings.push({ check: this.name, verdict, detail, fix });
  }
}

/** Runs checks of one name; one that fails or takes too long becomes a finding of its own, and the others go on. */
export async function examine(
  name: string,
  look: (check: Check) => void | Promise<void>,
  limitMs = 30_000,
): Promise<Finding[]> {
  const check = new Check(name);
  const timeout = new AbortController();
  const late = sleep(limitMs, 'late' as const, { signal: timeout.signal }).catch(() => 'late' as const);
  try {
    if ((await Promise.race([Promise.resolve(look(check)), late])) === 'late')
      check.fail(
        `the check did not finish in ${limitMs / 1000} s`,
        'the server that it asks accepts connections and does not answer: check that server',
      );
  } catch (error) {
    check.fail((error as Error).message, 'see the message');
  } finally {
    timeout.abort();
  }
  return [...check.findings];
}
