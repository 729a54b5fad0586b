import { connect, type Connection, type KongLocation } from '../../app/connection';
import { listenersOf, verifierOf } from '../../app/listeners';
import type { Config } from '../../app/config';
import type { TlsListener } from '../../gateway';
import type { Change, Gateway, Proof, Verifier } from '../../model';
import { duration, plural } from '../output';
import { CANARY_ID, conflict, creation, makeCanaries, renewal, type Canary } from './canary';
import { OpenConnection } from './open-connection';

/** One step of the drill with its result. */
export interface Step {
  step: 'left_over' | 'create' | 'create_proof' | 'swap' | 'swap_proof' | 'open_connection' | 'clean_up';
  ok: boolean;
  detail: string;
  duration_ms: number;
}

export interface DrillResult {
  passed: boolean;
  admin_url: string;
  mode: Gateway['kind'];
  sni: string;
  steps: Step[];
}

interface DrillOptions {
  location: KongLocation;
  config: Config;
  sni: string;
  /** Ends the drill early; what it made is removed all the same. */
  signal: AbortSignal;
  /** Called once it is certain that no certificate has the name. */
  begun: (kong: string) => void;
  /** Called after each step. */
  done: (step: Step) => void;
}

/** A rehearsal on the real gateway through the code that swaps real certificates. */
export class Drill {
  readonly #steps: Step[] = [];
  readonly #gateway: Gateway;
  readonly #verifier: Verifier;
  readonly #listeners: readonly TlsListener[];

  private constructor(
    private readonly kong: Connection,
    private readonly options: DrillOptions,
  ) {
    this.#gateway = kong.open();
    this.#verifier = verifierOf(options.config, kong);
    this.#listeners = listenersOf(options.config, kong);
  }

  /** @throws Error where it cannot begin: no Kong, or the name is taken */
  static async run(options: DrillOptions): Promise<DrillResult> {
    const kong = await connect(options.location, options.config.admin);
    try {
      return await new Drill(kong, options).rehearse();
    } finally {
      kong.client.close();
    }
  }

  private async rehearse(): Promise<DrillResult> {
    const { sni } = this.options;
    const { certificates } = this.#gateway;
    await certificates.refresh();
    const why = conflict(sni, certificates.stored.values());
    if (why !== null) throw new Error(`the drill does not touch ${sni}: ${why}`);
    this.options.begun(`${this.#gateway.url} (${this.#gateway.kind})`);
    const [first, second] = makeCanaries(sni);
    const leftOver = certificates.stored.get(CANARY_ID);
    if (leftOver !== undefined) {
      await this.step('left_over', async () => {
        await this.#gateway.remove([leftOver]);
        return 'removed what an earlier drill left behind';
      });
    }
    try {
      await this.swapTwice(first, second);
    } finally {
      await this.cleanUp();
    }
    const { url, kind } = this.#gateway;
    const passed = this.#steps.every(({ ok }) => ok) && !this.options.signal.aborted;
    return { passed, admin_url: url, mode: kind, sni, steps: this.#steps };
  }

  private async swapTwice(first: Canary, second: Canary): Promise<void> {
    const { sni } = this.options;
    if (!(await this.write('create', first, () => creation(first, sni)))) return;
    if (!(await this.prove('create_proof', first))) return;
    const connection = await this.connect();
    connection?.start();
    try {
      if (await this.write('swap', second, () => this.swapOf(second))) await this.prove('swap_proof', second);
    } finally {
      await connection?.stop();
      if (connection !== null) this.noteConnection(connection);
    }
  }

  private async swapOf(second: Canary): Promise<Change> {
    const certificate = await this.#gateway.certificates.readOne(CANARY_ID);
    if (certificate === null) throw new Error('somebody else removed the certificate of the drill');
    return renewal(second, certificate);
  }

  private write(
    step: 'create' | 'swap',
    { pem }: Canary,
    makeChange: () => Change | Promise<Change>,
  ): Promise<boolean> {
    return this.step(step, async () => {
      const change = await makeChange();
      const edits = { certificates: [change], caCertificates: [] };
      const [result] = (await this.#gateway.write(edits, () => Promise.resolve(pem))).certificates;
      if (result?.kind === 'failed' || result?.kind === 'conflict') throw result.error;
      if (result?.kind === 'refused') throw new Error(result.refusal.message);
      return `certificate ${CANARY_ID} ${step === 'create' ? 'created' : 'swapped'}`;
    });
  }

  private prove(step: 'create_proof' | 'swap_proof', { bundle }: Canary): Promise<boolean> {
    return this.step(step, async () => {
      const proving = this.#verifier.prove([
        { snis: [this.options.sni], chains: [bundle.chain], isStored: this.isGoingOn },
      ]);
      const [proof] = await Promise.race([proving, interruption(this.options.signal)]);
      if (proof?.verdict !== 'served') throw new Error(unproven(proof));
      return `served by every worker that answers (${plural(proof.handshakes, 'handshake')})`;
    });
  }

  /** Ends the handshakes of an interrupted drill. */
  private readonly isGoingOn = () => Promise.resolve(!this.options.signal.aborted);

  /** Null: there is no listener to connect to, as the proof has reported. */
  private async connect(): Promise<OpenConnection | null> {
    for (const listener of this.#listeners) {
      try {
        return await OpenConnection.open(listener, this.options.sni);
      } catch {
        // The next listener may answer.
      }
    }
    return null;
  }

  private noteConnection({ problem, answered }: OpenConnection): void {
    const requests = plural(answered, 'request');
    this.note({
      step: 'open_connection',
      ok: problem === '',
      detail:
        problem === ''
          ? `a connection that was opened before the swap stayed open: ${requests}, none lost`
          : `a connection that was opened before the swap broke after ${requests}: ${problem}`,
      duration_ms: 0,
    });
  }

  private async cleanUp(): Promise<void> {
    await this.step('clean_up', async () => {
      const canary = await this.#gateway.certificates.readOne(CANARY_ID);
      if (canary === null) return 'nothing is left';
      await this.#gateway.remove([canary]);
      return 'the certificate and its SNI are gone';
    });
  }

  /** @returns whether it succeeded */
  private async step(step: Step['step'], work: () => Promise<string>): Promise<boolean> {
    if (this.options.signal.aborted && step !== 'clean_up') return false;
    const startedAt = performance.now();
    let ok = true;
    const detail = await work().catch((error: unknown) => {
      ok = false;
      return (error as Error).message;
    });
    this.note({ step, ok, detail, duration_ms: Math.round(performance.now() - startedAt) });
    return ok;
  }

  private note(step: Step): void {
    this.#steps.push(step);
    this.options.done(step);
  }
}

function unproven(proof: Proof | undefined): string {
  if (proof === undefined) return 'nothing was asked';
  const time = duration(proof.durationMs);
  return proof.verdict === 'unreachable'
    ? `not proven: ${proof.detail}; name the listeners of the data planes in verify.listeners or with --listener`
    : `not served within ${time}: ${proof.detail}`;
}

const interruption = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const stop = () => reject(new Error('interrupted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
