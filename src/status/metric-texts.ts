import { Registry, type Metric } from 'prom-client';
import { isSuspect, safeText } from '../common/safe-text';
import { Slices } from '../common/slices';
import { METRICS, PREFIX, type MetricName } from './metric-names';
import type { Sample } from './metric-samples';

/** The families as text, each written in parts. */
export class MetricTexts {
  readonly #registry = new Registry();
  readonly #parts = new Map<MetricName, string[]>();
  readonly #slices = new Slices(1);
  readonly #labels = new SafeLabels();
  #values: readonly Sample[] = [];

  async add(name: MetricName, samples: Iterable<Sample>): Promise<void> {
    this.#values = this.#labels.safe([...samples]);
    const known = this.#parts.get(name);
    if (known === undefined) this.register(name);
    else if (this.#values.length === 0) return;
    const text = await this.#registry.getSingleMetricAsString(PREFIX + name);
    if (known === undefined) this.#parts.set(name, [text]);
    // The lines of help and type come with each part.
    else known.push(text.slice(text.indexOf('\n', text.indexOf('\n') + 1)));
    if (this.#slices.due) await this.#slices.pause();
  }

  toString(): string {
    const parts = (Object.keys(METRICS) as MetricName[]).flatMap((name, index) => [
      index === 0 ? '' : '\n\n',
      ...(this.#parts.get(name) ?? []),
    ]);
    // Joined once: 10,000 certificates make 20 MB.
    return [...parts, '\n'].join('');
  }

  /** prom-client's metrics hash the labels of each sample; a collector that returns its values does not. */
  private register(name: MetricName): void {
    const { help, type } = METRICS[name];
    const own = { name: PREFIX + name, help, type };
    const get = () => ({ ...own, values: this.#values });
    this.#registry.registerMetric({ ...own, get } as unknown as Metric);
  }
}

type Labels = NonNullable<Sample['labels']>;

/** Most labels that are remembered: more than those of the rows that are formatted at once. */
const MOST_LABELS = 1_000;

/**
 * Makes labels safe one by one, before they are escaped: escaping could hide a secret from the search, and a name that
 * looks like the beginning of a private key must not take other samples with it. Labels that samples share are searched
 * once.
 */
class SafeLabels {
  readonly #plain = new Set<Labels>();

  safe(samples: readonly Sample[]): readonly Sample[] {
    const fresh = new Set<Labels>();
    for (const { labels, sharedLabels } of samples) {
      for (const one of [labels, sharedLabels])
        if (one !== undefined && !this.#plain.has(one)) fresh.add(one);
    }
    let texts = '';
    for (const one of fresh) for (const value of Object.values(one)) texts += `${String(value)}\n`;
    if (isSuspect(texts)) return samples.map(safeSample);
    if (this.#plain.size > MOST_LABELS) this.#plain.clear();
    for (const one of fresh) this.#plain.add(one);
    return samples;
  }
}

const safeSample = ({ labels = {}, sharedLabels = {}, ...sample }: Sample): Sample => ({
  ...sample,
  labels: safeTexts(labels),
  sharedLabels: safeTexts(sharedLabels),
});

const safeTexts = <T extends string | number>(labels: Record<string, T>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [
      name,
      typeof value === 'string' ? (safeText(value) as T) : value,
    ]),
  );
