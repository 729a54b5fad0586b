import { onTestFinished } from 'vitest';
import { createSources } from '../../src/sources';
import { completeConfig } from '../../src/app/config';
import type { SourceScan } from '../../src/model';
import { Reader } from './scans';

/** The source of a configuration, as the plugin makes it; it ends with the test. */
export function readerOf(source: object): Reader {
  const [made] = createSources(completeConfig({ sources: [source] })).sources;
  if (made === undefined) throw new Error('no source was made');
  onTestFinished(() => made.close?.());
  return new Reader(made);
}

/** What a scan said is wrong, as one text: reasons and sentences. */
export const troubles = ({ errors }: SourceScan): string =>
  errors.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
