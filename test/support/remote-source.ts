import { onTestFinished } from 'vitest';
import { createSources } from '../../src/sources';
import { completeConfig } from '../../src/app/config';
import type { SourceScan } from '../../src/model';
import { Reader } from './scans';

/** The source of a configuration, as the plugin makes it; it ends with the test. */
export function readerOf(source: object, patienceMs?: number): Reader {
  const { sources, clusters } = createSources(completeConfig({ sources: [source] }), () => false, patienceMs);
  const [made] = sources;
  if (made === undefined) throw new Error('no source was made');
  const close = () => {
    made.close?.();
    for (const client of clusters.values()) client.close();
  };
  onTestFinished(close);
  return new Reader(made, close);
}

/** The errors of a scan as one text: reasons and sentences. */
export const troubles = ({ errors, partial = [] }: SourceScan): string =>
  [...errors, ...partial].map(({ reason, message }) => `${reason}: ${message}`).join('\n');
