import { changeId } from '../model';
import type { PlanStep } from './plan';
import type { PassContext, Step } from './step';

/** Limit of the time that a pass spends on reports of watches. */
const MOST_MS = 30_000;

interface RoundSteps {
  scan: Step;
  plan: Pick<PlanStep, 'run' | 'few'>;
  write: Step;
  prove: Step;
  settle: Step;
}

/** Plans, writes, proves and settles, until nothing is left to write that was not attempted, or a change failed. */
export class RoundsStep implements Step {
  constructor(private readonly steps: RoundSteps) {}

  async run(pass: PassContext): Promise<void> {
    const { plan, write } = this.steps;
    const { work } = pass;
    await plan.run(pass);
    while (work.batch.length > 0 && !work.hasFailed) {
      await write.run(pass);
      await this.prove(pass);
      await plan.run(pass);
    }
  }

  /**
   * Proves and settles what was written. A proof takes seconds where a name is not served; it holds up no renewal that a
   * watch reports meanwhile.
   */
  private async prove(pass: PassContext): Promise<void> {
    const { prove, settle } = this.steps;
    const open = new Map<PassContext, Promise<void>>();
    const proven: PassContext[] = [];
    // Yields nothing: until something is touched, the race below is kept with what it yielded, and a part holds keys.
    const begin = (part: PassContext) => {
      const done = prove.run(part).then(() => void proven.push(part));
      // The first failure ends the pass.
      done.catch(() => undefined);
      open.set(part, done);
    };
    begin(pass);
    let touches = pass.work.isCalm ? pass.touches : null;
    while (open.size > 0) {
      await Promise.race([...open.values(), ...(touches === null ? [] : [touches.ready()])]);
      const next = proven.shift();
      if (next !== undefined) {
        open.delete(next);
        await settle.run(next);
        pass.work.hasFailed ||= next.work.hasFailed;
        continue;
      }
      const touched = pass.now() - pass.startedAt < MOST_MS ? (touches?.take() ?? null) : null;
      if (touched === null) touches = null;
      else {
        const part = pass.within(touched);
        if (await this.write(part, open.keys())) begin(part);
      }
    }
  }

  /**
   * Writes simple renewals among the touched bundles; everything else is left to the next plan.
   * @param open writes that are being proven: their certificates must not be written meanwhile
   * @returns whether something was written
   */
  private async write(part: PassContext, open: Iterable<PassContext>): Promise<boolean> {
    const { scan, plan, write } = this.steps;
    const busy = new Set([...open].flatMap(({ work }) => work.batch.map(changeId)));
    await scan.run(part);
    // Calm, as only the pass's own unfinished work is left.
    part.work.isCalm = true;
    if (!(await plan.few(part, busy))) return false;
    await write.run(part);
    return true;
  }
}
