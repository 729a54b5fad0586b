import { checkKeyAndChain, checkShape, openBundle } from '../certificates';
import { isoTime } from '../common/time';
import {
  isRefusal,
  type Change,
  type SourcedBundle,
  type StoredCertificate,
  type WriteResult,
} from '../model';
import { covers, listed } from '../plan';
import type { FormerPair } from './former-pairs';
import type { CertificateMemory } from './memory';
import { writtenOf } from './prove';
import type { PassContext, Step } from './step';

/** A request of an operator; the next pass answers it. */
interface RevertRequest {
  /** An SNI, or the id of a certificate. */
  readonly name: string;
  /** What was done, in a sentence; undefined: no pass has answered yet. */
  answer?: { kind: 'done' | 'nothing' | 'trouble'; detail: string };
}

/**
 * Puts back what certificates had before they were swapped last, where an operator asks for it: written, proven and,
 * if it is not served, rolled back as any other write. Freezes and approvals are about renewals and do not count here.
 */
export class RevertStep implements Step {
  #asked: RevertRequest[] = [];

  /** @param write, prove and settle, in this order */
  constructor(
    private readonly memory: CertificateMemory,
    private readonly steps: { write: Step; prove: Step; settle: Step },
  ) {}

  /** Requests a revert from the next pass. */
  ask(name: string): RevertRequest {
    const request: RevertRequest = { name };
    this.#asked.push(request);
    return request;
  }

  /** Withdraws a request. */
  cancel(request: RevertRequest): void {
    this.#asked = this.#asked.filter((one) => one !== request);
  }

  async run(pass: PassContext): Promise<void> {
    this.memory.former.prune(pass.now());
    for (const request of this.#asked.splice(0)) {
      try {
        request.answer = await this.revert(request.name, pass);
      } catch (error) {
        request.answer = { kind: 'trouble', detail: (error as Error).message };
      }
    }
  }

  private async revert(name: string, pass: PassContext): Promise<NonNullable<RevertRequest['answer']>> {
    const certificate = this.find(name);
    const former = certificate === undefined ? [] : this.memory.former.lastOf(certificate.id);
    if (certificate === undefined || former.length === 0) return { kind: 'nothing', detail: '' };
    if (!pass.mayWrite())
      throw new Error('this gateway writes nothing: it only observes, or another gateway is the leader');
    const changes = former.map((one) => this.changeTo(one, certificate, pass.now()));
    const { work } = pass;
    work.batch = changes;
    work.decidedAt = performance.now();
    await this.steps.write.run(pass);
    const { results } = work;
    work.results = writtenOf(results);
    work.proofs = [];
    await this.steps.prove.run(pass);
    await this.steps.settle.run(pass);
    // The source's pair is planned again, and waits from now on.
    this.memory.isOpen = true;
    for (const result of results) if (result.kind !== 'written') throw new Error(whyNot(result, name));
    const wrong = work.proofs.find(({ verdict }) => verdict === 'wrong' || verdict === 'overwritten');
    if (wrong !== undefined) {
      const isBack = !work.hasFailed && this.memory.former.lastOf(certificate.id).length > 0;
      const ending = isBack ? '; the newer one is back' : '';
      throw new Error(
        `the former certificate of ${name} was written and is not served (${wrong.detail})${ending}`,
      );
    }
    const ends = new Date(Math.min(...changes.map(({ bundle }) => bundle.leaf.notAfter))).toISOString();
    const handshakes = work.proofs.reduce((sum, one) => sum + one.handshakes, 0);
    const isServed = work.proofs.length > 0 && work.proofs.every(({ verdict }) => verdict === 'served');
    const proven = isServed ? `proven by ${handshakes} handshakes` : 'written; no handshake could prove it';
    return {
      kind: 'done',
      detail: `${name} has its former certificate again, valid until ${ends} (${proven})`,
    };
  }

  private find(name: string): StoredCertificate | undefined {
    const { stored } = this.memory.gateway.certificates;
    const wanted = name.toLowerCase();
    return (
      stored.get(name) ??
      [...stored.values()].find(({ snis }) => snis.some((sni) => sni.toLowerCase() === wanted))
    );
  }

  /** @throws Error where the former pair would not be better than what Kong has */
  private changeTo(former: FormerPair, certificate: StoredCertificate, now: number): Change {
    const { half, replacedBy } = former;
    const [sni = certificate.id] = certificate.snis;
    const location = `the former certificate of ${sni} (swapped out at ${isoTime(former.at)})`;
    const present = certificate[half];
    if (certificate.owner === 'ingress_controller' || this.memory.planner.untagged.has(certificate.id)) {
      throw new Error(
        `${sni} belongs to the ingress controller, which writes what its Secret holds: put the former pair there`,
      );
    }
    if (present?.chain !== replacedBy)
      throw new Error(`somebody else has written ${sni} since then, so there is no swap to roll back`);
    const pair = this.memory.former.open(former);
    const opened = pair === null ? null : openBundle({ name: sni, location, ...pair });
    if (opened === null) throw new Error(`the former certificate of ${sni} cannot be read`);
    if (isRefusal(opened)) throw new Error(opened.message);
    const why = checkShape(opened.bundle, now, certificate.snis.length > 0) ?? checkKeyAndChain(opened, now);
    if (why !== null) throw new Error(`${why.message}; it is not restored`);
    const bundle: SourcedBundle = { ...opened.bundle, id: `former#${certificate.id} ${half}`, create: false };
    const lost = certificate.snis.filter(
      (name) => present.leaf !== null && covers(present.leaf, name) && !covers(bundle.leaf, name),
    );
    if (lost.length > 0) throw new Error(`the former certificate of ${sni} does not cover ${listed(lost)}`);
    if (
      present.leaf?.isForClients !== false &&
      bundle.leaf.isForClients === false &&
      certificate.snis.length === 0
    )
      throw new Error(`the former certificate of ${sni} is not for clients, and services use it as theirs`);
    return { kind: 'update', bundle, certificate, half, isOfController: false, addSnis: [], reverts: true };
  }
}

function whyNot(result: Exclude<WriteResult, { kind: 'written' }>, name: string): string {
  switch (result.kind) {
    case 'already':
      return `Kong has the former certificate of ${name} already`;
    case 'refused':
      return result.refusal.message;
    case 'conflict':
      return `somebody else has just written ${name} (${result.error.message}); check it, and try again`;
    case 'failed':
      return result.error.message;
  }
}
